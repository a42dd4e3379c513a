//! The engine of Cedar policies: principal, action, resource and context of a request, and what a file of policies says to them.
//!
//! A principal is the account, in the roles that are granted: `principal in Role::"admin"`. An action has the name that
//! [`Action`] has, and a resource is the route. The context has the granted scopes and the method of the request. Policies are
//! held to this when they are read: one that names another action or role could never permit, nor forbid.

use std::collections::HashSet;
use std::fmt;
use std::fmt::Write as _;
use std::path::Path;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid,
    PolicySet, Request, RestrictedExpression, Schema, ValidationMode, Validator,
};
use miette::Diagnostic;

use super::{PoliciesError, PoliciesFrom, Question};
use crate::cause::{self, Source};
use crate::files;
use crate::policy::{Action, Role, Roles, Scope, Scopes};

/// The policies that decide as roles and scopes do.
const BUILT_IN: &str = include_str!("roles.cedar");

/// More policies than anybody keeps in a file; each of them is looked at for a request.
const MOST_POLICIES: usize = 10_000;

/// The policies, and everything of a request that does not change.
pub(crate) struct Cedar {
    policies: PolicySet,
    authorizer: Authorizer,
    account: EntityTypeName,
    route: EntityTypeName,
    /// In the order of [`Action::ALL`].
    actions: Vec<EntityUid>,
    /// In the order of [`Role::ALL`].
    roles: Vec<EntityUid>,
    fingerprint: u64,
}

impl Cedar {
    pub(super) fn open(from: &PoliciesFrom) -> Result<Self, PoliciesError> {
        let PoliciesFrom::File(path) = from else {
            return Self::of(BUILT_IN).map_err(|wrong| PoliciesError(wrong.to_string()));
        };
        let text = files::read_text(path).map_err(|error| refused(path, &error))?;
        Self::of(&text).map_err(|wrong| refused(path, &wrong))
    }

    /// The policies of a text.
    fn of(text: &str) -> Result<Self, Wrong> {
        let (schema, _) = Schema::from_cedarschema_str(&schema()).map_err(|error| Wrong {
            line: None,
            problem: error.to_string(),
        })?;
        let policies: PolicySet = text
            .parse()
            .map_err(|error: cedar_policy::ParseErrors| Wrong::of(text, &error))?;
        let problem = match policies.num_of_policies() {
            _ if policies.num_of_templates() > 0 => Some("a template has nobody who links it"),
            0 => Some("there is no policy, so nothing would be permitted"),
            MOST_POLICIES.. => Some("there are more than 9999 policies"),
            _ => None,
        };
        if let Some(problem) = problem {
            let problem = problem.to_owned();
            return Err(Wrong {
                line: None,
                problem,
            });
        }
        if let Some(error) = Validator::new(schema)
            .validate(&policies, ValidationMode::Strict)
            .validation_errors()
            .next()
        {
            return Err(Wrong::of(text, error));
        }
        let kind = |name: &str| -> Result<EntityTypeName, Wrong> {
            name.parse()
                .map_err(|error: cedar_policy::ParseErrors| Wrong::of(name, &error))
        };
        let named = |kind: &EntityTypeName, name: &str| uid(kind.clone(), name);
        let (action, role) = (kind("Action")?, kind("Role")?);
        Ok(Self {
            policies,
            authorizer: Authorizer::new(),
            account: kind("Account")?,
            route: kind("Route")?,
            actions: Action::ALL
                .iter()
                .map(|of| named(&action, of.label()))
                .collect(),
            roles: Role::ALL
                .iter()
                .map(|of| named(&role, of.label()))
                .collect(),
            fingerprint: fingerprint(text),
        })
    }

    /// Whether the policies permit it. What cannot be evaluated is refused, whatever other policies say: the one that failed may
    /// have been to forbid it.
    pub(super) fn allows(
        &self,
        asked: Question<'_>,
        roles: Roles,
        scopes: Scopes,
        name: &str,
    ) -> bool {
        match self.decide(asked, roles, scopes, name) {
            Ok(allows) => allows,
            Err(problem) => {
                cause::tell(Source::Policies, &problem);
                false
            }
        }
    }

    fn decide(
        &self,
        asked: Question<'_>,
        roles: Roles,
        scopes: Scopes,
        name: &str,
    ) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
        let account = uid(self.account.clone(), name);
        let parents: HashSet<EntityUid> = roles
            .iter()
            .map(|role| self.roles[role as usize].clone())
            .collect();
        let entities =
            Entities::from_entities([Entity::new_no_attrs(account.clone(), parents)], None)?;
        let scopes = scopes
            .iter()
            .map(|scope| RestrictedExpression::new_string(scope.label().to_owned()));
        let context = Context::from_pairs([
            (
                "method".to_owned(),
                RestrictedExpression::new_string(asked.method.to_owned()),
            ),
            ("scopes".to_owned(), RestrictedExpression::new_set(scopes)),
        ])?;
        let action = self.actions[asked.action as usize].clone();
        let route = uid(self.route.clone(), asked.route);
        let request = Request::new(account, action, route, context, None)?;
        let response = self
            .authorizer
            .is_authorized(&request, &self.policies, &entities);
        match response.diagnostics().errors().next() {
            Some(error) => Err(error.to_string().into()),
            None => Ok(response.decision() == Decision::Allow),
        }
    }

    pub(super) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}

impl fmt::Debug for Cedar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cedar")
            .field("policies", &self.policies.num_of_policies())
            .finish_non_exhaustive()
    }
}

fn uid(kind: EntityTypeName, name: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind, EntityId::new(name))
}

/// 64 bits of the text's digest.
fn fingerprint(text: &str) -> u64 {
    let digest = blake3::hash(text.as_bytes());
    let (first, _) = digest.as_bytes().split_at(8);
    first
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// What there is to write policies about.
fn schema() -> String {
    format!(
        "entity Role enum [{}]; entity Account in [Role]; entity Route; action {} appliesTo {{ principal: Account, resource: Route, context: {{ method: String, scopes: Set<String> }} }};",
        quoted("", Role::ALL.iter().map(|role| role.label())),
        quoted("", Action::ALL.iter().map(|action| action.label())),
    )
}

/// The same for who wrote one that is wrong.
fn accepted() -> String {
    format!(
        "accepted: Cedar policies for principals Account::\"NAME\" in {}; actions {}; resources Route::\"/items\"; context.method and context.scopes of {}",
        quoted("Role::", Role::ALL.iter().map(|role| role.label())),
        quoted("Action::", Action::ALL.iter().map(|action| action.label())),
        quoted("", Scope::ALL.iter().map(|scope| scope.label())),
    )
}

fn quoted<'a>(kind: &str, names: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for (i, name) in names.enumerate() {
        let _ = write!(text, "{}{kind}\"{name}\"", if i > 0 { ", " } else { "" });
    }
    text
}

/// What is wrong with policies, and in which line, from 1, where that is known.
#[derive(Debug)]
struct Wrong {
    line: Option<usize>,
    problem: String,
}

impl Wrong {
    fn of(text: &str, error: &(impl Diagnostic + fmt::Display)) -> Self {
        let place = error.labels().and_then(|mut labels| labels.next());
        let line = place.map(|place| {
            let before = text.as_bytes().iter().take(place.offset());
            1 + before.filter(|byte| **byte == b'\n').count()
        });
        Self {
            line,
            problem: cause::plain(error),
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.problem)
    }
}

fn refused(path: &Path, problem: &dyn fmt::Display) -> PoliciesError {
    PoliciesError(format!(
        "policies file {}: {problem}; {}",
        path.display(),
        accepted()
    ))
}

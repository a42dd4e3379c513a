//! What a gate promises: who may do what, how credentials are got and presented, and how soon changes count.

mod histories;
mod tables;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use authlab_loadtest::origin::Origin;
use authlab_loadtest::protocol::{Protocol, Trust};
use authlab_loadtest::scenario::tables::{StepTable, Typed};
use authlab_loadtest::scenario::{ScenarioError, Source, Step, Template};
use authlab_reports::foreign;

use crate::history::{Form, Op};
use tables::{ChangeTable, PresentTable, PrincipalTable, RouteTable, Tables};

/// A larger file is no contract.
const MOST_FILE_BYTES: u64 = 4 << 20;
/// A shorter text would be found by chance.
const LEAST_MARK: usize = 3;

/// Credentials name their times in whole seconds.
const WHOLE_SECOND: Duration = Duration::from_secs(1);

/// The principal that has no credential.
pub const ANONYMOUS: &str = "anonymous";
/// In `may`: also without a credential.
const ANYONE: &str = "anyone";
/// In `may`: every principal of the contract.
const SIGNED_IN: &str = "signed-in";

/// A contract that was checked.
pub struct Contract {
    /// The file.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Its name.
    pub name: String,
    /// The gate.
    pub base: Origin,
    /// Its line in the file.
    pub line_of_base: usize,
    /// Further servers that steps are sent to.
    pub servers: Vec<(String, Origin)>,
    /// What is spoken with them.
    pub protocol: Protocol,
    /// Who asks; the last has no credential.
    pub principals: Vec<Principal>,
    /// What is asked for.
    pub routes: Vec<Route>,
    /// What changes who may.
    pub changes: Vec<Change>,
    /// How long a credential lives.
    pub expiry: Option<Expiry>,
    /// A header and its value that make a request one of another tenant.
    pub tenant: Option<(String, String)>,
    /// A header and its value that make a request one of another sender.
    pub sender: Option<(String, String)>,
    /// Steps before each history.
    pub reset: Vec<Step>,
    /// Forms that are not used.
    pub ignored: BTreeSet<Form>,
    /// Histories that are played instead of random ones.
    pub histories: Vec<Vec<Op>>,
}

/// How long a credential lives.
#[derive(Debug, Clone, Copy)]
pub struct Expiry {
    /// From when it was issued.
    pub after: Duration,
    /// How long after that it may still pass.
    pub within: Duration,
    /// How long before that it may be refused: tokens name their times in whole seconds.
    pub early: Duration,
}

/// Who asks.
pub struct Principal {
    /// Its name.
    pub name: String,
    /// Its line in the file.
    pub line: usize,
    /// Its role.
    pub role: Option<String>,
    /// The values that its steps use.
    pub values: BTreeMap<String, String>,
    /// The variables of the environment that some of them came from.
    pub variables: BTreeMap<String, String>,
    /// How it signs in.
    pub sign_in: Vec<Step>,
    /// The ways in which it presents its credential: whether each sends the cookies that its steps got.
    pub ways: Vec<bool>,
    /// Whether it is left unchanged.
    pub is_spared: bool,
}

/// What is asked for.
pub struct Route {
    /// Method and target.
    pub request: String,
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Its line in the file.
    pub line: usize,
    /// Principals and roles that may.
    may: Vec<String>,
    /// For each principal the text that shows that an answer is for it.
    pub marks: Vec<Option<String>>,
    /// Statuses that permit; any 2xx where there is none.
    permits: Vec<u16>,
    /// The request, by principal and way.
    pub requests: Vec<Vec<Step>>,
}

/// Which credentials a change ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// The one with which it is made, or for which it is made.
    Credential,
    /// Every one that the principal has by then.
    Principal,
}

/// What changes who may.
pub struct Change {
    /// Its name.
    pub name: String,
    /// The credentials that end.
    pub ends: Option<Ends>,
    /// The role that the principal then has.
    pub role: Option<String>,
    /// Whether the credential is replaced.
    pub refreshes: bool,
    /// Its steps.
    pub steps: Vec<Step>,
    /// The principal that makes them; the one that is changed where there is none.
    pub by: Option<usize>,
    /// Steps that undo it.
    pub undo: Vec<Step>,
    /// The principals that it can change.
    pub of: Vec<usize>,
    /// How long after its answer the state before it may still count.
    pub within: Duration,
}

impl Contract {
    /// Reads a contract.
    ///
    /// # Errors
    /// The file cannot be read, or holds something that is not accepted.
    pub fn read(path: &Path) -> Result<Self, ScenarioError> {
        let shown = path.display().to_string();
        let text = foreign::read_text(path, MOST_FILE_BYTES).map_err(|cause| {
            ScenarioError::Unreadable {
                path: shown.clone(),
                cause: cause.to_string(),
            }
        })?;
        Self::parse(&shown, &text)
    }

    /// Checks a contract's text; `path` is named in errors.
    ///
    /// # Errors
    /// It holds something that is not accepted.
    pub fn parse(path: &str, text: &str) -> Result<Self, ScenarioError> {
        let reader = Reader(Source {
            path,
            text: Some(text),
        });
        let tables = toml::from_str(text).map_err(|error| reader.0.syntax(&error))?;
        reader.contract(&tables, text)
    }

    /// The principal without a credential.
    #[must_use]
    pub fn anonymous(&self) -> usize {
        self.principals.len().saturating_sub(1)
    }

    /// Whether a principal of this role may ask for a route.
    #[must_use]
    pub fn may(&self, route: usize, who: usize, role: Option<&str>) -> bool {
        let named = |name: &str| self.routes[route].may.iter().any(|may| may == name);
        if named(ANYONE) {
            return true;
        }
        who != self.anonymous()
            && (named(SIGNED_IN) || named(&self.principals[who].name) || role.is_some_and(named))
    }

    /// Whether a route is for everyone.
    #[must_use]
    pub fn is_public(&self, route: usize) -> bool {
        self.routes[route].may.iter().any(|may| may == ANYONE)
    }
}

impl Route {
    /// Whether a status permits.
    #[must_use]
    pub fn permits(&self, status: u16) -> bool {
        if self.permits.is_empty() {
            (200..300).contains(&status)
        } else {
            self.permits.contains(&status)
        }
    }
}

/// Reads the tables of one file.
struct Reader<'a>(Source<'a>);

impl Reader<'_> {
    fn contract(&self, file: &Tables, text: &str) -> Result<Contract, ScenarioError> {
        let source = &self.0;
        let base = self.origin(&file.base, file)?;
        let mut servers = Vec::new();
        for (name, url) in &file.servers {
            servers.push((name.clone(), self.origin(url, file)?));
        }
        let steps = self.steps(file)?;
        let mut principals = Vec::new();
        for table in &file.principal {
            let taken: Vec<_> = principals
                .iter()
                .map(|p: &Principal| p.name.as_str())
                .collect();
            let name = source.unique("principal", &table.name, &taken)?;
            if [ANONYMOUS, ANYONE, SIGNED_IN].contains(&name.as_str()) {
                return Err(source.refuse(
                    &table.name,
                    format!("`{name}` has a meaning of its own; choose another name"),
                ));
            }
            principals.push(self.principal(name, table, file, &steps)?);
        }
        if principals.is_empty() || file.route.is_empty() {
            return Err(source.refuse(
                &file.name,
                "the contract needs at least one principal and one route",
            ));
        }
        principals.push(Principal {
            name: ANONYMOUS.to_owned(),
            line: 1,
            role: None,
            values: BTreeMap::new(),
            variables: BTreeMap::new(),
            sign_in: Vec::new(),
            ways: vec![false],
            is_spared: true,
        });
        let mut changes: Vec<Change> = Vec::new();
        for table in &file.change {
            let taken: Vec<_> = changes.iter().map(|change| change.name.as_str()).collect();
            let name = source.unique("change", &table.name, &taken)?;
            if ["expire", "wait"].contains(&name.as_str()) {
                return Err(source.refuse(
                    &table.name,
                    format!("`{name}` has a meaning of its own; choose another name"),
                ));
            }
            changes.push(self.change(name, table, file, &steps, &principals)?);
        }
        let mut roles: BTreeSet<&str> = principals
            .iter()
            .filter_map(|p| p.role.as_deref())
            .collect();
        roles.extend(changes.iter().filter_map(|change| change.role.as_deref()));
        let mut routes: Vec<Route> = Vec::new();
        for table in &file.route {
            let route = self.route(table, file, &principals, &roles)?;
            if routes.iter().any(|other| other.request == route.request) {
                return Err(source.refuse(
                    &table.request,
                    format!("route `{}` is already there", route.request),
                ));
            }
            routes.push(route);
        }
        let expiry = match &file.expiry {
            None => None,
            Some(table) => Some(Expiry {
                after: source.duration(&table.after)?,
                within: source.duration_or_zero(&table.within)?,
                early: match &table.early {
                    None => WHOLE_SECOND,
                    Some(early) => source.duration_or_zero(early)?,
                },
            }),
        };
        let other = |table: &Option<tables::OtherTable>| {
            let Some(table) = table else {
                return Ok(None);
            };
            let name: Result<http::HeaderName, _> = table.header.get_ref().parse();
            let name = name.map_err(|_| {
                source.refuse(
                    &table.header,
                    format!("`{}` is not a header name", table.header.get_ref()),
                )
            })?;
            Ok(Some((name.to_string(), table.other.get_ref().clone())))
        };
        let mut contract = Contract {
            path: source.path.to_owned(),
            text: text.to_owned(),
            name: source.name(&file.name)?,
            base,
            line_of_base: source.line(&file.base),
            servers,
            protocol: self.protocol(file)?,
            principals,
            routes,
            changes,
            expiry,
            tenant: other(&file.tenant)?,
            sender: other(&file.sender)?,
            reset: self.named(&file.reset, file, &steps)?,
            ignored: self.ignored(file)?,
            histories: Vec::new(),
        };
        for table in &file.history {
            let ops = table.ops.get_ref().iter();
            let ops: Result<Vec<Op>, String> = ops.map(|op| contract.op(op)).collect();
            let ops = ops.map_err(|why| source.refuse(&table.ops, why))?;
            contract.histories.push(ops);
        }
        Ok(contract)
    }

    /// A server that may be asked: on this machine, or named in `hosts`.
    fn origin(&self, url: &Typed<String>, file: &Tables) -> Result<Origin, ScenarioError> {
        let parsed =
            Origin::parse(url.get_ref()).map_err(|error| self.0.refuse(url, error.to_string()))?;
        let (origin, path) = parsed;
        if path != "/" {
            return Err(self.0.refuse(
                url,
                "an address of a server has no path; routes have theirs",
            ));
        }
        let host = origin.host.trim_start_matches('[').trim_end_matches(']');
        let is_loopback = host == "localhost"
            || host
                .parse()
                .is_ok_and(|address: IpAddr| address.is_loopback());
        if !is_loopback
            && !file
                .hosts
                .iter()
                .any(|named| *named.get_ref() == origin.host)
        {
            return Err(self.0.refuse(
                url,
                format!(
                    "`{}` is not this machine; name it in `hosts` if you may test it",
                    origin.host
                ),
            ));
        }
        Ok(origin)
    }

    fn protocol(&self, file: &Tables) -> Result<Protocol, ScenarioError> {
        let is_secure = file.base.get_ref().starts_with("https://");
        let tls = match &file.ca {
            None => is_secure.then_some(Trust::System),
            Some(ca) => {
                let folder = Path::new(self.0.path).parent().unwrap_or(Path::new("."));
                let trust = Trust::read(&folder.join(ca.get_ref()));
                Some(trust.map_err(|error| self.0.refuse(ca, error.to_string()))?)
            }
        };
        for url in file.servers.values() {
            if url.get_ref().starts_with("https://") != is_secure {
                return Err(self
                    .0
                    .refuse(url, "`base` and `servers` are all http or all https"));
            }
        }
        Ok(Protocol {
            tls,
            ..Protocol::default()
        })
    }

    fn steps(&self, file: &Tables) -> Result<Vec<Step>, ScenarioError> {
        let mut steps: Vec<Step> = Vec::new();
        for table in &file.step {
            let taken: Vec<_> = steps.iter().map(|step| step.name.as_str()).collect();
            self.0.unique("step", &table.name, &taken)?;
            if let Some(at) = &table.at {
                self.0.position("server", at, file.servers.keys())?;
            }
            steps.push(self.0.single_step(table)?);
        }
        if steps.iter().any(|step| step.submit.is_some()) {
            for step in &mut steps {
                step.keeps_page = true;
            }
        }
        Ok(steps)
    }

    fn named(
        &self,
        names: &[Typed<String>],
        file: &Tables,
        steps: &[Step],
    ) -> Result<Vec<Step>, ScenarioError> {
        let there = || file.step.iter().map(|step| step.name.get_ref());
        let places = names
            .iter()
            .map(|name| self.0.position("step", name, there()));
        places.map(|place| Ok(steps[place?].clone())).collect()
    }

    fn principal(
        &self,
        name: String,
        table: &PrincipalTable,
        file: &Tables,
        steps: &[Step],
    ) -> Result<Principal, ScenarioError> {
        let mut values = BTreeMap::from([("name".to_owned(), name.clone())]);
        values.extend(table.role.clone().map(|role| ("role".to_owned(), role)));
        let mut variables = BTreeMap::new();
        for (key, value) in &table.values {
            if let Some(variable) = value.get_ref().strip_prefix("env:") {
                variables.insert(key.get_ref().clone(), variable.to_owned());
            }
            let text = match value.get_ref().strip_prefix("env:") {
                None => value.get_ref().clone(),
                Some(variable) => std::env::var(variable).map_err(|_| {
                    self.0
                        .refuse(value, format!("the environment has no variable {variable}"))
                })?,
            };
            values.insert(key.get_ref().clone(), text);
        }
        if table.present.is_empty() {
            return Err(self.0.refuse(
                &table.name,
                format!("principal `{name}` presents nothing; write e.g. present = [{{ bearer = \"{{token}}\" }}], or [{{ cookies = true }}] for those that its steps get"),
            ));
        }
        Ok(Principal {
            line: self.0.line(&table.name),
            role: table.role.clone(),
            values,
            variables,
            sign_in: self.named(&table.sign_in, file, steps)?,
            ways: table.present.iter().map(|way| way.cookies).collect(),
            is_spared: table.spare,
            name,
        })
    }

    fn change(
        &self,
        name: String,
        table: &ChangeTable,
        file: &Tables,
        steps: &[Step],
        principals: &[Principal],
    ) -> Result<Change, ScenarioError> {
        let source = &self.0;
        let ends = match &table.ends {
            None => None,
            Some(ends) => Some(match ends.get_ref().as_str() {
                "credential" => Ends::Credential,
                "principal" => Ends::Principal,
                other => {
                    return Err(source.refuse(
                        ends,
                        format!("ends `{other}` is not accepted; use credential or principal"),
                    ));
                }
            }),
        };
        if (ends.is_some() || table.role.is_some()) == table.refreshes {
            return Err(source.refuse(
                &table.name,
                format!("change `{name}` has `ends` or `role` or both, or else `refreshes = true`"),
            ));
        }
        let names = || principals.iter().map(|principal| &principal.name);
        let mut of = Vec::new();
        match &table.of {
            None => of.extend((0..principals.len()).filter(|who| !principals[*who].is_spared)),
            Some(typed) => {
                for name in typed {
                    of.push(source.position("principal", name, names())?);
                }
            }
        }
        let by = table
            .by
            .as_ref()
            .map(|by| source.position("principal", by, names()))
            .transpose()?;
        Ok(Change {
            name,
            ends,
            role: table.role.clone(),
            refreshes: table.refreshes,
            steps: self.named(&table.steps, file, steps)?,
            by,
            undo: self.named(&table.undo, file, steps)?,
            of,
            within: source.duration_or_zero(&table.within)?,
        })
    }

    fn route(
        &self,
        table: &RouteTable,
        file: &Tables,
        principals: &[Principal],
        roles: &BTreeSet<&str>,
    ) -> Result<Route, ScenarioError> {
        let source = &self.0;
        let mut may = Vec::new();
        for typed in table.may.get_ref() {
            let name = typed.get_ref();
            let is_known = [ANYONE, SIGNED_IN].contains(&name.as_str())
                || roles.contains(name.as_str())
                || principals.iter().any(|principal| principal.name == *name);
            if !is_known {
                let known: Vec<_> = principals
                    .iter()
                    .map(|p| p.name.as_str())
                    .chain(roles.iter().copied())
                    .collect();
                return Err(source.refuse(
                    typed,
                    format!(
                        "`{name}` is no principal and no role; there are: {}, signed-in, anyone",
                        known.join(", ")
                    ),
                ));
            }
            may.push(name.clone());
        }
        let mut requests = Vec::new();
        for principal in principals {
            let typed = file
                .principal
                .iter()
                .find(|typed| *typed.name.get_ref() == principal.name);
            let ways = typed.map_or_else(
                || vec![PresentTable::default()],
                |typed| typed.present.clone(),
            );
            let steps = ways
                .iter()
                .map(|way| source.single_step(&step_table(table, way)));
            requests.push(steps.collect::<Result<Vec<_>, _>>()?);
        }
        let step = &requests[0][0];
        let no_values = |_: &str, _: &mut String| false;
        let target = step.target.fill(no_values).map_err(|_| {
            source.refuse(
                &table.request,
                "a route is the same for each principal: its path has no {value}",
            )
        })?;
        Ok(Route {
            request: format!("{} {target}", step.method),
            method: step.method.to_string(),
            target,
            line: source.line(&table.request),
            may,
            marks: self.marks(table, principals)?,
            permits: table.permits.clone(),
            requests,
        })
    }

    /// What shows that an answer is for a principal: a text of its own, which is in no other's.
    fn marks(
        &self,
        table: &RouteTable,
        principals: &[Principal],
    ) -> Result<Vec<Option<String>>, ScenarioError> {
        let Some(typed) = &table.shows else {
            return Ok(vec![None; principals.len()]);
        };
        let template = Template::new(typed.get_ref());
        let mut marks: Vec<Option<String>> = Vec::new();
        for principal in principals {
            if principal.name == ANONYMOUS {
                marks.push(None);
                continue;
            }
            let filled = template.fill(|name, text| match principal.values.get(name) {
                Some(value) => {
                    text.push_str(value);
                    true
                }
                None => false,
            });
            let mark = filled.map_err(|error| {
                self.0
                    .refuse(typed, format!("`shows` for `{}`: {error}", principal.name))
            })?;
            if mark.len() < LEAST_MARK {
                return Err(self.0.refuse(
                    typed,
                    format!(
                        "`shows` has fewer than {LEAST_MARK} octets for `{}`",
                        principal.name
                    ),
                ));
            }
            marks.push(Some(mark));
        }
        Ok(marks)
    }

    fn ignored(&self, file: &Tables) -> Result<BTreeSet<Form>, ScenarioError> {
        let labels: Vec<String> = Form::VARIED.iter().map(|form| form.label()).collect();
        let places = file
            .ignore
            .iter()
            .map(|typed| self.0.position("form", typed, labels.iter()));
        places.map(|place| Ok(Form::VARIED[place?])).collect()
    }
}

/// A route as a principal asks for it in one of its ways.
fn step_table(route: &RouteTable, way: &PresentTable) -> StepTable {
    let mut headers = route.headers.clone();
    headers.extend(
        way.headers
            .iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    StepTable {
        name: "route".into(),
        request: Some(route.request.clone()),
        headers,
        json: route.json.clone(),
        body: route.body.clone(),
        bearer: way.bearer.clone(),
        basic: way.basic.clone(),
        dpop: way.dpop,
        ..StepTable::default()
    }
}

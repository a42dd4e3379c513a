//! What a gate promises: who may do what, how credentials are got and presented, and how soon changes count.

mod histories;
mod reader;
mod tables;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use authlab_loadtest::origin::Origin;
use authlab_loadtest::protocol::Protocol;
use authlab_loadtest::scenario::{ScenarioError, Source, Step};
use authlab_reports::foreign;

use crate::history::{Form, Op};
use reader::Reader;

/// A larger file is no contract.
const MOST_FILE_BYTES: u64 = 4 << 20;

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
    /// Whether a request that does not have exactly one `Host` has to be refused.
    pub one_host: bool,
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
    /// Its name; method and target where it has none.
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
    /// JSON pointer to the decision in an answer of such a status, where the status does not say it.
    pub decision: Option<String>,
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
    /// Whether an answer permits.
    #[must_use]
    pub fn permits(&self, status: u16, body: &[u8]) -> bool {
        self.decided(status, body) == Some(true)
    }

    /// What an answer decides: nothing, where it should say so in its body and does not.
    #[must_use]
    pub fn decided(&self, status: u16, body: &[u8]) -> Option<bool> {
        let is_listed = if self.permits.is_empty() {
            (200..300).contains(&status)
        } else {
            self.permits.contains(&status)
        };
        let Some(pointer) = self.decision.as_ref().filter(|_| is_listed) else {
            return Some(is_listed);
        };
        let body: serde_json::Value = serde_json::from_slice(body).ok()?;
        body.pointer(pointer)?.as_bool()
    }
}

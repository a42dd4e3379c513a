//! A contract as typed. What each key means is described in `docs/check.md`.

use std::collections::BTreeMap;

use authlab_loadtest::scenario::tables::{StepTable, Typed};
use serde::Deserialize;

use crate::history::OpText;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tables {
    pub(super) name: Typed<String>,
    pub(super) base: Typed<String>,
    #[serde(default)]
    pub(super) servers: BTreeMap<String, Typed<String>>,
    /// Hosts other than loopback that may be asked.
    #[serde(default)]
    pub(super) hosts: Vec<Typed<String>>,
    pub(super) ca: Option<Typed<String>>,
    #[serde(default)]
    pub(super) reset: Vec<Typed<String>>,
    /// Whether a request that does not have exactly one `Host` has to be refused.
    #[serde(default)]
    pub(super) one_host: bool,
    #[serde(default)]
    pub(super) ignore: Vec<Typed<String>>,
    #[serde(default)]
    pub(super) step: Vec<StepTable>,
    pub(super) principal: Vec<PrincipalTable>,
    #[serde(default)]
    pub(super) route: Vec<RouteTable>,
    pub(super) openapi: Option<OpenApiTable>,
    #[serde(default)]
    pub(super) change: Vec<ChangeTable>,
    pub(super) expiry: Option<ExpiryTable>,
    pub(super) tenant: Option<OtherTable>,
    pub(super) sender: Option<OtherTable>,
    #[serde(default)]
    pub(super) history: Vec<HistoryTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PrincipalTable {
    pub(super) name: Typed<String>,
    pub(super) role: Option<String>,
    #[serde(default)]
    pub(super) values: BTreeMap<Typed<String>, Typed<String>>,
    #[serde(default)]
    pub(super) sign_in: Vec<Typed<String>>,
    /// The ways in which it presents its credential.
    #[serde(default)]
    pub(super) present: Vec<PresentTable>,
    /// Changes that are never made to it.
    #[serde(default)]
    pub(super) spare: bool,
}

/// A way to present a credential.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PresentTable {
    #[serde(default)]
    pub(super) headers: BTreeMap<Typed<String>, Typed<String>>,
    pub(super) bearer: Option<Typed<String>>,
    pub(super) basic: Option<Typed<Vec<String>>>,
    #[serde(default)]
    pub(super) dpop: bool,
    /// Whether it sends the cookies that its steps got.
    #[serde(default)]
    pub(super) cookies: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteTable {
    /// What it is called; method and target by default.
    pub(super) name: Option<Typed<String>>,
    pub(super) request: Typed<String>,
    #[serde(default)]
    pub(super) headers: BTreeMap<Typed<String>, Typed<String>>,
    pub(super) json: Option<Typed<toml::Value>>,
    pub(super) body: Option<Typed<String>>,
    pub(super) may: Typed<Vec<Typed<String>>>,
    /// Text of an answer that shows whom it is for.
    pub(super) shows: Option<Typed<String>>,
    /// Statuses by which it permits; any 2xx by default.
    #[serde(default)]
    pub(super) permits: Vec<u16>,
    /// JSON pointer to the decision in such an answer.
    pub(super) decision: Option<Typed<String>>,
}

/// Routes of an OpenAPI document.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenApiTable {
    pub(super) file: Typed<String>,
    /// Who may what the document secures.
    pub(super) may: Typed<Vec<Typed<String>>>,
    /// GET alone where there is none.
    #[serde(default)]
    pub(super) methods: Vec<Typed<String>>,
    /// Paths that are left out, as the document has them.
    #[serde(default)]
    pub(super) except: Vec<Typed<String>>,
    /// For the parameters of paths.
    #[serde(default)]
    pub(super) values: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeTable {
    pub(super) name: Typed<String>,
    /// `credential` or `principal`.
    pub(super) ends: Option<Typed<String>>,
    pub(super) role: Option<String>,
    #[serde(default)]
    pub(super) refreshes: bool,
    pub(super) steps: Vec<Typed<String>>,
    pub(super) by: Option<Typed<String>>,
    /// Steps that undo it after a history.
    #[serde(default)]
    pub(super) undo: Vec<Typed<String>>,
    pub(super) of: Option<Vec<Typed<String>>>,
    pub(super) within: Typed<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpiryTable {
    pub(super) after: Typed<String>,
    pub(super) within: Typed<String>,
    /// How much earlier it may end: tokens name their times in whole seconds.
    pub(super) early: Option<Typed<String>>,
}

/// A header that a request of another tenant, or another sender, has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OtherTable {
    pub(super) header: Typed<String>,
    pub(super) other: Typed<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryTable {
    pub(super) ops: Typed<Vec<OpText>>,
}

//! A scenario as typed: the tables of a TOML file, which a program may fill in as well.
//!
//! [`Scenario::of`](super::Scenario::of) checks them. What each key means and accepts is described in `docs/scenarios.md`.

#![expect(
    missing_docs,
    reason = "the keys are described once, in docs/scenarios.md"
)]

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use crate::protocol::HttpVersion;

/// A value as typed, and where in the text of its file it stands: at its beginning, if there is no file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub struct Typed<T>(Spanned<T>);

impl<T> Typed<T> {
    pub(super) fn new(span: Range<usize>, value: T) -> Self {
        Self(Spanned::new(span, value))
    }

    pub(super) fn span(&self) -> Range<usize> {
        self.0.span()
    }

    /// Another value that stands for this one.
    pub fn with<U>(&self, value: U) -> Typed<U> {
        Typed::new(self.span(), value)
    }

    /// The value.
    pub fn get_ref(&self) -> &T {
        self.0.get_ref()
    }
}

impl<T> From<T> for Typed<T> {
    fn from(value: T) -> Self {
        Self::new(0..0, value)
    }
}

impl From<&str> for Typed<String> {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// A constant rate.
impl From<f64> for Typed<toml::Value> {
    fn from(per_second: f64) -> Self {
        toml::Value::Float(per_second).into()
    }
}

impl<T: Default> Default for Typed<T> {
    fn default() -> Self {
        T::default().into()
    }
}

/// A whole scenario.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tables {
    pub name: Typed<String>,
    pub question: String,
    pub baseline: Option<Typed<String>>,
    #[serde(default)]
    pub flags: BTreeMap<String, toml::Value>,
    #[serde(default)]
    pub beside: Vec<BesideTable>,
    pub variant: Vec<VariantTable>,
    pub step: Vec<StepTable>,
    #[serde(default)]
    pub pool: Vec<PoolTable>,
    pub load: Vec<LoadTable>,
    pub ladder: Option<LadderTable>,
    #[serde(default)]
    pub change: Vec<ChangeTable>,
}

/// `[[beside]]`: a server beside the variants' own.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BesideTable {
    pub name: Typed<String>,
    /// What it is to the variants that name it, where that is not its own name.
    pub role: Option<Typed<String>>,
    pub flags: Option<BTreeMap<String, toml::Value>>,
    pub command: Option<Typed<Vec<String>>>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    pub ready: Option<Typed<String>>,
    pub ready_within: Option<Typed<String>>,
}

impl BesideTable {
    /// By what name it is told of and sent to.
    pub(super) fn known_as(&self) -> &String {
        self.role.as_ref().unwrap_or(&self.name).get_ref()
    }
}

/// `[[variant]]`: a design under test.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariantTable {
    pub name: Typed<String>,
    pub label: Option<String>,
    pub flags: Option<BTreeMap<String, toml::Value>>,
    pub command: Option<Typed<Vec<String>>>,
    pub url: Option<Typed<String>>,
    pub tls: Option<Typed<bool>>,
    pub ca: Option<Typed<String>>,
    pub certificate: Option<Typed<[String; 2]>>,
    pub http: Option<Typed<String>>,
    pub host: Option<Typed<String>>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    pub ready: Option<Typed<String>>,
    pub ready_within: Option<Typed<String>>,
    #[serde(default)]
    pub beside: Vec<Typed<String>>,
    #[serde(default)]
    pub requires: Vec<String>,
    #[serde(default)]
    pub gives_up: Vec<String>,
    pub holds: Option<Typed<usize>>,
}

impl VariantTable {
    /// Whether its users speak HTTP/2.
    pub(super) fn speaks_http2(&self) -> bool {
        let http = self.http.as_ref().map(|typed| typed.get_ref().as_str());
        http == Some(HttpVersion::Two.label())
    }
}

/// `[[step]]`: a request.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepTable {
    pub name: Typed<String>,
    #[serde(default)]
    pub variants: Vec<Typed<String>>,
    pub at: Option<Typed<String>>,
    #[serde(default)]
    pub set: BTreeMap<Typed<String>, String>,
    pub request: Option<Typed<String>>,
    pub submit: Option<Typed<BTreeMap<String, String>>>,
    #[serde(default)]
    pub headers: BTreeMap<Typed<String>, Typed<String>>,
    pub basic: Option<Typed<Vec<String>>>,
    pub bearer: Option<Typed<String>>,
    #[serde(default)]
    pub dpop: bool,
    pub json: Option<Typed<toml::Value>>,
    pub body: Option<Typed<String>>,
    pub form: Option<Typed<BTreeMap<String, String>>>,
    pub follow: Option<Typed<u32>>,
    #[serde(default)]
    pub expect: Vec<u16>,
    #[serde(default)]
    pub contains: String,
    #[serde(default)]
    pub save: BTreeMap<Typed<String>, Typed<String>>,
    pub revoke: Option<Typed<String>>,
    pub probe: Option<Typed<String>>,
    pub attack: Option<Typed<String>>,
}

/// `[[pool]]`: a population.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolTable {
    pub name: Typed<String>,
    pub size: Option<Typed<usize>>,
    pub csv: Option<Typed<String>>,
    pub popularity: Option<Typed<String>>,
    #[serde(default)]
    pub fill: Vec<Typed<String>>,
    pub probe_for: Option<Typed<String>>,
}

/// `[[load]]`: one kind of load.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadTable {
    pub name: Typed<String>,
    pub users: Typed<usize>,
    pub streams: Option<Typed<usize>>,
    pub connections: Option<Typed<String>>,
    #[serde(default)]
    pub prepare: Vec<Typed<String>>,
    #[serde(default)]
    pub once: Vec<Typed<String>>,
    pub journey: Option<Typed<Vec<Typed<String>>>>,
    pub journeys: Option<Typed<Vec<JourneyTable>>>,
    #[serde(default)]
    pub pools: Vec<Typed<String>>,
    pub cookies: Option<Typed<String>>,
    pub rate: Option<Typed<toml::Value>>,
    pub spacing: Option<Typed<String>>,
    pub think: Option<Typed<String>>,
    pub think_spread: Option<Typed<String>>,
    pub capacity: Option<CapacityTable>,
    pub trace: Option<TraceTable>,
    #[serde(default)]
    pub fresh: bool,
    #[serde(default)]
    pub flags: BTreeMap<String, toml::Value>,
    pub profile: Typed<BTreeMap<String, ProfileTable>>,
    pub timeout: Option<Typed<String>>,
}

/// `capacity` of a load: the limits of a search.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapacityTable {
    pub slo: Typed<String>,
    pub errors: Option<Typed<String>>,
    pub from: Option<Typed<f64>>,
    pub precision: Option<Typed<String>>,
}

/// `trace` of a load: a log that is replayed.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceTable {
    pub file: Typed<String>,
    pub format: Option<Typed<String>>,
    pub subject: Option<Typed<String>>,
    pub methods: Option<Typed<Vec<Typed<String>>>>,
    pub from: Option<Typed<String>>,
    pub speed: Option<Typed<f64>>,
}

/// `[[load.journeys]]`: one of several.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JourneyTable {
    pub weight: Typed<u32>,
    pub steps: Typed<Vec<Typed<String>>>,
}

/// `[load.profile.NAME]`: how much is measured.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileTable {
    pub blocks: Typed<usize>,
    pub slice: Typed<String>,
    pub min_samples: Option<u64>,
    pub warm_up: Option<Typed<String>>,
    #[serde(default)]
    pub restart_blocks: usize,
    #[serde(default)]
    pub restart_slices: bool,
}

impl ProfileTable {
    /// The profile that [`Scenario::of`](super::Scenario::of) measures.
    pub(super) const ONLY: &str = "quick";

    /// The profiles of a load that has but one.
    #[must_use]
    pub fn only(self) -> Typed<BTreeMap<String, Self>> {
        BTreeMap::from([(Self::ONLY.to_owned(), self)]).into()
    }
}

/// `[ladder]`: where the report's columns come from.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LadderTable {
    pub latency: Typed<String>,
    pub first: Option<Typed<String>>,
    pub capacity: Option<Typed<String>>,
}

/// `[[change]]`: a change whose share of the whole is asked for.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeTable {
    pub name: String,
    pub from: Typed<String>,
    pub to: Typed<String>,
}

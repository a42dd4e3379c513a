//! What a search found, in words.

use super::{Capacity, LimitedBy};
use crate::quantity;

impl Capacity {
    /// One sentence, without its full stop; `label` is the variant as people read it.
    #[must_use]
    pub fn sentence(&self, label: &str) -> String {
        let of = format!("{}, {label}", self.load);
        let limits = format!("within {} and errors {}", self.slo, self.errors);
        let why = self.limited_by.words();
        let Some(rate) = self.rate else {
            return format!("{of}: no rate {limits}: {why}");
        };
        let rate = per_second(rate);
        match (self.limited_by, self.beyond) {
            (LimitedBy::Generator, _) => format!("{of}: at least {rate} {limits}; {why}"),
            (_, Some(beyond)) => {
                format!("{of}: {rate} {limits}; at {} {why}", per_second(beyond))
            }
            (_, None) => format!("{of}: {rate} {limits}; {why}"),
        }
    }
}

impl LimitedBy {
    /// As written in `run.json`, for a cell of a table.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Errors => "errors",
            Self::Rate => "rate",
            Self::Generator => "generator",
            Self::Interrupted => "interrupted",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Latency => "latency left its limit",
            Self::Errors => "too many requests failed",
            Self::Rate => "fewer were answered than offered",
            Self::Generator => "the generator could not send more on time",
            Self::Interrupted => "the search was cut short",
        }
    }
}

fn per_second(rate: f64) -> String {
    format!("{}/s", quantity::number(rate))
}

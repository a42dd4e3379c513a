//! The limits of a capacity search, as typed.

use super::source::Source;
use crate::arrivals::{Arrivals, Rate};
use crate::scenario::tables::LoadTable;
use crate::scenario::{Limits, ScenarioError, limits};

const ERRORS: &str = "< 0.1%";
const FROM: f64 = 100.0;
const PRECISION: f64 = 0.05;
/// What a first rate and a precision may be.
const FROM_ACCEPTED: std::ops::RangeInclusive<f64> = 0.1..=1e6;
const PRECISION_ACCEPTED: std::ops::RangeInclusive<f64> = 0.01..=0.5;

impl Source<'_> {
    /// The limits of a load that searches, and the arrivals that it begins with.
    pub(super) fn capacity_search(
        &self,
        table: &LoadTable,
    ) -> Result<Option<(Limits, Arrivals)>, ScenarioError> {
        let Some(capacity) = &table.capacity else {
            return Ok(None);
        };
        if let Some(rate) = &table.rate {
            return Err(self.refuse(
                rate,
                "a load with `capacity` searches for its rate: leave `rate` out, or write `capacity = { from = … }`",
            ));
        }
        if let Some(think) = table.think.as_ref().or(table.think_spread.as_ref()) {
            return Err(self.refuse(
                think,
                "a load with `capacity` is open: it has no `think` time",
            ));
        }
        if let Some(trace) = &table.trace {
            return Err(self.refuse(
                &trace.file,
                "a load with `capacity` searches for its rate: a `trace` has its own times",
            ));
        }
        let refused = |at, what: String| self.refuse(at, what);
        let (percentile, at_most) =
            limits::slo(capacity.slo.get_ref()).map_err(|what| refused(&capacity.slo, what))?;
        let errors = capacity.errors.as_ref();
        let errors_at_most = match errors {
            None => limits::errors(ERRORS).map_err(|what| refused(&capacity.slo, what))?,
            Some(text) => limits::errors(text.get_ref()).map_err(|what| refused(text, what))?,
        };
        let from = match &capacity.from {
            None => FROM,
            Some(from) if FROM_ACCEPTED.contains(from.get_ref()) => *from.get_ref(),
            Some(from) => {
                return Err(self.refuse(from, "from must be 0.1 to 1000000 requests a second"));
            }
        };
        let precision = match &capacity.precision {
            None => PRECISION,
            Some(text) => limits::percent(text.get_ref())
                .filter(|share| PRECISION_ACCEPTED.contains(share))
                .ok_or_else(|| {
                    self.refuse(
                        text,
                        format!(
                            "precision `{}` is not accepted; use 1% to 50%",
                            text.get_ref()
                        ),
                    )
                })?,
        };
        let limits = Limits {
            slo: capacity.slo.get_ref().clone(),
            percentile,
            at_most,
            errors: errors.map_or(ERRORS, |text| text.get_ref()).to_owned(),
            errors_at_most,
            from,
            precision,
        };
        let arrivals = Arrivals::Open {
            rate: Rate::constant(from),
            spacing: self.spacing(table)?,
        };
        Ok(Some((limits, arrivals)))
    }
}

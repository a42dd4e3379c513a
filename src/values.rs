//! Values as typed on a command line, for several verbs.

use authlab_loadtest::arrivals::MOST_PER_SECOND;
use authlab_reports::duration::{self, NotADuration};

/// A duration, kept as it was typed.
pub(crate) fn time(text: &str) -> Result<String, NotADuration> {
    duration::parse(text).map(|_| text.to_owned())
}

/// A rate that a load can have. What is not a number, endless or rounded to 0 is none.
pub(crate) fn rate(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|rate| (LEAST_PER_SECOND..=MOST_PER_SECOND).contains(rate))
        .ok_or_else(|| {
            format!("a rate is more than 0, at least {LEAST_PER_SECOND} and at most {MOST_PER_SECOND} requests a second")
        })
}

/// A request a day.
const LEAST_PER_SECOND: f64 = 0.000_01;

/// A share that a verb's exit code depends on.
pub(crate) fn share(text: &str) -> Result<f64, &'static str> {
    text.parse()
        .ok()
        .filter(|share: &f64| share.is_finite() && *share >= 0.0)
        .ok_or("a share is a number from 0, e.g. 0.9")
}

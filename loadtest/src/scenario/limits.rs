//! The limits of a capacity search: how slow and how wrong a server may be and still carry a rate.

use std::time::Duration;

use authlab_reports::duration;

/// What a rate must keep to.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Limit of `response`, as typed: `p99 < 20ms`.
    pub slo: String,
    /// Its percentile.
    pub percentile: f64,
    /// Its bound.
    pub at_most: Duration,
    /// Limit of failures and arrivals never sent, as typed: `< 0.1%`.
    pub errors: String,
    /// Its bound, as a share.
    pub errors_at_most: f64,
    /// The first rate tried, requests a second.
    pub from: f64,
    /// How close to the first rate beyond the limits the search goes, as a share.
    pub precision: f64,
}

/// `p99 < 20ms`: the percentile and the bound.
pub(super) fn slo(text: &str) -> Result<(f64, Duration), String> {
    let refused = || {
        format!("`{text}` is no limit of latency; write a percentile and a duration: p99 < 20ms")
    };
    let (percentile, bound) = text.split_once('<').ok_or_else(refused)?;
    let percentile = percentile
        .trim()
        .strip_prefix('p')
        .and_then(|digits| digits.parse().ok())
        .filter(|percentile| (0.0..100.0).contains(percentile))
        .ok_or_else(refused)?;
    let bound = duration::parse(bound.trim()).map_err(|error| error.to_string())?;
    Ok((percentile, bound))
}

/// `< 0.1%`: the bound, as a share.
pub(super) fn errors(text: &str) -> Result<f64, String> {
    text.trim()
        .strip_prefix('<')
        .and_then(percent)
        .ok_or_else(|| format!("`{text}` is no limit of failures; write a share: < 0.1%"))
}

/// `5%`, as a share of 1.
pub(super) fn percent(text: &str) -> Option<f64> {
    let number: f64 = text.trim().strip_suffix('%')?.trim().parse().ok()?;
    (0.0..=100.0).contains(&number).then_some(number / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_and_anything_else_is_refused() {
        assert_eq!(slo("p99 < 20ms"), Ok((99.0, Duration::from_millis(20))));
        assert_eq!(slo("p99.9<1s"), Ok((99.9, Duration::from_secs(1))));
        for wrong in [
            "",
            "p99",
            "99 < 20ms",
            "p100 < 1s",
            "p99 < 20",
            "p99 > 20ms",
            "pNaN < 1s",
        ] {
            assert!(slo(wrong).is_err(), "{wrong}");
        }
        assert_eq!(errors("< 0.1%"), Ok(0.001));
        for wrong in ["0.1%", "< 0.1", "< -1%", "< NaN%", "< 101%"] {
            assert!(errors(wrong).is_err(), "{wrong}");
        }
    }
}

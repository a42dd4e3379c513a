//! Durations as people write them: `250ms`, `10s`, `2m`.

use std::time::Duration;

/// Text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a duration; write 500us, 250ms, 10s or 2m, at most a day")]
pub struct NotADuration(String);

const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Units and their nanoseconds.
const UNITS: [(&str, f64); 6] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
];

/// Reads a number and its unit; none where the text is anything else.
#[must_use]
pub fn nanoseconds(text: &str) -> Option<f64> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let number: f64 = text[..digits].parse().ok()?;
    let unit = text[digits..].trim();
    let known = UNITS.iter().find(|(name, _)| *name == unit);
    let ns = known.map(|(_, unit_ns)| number * unit_ns);
    ns.filter(|ns| ns.is_finite())
}

/// Reads a duration of more than nothing and at most a day.
///
/// # Errors
/// The text is none.
pub fn parse(text: &str) -> Result<Duration, NotADuration> {
    nanoseconds(text)
        .and_then(|ns| Duration::try_from_secs_f64(ns / 1e9).ok())
        .filter(|duration| !duration.is_zero() && *duration <= LONGEST)
        .ok_or_else(|| NotADuration(text.to_owned()))
}

/// A duration, checked and kept as it was typed.
///
/// # Errors
/// As [`parse`].
pub fn typed(text: &str) -> Result<String, NotADuration> {
    parse(text).map(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_and_anything_else_is_refused() {
        for (text, millis) in [
            ("250ms", 250),
            ("10s", 10_000),
            ("2m", 120_000),
            ("1.5s", 1_500),
            ("40 ms", 40),
            ("3000µs", 3),
        ] {
            assert_eq!(
                parse(text).unwrap(),
                Duration::from_millis(millis),
                "{text}"
            );
        }
        for text in [
            "",
            "5",
            "s",
            "0s",
            "-1s",
            "1h",
            "1e9m9",
            "1441m",
            "99999999999999999999m",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}

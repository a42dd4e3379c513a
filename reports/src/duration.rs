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
    parse_or_zero(text)
        .ok()
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| NotADuration(text.to_owned()))
}

/// The same, of nothing too: `0s` is what can be left out, such as a warm-up.
///
/// # Errors
/// The text is none.
pub fn parse_or_zero(text: &str) -> Result<Duration, NotADuration> {
    nanoseconds(text)
        .and_then(|ns| Duration::try_from_secs_f64(ns / 1e9).ok())
        .filter(|duration| *duration <= LONGEST)
        .ok_or_else(|| NotADuration(text.to_owned()))
}

/// A duration, checked and kept as it was typed.
///
/// # Errors
/// As [`parse`].
pub fn typed(text: &str) -> Result<String, NotADuration> {
    parse(text).map(|_| text.to_owned())
}

/// The same, of nothing too.
///
/// # Errors
/// As [`parse_or_zero`].
pub fn typed_or_zero(text: &str) -> Result<String, NotADuration> {
    parse_or_zero(text).map(|_| text.to_owned())
}

/// The same as [`typed`], where a bare number is one of seconds, as it is to other load generators.
///
/// # Errors
/// As [`parse`].
pub fn typed_or_seconds(text: &str) -> Result<String, NotADuration> {
    let is_bare = text.trim().parse::<f64>().is_ok();
    let with_unit = if is_bare {
        format!("{}s", text.trim())
    } else {
        text.to_owned()
    };
    parse(&with_unit)
        .map(|_| with_unit)
        .map_err(|_| NotADuration(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_its_unit_are_nanoseconds() {
        for (text, ns) in [
            ("15ns", Some(15.0)),
            ("83.00us", Some(83_000.0)),
            ("1.20ms", Some(1_200_000.0)),
            ("0.90s", Some(900_000_000.0)),
            ("0s", Some(0.0)),
            ("1.20", None),
            ("many", None),
            ("-1ms", None),
        ] {
            assert_eq!(nanoseconds(text), ns, "{text}");
        }
    }

    #[test]
    fn a_bare_number_is_seconds_where_it_is_allowed() {
        for (text, read) in [
            ("3", Some("3s")),
            ("0.5", Some("0.5s")),
            ("250ms", Some("250ms")),
            ("0", None),
            ("-3", None),
            ("inf", None),
            ("NaN", None),
            ("1e3", None),
            ("soon", None),
        ] {
            assert_eq!(typed_or_seconds(text).ok().as_deref(), read, "{text}");
        }
    }

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

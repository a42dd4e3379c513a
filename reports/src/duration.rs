//! Durations as people write them: `250ms`, `10s`, `2m`.

use std::time::Duration;

/// Text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a duration; write 500us, 250ms, 10s or 2m, at most a day")]
pub struct NotADuration(String);

const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads a number and its unit: us, ms, s or m.
///
/// # Errors
/// The text is anything else, or the duration is zero or longer than a day.
pub fn parse(text: &str) -> Result<Duration, NotADuration> {
    let refused = || NotADuration(text.to_owned());
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .ok_or_else(refused)?;
    let number: f64 = text[..digits].parse().map_err(|_| refused())?;
    let seconds = match text[digits..].trim() {
        "us" => number * 1e-6,
        "ms" => number * 1e-3,
        "s" => number,
        "m" => number * 60.0,
        _ => return Err(refused()),
    };
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|duration| !duration.is_zero() && *duration <= LONGEST)
        .ok_or_else(refused)
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

//! JSON log lines: `{"time": 1700000000.25, "method": "GET", "path": "/a", "subject": "mary"}`.
//!
//! Other keys are not read. `time` is epoch seconds, kept to the microsecond, or RFC 3339.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use super::Logged;

#[derive(Deserialize)]
struct Line<'a> {
    time: Value,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    path: Cow<'a, str>,
    #[serde(default)]
    subject: Value,
}

/// The subject of a line that names none, as in other logs.
const NO_SUBJECT: &str = "-";
/// The year 2286: larger numbers are milliseconds, and a mistake.
const LATEST_S: f64 = 1e10;
/// As finely as a double holds today's seconds.
const TICKS_PER_SECOND: f64 = 1e6;
const NS_PER_TICK: u64 = 1_000;

/// The line, or nothing when it is not of this format.
pub(super) fn parse(line: &str) -> Option<Logged<'_>> {
    let line: Line<'_> = serde_json::from_str(line).ok()?;
    Some(Logged {
        at_ns: time_ns(&line.time)?,
        request: Some((line.method, line.path)),
        subject: match line.subject {
            Value::Null => Cow::Borrowed(NO_SUBJECT),
            Value::String(text) => Cow::Owned(text),
            Value::Number(number) => Cow::Owned(number.to_string()),
            _ => return None,
        },
    })
}

fn time_ns(time: &Value) -> Option<u64> {
    match time {
        Value::Number(seconds) => seconds
            .as_f64()
            .filter(|seconds| (0.0..LATEST_S).contains(seconds))
            .map(|seconds| (seconds * TICKS_PER_SECOND).round() as u64 * NS_PER_TICK),
        Value::String(text) => {
            let time: jiff::Timestamp = text.parse().ok()?;
            u64::try_from(time.as_nanosecond()).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_epoch_seconds_or_rfc_3339() {
        for (time, at_ns) in [
            ("0", 0),
            ("1700000000", 1_700_000_000_000_000_000),
            ("1700000000.123456", 1_700_000_000_123_456_000),
            ("\"2023-11-14T22:13:20.25Z\"", 1_700_000_000_250_000_000),
            ("\"2023-11-15T00:13:20+02:00\"", 1_700_000_000_000_000_000),
        ] {
            let line = format!(r#"{{"time":{time},"method":"GET","path":"/","other":[1]}}"#);
            let logged = parse(&line).expect(&line);
            assert_eq!((logged.at_ns, &*logged.subject), (at_ns, "-"), "{line}");
        }
    }

    #[test]
    fn a_subject_is_text_or_a_number() {
        for (subject, read) in [("\"m\\u00e4ry\"", "märy"), ("7", "7"), ("null", "-")] {
            let line = format!(r#"{{"time":1,"method":"GET","path":"/","subject":{subject}}}"#);
            assert_eq!(parse(&line).expect(&line).subject, read, "{line}");
        }
    }

    #[test]
    fn other_lines_are_refused() {
        for line in [
            "",
            "[]",
            "{",
            "1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.1\" 200 1",
            r#"{"method":"GET","path":"/"}"#,
            r#"{"time":1,"path":"/"}"#,
            r#"{"time":1,"method":"GET"}"#,
            r#"{"time":1700000000123,"method":"GET","path":"/"}"#,
            r#"{"time":-1,"method":"GET","path":"/"}"#,
            r#"{"time":1e400,"method":"GET","path":"/"}"#,
            r#"{"time":"yesterday","method":"GET","path":"/"}"#,
            r#"{"time":"1960-01-01T00:00:00Z","method":"GET","path":"/"}"#,
            r#"{"time":true,"method":"GET","path":"/"}"#,
            r#"{"time":1,"method":"GET","path":"/","subject":{"id":1}}"#,
        ] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}

//! The `Server-Timing` header (W3C Server Timing): stage costs that any server may send.
//!
//! A metric is a token (RFC 9110 §5.6.2), and its parameters are tokens or quoted strings. The parser is that of the
//! standard's section on parsing: of several parameters of one name the first counts, whatever the case of the name.
//! A metric that does not parse is left out, and reading resumes after the next comma outside of quotes.
//!
//! A stage's metric is `stage-` and its name as it is: a token has no character that ends a tag of a log or an argument
//! of `--gate`, and no file is named after it. Names differ by case.

use std::borrow::Cow;

/// A longer name is left out.
const LONGEST_NAME: usize = 64;
/// Longer than any request takes: a day.
const MOST_MILLIS: f64 = 86_400_000.0;

/// One metric of a header's value.
#[derive(Debug, Clone, PartialEq)]
struct Metric<'a> {
    name: &'a str,
    /// As typed, without quotes; none without the parameter.
    duration: Option<Cow<'a, str>>,
    description: Option<Cow<'a, str>>,
}

/// Whether a header's value tells of a cache, and then whether it had what it was asked for: `cache;desc=hit`, as content
/// delivery networks write it too (`cdn-cache; desc=HIT`).
pub(crate) fn cache_hit(value: &str) -> Option<bool> {
    let mut metrics = metrics(value);
    let cache = metrics.find(|metric| metric.name == "cache" || metric.name == "cdn-cache")?;
    let description = cache.description.unwrap_or_default();
    Some(description.trim().eq_ignore_ascii_case("hit"))
}

/// The metrics of one header value that carry a duration: name and nanoseconds.
///
/// `dur` is in milliseconds, with decimals.
pub(crate) fn stages(value: &str) -> impl Iterator<Item = (&str, u64)> {
    metrics(value).filter_map(|metric| {
        let millis: f64 = metric.duration?.trim().parse().ok()?;
        let is_measured = (0.0..=MOST_MILLIS).contains(&millis);
        (is_measured && metric.name.len() <= LONGEST_NAME)
            .then(|| (metric.name, (millis * 1e6).round() as u64))
    })
}

fn metrics(value: &str) -> impl Iterator<Item = Metric<'_>> {
    let mut rest = value;
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start_matches([',', ' ', '\t']);
            if rest.is_empty() {
                return None;
            }
            let (metric, after) = metric(rest);
            rest = after;
            if metric.is_some() {
                return metric;
            }
        }
    })
}

/// The metric that a text begins with, if it is one, and what follows its comma.
fn metric(text: &str) -> (Option<Metric<'_>>, &str) {
    let (name, mut rest) = token(text);
    let mut metric = Metric {
        name,
        duration: None,
        description: None,
    };
    let mut parses = !name.is_empty();
    loop {
        rest = blanks(rest);
        let Some(after) = rest.strip_prefix(';') else {
            break;
        };
        let (parameter, after) = token(blanks(after));
        rest = blanks(after);
        let mut typed = None;
        if let Some(after) = rest.strip_prefix('=') {
            let (read, after) = parameter_value(blanks(after));
            rest = after;
            typed = read;
        }
        let place = if parameter.eq_ignore_ascii_case("dur") {
            &mut metric.duration
        } else if parameter.eq_ignore_ascii_case("desc") {
            &mut metric.description
        } else {
            continue;
        };
        // The first counts, also one without a value.
        if place.is_none() {
            *place = Some(typed.unwrap_or_default());
        }
    }
    // What follows is none of the metric's: it is skipped, quotes and all, up to the next one.
    let end = comma(rest);
    parses &= rest[..end].trim().is_empty();
    (
        parses.then_some(metric),
        rest.get(end + 1..).unwrap_or_default(),
    )
}

/// A token, or a quoted string without its quotes and escapes; and what follows.
fn parameter_value(text: &str) -> (Option<Cow<'_, str>>, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = token(text);
        // Of `dur=1x é` and the like nothing is a value.
        return ((!value.is_empty()).then_some(Cow::Borrowed(value)), rest);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (Some(unescaped(quoted, at, value)), &quoted[at + 1..]),
            '\\' => match characters.next() {
                Some((_, escaped)) => value.push(escaped),
                None => break,
            },
            c => value.push(c),
        }
    }
    // The quote is not closed.
    (None, "")
}

/// The value, borrowed where it has no escapes.
fn unescaped(quoted: &str, end: usize, value: String) -> Cow<'_, str> {
    if quoted[..end].contains('\\') {
        Cow::Owned(value)
    } else {
        Cow::Borrowed(&quoted[..end])
    }
}

/// Where the next comma outside of quotes is, or the end.
fn comma(text: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    let at = text.bytes().position(|byte| {
        if escaped {
            escaped = false;
            return false;
        }
        match byte {
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return true,
            _ => {}
        }
        false
    });
    at.unwrap_or(text.len())
}

fn token(text: &str) -> (&str, &str) {
    let is_of_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    text.split_at(text.find(|c| !is_of_token(c)).unwrap_or(text.len()))
}

fn blanks(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_that_is_told_of_has_it_or_has_not() {
        for (value, hit) in [
            ("cache;desc=hit;dur=0.1, verify;dur=0", Some(true)),
            ("edge;dur=1, cdn-cache; Desc=\"HIT\"", Some(true)),
            ("cache;desc=miss", Some(false)),
            ("cache;dur=0.1, x;desc=hit", Some(false)),
            ("db;desc=hit", None),
            ("db;desc=\"cache;desc=hit, cache;desc=hit\"", None),
            ("cache;desc=\"a, b\";x=1", Some(false)),
        ] {
            assert_eq!(cache_hit(value), hit, "{value}");
        }
    }

    #[test]
    fn durations_are_read_and_the_rest_is_passed_over() {
        let value = "cache;dur=0.000123, verify; desc=\"HS256\";dur=\"1.5\", db, x y;dur=1, bad;dur=-1, n;dur=NaN";
        assert_eq!(
            stages(value).collect::<Vec<_>>(),
            [("cache", 123), ("verify", 1_500_000)]
        );
    }

    #[test]
    fn metrics_are_read_as_the_standard_parses_them() {
        let one = |name: &'static str| vec![(name, 1_000_000)];
        for (value, found) in [
            // Quoted strings.
            (r#"db;desc="a, b; dur=9";dur=1"#, one("db")),
            (r#"db;desc="a \"q, \\";dur=1"#, one("db")),
            (r#"db;desc="é, ☃";dur=1"#, one("db")),
            (r#"db;dur="1""#, one("db")),
            (r#"db;dur="\1""#, one("db")),
            (r#"a;desc="open, b;dur=1"#, vec![]),
            // Names are tokens.
            ("sql.read;dur=1", one("sql.read")),
            ("a!#$%&'*+^`|~z;dur=1", one("a!#$%&'*+^`|~z")),
            ("a/b;dur=1, c;dur=1", one("c")),
            ("é;dur=1, c;dur=1", one("c")),
            ("\"q, x\";dur=1, c;dur=1", one("c")),
            // Parameters.
            ("db;DUR=1", one("db")),
            ("db;dur=1;dur=2", one("db")),
            ("db ; x ; Dur = 1 ; desc", one("db")),
            ("db;dur;dur=2", vec![]),
            ("db;dur=", vec![]),
            ("db;dur", vec![]),
            ("db;;dur=1", one("db")),
            ("db;x=\"y\" z;dur=1, c;dur=1", one("c")),
            ("db;dur=1e0", one("db")),
            ("db;dur=inf", vec![]),
            ("db;dur=1e300", vec![]),
            // Several, of one name too.
            (
                ",, db;dur=1 ,db;dur=2,",
                vec![("db", 1_000_000), ("db", 2_000_000)],
            ),
            ("", vec![]),
            (" ", vec![]),
        ] {
            assert_eq!(stages(value).collect::<Vec<_>>(), found, "{value}");
        }
        assert_eq!(stages(&format!("{};dur=1", "a".repeat(65))).count(), 0);
    }

    proptest::proptest! {
        #[test]
        fn no_value_panics_and_a_metric_behind_it_is_read(
            text in "([a-z]|;|=|,|\"|\\\\|dur|desc| |é){0,20}",
        ) {
            let _ = (stages(&text).count(), cache_hit(&text));
            let open = comma(&text) == text.len() && comma(&format!("{text},")) == text.len();
            if open {
                let value = format!("{text}, last;dur=1");
                proptest::prop_assert_eq!(stages(&value).last(), Some(("last", 1_000_000)), "{}", value);
            }
        }
    }
}

//! The `Server-Timing` header (W3C Server Timing): stage costs that any server may send.

/// Whether a header's value tells of a cache, and then whether it had what it was asked for: `cache;desc=hit`, as content
/// delivery networks write it too (`cdn-cache; desc=HIT`).
pub(crate) fn cache_hit(value: &str) -> Option<bool> {
    value.split(',').find_map(|metric| {
        let mut parts = metric.split(';').map(str::trim);
        let name = parts.next()?;
        let is_cache = name == "cache" || name == "cdn-cache";
        is_cache.then(|| {
            parts.any(|part| {
                part.split_once('=').is_some_and(|(key, value)| {
                    key.trim().eq_ignore_ascii_case("desc")
                        && value.trim().trim_matches('"').eq_ignore_ascii_case("hit")
                })
            })
        })
    })
}

/// The metrics of one header value that carry a duration: name and nanoseconds.
///
/// `dur` is in milliseconds, with decimals. What does not parse is passed over, as the standard says.
pub(crate) fn stages(value: &str) -> impl Iterator<Item = (&str, u64)> {
    value.split(',').filter_map(|metric| {
        let mut parts = metric.split(';');
        let name = parts.next()?.trim();
        let duration = parts.find_map(|part| {
            let (key, value) = part.split_once('=')?;
            key.trim().eq_ignore_ascii_case("dur").then_some(value)
        })?;
        let millis: f64 = duration.trim().trim_matches('"').parse().ok()?;
        let named = !name.is_empty()
            && name.len() <= LONGEST_NAME
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        (named && millis.is_finite() && millis >= 0.0)
            .then(|| (name, (millis * 1e6).round() as u64))
    })
}

const LONGEST_NAME: usize = 32;

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
}

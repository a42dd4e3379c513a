//! Members of JSON objects that other parties write: files, headers, claims and introspection answers.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The members of an object, each of which is there once: of two with one name, which one counts is anybody's guess
/// (RFC 8259 §4), and a reader of the file would guess wrong half of the time.
pub(crate) struct Members<V>(pub(crate) BTreeMap<String, V>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Members<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Once<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Once<V> {
            type Value = Members<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    if members.contains_key(&name) {
                        let name = shown_name(&name);
                        return Err(A::Error::custom(format!("{name}{TWICE}")));
                    }
                    let value = map.next_value()?;
                    members.insert(name, value);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Once(PhantomData))
    }
}

/// The end of the message about a name that is there twice.
const TWICE: &str = " is there twice";

/// A name from a file as messages show it: escaped, and only up to the first colon. What follows a colon may be a password
/// that was typed into the place of the name, as in `ID:SECRET`.
pub(crate) fn shown_name(name: &str) -> String {
    match name.split_once(':') {
        Some((before, _)) => format!("`{}:…`", before.escape_debug()),
        None => format!("`{}`", name.escape_debug()),
    }
}

/// What is wrong with JSON that may hold secrets: the place, and what is expected there. Messages of `serde` quote the value
/// that they refuse, and in a file of accounts or clients that value may be a password.
pub(crate) fn misread(error: &serde_json::Error) -> String {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let text = error.to_string();
    let said = text.strip_suffix(&*place).unwrap_or(&text);
    // Only messages about data quote the text; those about syntax are fixed.
    if error.is_data() {
        without_text(said) + &place
    } else {
        text
    }
}

/// A message of `serde` about a value of the wrong kind, without that value. Other messages stay as they are.
pub(crate) fn without_values(said: &str) -> String {
    let of_a_kind = ["invalid type: ", "invalid value: "];
    if of_a_kind.iter().any(|start| said.starts_with(start)) {
        without_text(said)
    } else {
        said.to_owned()
    }
}

/// So many letters of a mistyped name are wrong at most.
const SLIPS: usize = 2;

/// A message of `serde` about data without any text that it quotes from there.
fn without_text(said: &str) -> String {
    let ours = ["missing field `", "duplicate field `"];
    if ours.iter().any(|start| said.starts_with(start)) || said.ends_with(TWICE) {
        return said.to_owned();
    }
    // A quoted value may contain these words itself, so the last ones count: no text of ours contains them twice.
    let expected = [", expected ", "; accepted: "]
        .iter()
        .filter_map(|mark| said.rfind(mark))
        .max();
    let Some(at) = expected else {
        return "a value that is not accepted".to_owned();
    };
    let (found, expected) = said.split_at(at);
    // A name that is almost an accepted one is a slip. Any other may be a secret that was typed into the place of a name.
    let mut accepted = expected.split('`').skip(1).step_by(2);
    let unknown = found.strip_prefix("unknown field `");
    let unknown = unknown.and_then(|name| name.strip_suffix('`'));
    if unknown.is_some_and(|name| accepted.any(|known| strsim::osa_distance(name, known) <= SLIPS))
    {
        return said.to_owned();
    }
    let kind = found.split(['"', '`']).next().unwrap_or_default();
    let kind = match kind.trim_end() {
        "" => "a value that is not accepted",
        kind => kind,
    };
    format!("{kind}{expected}")
}

/// A JSON object and nothing else: `serde` would also read the members from an array, by their order. JSON is UTF-8
/// (RFC 8259 §8.1) as a whole: `serde_json::from_slice` does not look at the members that nobody asked for.
pub(crate) fn read_object<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    let text = std::str::from_utf8(bytes).ok()?;
    let first = text.bytes().find(|byte| !byte.is_ascii_whitespace());
    if first != Some(b'{') {
        return None;
    }
    serde_json::from_str(text).ok()
}

/// A value that is an object and nothing else, such as the body of a request, or an entry of a file.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object(deserializer).map(Self)
    }
}

/// A member that is an object: the same for what is inside another one.
pub(crate) fn object<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct OfMembers<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for OfMembers<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(members))
        }
    }
    deserializer.deserialize_map(OfMembers(PhantomData))
}

/// An object that may be absent, but not `null`. Use it with `#[serde(default)]`.
pub(crate) fn some_object<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    object(deserializer).map(Some)
}

/// A member that may be absent, but not `null`. Use it with `#[serde(default)]`.
pub(crate) fn some<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// A text that is read where it lies: a borrowed one is not copied to be looked at. What `read` finds nothing in is refused
/// by saying what is expected.
pub(crate) fn text<'de, D, T>(
    deserializer: D,
    expected: &'static str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    struct Text<F>(&'static str, F);
    impl<T, F: FnOnce(&str) -> Option<T>> Visitor<'_> for Text<F> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            let Self(expected, read) = self;
            read(text).ok_or_else(|| E::custom(format_args!("it must be {expected}")))
        }
    }
    deserializer.deserialize_str(Text(expected, read))
}

/// Whether a member is present at all, whatever its value. Use it with `#[serde(default)]`.
pub(crate) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// A `NumericDate` (RFC 7519 §2) in whole seconds, rounded down: an end must not move back.
pub(crate) fn rounded_down<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    NumericDate::deserialize(deserializer).map(NumericDate::rounded_down)
}

/// A `NumericDate` in whole seconds, rounded up: a beginning must not move forward in time.
pub(crate) fn rounded_up<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    NumericDate::deserialize(deserializer).map(NumericDate::rounded_up)
}

/// Seconds since the Unix epoch, which may have a fraction or an exponent (RFC 7519 §2). Points before the epoch are
/// the epoch, and what lies beyond 64 bits is the last second of those.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum NumericDate {
    Whole(u64),
    Fraction(f64),
}

impl NumericDate {
    pub(crate) fn rounded_down(self) -> u64 {
        match self {
            Self::Whole(seconds) => seconds,
            // The conversion saturates at both ends.
            Self::Fraction(seconds) => seconds.floor() as u64,
        }
    }

    pub(crate) fn rounded_up(self) -> u64 {
        match self {
            Self::Whole(seconds) => seconds,
            Self::Fraction(seconds) => seconds.ceil() as u64,
        }
    }
}

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = NumericDate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of seconds since the Unix epoch")
            }

            fn visit_u64<E: Error>(self, seconds: u64) -> Result<NumericDate, E> {
                Ok(NumericDate::Whole(seconds))
            }

            fn visit_i64<E: Error>(self, seconds: i64) -> Result<NumericDate, E> {
                Ok(NumericDate::Whole(u64::try_from(seconds).unwrap_or(0)))
            }

            fn visit_f64<E: Error>(self, seconds: f64) -> Result<NumericDate, E> {
                Ok(NumericDate::Fraction(seconds))
            }
        }
        deserializer.deserialize_any(Number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Entry {
        #[allow(dead_code, reason = "only errors are of interest")]
        password: String,
        #[serde(default)]
        #[allow(dead_code, reason = "only errors are of interest")]
        roles: Vec<crate::policy::Role>,
    }

    /// Every kind of message about data: none repeats what the file holds.
    #[test]
    fn a_message_about_json_says_where_and_what_is_expected_and_never_the_value() {
        const SECRET: &str = "hunter2, expected x; accepted: y";
        for (text, expected) in [
            (
                r#"{"a":"SECRET"}"#,
                "invalid type: string, expected struct Entry at line 1 column ",
            ),
            (
                r#""SECRET""#,
                "invalid type: string, expected a map at line 1 column ",
            ),
            (
                "{\n\"a\":{\"password\":[\"SECRET\"]}}",
                "invalid type: sequence, expected a string at line 2 column ",
            ),
            (
                r#"{"a":{"password":471147114711}}"#,
                "invalid type: integer, expected a string at line 1 column ",
            ),
            (
                r#"{"a":{"password":"x","roles":"SECRET"}}"#,
                "invalid type: string, expected a sequence at line 1 column ",
            ),
            (
                r#"{"a":{"password":"x","roles":["SECRET"]}}"#,
                "a value that is not accepted; accepted: admin, user at line 1 column ",
            ),
            (
                r#"{"a":{"SECRET":"x"}}"#,
                "unknown field, expected `password` or `roles` at line 1 column ",
            ),
            (
                r#"{"a":{"pasword":"SECRET"}}"#,
                "unknown field `pasword`, expected `password` or `roles` at line 1 column ",
            ),
            (r#"{"a":{}}"#, "missing field `password` at line 1 column "),
            (
                r#"{"a":{"password":"x","password":"y"}}"#,
                "duplicate field `password` at line 1 column ",
            ),
            (
                r#"{"a:SECRET":{"password":"x"},"a:SECRET":{"password":"x"}}"#,
                "`a:…` is there twice at line 1 column ",
            ),
            (
                r#"{"a":{"password":"SECRET"#,
                "EOF while parsing a string at line 1 column ",
            ),
            (r#"{"a":SECRET}"#, "expected value at line 1 column "),
        ] {
            let error = serde_json::from_str::<Members<Entry>>(&text.replace("SECRET", SECRET));
            let said = misread(&error.err().unwrap());
            assert!(said.starts_with(expected), "{text}: {said}");
            assert!(
                !said.contains("hunter2") && !said.contains("4711"),
                "{text}: {said}"
            );
        }
    }

    #[test]
    fn an_object_is_utf_8_also_where_nobody_looks() {
        #[derive(Deserialize)]
        struct One {
            a: u8,
        }
        let read = |bytes: &[u8]| read_object::<One>(bytes).map(|one| one.a);
        assert_eq!(read(br#" {"a":1,"b":"x"}"#), Some(1));
        for bytes in [
            &b"{\"a\":1,\"b\":\"\xc0\"}"[..],
            b"{\"a\":1,\"b\xff\":2}",
            b"{\"a\":1,\"b\":\"\xed\xa0\x80\"}",
            b"\xef\xbb\xbf{\"a\":1}",
            b"[1]",
            b"",
        ] {
            assert_eq!(read(bytes), None, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_numeric_date_takes_fractions_and_exponents_and_is_rounded_to_the_safe_side() {
        for (text, down, up) in [
            ("0", 0, 0),
            ("1800000000", 1_800_000_000, 1_800_000_000),
            ("1800000000.25", 1_800_000_000, 1_800_000_001),
            ("1800000000.0", 1_800_000_000, 1_800_000_000),
            ("1.8e9", 1_800_000_000, 1_800_000_000),
            ("18E+8", 1_800_000_000, 1_800_000_000),
            ("0.5", 0, 1),
            ("-0.5", 0, 0),
            ("-0", 0, 0),
            ("-1", 0, 0),
            ("-1e300", 0, 0),
            ("18446744073709551615", u64::MAX, u64::MAX),
            ("18446744073709551616", u64::MAX, u64::MAX),
            ("1e300", u64::MAX, u64::MAX),
        ] {
            let date: NumericDate = serde_json::from_str(text).unwrap();
            assert_eq!(date.rounded_down(), down, "{text}");
            assert_eq!(date.rounded_up(), up, "{text}");
        }
        for text in [
            "null",
            "true",
            "\"1800000000\"",
            "[1]",
            "{}",
            "NaN",
            "1e999",
        ] {
            assert!(serde_json::from_str::<NumericDate>(text).is_err(), "{text}");
        }
    }
}

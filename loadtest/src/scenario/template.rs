//! Text with `{name}` places in it, split once so that filling it in is concatenation.
//!
//! `{name}` stands for a value, encoded for the place where it stands; `{name:raw}` for the same value
//! as it is. `{{name}}` is the text `{name}`, and `{{{name}}}` is a value between braces. A pair of braces that
//! holds anything else is text: JSON needs no escapes.

use http::{HeaderName, header};
use url::form_urlencoded::byte_serialize;

use super::encoding::{self, Encoding};

/// The values that every user has without saving them: its number in the whole load, from 0, and
/// fresh ones.
pub(crate) const OWN_VALUES: [&str; 4] = ["user", "random", "pkce_verifier", "pkce_challenge"];
/// Those that are made anew: random text at each use, PKCE's pair (RFC 7636) for each journey.
pub(crate) const FRESH_VALUES: [&str; 3] = ["random", "pkce_verifier", "pkce_challenge"];

/// The values of a journey that replays a line of a trace.
pub(crate) const TRACE_VALUES: [&str; 4] =
    [TRACE_METHOD, "trace_path", "trace_subject", "trace_account"];

/// The value that holds the method of the trace's line.
pub(crate) const TRACE_METHOD: &str = "trace_method";

/// Text with `{name}` places.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Template {
    parts: Vec<Part>,
}

/// Its places alone: the text may be a password.
impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.places()).finish()
    }
}

#[derive(Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Slot(Slot),
}

/// Where a value is put in.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Slot {
    /// The value's name.
    pub(super) name: String,
    /// `{name:raw}`.
    raw: bool,
    /// How the value is written.
    pub(super) encoding: Encoding,
}

/// Why a template cannot be filled in; no value is repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfilled {
    /// No earlier step has saved a value of this name.
    #[error("nothing was saved as {{{0}}}")]
    Missing(String),
    /// The value cannot stand in its place.
    #[error("{{{name}}} is filled with a value that cannot stand in {place}: {why}")]
    Unfit {
        /// The value's name.
        name: String,
        /// What the place is called.
        place: &'static str,
        /// What is wrong with the value.
        why: &'static str,
    },
}

/// The value that is a path and query already, as a log has it.
const TRACE_PATH: &str = "trace_path";
const RAW: &str = ":raw";

impl Template {
    /// Text without a syntax of its own: values are put in as they are.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { parts: split(text) }
    }

    /// A request target. A value at its beginning is an address; any other is a part of a path segment
    /// or of a query, and percent-encoded.
    #[must_use]
    pub fn target(text: &str) -> Self {
        let mut template = Self::new(text);
        let mut in_query = false;
        for (number, part) in template.parts.iter_mut().enumerate() {
            match part {
                Part::Text(text) => in_query |= text.contains('?'),
                Part::Slot(slot) if number == 0 => slot.encoding = Encoding::Address,
                Part::Slot(slot) if slot.raw || slot.name == TRACE_PATH && !in_query => {
                    slot.encoding = Encoding::RawTarget;
                }
                Part::Slot(slot) => slot.encoding = Encoding::Percent,
            }
        }
        template
    }

    /// The value of a header. In `Cookie`, what follows a name and `=` is a cookie's value.
    ///
    /// # Errors
    /// Its own text cannot be a header's value: what is wrong with it.
    pub fn header(name: &HeaderName, text: &str) -> Result<Self, &'static str> {
        let mut template = Self::new(text);
        let last = template.parts.len().saturating_sub(1);
        let mut in_cookie = false;
        for (number, part) in template.parts.iter_mut().enumerate() {
            match part {
                Part::Text(text) => {
                    if let Some(why) = encoding::in_header(text) {
                        return Err(why);
                    }
                    let pair = text.rsplit_once(';');
                    in_cookie = match pair {
                        Some((_, pair)) => pair.contains('='),
                        None => in_cookie || text.contains('='),
                    };
                }
                Part::Slot(slot) if *name == header::COOKIE && in_cookie && !slot.raw => {
                    slot.encoding = Encoding::Cookie;
                }
                Part::Slot(slot) => {
                    slot.encoding = Encoding::Header {
                        first: number == 0,
                        last: number == last,
                    };
                }
            }
        }
        Ok(template)
    }

    /// JSON as typed: a value within a string is escaped, one outside of a string is JSON itself.
    #[must_use]
    pub fn json(text: &str) -> Self {
        let mut template = Self::new(text);
        let mut in_string = false;
        for part in &mut template.parts {
            match part {
                Part::Text(text) => in_string = ends_in_string(text, in_string),
                Part::Slot(slot) if slot.raw => {}
                Part::Slot(slot) if in_string => slot.encoding = Encoding::JsonString,
                Part::Slot(slot) => slot.encoding = Encoding::JsonValue,
            }
        }
        template
    }

    /// JSON of a table. A string that is `{name:raw}` and nothing else is the value itself, without
    /// quotes: a number, or any other JSON.
    #[must_use]
    pub fn json_table(json: &str) -> Self {
        let mut template = Self::json(json);
        let mut in_string = false;
        for number in 0..template.parts.len() {
            let Part::Text(text) = &template.parts[number] else {
                continue;
            };
            let without_quote = text.strip_suffix('"');
            let opens = without_quote.is_some_and(|text| !ends_in_string(text, in_string));
            in_string = ends_in_string(text, in_string);
            if let [
                Part::Text(before),
                Part::Slot(slot),
                Part::Text(after),
                ..,
            ] = &mut template.parts[number..]
                && in_string
                && opens
                && slot.raw
                && after.starts_with('"')
                // The name of a member stays a string.
                && !after.starts_with("\":")
            {
                slot.encoding = Encoding::JsonValue;
                before.pop();
                after.remove(0);
                in_string = false;
            }
        }
        template
    }

    /// A field of a form, urlencoded with its own text.
    #[must_use]
    pub fn form(text: &str) -> Self {
        let mut template = Self::new(text);
        for part in &mut template.parts {
            match part {
                Part::Text(text) => *text = byte_serialize(text.as_bytes()).collect(),
                Part::Slot(slot) if slot.raw => {}
                Part::Slot(slot) => slot.encoding = Encoding::Form,
            }
        }
        template
    }

    /// An urlencoded body as typed.
    #[must_use]
    pub fn urlencoded(text: &str) -> Self {
        Self::all(text, Encoding::Percent)
    }

    /// The user of Basic credentials.
    #[must_use]
    pub fn user(text: &str) -> Self {
        Self::all(text, Encoding::User)
    }

    fn all(text: &str, encoding: Encoding) -> Self {
        let mut template = Self::new(text);
        for part in &mut template.parts {
            if let Part::Slot(slot) = part
                && !slot.raw
            {
                slot.encoding = encoding;
            }
        }
        template
    }

    /// The names of its places, in order.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.slots().map(|slot| slot.name.as_str())
    }

    /// Its places, in order.
    pub(super) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.parts.iter().filter_map(|part| match part {
            Part::Slot(slot) => Some(slot),
            Part::Text(_) => None,
        })
    }

    /// Whether it begins with a value.
    #[must_use]
    pub fn begins_with_a_value(&self) -> bool {
        matches!(self.parts.first(), Some(Part::Slot(_)))
    }

    /// The text with every place filled in by `push`, which appends the value of the name given and
    /// says whether there is one. Each value is then encoded for its place.
    ///
    /// # Errors
    /// A place has no value, or one that cannot stand there.
    pub fn fill(
        &self,
        mut push: impl FnMut(&str, &mut String) -> bool,
    ) -> Result<String, Unfilled> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Slot(slot) => {
                    let start = text.len();
                    if !push(&slot.name, &mut text) {
                        return Err(Unfilled::Missing(slot.name.clone()));
                    }
                    let encoded = slot.encoding.encode(&mut text, start);
                    encoded.map_err(|why| Unfilled::Unfit {
                        name: slot.name.clone(),
                        place: slot.encoding.place(),
                        why,
                    })?;
                }
            }
        }
        Ok(text)
    }
}

/// The text as a scenario file writes it, where no value is meant by its braces.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    each(text, |found| match found {
        Found::Text(plain) => escaped.push_str(plain),
        Found::Braced { content, pairs, .. } => {
            let braces = 2 * pairs;
            escaped.push_str(&"{".repeat(braces));
            escaped.push_str(content);
            escaped.push_str(&"}".repeat(braces));
        }
    });
    escaped
}

/// A piece of a text.
enum Found<'t> {
    Text(&'t str),
    /// A name, perhaps with `:raw`, between so many pairs of braces.
    Braced {
        content: &'t str,
        name: &'t str,
        pairs: usize,
    },
}

fn split(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    each(text, |found| match found {
        Found::Text(text) => plain.push_str(text),
        Found::Braced {
            content,
            name,
            pairs,
        } => {
            let literal = pairs / 2;
            plain.push_str(&"{".repeat(literal));
            if pairs % 2 == 0 {
                plain.push_str(content);
            } else {
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                parts.push(Part::Slot(Slot {
                    name: name.to_owned(),
                    raw: content != name,
                    encoding: Encoding::Raw,
                }));
            }
            plain.push_str(&"}".repeat(literal));
        }
    });
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    parts
}

/// Hands each piece of the text to `found`, in order.
fn each<'t>(text: &'t str, mut found: impl FnMut(Found<'t>)) {
    let run = |text: &str, brace: u8| text.bytes().take_while(|b| *b == brace).count();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let opened = run(&rest[open..], b'{');
        let (before, after) = rest.split_at(open + opened);
        let content = after.find(['{', '}']).map_or("", |end| &after[..end]);
        let name = content.strip_suffix(RAW).unwrap_or(content);
        let closed = run(&after[content.len()..], b'}');
        let pairs = if is_name(name) { opened.min(closed) } else { 0 };
        if pairs == 0 {
            found(Found::Text(before));
            rest = after;
            continue;
        }
        found(Found::Text(&before[..before.len() - pairs]));
        found(Found::Braced {
            content,
            name,
            pairs,
        });
        rest = &after[content.len() + pairs..];
    }
    found(Found::Text(rest));
}

/// Whether a JSON text that began inside or outside of a string ends inside of one.
fn ends_in_string(text: &str, mut in_string: bool) -> bool {
    let mut escaped = false;
    for byte in text.bytes() {
        if in_string && !escaped && byte == b'\\' {
            escaped = true;
            continue;
        }
        if byte == b'"' && !escaped {
            in_string = !in_string;
        }
        escaped = false;
    }
    in_string
}

/// Whether a value may have this name.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_braces_are_text_and_names_are_places() {
        let template = Template::new(r#"{"user":"{name}","tag":{"a":1}}"#);
        assert_eq!(template.places().collect::<Vec<_>>(), ["name"]);
        let filled = template.fill(|_, text| {
            text.push_str("john");
            true
        });
        assert_eq!(filled.unwrap(), r#"{"user":"john","tag":{"a":1}}"#);
    }

    #[test]
    fn a_place_without_a_value_is_named() {
        let template = Template::new("Bearer {token}");
        assert_eq!(
            template.fill(|_, _| false),
            Err(Unfilled::Missing("token".to_owned()))
        );
    }

    #[test]
    fn doubled_braces_are_text() {
        let filled = |text: &str| {
            let filled = Template::new(text).fill(|_, text| {
                text.push('1');
                true
            });
            filled.unwrap()
        };
        for (text, becomes) in [
            ("{{a}}", "{a}"),
            ("{{a:raw}}", "{a:raw}"),
            ("{{{a}}}", "{1}"),
            ("{{{{a}}}}", "{{a}}"),
            ("{{a}", "{1"),
            ("{a}}", "1}"),
            ("{\"x\":{\"y\":{a}}}", "{\"x\":{\"y\":1}}"),
            (
                "{a:rav} {a:} {:raw} {a b} {}{",
                "{a:rav} {a:} {:raw} {a b} {}{",
            ),
        ] {
            assert_eq!(filled(text), becomes, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn escaped_text_is_sent_as_typed(text in "([{}]{1,4}|a|:raw|:| |\"|é){0,12}") {
            let template = Template::new(&escaped(&text));
            proptest::prop_assert_eq!(template.places().count(), 0);
            proptest::prop_assert_eq!(template.fill(|_, _| false), Ok(text));
        }
    }
}

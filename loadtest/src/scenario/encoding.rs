//! How a value is written where a request has it: encoded for its place, so that a server decodes
//! exactly the value, or refused where the place has no encoding for it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::IgnoredAny;
use url::form_urlencoded::byte_serialize;

/// All but the unreserved characters (RFC 3986 §2.3): what remains has no meaning in any part of a
/// path or query.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// How a value is written in one place of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Encoding {
    /// As it is: text without a syntax of its own, or `{name:raw}`.
    #[default]
    Raw,
    /// A whole address, or a path and query, at the beginning of a request target: as it is.
    Address,
    /// A part of a path segment, or of a query's name or value (RFC 3986 §2.1).
    Percent,
    /// `{name:raw}` in a request target: as it is, if it can be a part of one.
    RawTarget,
    /// A part of a JSON string (RFC 8259 §7).
    JsonString,
    /// JSON outside of a string: as it is, if it is one JSON value, e.g. a number.
    JsonValue,
    /// A part of a field of an urlencoded form (WHATWG URL §5.2).
    Form,
    /// A part of a header's value: as it is, if it can be one (RFC 9110 §5.5).
    Header {
        /// The value begins with it.
        first: bool,
        /// The value ends with it.
        last: bool,
    },
    /// A part of a cookie's value in a `Cookie` header: as it is, if it does not end the cookie.
    Cookie,
    /// A part of the user of Basic credentials, which ends at the first colon (RFC 7617 §2).
    User,
}

impl Encoding {
    /// Encodes the value that `text` has from byte `start` on.
    ///
    /// # Errors
    /// The place has no encoding for this value: what is wrong with it, without repeating it.
    pub(super) fn encode(self, text: &mut String, start: usize) -> Result<(), &'static str> {
        let value = &text[start..];
        if let Some(why) = self.refuses(value) {
            return Err(why);
        }
        // Almost every value is plain; then nothing is copied.
        let encoded = match self {
            Self::Percent if !value.bytes().all(is_unreserved) => {
                utf8_percent_encode(value, RESERVED).to_string()
            }
            Self::Form if !value.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                byte_serialize(value.as_bytes()).collect()
            }
            Self::JsonString if !value.bytes().all(is_plain_in_json) => {
                let quoted = serde_json::Value::from(value).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
            _ => return Ok(()),
        };
        text.truncate(start);
        text.push_str(&encoded);
        Ok(())
    }

    /// Whether there are values that cannot stand in this place.
    pub(super) fn may_refuse(self) -> bool {
        match self {
            Self::Raw | Self::Address | Self::Percent | Self::JsonString | Self::Form => false,
            Self::RawTarget | Self::JsonValue | Self::Header { .. } | Self::Cookie | Self::User => {
                true
            }
        }
    }

    /// Why a value cannot stand in this place; none if it can.
    pub(super) fn refuses(self, value: &str) -> Option<&'static str> {
        match self {
            Self::Raw | Self::Address | Self::Percent | Self::JsonString | Self::Form => None,
            Self::RawTarget => in_target(value),
            Self::JsonValue => serde_json::from_str::<IgnoredAny>(value)
                .is_err()
                .then_some("it is not one JSON value"),
            Self::Header { first, last } => in_header(value).or_else(|| {
                let at_an_edge =
                    first && value.starts_with(BLANKS) || last && value.ends_with(BLANKS);
                at_an_edge.then_some("it begins or ends with a space, which servers remove")
            }),
            Self::Cookie => in_header(value).or_else(|| {
                if value.contains(';') {
                    Some("it has a `;`, which ends a cookie")
                } else if value.starts_with(BLANKS) || value.ends_with(BLANKS) {
                    Some("it begins or ends with a space, which servers remove")
                } else {
                    None
                }
            }),
            Self::User => value
                .contains(':')
                .then_some("it has a `:`, which ends the user"),
        }
    }

    /// What the place is called.
    pub(super) fn place(self) -> &'static str {
        match self {
            Self::Raw => "text",
            Self::Address | Self::Percent | Self::RawTarget => "a request target",
            Self::JsonString => "a JSON string",
            Self::JsonValue => "JSON outside of a string",
            Self::Form => "a form",
            Self::Header { .. } => "a header",
            Self::Cookie => "a cookie",
            Self::User => "the user of Basic credentials",
        }
    }
}

const BLANKS: [char; 2] = [' ', '\t'];

/// Why text cannot be a part of a header's value. Octets above 127 are sent as they are.
pub(super) fn in_header(text: &str) -> Option<&'static str> {
    if text.contains(['\r', '\n']) {
        Some("it has a line break")
    } else if text.bytes().any(|b| b.is_ascii_control() && b != b'\t') {
        Some("it has a control character")
    } else {
        None
    }
}

fn in_target(text: &str) -> Option<&'static str> {
    if text.contains('#') {
        Some("it has a `#`: a fragment is not sent")
    } else if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        Some("it has a space or a control character")
    } else if text.contains(['<', '>']) {
        Some("it has a `<` or a `>`")
    } else {
        None
    }
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn is_plain_in_json(byte: u8) -> bool {
    byte >= b' ' && byte != b'"' && byte != b'\\'
}

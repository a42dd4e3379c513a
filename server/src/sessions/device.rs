//! A device's session: what the third published design keeps of each sign-in.

use std::net::IpAddr;
use std::sync::Arc;

use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

use crate::bound::Bound;
use crate::clock::Timestamp;
use crate::grant::{Generation, TokenId};
use crate::policy::{Roles, Scopes};

/// The longest name or id of a device, in bytes: a store must not grow by what strangers call theirs.
const MOST_BYTES: usize = 128;

/// The name of a device that told none and sent no `User-Agent`.
const UNNAMED: &str = "unnamed device";

/// One sign-in from one device.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    /// Whose.
    pub(crate) account: Arc<str>,
    /// As its user calls it, or its `User-Agent`.
    pub(crate) name: Box<str>,
    pub(crate) told: Told,
    /// The device's own id: whoever signs in with it again replaces this session.
    pub(crate) id: Box<str>,
    pub(crate) ip: IpAddr,
    pub(crate) since: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) roles: Roles,
    pub(crate) scopes: Scopes,
    pub(crate) bound: Bound,
    pub(crate) generation: Generation,
}

/// What a device told of itself when it signed in. Beyond the most sessions, those that told less make room first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Told {
    /// Neither a name nor an id.
    Nothing = 0,
    /// An id alone.
    Id = 1,
    /// A name.
    Name = 2,
}

impl Told {
    /// As it is kept elsewhere.
    pub(super) fn of_rank(rank: u8) -> Self {
        match rank {
            0 => Self::Nothing,
            1 => Self::Id,
            _ => Self::Name,
        }
    }
}

/// What a request needs to know of its session: small, and without strings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeviceFacts {
    pub(crate) until: Timestamp,
    pub(crate) roles: Roles,
    pub(crate) scopes: Scopes,
    pub(crate) bound: Bound,
    pub(crate) generation: Generation,
}

impl Device {
    pub(super) fn facts(&self) -> DeviceFacts {
        DeviceFacts {
            until: self.until,
            roles: self.roles,
            scopes: self.scopes,
            bound: self.bound,
            generation: self.generation,
        }
    }
}

/// A device with its session's id.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) session: TokenId,
    pub(crate) device: Device,
}

/// What a device is called that told no name: its `User-Agent`, cut to a name's length. Octets beyond UTF-8 and characters
/// that control a terminal or the direction of a text, or cannot be seen, are replaced.
pub(crate) fn called(user_agent: &[u8]) -> Box<str> {
    harmless(&String::from_utf8_lossy(user_agent)).unwrap_or_else(|| UNNAMED.into())
}

/// The name that a device told, treated as a `User-Agent` is. One of spaces alone is none.
pub(crate) fn told_name(name: &str) -> Option<Box<str>> {
    harmless(name)
}

fn harmless(text: &str) -> Option<Box<str>> {
    let mut name = String::new();
    for character in text.trim().chars() {
        let harmless = if controls(character) {
            char::REPLACEMENT_CHARACTER
        } else {
            character
        };
        if name.len() + harmless.len_utf8() > MOST_BYTES {
            break;
        }
        name.push(harmless);
    }
    (!name.is_empty()).then(|| name.into())
}

/// Whether a character controls a terminal or the direction of a text, ends a line, or cannot be seen. A variation selector
/// is left: it chooses how the character before it looks, as in emoji.
fn controls(character: char) -> bool {
    let selects = matches!(character, '\u{FE00}'..='\u{FE0F}');
    let is_hidden = || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character);
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}')
        || !selects && !character.is_ascii() && is_hidden()
}

/// Whether a text can be a device's name; what in it cannot be shown is replaced by [`told_name`].
pub(crate) fn fits_as_name(text: &str) -> bool {
    (1..=MOST_BYTES).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// Whether a text can be a device's id: it is compared as it is, so nothing in it is replaced.
pub(crate) fn fits_as_id(text: &str) -> bool {
    (1..=MOST_BYTES).contains(&text.len()) && !text.chars().any(controls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_agent_becomes_a_harmless_name_of_at_most_128_bytes() {
        let long = "\u{e9}".repeat(100);
        for (user_agent, name) in [
            (&b"curl/8.5.0"[..], "curl/8.5.0"),
            (b"", "unnamed device"),
            (b"  ", "unnamed device"),
            (b" curl ", "curl"),
            (b"caf\xe9", "caf\u{fffd}"),
            ("caf\u{e9}".as_bytes(), "caf\u{e9}"),
            (b"a\tb\x1b[2Jc", "a\u{fffd}b\u{fffd}[2Jc"),
            ("a\u{202e}b\u{200b}".as_bytes(), "a\u{fffd}b\u{fffd}"),
            (
                "a\u{61c}b\u{2060}\u{ad}\u{2028}c".as_bytes(),
                "a\u{fffd}b\u{fffd}\u{fffd}\u{fffd}c",
            ),
            ("\u{2764}\u{fe0f}".as_bytes(), "\u{2764}\u{fe0f}"),
            (long.as_bytes(), &long[..128]),
        ] {
            assert_eq!(&*called(user_agent), name);
        }
        for length in 0..300 {
            for text in ["x", "\u{e9}", "\u{20ac}", "\u{1f600}", "\x01", "\u{202e}"] {
                let user_agent = format!("x{}", text.repeat(length));
                assert!(
                    fits_as_id(&called(user_agent.as_bytes())),
                    "{length} {text:?}"
                );
            }
        }
    }
}

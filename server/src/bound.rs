//! Whom a token is bound to: nobody, a sender, a key, or a certificate.

use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use subtle::ConstantTimeEq as _;

use crate::denied::Denied;

/// Whom a token is bound to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Bound {
    /// Whoever holds it.
    #[default]
    Nobody,
    /// This sender.
    Sender(SealedSender),
    /// The holder of the key with this thumbprint (RFC 7638).
    Key(Seal),
    /// The holder of the certificate with this SHA-256 thumbprint, in base64url (RFC 8705 §3.1).
    Certificate(Seal),
}

/// A sender as a token carries it (its `bnd` claim). Empty seals bind nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SealedSender {
    #[serde(rename = "ua", skip_serializing_if = "Seal::is_empty")]
    pub(crate) user_agent: Seal,
    #[serde(skip_serializing_if = "Seal::is_empty")]
    pub(crate) ip: Seal,
}

/// What a token is bound to as it carries it (its `cnf` claim): one method, and none that cannot be checked here. A token that
/// has another one, or two, is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Confirmation {
    /// A key (RFC 9449 §6.1).
    #[serde(rename = "jkt")]
    Key(Seal),
    /// A certificate (RFC 8705 §3.1).
    #[serde(rename = "x5t#S256")]
    Certificate(Seal),
}

impl Bound {
    /// As claims.
    pub(crate) fn claims(self) -> (Option<SealedSender>, Option<Confirmation>) {
        match self {
            Self::Nobody => (None, None),
            Self::Sender(sealed) => (Some(sealed), None),
            Self::Key(key) => (None, Some(Confirmation::Key(key))),
            Self::Certificate(shown) => (None, Some(Confirmation::Certificate(shown))),
        }
    }

    /// Of claims; `None` for a token that would be bound twice.
    pub(crate) fn of_claims(
        sealed: Option<SealedSender>,
        confirmation: Option<Confirmation>,
    ) -> Option<Self> {
        match (sealed, confirmation) {
            (None, None) => Some(Self::Nobody),
            (Some(sealed), None) => Some(Self::Sender(sealed)),
            (None, Some(Confirmation::Key(key))) => Some(Self::Key(key)),
            (None, Some(Confirmation::Certificate(shown))) => Some(Self::Certificate(shown)),
            (Some(_), Some(_)) => None,
        }
    }

    /// The sender that it is bound to; a token of a server that binds otherwise is nobody's here.
    pub(crate) fn sender(&self) -> Result<&SealedSender, Denied> {
        match self {
            Self::Sender(sealed) => Ok(sealed),
            Self::Nobody | Self::Key(_) | Self::Certificate(_) => Err(Denied::WrongSender),
        }
    }
}

/// The longest text: 32 bytes in hexadecimal. A bcrypt hash has 60.
const MOST_BYTES: usize = 64;

/// A hexadecimal digit. It is computed, for many at once, and not looked up.
fn digit(value: u8) -> u8 {
    value + b'0' + u8::from(value > 9) * (b'a' - b'9' - 1)
}

/// A digest's text; empty means "not bound". It is kept in place: a verified token is `Copy`, and a cache hands it out without
/// allocating.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seal {
    length: u8,
    bytes: [u8; MOST_BYTES],
}

impl Seal {
    /// A text as it stands; `None` when it is longer than any digest.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let mut bytes = [0; MOST_BYTES];
        bytes
            .get_mut(..text.len())?
            .copy_from_slice(text.as_bytes());
        Some(Self {
            length: text.len() as u8,
            bytes,
        })
    }

    /// A digest in hexadecimal.
    pub(crate) fn of_digest<const N: usize>(digest: [u8; N]) -> Self {
        const { assert!(2 * N <= MOST_BYTES) };
        let mut bytes = [0; MOST_BYTES];
        let digits = bytes.as_chunks_mut().0.iter_mut();
        for (pair, byte) in digits.zip(digest) {
            *pair = [byte >> 4, byte & 0x0f].map(digit);
        }
        Self {
            length: 2 * N as u8,
            bytes,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub(crate) fn as_str(&self) -> &str {
        self.bytes
            .get(..usize::from(self.length))
            .and_then(|text| std::str::from_utf8(text).ok())
            .unwrap_or("")
    }

    /// Compares every byte, whatever the first ones say. Padding is always zero, so it may take part.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        let words = |seal: &Self| -> [u64; MOST_BYTES / 8] {
            let (words, _) = seal.bytes.as_chunks();
            std::array::from_fn(|at| u64::from_ne_bytes(words[at]))
        };
        self.length == other.length
            && !self.is_empty()
            && bool::from(words(self).ct_eq(&words(other)))
    }
}

impl Default for Seal {
    fn default() -> Self {
        Self {
            length: 0,
            bytes: [0; MOST_BYTES],
        }
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal([redacted])")
    }
}

impl Serialize for Seal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Seal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Seal;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a digest of at most {MOST_BYTES} bytes")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Seal, E> {
                Seal::of_text(text).ok_or_else(|| E::invalid_length(text.len(), &self))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

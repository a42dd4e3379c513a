//! The text of a digest, kept in place: a verified token is `Copy` and a cache hands it out without allocating.

use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use subtle::ConstantTimeEq as _;

/// The longest text: 32 bytes in hexadecimal. A bcrypt hash has 60.
const MOST_BYTES: usize = 64;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// A digest's text; empty means "not bound".
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seal {
    length: u8,
    bytes: [u8; MOST_BYTES],
}

impl Seal {
    /// A text as it stands; `None` when it is longer than any digest.
    pub(super) fn of_text(text: &str) -> Option<Self> {
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
    pub(super) fn of_digest<const N: usize>(digest: [u8; N]) -> Self {
        const { assert!(2 * N <= MOST_BYTES) };
        let mut bytes = [0; MOST_BYTES];
        for (pair, byte) in bytes.chunks_exact_mut(2).zip(digest) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 0x0f)];
        }
        Self {
            length: 2 * N as u8,
            bytes,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub(super) fn as_str(&self) -> &str {
        self.bytes
            .get(..usize::from(self.length))
            .and_then(|text| std::str::from_utf8(text).ok())
            .unwrap_or("")
    }

    /// Compares every byte, whatever the first ones say. Padding is always zero, so it may take part.
    pub(super) fn matches(&self, other: &Self) -> bool {
        self.length == other.length
            && !self.is_empty()
            && bool::from(self.bytes.ct_eq(&other.bytes))
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

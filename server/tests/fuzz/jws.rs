//! Signed texts (RFC 7515), made here from header and claims, and keys to sign them by.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use crate::choices::Choices;
use crate::json::Json;

pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn sha256(text: impl AsRef<[u8]>) -> String {
    base64url(Sha256::digest(text))
}

/// Who signs.
pub(crate) enum Key {
    Hmac(Vec<u8>),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Key {
    pub(crate) fn ec() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(crate) fn ed() -> Self {
        Self::Ed(Ed25519KeyPair::generate().unwrap())
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::Hmac(_) => "HS256",
            Self::Ec(_) => "ES256",
            Self::Ed(_) => "EdDSA",
        }
    }

    /// As it stands in a header.
    pub(crate) fn jwk(&self) -> Json {
        let text = |bytes: &[u8]| Json::text(base64url(bytes));
        match self {
            Self::Hmac(secret) => Json::object([("kty", Json::text("oct")), ("k", text(secret))]),
            Self::Ec(pair) => {
                let point = pair.public_key().as_ref();
                Json::object([
                    ("kty", Json::text("EC")),
                    ("crv", Json::text("P-256")),
                    ("x", text(&point[1..33])),
                    ("y", text(&point[33..])),
                ])
            }
            Self::Ed(pair) => Json::object([
                ("kty", Json::text("OKP")),
                ("crv", Json::text("Ed25519")),
                ("x", text(pair.public_key().as_ref())),
            ]),
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Hmac(secret) => hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message)
                .as_ref()
                .to_vec(),
            Self::Ec(pair) => pair
                .sign(&SystemRandom::new(), message)
                .unwrap()
                .as_ref()
                .to_vec(),
            Self::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// The compact text of these two.
    pub(crate) fn seal(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", base64url(header), base64url(claims));
        let signature = base64url(self.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }
}

/// One change of an encoded text that is signed or random: nothing that comes out, but for the same text, is it.
pub(crate) fn edit(choices: &mut Choices<'_>, text: &mut Vec<u8>) {
    let ends: Vec<usize> = (0..=text.len())
        .filter(|at| text.get(*at).is_none_or(|byte| *byte == b'.'))
        .filter(|at| *at > 0 && text[at - 1].is_ascii_alphanumeric())
        .collect();
    let end = *choices.pick(if ends.is_empty() { &[0] } else { &ends });
    match choices.below(7) {
        0 if end > 0 => text[end - 1] = trailing_bits(text[end - 1], 1 + choices.below(3) as u8),
        1 => {
            const PADDINGS: [&[u8]; 5] = [b"=", b"==", b"%3D", b"\n", b" "];
            let padding = *choices.pick(&PADDINGS);
            text.splice(end..end, padding.iter().copied());
        }
        2 => {
            for byte in text.iter_mut() {
                *byte = match *byte {
                    b'-' => b'+',
                    b'_' => b'/',
                    other => other,
                };
            }
        }
        3 => text.extend(
            choices
                .pick(&[&b".."[..], b".", b".AAAA", b"AAAA", b"=", b",", b" x"])
                .iter(),
        ),
        4 => {
            // Each part as other writers would write it.
            let parts = text.split(|byte| *byte == b'.').map(|part| {
                let decoded = URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
                STANDARD.encode(decoded).into_bytes()
            });
            *text = parts.collect::<Vec<_>>().join(&b'.');
        }
        5 => {
            let parts = text.split(|byte| *byte == b'.').map(|part| {
                URL_SAFE
                    .encode(URL_SAFE_NO_PAD.decode(part).unwrap_or_default())
                    .into_bytes()
            });
            *text = parts.collect::<Vec<_>>().join(&b'.');
        }
        _ => choices.edit(text),
    }
}

/// A character whose lowest bits, which a last character may not use, are others.
fn trailing_bits(character: u8, flip: u8) -> u8 {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let place = ALPHABET.iter().position(|known| *known == character);
    place.map_or(character, |place| ALPHABET[place ^ usize::from(flip)])
}

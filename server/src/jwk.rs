//! Public keys as the world writes them (RFC 7517): our own, and those that sign the DPoP proofs of clients.

use std::borrow::Cow;

use aws_lc_rs::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use sha2::{Digest as _, Sha256};

/// RSA moduli of 2048 to 4096 bits: shorter ones are weak (NIST SP 800-131A), longer ones cost a stranger's request
/// more than it should.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=512;
const MOST_EXPONENT_BYTES: usize = 4;

/// A key as it stands in a header. Members that are not asked for are passed over, private ones are not.
#[derive(Deserialize)]
pub(crate) struct Jwk<'a> {
    #[serde(borrow)]
    kty: Cow<'a, str>,
    #[serde(borrow, default)]
    crv: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    x: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    y: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    n: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    e: Option<Cow<'a, str>>,
    /// Only a private or a symmetric key has one of them (RFC 9449 §4.2).
    #[serde(default)]
    d: Option<IgnoredAny>,
    #[serde(default)]
    k: Option<IgnoredAny>,
}

/// A key that was understood.
pub(crate) enum PublicKey {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256([u8; 65]),
    Ed25519([u8; 32]),
}

impl PublicKey {
    /// The key, where it is one for this algorithm.
    pub(crate) fn of(jwk: &Jwk<'_>, algorithm: &str) -> Option<Self> {
        if jwk.d.is_some() || jwk.k.is_some() {
            return None;
        }
        match (algorithm, &*jwk.kty, jwk.crv.as_deref()) {
            ("ES256", "EC", Some("P-256")) => {
                // SEC 1 §2.3.3: 4, x, y.
                let mut point = [4; 65];
                point[1..33].copy_from_slice(&exactly::<32>(jwk.x.as_deref()?)?);
                point[33..].copy_from_slice(&exactly::<32>(jwk.y.as_deref()?)?);
                Some(Self::P256(point))
            }
            ("EdDSA", "OKP", Some("Ed25519")) => exactly(jwk.x.as_deref()?).map(Self::Ed25519),
            ("RS256", "RSA", _) => {
                let n = URL_SAFE_NO_PAD.decode(jwk.n.as_deref()?).ok()?;
                let e = URL_SAFE_NO_PAD.decode(jwk.e.as_deref()?).ok()?;
                // RFC 7518 §6.3.1: in their least bytes, so that a key has one thumbprint.
                let fits = RSA_BYTES.contains(&n.len())
                    && (1..=MOST_EXPONENT_BYTES).contains(&e.len())
                    && n[0] != 0
                    && e[0] != 0;
                fits.then_some(Self::Rsa { n, e })
            }
            _ => None,
        }
    }

    pub(crate) fn proves(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rsa { n, e } => RsaPublicKeyComponents { n, e }
                .verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, signature)
                .is_ok(),
            Self::P256(point) => UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point)
                .verify(message, signature)
                .is_ok(),
            Self::Ed25519(key) => UnparsedPublicKey::new(&signature::ED25519, key)
                .verify(message, signature)
                .is_ok(),
        }
    }

    /// The members that it must have, in their order (RFC 7638 §3.2, RFC 8037 §2).
    pub(crate) fn required_members(&self) -> String {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Rsa { n, e } => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(e), text(n)),
            Self::P256(point) => {
                let (x, y) = point[1..].split_at(32);
                let (x, y) = (text(x), text(y));
                format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
            Self::Ed25519(x) => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text(x)),
        }
    }

    /// Its name: the digest of those members (RFC 7638 §3).
    pub(crate) fn thumbprint(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.required_members()))
    }
}

fn exactly<const N: usize>(text: &str) -> Option<[u8; N]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_rfc_7638() {
        // RFC 7638 §3.1.
        let jwk = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;
        let jwk: Jwk<'_> = serde_json::from_str(jwk).unwrap();
        let key = PublicKey::of(&jwk, "RS256").unwrap();
        assert_eq!(
            key.thumbprint(),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
        for other in ["ES256", "EdDSA", "HS256", "none"] {
            assert!(PublicKey::of(&jwk, other).is_none(), "{other}");
        }
    }
}

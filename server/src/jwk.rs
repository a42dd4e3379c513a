//! Public keys as the world writes them (RFC 7517), and what they are for: our own, and those that sign the DPoP proofs of
//! clients.

use std::borrow::Cow;

use aws_lc_rs::signature::{
    self, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
    VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::axis::axis;
use crate::members::{present, some};

axis! {
    /// How a JWT is signed.
    pub enum JwtAlgorithm: "jwt" {
        /// HMAC with SHA-256 (RFC 7518 §3.2)
        HS256 = "HS256",
        /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3)
        RS256 = "RS256",
        /// RSASSA-PSS with SHA-256 (RFC 7518 §3.5)
        PS256 = "PS256",
        /// ECDSA on P-256 with SHA-256 (RFC 7518 §3.4)
        ES256 = "ES256",
        /// ECDSA on P-384 with SHA-384 (RFC 7518 §3.4)
        ES384 = "ES384",
        /// Ed25519 (RFC 8037 §3.1)
        EdDSA = "EdDSA",
        /// the same by its new name (RFC 9864 §2.2), which some libraries demand
        Ed25519 = "Ed25519",
        /// ML-DSA of the lowest level (FIPS 204, RFC 9964): signatures of 2 420 bytes
        MlDsa44 = "ML-DSA-44",
        /// ML-DSA of the middle level: 3 309 bytes
        MlDsa65 = "ML-DSA-65",
        /// ML-DSA of the highest level: 4 627 bytes
        MlDsa87 = "ML-DSA-87",
    }
}

/// RSA moduli of 2048 to 4096 bits: shorter ones are weak (NIST SP 800-131A), longer ones cost a stranger's request
/// more than it should.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=512;
const MOST_EXPONENT_BYTES: usize = 4;

/// FIPS 186-5 §5.1 (a): public exponents are odd and above 2^16. Exponent 1 verifies any message.
const LEAST_EXPONENT: u32 = 65_537;

/// The `y` coordinates of the points of small order on Ed25519, little-endian and without the sign bit; `0` and `1` also in their second
/// spellings `p` and `p + 1`. Under such a key one signature verifies many messages, or all of them.
const SMALL_ORDER: [[u8; 32]; 7] = [
    small(0x00, 0x00, 0x00),
    small(0x01, 0x00, 0x00),
    small(0xec, 0xff, 0x7f),
    small(0xed, 0xff, 0x7f),
    small(0xee, 0xff, 0x7f),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

const fn small(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

/// A key as it stands in a header. Members that are not asked for are passed over, private ones are not.
#[derive(Deserialize)]
pub(crate) struct Jwk<'a> {
    #[serde(borrow)]
    kty: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "some")]
    crv: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some")]
    x: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some")]
    y: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some")]
    n: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some")]
    e: Option<Cow<'a, str>>,
    /// What the key is for (RFC 7517 §4.2 to §4.4). It may be left out; what is there must fit.
    #[serde(borrow, default, rename = "use", deserialize_with = "some")]
    purpose: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some")]
    key_ops: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow, default, deserialize_with = "some")]
    alg: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "pub", deserialize_with = "some")]
    octets: Option<Cow<'a, str>>,
    /// Only a private or a symmetric key has one of these three, whatever its value (RFC 9449 §4.2).
    #[serde(default, deserialize_with = "present")]
    d: bool,
    #[serde(default, deserialize_with = "present")]
    k: bool,
    #[serde(default, rename = "priv", deserialize_with = "present")]
    seed: bool,
}

impl Jwk<'_> {
    /// Whether what the key says of its own use allows to verify a signature of this algorithm.
    fn may_verify(&self, algorithm: &str) -> bool {
        let operations = self.key_ops.as_deref();
        self.purpose
            .as_deref()
            .is_none_or(|purpose| purpose == "sig")
            && self.alg.as_deref().is_none_or(|alg| alg == algorithm)
            && operations.is_none_or(|all| all.iter().filter(|one| *one == "verify").count() == 1)
    }
}

/// How a public key is written (RFC 7518 §6, RFC 8037 §2, RFC 9964).
#[derive(Clone, Copy)]
enum Family {
    Rsa(&'static RsaParameters),
    /// The curve's name, and bytes of a coordinate.
    Ec(&'static str, usize),
    Ed25519,
    /// Bytes of the key.
    MlDsa(usize),
}

impl JwtAlgorithm {
    /// Those that sign by a key pair.
    pub(crate) fn of_pairs() -> impl Iterator<Item = Self> {
        let all = Self::ALL.iter().copied();
        all.filter(|algorithm| algorithm.is_of_pairs())
    }

    /// Whether it signs by a key pair, and not by a secret.
    pub(crate) fn is_of_pairs(self) -> bool {
        self.family().is_some()
    }

    fn family(self) -> Option<Family> {
        Some(match self {
            Self::HS256 => return None,
            Self::RS256 => Family::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
            Self::PS256 => Family::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
            Self::ES256 => Family::Ec("P-256", 32),
            Self::ES384 => Family::Ec("P-384", 48),
            Self::EdDSA | Self::Ed25519 => Family::Ed25519,
            // FIPS 204, table 2.
            Self::MlDsa44 => Family::MlDsa(1312),
            Self::MlDsa65 => Family::MlDsa(1952),
            Self::MlDsa87 => Family::MlDsa(2592),
        })
    }

    /// What verifies by the public half of a pair.
    fn verifying(self) -> Option<&'static dyn VerificationAlgorithm> {
        Some(match self {
            Self::HS256 => return None,
            Self::RS256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Self::PS256 => &signature::RSA_PSS_2048_8192_SHA256,
            Self::ES256 => &signature::ECDSA_P256_SHA256_FIXED,
            Self::ES384 => &signature::ECDSA_P384_SHA384_FIXED,
            Self::EdDSA | Self::Ed25519 => &signature::ED25519,
            Self::MlDsa44 => &signature::ML_DSA_44,
            Self::MlDsa65 => &signature::ML_DSA_65,
            Self::MlDsa87 => &signature::ML_DSA_87,
        })
    }

    /// A public half as [`ParsedPublicKey`] reads it, parsed for many signatures.
    pub(crate) fn parsed(self, public: &[u8]) -> Option<ParsedPublicKey> {
        ParsedPublicKey::new(self.verifying()?, public).ok()
    }
}

/// A key that was understood, of an algorithm.
pub(crate) struct PublicKey {
    algorithm: JwtAlgorithm,
    numbers: Numbers,
}

/// What a public key consists of.
pub(crate) enum Numbers {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// A point of a curve (SEC 1 §2.3.3: 4, x, y), or a key that is one text of bytes.
    Octets(Vec<u8>),
}

impl PublicKey {
    /// A key of our own.
    pub(crate) fn own(algorithm: JwtAlgorithm, numbers: Numbers) -> Self {
        Self { algorithm, numbers }
    }

    /// The key, where it is one for the algorithm of this name.
    pub(crate) fn of(jwk: &Jwk<'_>, algorithm: &str) -> Option<Self> {
        // Not parsed: that looks for the name that was meant, which a stranger's long text would make costly.
        let algorithm = JwtAlgorithm::of_pairs().find(|known| known.label() == algorithm)?;
        if jwk.d || jwk.k || jwk.seed || !jwk.may_verify(algorithm.label()) {
            return None;
        }
        let numbers = match (algorithm.family()?, &*jwk.kty, jwk.crv.as_deref()) {
            (Family::Ec(curve, bytes), "EC", Some(crv)) if crv == curve => {
                let mut point = vec![4];
                point.extend(exactly(jwk.x.as_deref()?, bytes)?);
                point.extend(exactly(jwk.y.as_deref()?, bytes)?);
                Numbers::Octets(point)
            }
            (Family::Ed25519, "OKP", Some("Ed25519")) => {
                let key = exactly(jwk.x.as_deref()?, 32)?;
                if !is_sound(&key) {
                    return None;
                }
                Numbers::Octets(key)
            }
            (Family::Rsa(_), "RSA", _) => {
                let n = URL_SAFE_NO_PAD.decode(jwk.n.as_deref()?).ok()?;
                let e = URL_SAFE_NO_PAD.decode(jwk.e.as_deref()?).ok()?;
                // RFC 7518 §6.3.1: in their least bytes, so that a key has one thumbprint.
                let fits = RSA_BYTES.contains(&n.len())
                    && fits_as_exponent(&e)
                    && n[0] != 0
                    && e[0] != 0
                    && (n.len() > *RSA_BYTES.start() || n[0] >= 0x80)
                    && n[n.len() - 1] % 2 == 1;
                if !fits {
                    return None;
                }
                Numbers::Rsa { n, e }
            }
            // RFC 9964: its algorithm is what such a key is of, so it must say so.
            (Family::MlDsa(bytes), "AKP", _) if jwk.alg.is_some() => {
                Numbers::Octets(exactly(jwk.octets.as_deref()?, bytes)?)
            }
            _ => return None,
        };
        Some(Self { algorithm, numbers })
    }

    pub(crate) fn proves(&self, message: &[u8], signature: &[u8]) -> bool {
        let proven = match (&self.numbers, self.algorithm.family()) {
            (Numbers::Rsa { n, e }, Some(Family::Rsa(by))) => {
                RsaPublicKeyComponents { n, e }.verify(by, message, signature)
            }
            (Numbers::Octets(key), _) => match self.algorithm.verifying() {
                Some(by) => UnparsedPublicKey::new(by, key).verify(message, signature),
                None => return false,
            },
            (Numbers::Rsa { .. }, _) => return false,
        };
        proven.is_ok()
    }

    /// The members that it must have, in their order (RFC 7638 §3.2, RFC 8037 §2, RFC 9964).
    fn required_members(&self) -> String {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match (&self.numbers, self.algorithm.family()) {
            (Numbers::Rsa { n, e }, _) => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(e), text(n))
            }
            (Numbers::Octets(point), Some(Family::Ec(curve, bytes))) => {
                let (x, y) = point[1..].split_at(bytes);
                let (x, y) = (text(x), text(y));
                format!(r#"{{"crv":"{curve}","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
            (Numbers::Octets(key), Some(Family::MlDsa(_))) => {
                let (alg, key) = (self.algorithm, text(key));
                format!(r#"{{"alg":"{alg}","kty":"AKP","pub":"{key}"}}"#)
            }
            (Numbers::Octets(key), _) => {
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text(key))
            }
        }
    }

    /// Its name: the digest of those members (RFC 7638 §3).
    pub(crate) fn thumbprint(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.required_members()))
    }

    /// The whole key of this name, for whoever verifies (RFC 7517 §4).
    pub(crate) fn jwk(&self, id: &str) -> String {
        let members = self.required_members();
        let members = members.trim_end_matches('}');
        let algorithm = match self.algorithm.family() {
            // Its own members name it.
            Some(Family::MlDsa(_)) => String::new(),
            _ => format!(r#","alg":"{}""#, self.algorithm),
        };
        format!(r#"{members}{algorithm},"kid":"{id}","use":"sig"}}"#)
    }
}

/// Whether an Ed25519 key is none of small order, and in its only spelling (RFC 8032 §5.1.3: `y` is below `p`).
fn is_sound(key: &[u8]) -> bool {
    let Ok(mut y) = <[u8; 32]>::try_from(key) else {
        return false;
    };
    y[31] &= 0x7f;
    // p is 2^255 - 19.
    let below_p = y[31] != 0x7f || y[1..31].iter().any(|byte| *byte != 0xff) || y[0] < 0xed;
    below_p && !SMALL_ORDER.contains(&y)
}

/// Whether this is a public exponent that proves something: of a client's key, and of our own.
pub(crate) fn fits_as_exponent(bytes: &[u8]) -> bool {
    if !(1..=MOST_EXPONENT_BYTES).contains(&bytes.len()) {
        return false;
    }
    let exponent = bytes
        .iter()
        .fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    exponent % 2 == 1 && exponent >= LEAST_EXPONENT
}

fn exactly(text: &str, bytes: usize) -> Option<Vec<u8>> {
    let decoded = URL_SAFE_NO_PAD.decode(text).ok()?;
    (decoded.len() == bytes).then_some(decoded)
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
        for other in ["PS256", "ES256", "EdDSA", "ML-DSA-44", "HS256", "none"] {
            assert!(PublicKey::of(&jwk, other).is_none(), "{other}");
        }
    }

    fn of(jwk: &serde_json::Value, algorithm: &str) -> Option<PublicKey> {
        let text = jwk.to_string();
        let jwk: Jwk<'_> = serde_json::from_str(&text).ok()?;
        PublicKey::of(&jwk, algorithm)
    }

    fn ed25519(x: &[u8]) -> Option<PublicKey> {
        let x = URL_SAFE_NO_PAD.encode(x);
        let jwk = serde_json::json!({ "kty": "OKP", "crv": "Ed25519", "x": x });
        of(&jwk, "EdDSA")
    }

    #[test]
    fn a_key_of_small_order_is_refused_in_each_of_its_spellings() {
        let mut forgeable = 0;
        for y in SMALL_ORDER {
            for sign in [0, 0x80] {
                let mut key = y;
                key[31] |= sign;
                assert!(ed25519(&key).is_none(), "{key:x?}");
                // What the check is for: some message verifies with S = 0 and a point of small order as R.
                let raw = PublicKey::own(JwtAlgorithm::EdDSA, Numbers::Octets(key.to_vec()));
                let forged = (0..64_u8).any(|message| {
                    SMALL_ORDER.iter().any(|r| {
                        [0, 0x80].iter().any(|sign| {
                            let mut signature = [0; 64];
                            signature[..32].copy_from_slice(r);
                            signature[31] |= sign;
                            raw.proves(&[message], &signature)
                        })
                    })
                });
                forgeable += usize::from(forged);
            }
        }
        // The eight points; further spellings are taken or refused by the library.
        assert!(forgeable >= 8, "{forgeable}");
        let pair = aws_lc_rs::signature::Ed25519KeyPair::generate().unwrap();
        let key = aws_lc_rs::signature::KeyPair::public_key(&pair);
        assert!(ed25519(key.as_ref()).is_some());
    }

    #[test]
    fn an_ed25519_key_that_is_not_below_p_is_refused() {
        for first in 0xed..=0xff_u8 {
            for last in [0x7f, 0xff] {
                let key = small(first, 0xff, last);
                assert!(ed25519(&key).is_none(), "{key:x?}");
            }
        }
        assert!(ed25519(&small(0xeb, 0xff, 0x7f)).is_some());
        for length in [0, 31, 33] {
            assert!(ed25519(&vec![9; length]).is_none(), "{length}");
        }
    }

    #[test]
    fn a_weak_rsa_key_is_refused() {
        let key = |n: &[u8], e: &[u8]| {
            let (n, e) = (URL_SAFE_NO_PAD.encode(n), URL_SAFE_NO_PAD.encode(e));
            of(
                &serde_json::json!({ "kty": "RSA", "n": n, "e": e }),
                "RS256",
            )
            .is_some()
        };
        let n = [0xff; 256];
        assert!(key(&n, &[1, 0, 1]));
        for e in [
            &[][..],
            &[0],
            &[1],
            &[2],
            &[3],
            &[17],
            &[1, 0, 0],
            &[0xff, 0xff],
            &[1, 0, 2],
            &[0, 1, 0, 1],
            &[1, 0, 0, 0, 1],
        ] {
            assert!(!key(&n, e), "{e:?}");
        }
        let mut short = n;
        short[0] = 0x7f;
        let mut even = n;
        even[255] = 0xfe;
        for n in [
            &short[..],
            &even,
            &[0xff; 128],
            &[0xff; 255],
            &[0xff; 513],
            &[],
        ] {
            assert!(!key(n, &[1, 0, 1]), "{} bytes", n.len());
        }
    }

    #[test]
    fn a_key_that_says_that_it_is_for_something_else_is_refused() {
        let pair = aws_lc_rs::signature::Ed25519KeyPair::generate().unwrap();
        let key = aws_lc_rs::signature::KeyPair::public_key(&pair);
        let x = URL_SAFE_NO_PAD.encode(key.as_ref());
        let good = serde_json::json!({ "kty": "OKP", "crv": "Ed25519", "x": x });
        for (name, value, fits) in [
            ("use", serde_json::json!("sig"), true),
            ("use", "enc".into(), false),
            ("use", "Sig".into(), false),
            ("use", "".into(), false),
            ("use", serde_json::Value::Null, false),
            ("use", 7.into(), false),
            ("key_ops", serde_json::json!(["verify"]), true),
            ("key_ops", serde_json::json!(["sign", "verify"]), true),
            ("key_ops", serde_json::json!(["sign"]), false),
            ("key_ops", serde_json::json!(["encrypt", "wrapKey"]), false),
            ("key_ops", serde_json::json!(["verify", "verify"]), false),
            ("key_ops", serde_json::json!([]), false),
            ("key_ops", "verify".into(), false),
            ("key_ops", serde_json::Value::Null, false),
            ("key_ops", serde_json::json!([7]), false),
            ("alg", "EdDSA".into(), true),
            ("alg", "ES256".into(), false),
            ("alg", "HS256".into(), false),
            ("alg", "none".into(), false),
            ("alg", serde_json::Value::Null, false),
        ] {
            let mut jwk = good.clone();
            jwk[name] = value;
            assert_eq!(of(&jwk, "EdDSA").is_some(), fits, "{jwk}");
        }
    }

    #[test]
    fn nothing_verifies_under_a_point_that_is_not_on_p_256() {
        let coordinate = |byte| URL_SAFE_NO_PAD.encode([byte; 32]);
        for (x, y) in [(0, 0), (1, 1), (0xff, 0xff)] {
            let jwk = serde_json::json!({
                "kty": "EC", "crv": "P-256", "x": coordinate(x), "y": coordinate(y),
            });
            let key = of(&jwk, "ES256").unwrap();
            for signature in [[0; 64], [1; 64], [0xff; 64]] {
                assert!(!key.proves(b"message", &signature), "{x} {y}");
            }
        }
    }

    #[test]
    fn a_member_that_is_null_or_of_a_private_key_is_refused() {
        let pair = aws_lc_rs::signature::Ed25519KeyPair::generate().unwrap();
        let key = aws_lc_rs::signature::KeyPair::public_key(&pair);
        let x = URL_SAFE_NO_PAD.encode(key.as_ref());
        let good = serde_json::json!({ "kty": "OKP", "crv": "Ed25519", "x": x });
        assert!(of(&good, "EdDSA").is_some());
        for (name, value) in [
            ("d", serde_json::Value::Null),
            ("d", "AA".into()),
            ("k", serde_json::Value::Null),
            ("priv", "AA".into()),
            ("y", serde_json::Value::Null),
            ("crv", serde_json::Value::Null),
            ("kty", serde_json::Value::Null),
            ("x", 7.into()),
        ] {
            let mut jwk = good.clone();
            jwk[name] = value;
            assert!(of(&jwk, "EdDSA").is_none(), "{jwk}");
        }
    }

    /// RFC 9964: the key says its algorithm, and has as many bytes as FIPS 204 gives it.
    #[test]
    fn an_ml_dsa_key_names_its_algorithm_and_has_its_length() {
        for (algorithm, bytes) in [
            ("ML-DSA-44", 1312),
            ("ML-DSA-65", 1952),
            ("ML-DSA-87", 2592),
        ] {
            let key = |bytes: usize| URL_SAFE_NO_PAD.encode(vec![7; bytes]);
            let good = serde_json::json!({ "kty": "AKP", "alg": algorithm, "pub": key(bytes) });
            let understood = of(&good, algorithm).unwrap();
            let members = understood.required_members();
            assert_eq!(
                members,
                format!(
                    r#"{{"alg":"{algorithm}","kty":"AKP","pub":"{}"}}"#,
                    key(bytes)
                )
            );
            assert_eq!(understood.jwk("k").matches("\"alg\"").count(), 1);
            for (name, value) in [
                ("alg", serde_json::Value::Null),
                ("alg", "ML-DSA".into()),
                ("alg", "EdDSA".into()),
                ("kty", "OKP".into()),
                ("pub", key(bytes - 1).into()),
                ("pub", key(bytes + 1).into()),
                ("pub", "".into()),
                ("priv", key(32).into()),
            ] {
                let mut jwk = good.clone();
                jwk[name] = value;
                assert!(of(&jwk, algorithm).is_none(), "{name} of {algorithm}");
            }
            let mut without = good.clone();
            without.as_object_mut().unwrap().remove("alg");
            assert!(of(&without, algorithm).is_none());
        }
    }
}

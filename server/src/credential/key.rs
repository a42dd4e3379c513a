//! The key of signed tokens: an HMAC secret, or a key pair from a PEM file or drawn at start.
//!
//! Keys are made ready once, here: jsonwebtoken parses (and checks) them again for each signature.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, ParsedPublicKey,
    PqdsaKeyPair, PqdsaSigningAlgorithm, RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;

use super::{JwtAlgorithm, SecretError, SecretFrom};
use crate::cause::{self, Source};
use crate::denied::Denied;
use crate::files;
use crate::jwk::{Numbers, PublicKey, fits_as_exponent};

/// What HMAC with SHA-256 gives.
const HMAC_BYTES: usize = 32;

/// NIST SP 800-131A: no shorter RSA key.
const LEAST_RSA_BITS: usize = 2048;

/// Where the key pair of an algorithm that has one comes from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(from = "PathBuf")]
pub enum KeyFrom {
    /// Drawn when the server starts: every token dies with the process.
    Generated,
    /// The private key of a PEM file.
    File(PathBuf),
}

/// What signs and verifies.
pub(super) enum Key {
    Secret {
        signing: EncodingKey,
        /// With the secret hashed into it, which jsonwebtoken does anew for each signature.
        verifying: Box<hmac::Key>,
    },
    Pair {
        private: Private,
        public: ParsedPublicKey,
        /// Its name: the RFC 7638 thumbprint.
        id: String,
        told: PublicKey,
    },
}

/// The half that signs.
pub(super) enum Private {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    MlDsa(PqdsaKeyPair),
}

/// How the key pair of an algorithm is had.
enum Kind {
    Rsa(&'static dyn RsaEncoding),
    Ec(&'static EcdsaSigningAlgorithm),
    Ed,
    MlDsa(&'static PqdsaSigningAlgorithm),
}

impl Key {
    pub(super) fn open(
        algorithm: JwtAlgorithm,
        secret: &SecretFrom,
        pair: &KeyFrom,
    ) -> Result<Self, SecretError> {
        if algorithm == JwtAlgorithm::HS256 {
            let secret = secret.read()?;
            return Ok(Self::Secret {
                signing: EncodingKey::from_secret(secret.bytes()),
                verifying: Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret.bytes())),
            });
        }
        let private = match pair {
            KeyFrom::Generated => Private::generate(algorithm).ok_or(SecretError::NoRandomness)?,
            KeyFrom::File(path) => {
                let refuse = |problem: String| SecretError::BadKey {
                    path: path.clone(),
                    problem,
                };
                let text = files::read(path, files::MOST_BYTES)
                    .map_err(|error| refuse(error.to_string()))?;
                let der =
                    PrivateKeyDer::from_pem_slice(&text).map_err(|_| refuse(wanted(algorithm)))?;
                Private::parse(algorithm, &der).ok_or_else(|| refuse(wanted(algorithm)))?
            }
        };
        let public = private.public(algorithm);
        let public = public.ok_or(SecretError::NoRandomness)?;
        let told = PublicKey::own(algorithm, private.numbers());
        Ok(Self::Pair {
            private,
            public,
            id: told.thumbprint(),
            told,
        })
    }

    /// Its name in a token's header; a secret has none.
    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Self::Secret { .. } => None,
            Self::Pair { id, .. } => Some(id),
        }
    }

    /// Its public half (RFC 7517 §4), for whoever verifies; a secret has none.
    pub(super) fn public_jwk(&self) -> Option<String> {
        match self {
            Self::Secret { .. } => None,
            Self::Pair { told, id, .. } => Some(told.jwk(id)),
        }
    }

    /// The signature of a message, as a token's last part.
    pub(super) fn sign(&self, message: &[u8]) -> Result<String, Denied> {
        match self {
            Self::Secret { signing, .. } => {
                crypto::sign(message, signing, Algorithm::HS256).map_err(|_| unsigned())
            }
            Self::Pair { private, .. } => {
                let signature = private.sign(message).ok_or_else(unsigned)?;
                Ok(URL_SAFE_NO_PAD.encode(signature))
            }
        }
    }

    /// Proves a message by a token's last part.
    pub(super) fn verify(&self, message: &[u8], signature: &str) -> Result<(), Denied> {
        let proven = match self {
            Self::Secret { verifying, .. } => {
                let mut tag = [0; HMAC_BYTES];
                let bytes = URL_SAFE_NO_PAD.decode_slice(signature, &mut tag);
                let bytes = bytes.map_err(|_| Denied::Malformed)?;
                hmac::verify(verifying, message, &tag[..bytes]).is_ok()
            }
            Self::Pair { public, .. } => {
                let signature = URL_SAFE_NO_PAD
                    .decode(signature)
                    .map_err(|_| Denied::Malformed)?;
                public.verify_sig(message, &signature).is_ok()
            }
        };
        if proven {
            Ok(())
        } else {
            Err(Denied::BadSignature)
        }
    }
}

impl Kind {
    /// `None` where an algorithm has a secret.
    fn of(algorithm: JwtAlgorithm) -> Option<Self> {
        Some(match algorithm {
            JwtAlgorithm::HS256 => return None,
            JwtAlgorithm::RS256 => Self::Rsa(&signature::RSA_PKCS1_SHA256),
            JwtAlgorithm::PS256 => Self::Rsa(&signature::RSA_PSS_SHA256),
            JwtAlgorithm::ES256 => Self::Ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            JwtAlgorithm::ES384 => Self::Ec(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            JwtAlgorithm::EdDSA | JwtAlgorithm::Ed25519 => Self::Ed,
            JwtAlgorithm::MlDsa44 => Self::MlDsa(&signature::ML_DSA_44_SIGNING),
            JwtAlgorithm::MlDsa65 => Self::MlDsa(&signature::ML_DSA_65_SIGNING),
            JwtAlgorithm::MlDsa87 => Self::MlDsa(&signature::ML_DSA_87_SIGNING),
        })
    }
}

impl Private {
    fn generate(algorithm: JwtAlgorithm) -> Option<Self> {
        match Kind::of(algorithm)? {
            Kind::Rsa(by) => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok()?;
                Some(Self::Rsa(pair, by))
            }
            Kind::Ec(by) => EcdsaKeyPair::generate(by).ok().map(Self::Ec),
            Kind::Ed => Ed25519KeyPair::generate().ok().map(Self::Ed),
            Kind::MlDsa(by) => PqdsaKeyPair::generate(by).ok().map(Self::MlDsa),
        }
    }

    fn parse(algorithm: JwtAlgorithm, der: &PrivateKeyDer<'_>) -> Option<Self> {
        match (Kind::of(algorithm)?, der) {
            (Kind::Rsa(by), PrivateKeyDer::Pkcs8(key)) => {
                let pair = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).ok()?;
                is_sound(&pair).then_some(Self::Rsa(pair, by))
            }
            (Kind::Rsa(by), PrivateKeyDer::Pkcs1(key)) => {
                let pair = RsaKeyPair::from_der(key.secret_pkcs1_der()).ok()?;
                is_sound(&pair).then_some(Self::Rsa(pair, by))
            }
            (Kind::Ec(by), PrivateKeyDer::Pkcs8(key)) => {
                EcdsaKeyPair::from_pkcs8(by, key.secret_pkcs8_der())
                    .ok()
                    .map(Self::Ec)
            }
            (Kind::Ec(by), PrivateKeyDer::Sec1(key)) => {
                EcdsaKeyPair::from_private_key_der(by, key.secret_sec1_der())
                    .ok()
                    .map(Self::Ec)
            }
            (Kind::Ed, PrivateKeyDer::Pkcs8(key)) => {
                Ed25519KeyPair::from_pkcs8(key.secret_pkcs8_der())
                    .ok()
                    .map(Self::Ed)
            }
            (Kind::MlDsa(by), PrivateKeyDer::Pkcs8(key)) => {
                PqdsaKeyPair::from_pkcs8(by, key.secret_pkcs8_der())
                    .ok()
                    .map(Self::MlDsa)
            }
            _ => None,
        }
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Rsa(pair, by) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let random = SystemRandom::new();
                pair.sign(*by, &random, message, &mut signature).ok()?;
                Some(signature)
            }
            Self::Ec(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message).ok()?;
                Some(signature.as_ref().to_vec())
            }
            Self::Ed(pair) => Some(pair.sign(message).as_ref().to_vec()),
            Self::MlDsa(pair) => {
                let mut signature = vec![0; pair.algorithm().signature_len()];
                pair.sign(message, &mut signature).ok()?;
                Some(signature)
            }
        }
    }

    fn public(&self, algorithm: JwtAlgorithm) -> Option<ParsedPublicKey> {
        match self {
            Self::Rsa(pair, _) => algorithm.parsed(pair.public_key().as_ref()),
            Self::Ec(pair) => algorithm.parsed(pair.public_key().as_ref()),
            Self::Ed(pair) => algorithm.parsed(pair.public_key().as_ref()),
            Self::MlDsa(pair) => algorithm.parsed(pair.public_key().as_ref()),
        }
    }

    /// Its public half, as others are told of it.
    fn numbers(&self) -> Numbers {
        match self {
            Self::Rsa(pair, _) => {
                let public = pair.public_key();
                Numbers::Rsa {
                    n: public.modulus().big_endian_without_leading_zero().to_vec(),
                    e: public.exponent().big_endian_without_leading_zero().to_vec(),
                }
            }
            Self::Ec(pair) => Numbers::Octets(pair.public_key().as_ref().to_vec()),
            Self::Ed(pair) => Numbers::Octets(pair.public_key().as_ref().to_vec()),
            Self::MlDsa(pair) => Numbers::Octets(pair.public_key().as_ref().to_vec()),
        }
    }
}

fn unsigned() -> Denied {
    cause::unavailable(Source::Key, &"a token cannot be signed with it")
}

/// What is asked of the keys of clients, too: others verify our tokens by the same rules.
fn is_sound(pair: &RsaKeyPair) -> bool {
    let public = pair.public_key();
    pair.public_modulus_len() * 8 >= LEAST_RSA_BITS
        && fits_as_exponent(public.exponent().big_endian_without_leading_zero())
}

/// What a key file of an algorithm has to hold.
fn wanted(algorithm: JwtAlgorithm) -> String {
    let Some(kind) = Kind::of(algorithm) else {
        return format!("{algorithm} has a secret, no key pair");
    };
    let (what, how) = match kind {
        Kind::Rsa(_) => (
            "an RSA private key of at least 2048 bits and with a public exponent of at least 65537",
            "RSA".to_owned(),
        ),
        Kind::Ec(_) if algorithm == JwtAlgorithm::ES384 => (
            "a P-384 private key",
            "EC -pkeyopt ec_paramgen_curve:P-384".to_owned(),
        ),
        Kind::Ec(_) => (
            "a P-256 private key",
            "EC -pkeyopt ec_paramgen_curve:P-256".to_owned(),
        ),
        Kind::Ed => ("an Ed25519 private key", "ed25519".to_owned()),
        Kind::MlDsa(_) => (
            "a private key of that kind, with its seed",
            algorithm.to_string(),
        ),
    };
    format!("accepted for {algorithm}: {what} in PEM, as in `openssl genpkey -algorithm {how}`")
}

impl From<PathBuf> for KeyFrom {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl FromStr for KeyFrom {
    type Err = std::convert::Infallible;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        Ok(Self::File(path.into()))
    }
}

impl fmt::Display for KeyFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Generated => f.write_str("generated per process"),
            Self::File(path) => write!(f, "from {}", path.display()),
        }
    }
}

//! The key of signed tokens: an HMAC secret, or a key pair from a PEM file or drawn at start.
//!
//! Pairs are parsed once, here: jsonwebtoken parses (and checks) them again for each signature.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, ParsedPublicKey, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;

use super::{JwtAlgorithm, SecretError, SecretFrom};
use crate::cause::{self, Source};
use crate::denied::Denied;
use crate::files;
use crate::jwk::{PublicKey, fits_as_exponent};

/// NIST SP 800-131A: no shorter RSA key.
const LEAST_RSA_BITS: usize = 2048;

/// Where the key pair of RS256, ES256 and `EdDSA` comes from.
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
        verifying: DecodingKey,
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
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
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
                verifying: DecodingKey::from_secret(secret.bytes()),
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
                let der = PrivateKeyDer::from_pem_slice(&text)
                    .map_err(|_| refuse(wanted(algorithm).to_owned()))?;
                Private::parse(algorithm, &der)
                    .ok_or_else(|| refuse(wanted(algorithm).to_owned()))?
            }
        };
        let public = private.public().ok_or(SecretError::NoRandomness)?;
        let told = private.told().ok_or(SecretError::NoRandomness)?;
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
    pub(super) fn public_jwk(&self, algorithm: Algorithm) -> Option<String> {
        let Self::Pair { told, id, .. } = self else {
            return None;
        };
        let members = told.required_members();
        let members = members.strip_suffix('}')?;
        Some(format!(
            r#"{members},"kid":"{id}","alg":"{algorithm:?}","use":"sig"}}"#
        ))
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
                crypto::verify(signature, message, verifying, Algorithm::HS256)
                    .map_err(|_| Denied::Malformed)?
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

impl Private {
    fn generate(algorithm: JwtAlgorithm) -> Option<Self> {
        match algorithm {
            JwtAlgorithm::HS256 => None,
            JwtAlgorithm::RS256 => RsaKeyPair::generate(KeySize::Rsa2048).ok().map(Self::Rsa),
            JwtAlgorithm::ES256 => {
                EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING)
                    .ok()
                    .map(Self::Ec)
            }
            JwtAlgorithm::EdDSA => Ed25519KeyPair::generate().ok().map(Self::Ed),
        }
    }

    fn parse(algorithm: JwtAlgorithm, der: &PrivateKeyDer<'_>) -> Option<Self> {
        let ec = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        match (algorithm, der) {
            (JwtAlgorithm::RS256, PrivateKeyDer::Pkcs8(key)) => {
                RsaKeyPair::from_pkcs8(key.secret_pkcs8_der())
                    .ok()
                    .filter(is_sound)
                    .map(Self::Rsa)
            }
            (JwtAlgorithm::RS256, PrivateKeyDer::Pkcs1(key)) => {
                RsaKeyPair::from_der(key.secret_pkcs1_der())
                    .ok()
                    .filter(is_sound)
                    .map(Self::Rsa)
            }
            (JwtAlgorithm::ES256, PrivateKeyDer::Pkcs8(key)) => {
                EcdsaKeyPair::from_pkcs8(ec, key.secret_pkcs8_der())
                    .ok()
                    .map(Self::Ec)
            }
            (JwtAlgorithm::ES256, PrivateKeyDer::Sec1(key)) => {
                EcdsaKeyPair::from_private_key_der(ec, key.secret_sec1_der())
                    .ok()
                    .map(Self::Ec)
            }
            (JwtAlgorithm::EdDSA, PrivateKeyDer::Pkcs8(key)) => {
                Ed25519KeyPair::from_pkcs8(key.secret_pkcs8_der())
                    .ok()
                    .map(Self::Ed)
            }
            _ => None,
        }
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let random = SystemRandom::new();
                let padding = &signature::RSA_PKCS1_SHA256;
                pair.sign(padding, &random, message, &mut signature).ok()?;
                Some(signature)
            }
            Self::Ec(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message).ok()?;
                Some(signature.as_ref().to_vec())
            }
            Self::Ed(pair) => Some(pair.sign(message).as_ref().to_vec()),
        }
    }

    fn public(&self) -> Option<ParsedPublicKey> {
        match self {
            Self::Rsa(pair) => ParsedPublicKey::new(
                &signature::RSA_PKCS1_2048_8192_SHA256,
                pair.public_key().as_ref(),
            ),
            Self::Ec(pair) => ParsedPublicKey::new(
                &signature::ECDSA_P256_SHA256_FIXED,
                pair.public_key().as_ref(),
            ),
            Self::Ed(pair) => ParsedPublicKey::new(&signature::ED25519, pair.public_key().as_ref()),
        }
        .ok()
    }

    /// Its public half, as others are told of it.
    fn told(&self) -> Option<PublicKey> {
        match self {
            Self::Rsa(pair) => {
                let public = pair.public_key();
                Some(PublicKey::Rsa {
                    n: public.modulus().big_endian_without_leading_zero().to_vec(),
                    e: public.exponent().big_endian_without_leading_zero().to_vec(),
                })
            }
            Self::Ec(pair) => {
                let point = pair.public_key().as_ref().try_into();
                point.ok().map(PublicKey::P256)
            }
            Self::Ed(pair) => {
                let key = pair.public_key().as_ref().try_into();
                key.ok().map(PublicKey::Ed25519)
            }
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

fn wanted(algorithm: JwtAlgorithm) -> &'static str {
    match algorithm {
        JwtAlgorithm::HS256 => "HS256 has a secret, no key pair",
        JwtAlgorithm::RS256 => {
            "accepted for RS256: an RSA private key of at least 2048 bits and with a public exponent of at least 65537 in PEM, as in `openssl genpkey -algorithm RSA`"
        }
        JwtAlgorithm::ES256 => {
            "accepted for ES256: a P-256 private key in PEM, as in `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`"
        }
        JwtAlgorithm::EdDSA => {
            "accepted for EdDSA: an Ed25519 private key in PEM, as in `openssl genpkey -algorithm ed25519`"
        }
    }
}

impl From<JwtAlgorithm> for Algorithm {
    fn from(algorithm: JwtAlgorithm) -> Self {
        match algorithm {
            JwtAlgorithm::HS256 => Self::HS256,
            JwtAlgorithm::RS256 => Self::RS256,
            JwtAlgorithm::ES256 => Self::ES256,
            JwtAlgorithm::EdDSA => Self::EdDSA,
        }
    }
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

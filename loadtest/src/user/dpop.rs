//! Proofs of possession (RFC 9449): a key per user, a fresh proof per request.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;

/// The header of a proof.
pub(super) const DPOP: HeaderName = HeaderName::from_static("dpop");
/// The header of a server's nonce.
pub(super) const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// §4.2 asks for at least 96 bits of a proof's name. They are the system's, as the key is: a server
/// must not see them again in a later run of the same seed.
const JTI_BYTES: usize = 16;
/// A coordinate of P-256.
const COORDINATE_BYTES: usize = 32;

/// A user's key.
pub(super) struct Prover {
    key: EcdsaKeyPair,
    /// The proofs' JOSE header, encoded: it holds the key and never changes.
    header: String,
}

impl Prover {
    /// Makes a key. It comes from the system, not from the run's seed: ECDSA's signatures are
    /// random anyway.
    pub(super) fn new() -> Result<Self, String> {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|_| "the system made no key for a DPoP proof".to_owned())?;
        // SEC 1 §2.3.3, uncompressed: 0x04, x, y.
        let point = &key.public_key().as_ref()[1..];
        let (x, y) = point.split_at(COORDINATE_BYTES);
        let header = json!({
            "typ": "dpop+jwt",
            "alg": "ES256",
            "jwk": { "kty": "EC", "crv": "P-256", "x": encoded(x), "y": encoded(y) },
        });
        Ok(Self {
            header: encoded(header.to_string()),
            key,
        })
    }

    /// The proof of a request (§4.2); `token` is the access token that it carries, `nonce` what its
    /// server asks for.
    pub(super) fn proof(
        &self,
        method: &Method,
        url: &Url,
        token: Option<&str>,
        nonce: Option<&HeaderValue>,
    ) -> Result<HeaderValue, String> {
        let mut without_query = url.clone();
        without_query.set_query(None);
        without_query.set_fragment(None);
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let failed = || "a DPoP proof could not be made".to_owned();
        let system = SystemRandom::new();
        let mut jti = [0; JTI_BYTES];
        system.fill(&mut jti).map_err(|_| failed())?;
        let mut claims = json!({
            "jti": encoded(jti),
            "htm": method.as_str(),
            "htu": without_query.as_str(),
            "iat": now,
        });
        if let Some(nonce) = nonce.and_then(|nonce| nonce.to_str().ok()) {
            claims["nonce"] = nonce.into();
        }
        if let Some(token) = token {
            claims["ath"] = encoded(Sha256::digest(token)).into();
        }
        let signed = format!("{}.{}", self.header, encoded(claims.to_string()));
        let signature = self
            .key
            .sign(&system, signed.as_bytes())
            .map_err(|_| failed())?;
        HeaderValue::from_str(&format!("{signed}.{}", encoded(signature))).map_err(|_| failed())
    }
}

/// Keeps the nonce that a server's answer brings (§8.2). Whether the answer asks for the request to be
/// repeated with it (§8, §9).
pub(super) fn is_challenged(
    nonce: &mut Option<HeaderValue>,
    status: StatusCode,
    headers: &HeaderMap,
) -> bool {
    let Some(brought) = headers.get(NONCE) else {
        return false;
    };
    let is_new = nonce.as_ref() != Some(brought);
    if is_new {
        *nonce = Some(brought.clone());
    }
    is_new && matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED)
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

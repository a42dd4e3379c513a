//! Somebody who proves to hold a key (RFC 9449), anew for each request.

use std::cell::Cell;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A P-256 key and a count of its proofs.
pub struct Prover {
    key: EcdsaKeyPair,
    header: String,
    proofs: Cell<u64>,
}

impl Prover {
    /// A new key.
    ///
    /// # Panics
    /// The system gave no randomness.
    #[must_use]
    pub fn new() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .expect("the system has randomness");
        let point = key.public_key().as_ref();
        let [x, y] = [&point[1..33], &point[33..]].map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
        let header = format!(
            r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}}}"#
        );
        Self {
            header: URL_SAFE_NO_PAD.encode(header),
            key,
            proofs: Cell::new(0),
        }
    }

    /// A proof for `GET` of this address, now, that was never used.
    ///
    /// # Panics
    /// The clock is before 1970.
    #[must_use]
    pub fn proof(&self, address: &str) -> String {
        self.proofs.set(self.proofs.get() + 1);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let (number, now) = (
            self.proofs.get(),
            now.expect("a clock after 1970").as_secs(),
        );
        let claims =
            format!(r#"{{"jti":"{number:032x}","htm":"GET","htu":"{address}","iat":{now}}}"#);
        let message = format!("{}.{}", self.header, URL_SAFE_NO_PAD.encode(claims));
        let signature = self
            .key
            .sign(&SystemRandom::new(), message.as_bytes())
            .expect("the system has randomness");
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

impl Default for Prover {
    fn default() -> Self {
        Self::new()
    }
}

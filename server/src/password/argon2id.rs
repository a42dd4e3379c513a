//! Argon2id (RFC 9106) with the crate's defaults, which are OWASP's: 19 MiB, two passes, one lane.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

use super::HashError;

pub(super) fn hash(password: &[u8]) -> Result<String, HashError> {
    let stored: PasswordHash = Argon2::default()
        .hash_password(password)
        .map_err(|_| HashError::System)?;
    Ok(stored.to_string())
}

pub(super) fn verify(stored: &str, password: &[u8]) -> bool {
    Argon2::default().verify_password(password, stored).is_ok()
}

pub(super) fn is_usable(stored: &str) -> bool {
    PasswordHash::new(stored).is_ok()
}

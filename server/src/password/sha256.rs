//! SHA-256 (FIPS 180-4), salted. UNSAFE: measurement only.

use sha2::{Digest as _, Sha256};

pub(super) fn digest(salt: &[u8], password: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(salt)
        .chain_update(password)
        .finalize()
        .into()
}

//! MD5 (RFC 1321), salted. UNSAFE: measurement only.

use md5::{Digest as _, Md5};

pub(super) fn digest(salt: &[u8], password: &[u8]) -> [u8; 16] {
    Md5::new()
        .chain_update(salt)
        .chain_update(password)
        .finalize()
        .into()
}

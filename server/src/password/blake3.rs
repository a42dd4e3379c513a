//! BLAKE3, salted. UNSAFE: measurement only.

pub(super) fn digest(salt: &[u8], password: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new()
        .update(salt)
        .update(password)
        .finalize()
        .as_bytes()
}

//! A salted fast digest as a stored text: `$sha256$<salt>$<digest>`. Not a password hash: it is here to be measured.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use md5::Md5;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::HashError;

const SALT_BYTES: usize = 16;

/// One digest of a short text, measured on one machine.
pub(super) const WORK_NS: u64 = 200;

/// A digest of salt and password. The salt's length is fixed, so their border is never in doubt.
type Digest<const N: usize> = fn(salt: &[u8], password: &[u8]) -> [u8; N];

/// MD5 (RFC 1321). UNSAFE: measurement only.
pub(super) fn md5(salt: &[u8], password: &[u8]) -> [u8; 16] {
    let digest = Md5::new().chain_update(salt).chain_update(password);
    digest.finalize().into()
}

/// SHA-256 (FIPS 180-4). UNSAFE: measurement only.
pub(super) fn sha256(salt: &[u8], password: &[u8]) -> [u8; 32] {
    let digest = Sha256::new().chain_update(salt).chain_update(password);
    digest.finalize().into()
}

/// BLAKE3. UNSAFE: measurement only.
pub(super) fn blake3(salt: &[u8], password: &[u8]) -> [u8; 32] {
    let mut digest = blake3::Hasher::new();
    *digest.update(salt).update(password).finalize().as_bytes()
}

pub(super) fn hash<const N: usize>(
    name: &str,
    password: &[u8],
    digest: Digest<N>,
) -> Result<String, HashError> {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(|_| HashError::System)?;
    let digest = digest(&salt, password);
    Ok(format!(
        "${name}${}${}",
        STANDARD_NO_PAD.encode(salt),
        STANDARD_NO_PAD.encode(digest)
    ))
}

pub(super) fn verify<const N: usize>(stored: &str, password: &[u8], digest: Digest<N>) -> bool {
    parts(stored)
        .is_some_and(|(salt, expected)| digest(&salt, password).as_slice().ct_eq(&expected).into())
}

pub(super) fn parts(stored: &str) -> Option<([u8; SALT_BYTES], Vec<u8>)> {
    let (_name, rest) = stored.strip_prefix('$')?.split_once('$')?;
    let (salt, digest) = rest.split_once('$')?;
    let salt = STANDARD_NO_PAD.decode(salt).ok()?.try_into().ok()?;
    Some((salt, STANDARD_NO_PAD.decode(digest).ok()?))
}

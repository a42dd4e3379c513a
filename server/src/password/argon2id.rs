//! Argon2id (RFC 9106) with the crate's defaults, which are OWASP's: 19 MiB, two passes, one lane.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, Params};

use super::{HashError, Unusable};

/// What a stored hash may ask of the server: four times the memory of RFC 9106's second recommendation (64 MiB), and
/// passes over it that together take seconds, as bcrypt's highest accepted cost does.
pub(super) const MOST_MEMORY_KIB: u32 = 256 * 1024;
pub(super) const MOST_PASSES: u32 = 16;
pub(super) const MOST_LANES: u32 = 16;

pub(super) fn hash(password: &[u8]) -> Result<String, HashError> {
    let stored: PasswordHash = Argon2::default()
        .hash_password(password)
        .map_err(|_| HashError::System)?;
    Ok(stored.to_string())
}

pub(super) fn verify(stored: &str, password: &[u8]) -> bool {
    Argon2::default().verify_password(password, stored).is_ok()
}

/// Without salt or hash nothing would ever match, and at no cost: an account that gives itself away.
pub(super) fn check_stored(stored: &str) -> Result<(), Unusable> {
    let stored = PasswordHash::new(stored).map_err(|_| Unusable::Form)?;
    if stored.salt.is_none() || stored.hash.is_none() {
        return Err(Unusable::Form);
    }
    let params = Params::try_from(&stored).map_err(|_| Unusable::Form)?;
    let affordable = params.m_cost() <= MOST_MEMORY_KIB
        && params.t_cost() <= MOST_PASSES
        && params.p_cost() <= MOST_LANES;
    if affordable {
        Ok(())
    } else {
        Err(Unusable::Argon2idCost)
    }
}

/// A pass over a KiB, measured on one machine.
const KIB_NS: u64 = 600;

pub(super) fn work_ns(stored: &str) -> u64 {
    let params = PasswordHash::new(stored)
        .ok()
        .and_then(|stored| Params::try_from(&stored).ok());
    params.map_or(0, |params| {
        KIB_NS
            .saturating_mul(u64::from(params.m_cost()))
            .saturating_mul(u64::from(params.t_cost()))
    })
}

//! Argon2id (RFC 9106), usually with OWASP's first choice: 19 MiB, two passes, one lane.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

use super::params::{PasswordParams, WrongParams};
use super::{HashError, Unusable};

/// What a stored hash may ask of the server: four times the memory of RFC 9106's second recommendation (64 MiB), and
/// passes over it that together take seconds, as bcrypt's highest accepted cost does.
pub(super) const MOST_MEMORY_KIB: u32 = 256 * 1024;
pub(super) const MOST_PASSES: u32 = 16;
pub(super) const MOST_LANES: u32 = 16;

/// Argon2id with its parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Argon2id {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Argon2id {
    pub(super) fn open(params: &PasswordParams) -> Result<Self, WrongParams> {
        let known = [
            ("m", Params::DEFAULT_M_COST, 8..=MOST_MEMORY_KIB),
            ("t", Params::DEFAULT_T_COST, 1..=MOST_PASSES),
            ("p", Params::DEFAULT_P_COST, 1..=MOST_LANES),
        ];
        let [memory_kib, passes, lanes] = params.read("argon2id", &known)?;
        if memory_kib < 8 * lanes {
            let text = format!(
                "m={memory_kib} of argon2id; accepted: 8 KiB or more for each of p={lanes}"
            );
            return Err(WrongParams(text));
        }
        Ok(Self {
            memory_kib,
            passes,
            lanes,
        })
    }

    pub(super) fn hash(self, password: &[u8]) -> Result<String, HashError> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, None);
        let params = params.map_err(|_| HashError::System)?;
        let stored: PasswordHash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password(password)
            .map_err(|_| HashError::System)?;
        Ok(stored.to_string())
    }

    pub(super) fn memory_bytes(self) -> u64 {
        u64::from(self.memory_kib) * 1024
    }

    /// OWASP's choices trade memory for passes, down to 7 MiB with five of them.
    pub(super) fn is_weak(self) -> bool {
        const LEAST_KIB: u32 = 7 * 1024;
        self.memory_kib < LEAST_KIB || self.memory_kib * self.passes < 5 * LEAST_KIB
    }

    /// Whether this costs more than what was stored, and in no respect less.
    pub(super) fn exceeds(self, stored: &str) -> bool {
        let params = PasswordHash::new(stored).ok();
        let params = params.and_then(|stored| Params::try_from(&stored).ok());
        params.is_some_and(|before| {
            let (memory, passes) = (before.m_cost(), before.t_cost());
            (self.memory_kib, self.passes) != (memory, passes)
                && self.memory_kib >= memory
                && self.passes >= passes
        })
    }
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

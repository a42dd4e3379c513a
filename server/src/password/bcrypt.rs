//! bcrypt (Provos and Mazières, 1999). It reads 72 bytes and repeats them after a NUL; passwords that it would read
//! only in part are refused instead, so that a hash made elsewhere means here what it means there.

use super::{BCRYPT_COSTS, HashError, Unusable};

/// bcrypt at a cost: 2^cost rounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bcrypt {
    pub(crate) cost: u32,
}

/// What bcrypt reads of its input.
const READ_BYTES: usize = 72;

/// OWASP's least cost.
const LEAST_SAFE_COST: u32 = 10;

impl Bcrypt {
    pub(super) fn is_weak(self) -> bool {
        self.cost < LEAST_SAFE_COST
    }

    pub(crate) fn hash(self, password: &[u8]) -> Result<String, HashError> {
        if !fits(password) {
            return Err(HashError::DoesNotFitBcrypt);
        }
        bcrypt::hash(password, self.cost).map_err(|_| HashError::System)
    }
}

pub(super) fn verify(stored: &str, password: &[u8]) -> bool {
    // Hashed before it is refused: a password that cannot match must take as long as one that does not.
    let matches = bcrypt::verify(password, stored).unwrap_or(false);
    matches && fits(password)
}

pub(super) fn check_stored(stored: &str) -> Result<(), Unusable> {
    let cost = cost(stored).ok_or(Unusable::Form)?;
    if BCRYPT_COSTS.contains(&cost) {
        Ok(())
    } else {
        Err(Unusable::BcryptCost)
    }
}

/// A round of bcrypt, measured on one machine.
const ROUND_NS: u64 = 50_000;

pub(super) fn work_ns(stored: &str) -> u64 {
    cost(stored).map_or(0, |cost| ROUND_NS.saturating_mul(1 << cost.min(31)))
}

fn cost(stored: &str) -> Option<u32> {
    let parts: bcrypt::HashParts = stored.parse().ok()?;
    Some(parts.get_cost())
}

fn fits(password: &[u8]) -> bool {
    password.len() <= READ_BYTES && !password.contains(&0)
}

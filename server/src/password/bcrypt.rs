//! bcrypt (Provos and Mazières, 1999). It reads 72 bytes and repeats them after a NUL; passwords that it would read
//! only in part are refused instead, so that a hash made elsewhere means here what it means there.

use super::HashError;
use crate::setup::BCRYPT_COSTS;

/// bcrypt at a cost: 2^cost rounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bcrypt {
    pub(crate) cost: u32,
}

/// What bcrypt reads of its input.
const READ_BYTES: usize = 72;

impl Bcrypt {
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

/// A cost beyond the accepted ones would hold a thread for minutes.
pub(super) fn is_usable(stored: &str) -> bool {
    stored
        .parse::<bcrypt::HashParts>()
        .is_ok_and(|parts| BCRYPT_COSTS.contains(&parts.get_cost()))
}

fn fits(password: &[u8]) -> bool {
    password.len() <= READ_BYTES && !password.contains(&0)
}

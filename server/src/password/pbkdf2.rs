//! PBKDF2 with HMAC-SHA-256 (RFC 8018 §5.2), usually with OWASP's 600 000 rounds.

use ::pbkdf2::password_hash::phc::PasswordHash;
use ::pbkdf2::password_hash::{CustomizedPasswordHasher, PasswordVerifier};
use ::pbkdf2::{Params, Pbkdf2 as Library};

use super::params::{PasswordParams, WrongParams};
use super::{HashError, Unusable};

/// What a stored hash may ask of the server: a few seconds.
pub(super) const MOST_ROUNDS: u32 = 10_000_000;

/// PBKDF2 with its rounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pbkdf2 {
    rounds: u32,
}

impl Pbkdf2 {
    pub(super) fn open(params: &PasswordParams) -> Result<Self, WrongParams> {
        let accepted = Params::MIN_ROUNDS..=MOST_ROUNDS;
        let known = [("i", Params::RECOMMENDED_ROUNDS, accepted)];
        let [rounds] = params.read("pbkdf2", &known)?;
        Ok(Self { rounds })
    }

    pub(super) fn hash(self, password: &[u8]) -> Result<String, HashError> {
        if password.contains(&0) {
            return Err(HashError::DoesNotFitHmac);
        }
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|_| HashError::System)?;
        let params = Params::new(self.rounds).map_err(|_| HashError::System)?;
        let stored: PasswordHash = Library::default()
            .hash_password_customized(password, &salt, None, None, params)
            .map_err(|_| HashError::System)?;
        Ok(stored.to_string())
    }

    pub(super) fn is_weak(self) -> bool {
        self.rounds < Params::RECOMMENDED_ROUNDS
    }

    /// Whether this costs more than what was stored.
    pub(super) fn exceeds(self, stored: &str) -> bool {
        rounds(stored).is_some_and(|before| before < self.rounds)
    }
}

pub(super) fn verify(stored: &str, password: &[u8]) -> bool {
    let Ok(stored) = PasswordHash::new(stored) else {
        return false;
    };
    // Hashed before it is refused, as bcrypt does.
    let matches = Library::default().verify_password(password, &stored);
    matches.is_ok() && !password.contains(&0)
}

/// Without salt or hash nothing would ever match, and at no cost: an account that gives itself away.
pub(super) fn check_stored(stored: &str) -> Result<(), Unusable> {
    match rounds(stored) {
        None => Err(Unusable::Form),
        Some(rounds) if rounds > MOST_ROUNDS => Err(Unusable::Pbkdf2Cost),
        Some(_) => Ok(()),
    }
}

/// A round, measured on one machine.
const ROUND_NS: u64 = 400;

pub(super) fn work_ns(stored: &str) -> u64 {
    rounds(stored).map_or(0, |rounds| ROUND_NS * u64::from(rounds))
}

fn rounds(stored: &str) -> Option<u32> {
    let stored = PasswordHash::new(stored).ok()?;
    if stored.salt.is_none() || stored.hash.is_none() {
        return None;
    }
    Some(Params::try_from(&stored).ok()?.rounds())
}

//! scrypt (RFC 7914), usually with OWASP's first choice: N = 2^17, r = 8, p = 1, which is 128 MiB.

use ::scrypt::password_hash::phc::PasswordHash;
use ::scrypt::password_hash::{CustomizedPasswordHasher, PasswordVerifier};
use ::scrypt::{Params, Scrypt as Library};

use super::params::{PasswordParams, WrongParams};
use super::{HashError, Unusable};

/// What a stored hash may ask of the server: twice the memory of the usual parameters.
pub(super) const MOST_MEMORY_BYTES: u64 = 256 * 1024 * 1024;
pub(super) const MOST_LANES: u32 = 16;
const MOST_BLOCK: u32 = 64;
const MOST_LOG_N: u32 = 21;

/// scrypt with its parameters: log2 of N, r and p.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scrypt {
    log_n: u32,
    block: u32,
    lanes: u32,
}

impl Scrypt {
    pub(super) fn open(params: &PasswordParams) -> Result<Self, WrongParams> {
        let known = [
            ("ln", u32::from(Params::RECOMMENDED_LOG_N), 1..=MOST_LOG_N),
            ("r", Params::RECOMMENDED_R, 1..=MOST_BLOCK),
            ("p", Params::RECOMMENDED_P, 1..=MOST_LANES),
        ];
        let [log_n, block, lanes] = params.read("scrypt", &known)?;
        let scrypt = Self {
            log_n,
            block,
            lanes,
        };
        let (needed, most) = (scrypt.memory_bytes(), MOST_MEMORY_BYTES);
        if needed > most {
            let text = format!(
                "ln={log_n},r={block} of scrypt is {} MiB; accepted: at most {}",
                needed >> 20,
                most >> 20
            );
            return Err(WrongParams(text));
        }
        Ok(scrypt)
    }

    pub(super) fn hash(self, password: &[u8]) -> Result<String, HashError> {
        if password.contains(&0) {
            return Err(HashError::DoesNotFitHmac);
        }
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|_| HashError::System)?;
        // Below 22: see `open`.
        let params = Params::new(self.log_n as u8, self.block, self.lanes);
        let params = params.map_err(|_| HashError::System)?;
        let stored: PasswordHash = Library::new()
            .hash_password_customized(password, &salt, None, None, params)
            .map_err(|_| HashError::System)?;
        Ok(stored.to_string())
    }

    /// 128 · r · N.
    pub(super) fn memory_bytes(self) -> u64 {
        (128 * u64::from(self.block)) << self.log_n
    }

    /// OWASP's choices trade memory for lanes, down to N = 2^13 with ten of them.
    pub(super) fn is_weak(self) -> bool {
        let work = self.memory_bytes() * u64::from(self.lanes);
        self.log_n < 13 || work < (128 * 8 * 10) << 13
    }

    /// Whether this costs more than what was stored, and in no respect less.
    pub(super) fn exceeds(self, stored: &str) -> bool {
        read(stored).is_some_and(|before| {
            let mine = [self.log_n, self.block, self.lanes];
            let theirs = [before.log_n, before.block, before.lanes];
            mine != theirs
                && mine
                    .iter()
                    .zip(&theirs)
                    .all(|(mine, theirs)| mine >= theirs)
        })
    }
}

pub(super) fn verify(stored: &str, password: &[u8]) -> bool {
    let Ok(stored) = PasswordHash::new(stored) else {
        return false;
    };
    // Hashed before it is refused, as bcrypt does.
    let matches = Library::new().verify_password(password, &stored);
    matches.is_ok() && !password.contains(&0)
}

/// Without salt or hash nothing would ever match, and at no cost: an account that gives itself away.
pub(super) fn check_stored(stored: &str) -> Result<(), Unusable> {
    let params = read(stored).ok_or(Unusable::Form)?;
    let is_affordable = params.memory_bytes() <= MOST_MEMORY_BYTES && params.lanes <= MOST_LANES;
    if is_affordable {
        Ok(())
    } else {
        Err(Unusable::ScryptCost)
    }
}

/// A byte of memory once written and once read, measured on one machine.
const BYTE_PS: u64 = 2_600;

pub(super) fn work_ns(stored: &str) -> u64 {
    read(stored).map_or(0, |params| {
        let bytes = params
            .memory_bytes()
            .saturating_mul(u64::from(params.lanes));
        bytes.saturating_mul(BYTE_PS) / 1000
    })
}

fn read(stored: &str) -> Option<Scrypt> {
    let stored = PasswordHash::new(stored).ok()?;
    if stored.salt.is_none() || stored.hash.is_none() {
        return None;
    }
    // The library takes exactly these.
    Params::try_from(&stored).ok()?;
    let value = |name: &str| stored.params.get_decimal(name);
    let (log_n, block, lanes) = (value("ln")?, value("r")?, value("p")?);
    // What is beyond would overflow, and is beyond what is affordable anyway.
    (log_n < 32 && block <= 1 << 20).then_some(Scrypt {
        log_n,
        block,
        lanes,
    })
}

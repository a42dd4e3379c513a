//! How passwords are stored. A stored password says how it was made (`$2b$…`, `$argon2id$…`, `$sha256$…`), so any
//! of them can be verified whatever `--password` says; the axis decides how new ones are made.

mod argon2id;
mod bcrypt;
mod params;
mod pbkdf2;
mod salted;
mod scrypt;

pub use params::{PasswordParams, WrongParams};

use std::ops::RangeInclusive;

use crate::axis::axis;

/// Costs below 4 do not exist; above 15 a single hash takes seconds.
pub(crate) const BCRYPT_COSTS: RangeInclusive<u32> = 4..=15;

/// NIST SP 800-63B §5.1.1.2 asks for 8 at least.
pub(crate) const LEAST_PASSWORD_BYTES: usize = 8;

/// bcrypt ignores what comes after.
pub(crate) const MOST_PASSWORD_BYTES: usize = 72;

axis! {
    /// Stored password hash.
    pub enum PasswordKind opens #[derive(Clone, Copy)] Password: "password" {
        /// bcrypt, at --bcrypt-cost
        Bcrypt(bcrypt::Bcrypt) = "bcrypt",
        /// Argon2id at --password-params (RFC 9106)
        Argon2id(argon2id::Argon2id) = "argon2id",
        /// scrypt at --password-params (RFC 7914)
        Scrypt(scrypt::Scrypt) = "scrypt",
        /// PBKDF2 with HMAC-SHA-256 at --password-params (RFC 8018)
        Pbkdf2(pbkdf2::Pbkdf2) = "pbkdf2",
        /// salted MD5. UNSAFE: measurement only
        Md5 = "md5",
        /// salted SHA-256. UNSAFE: measurement only
        Sha256 = "sha256",
        /// salted BLAKE3. UNSAFE: measurement only
        Blake3 = "blake3",
    }
}

impl PasswordKind {
    /// Whether the hash is slow on purpose, and so runs where `--hash-on` says. Fast digests always run in place:
    /// handing them over would cost more than they do.
    #[must_use]
    pub const fn is_slow(self) -> bool {
        matches!(
            self,
            Self::Bcrypt | Self::Argon2id | Self::Scrypt | Self::Pbkdf2
        )
    }

    /// Whether `--password-params` says what it costs.
    pub(crate) const fn has_params(self) -> bool {
        matches!(self, Self::Argon2id | Self::Scrypt | Self::Pbkdf2)
    }

    pub(crate) fn open(
        self,
        bcrypt_cost: u32,
        params: &PasswordParams,
    ) -> Result<Password, WrongParams> {
        Ok(match self {
            Self::Bcrypt => Password::bcrypt(bcrypt_cost),
            Self::Argon2id => Password::Argon2id(argon2id::Argon2id::open(params)?),
            Self::Scrypt => Password::Scrypt(scrypt::Scrypt::open(params)?),
            Self::Pbkdf2 => Password::Pbkdf2(pbkdf2::Pbkdf2::open(params)?),
            Self::Md5 => Password::Md5,
            Self::Sha256 => Password::Sha256,
            Self::Blake3 => Password::Blake3,
        })
    }

    /// The way in which a stored password was made, by its prefix.
    pub(crate) fn of_stored(stored: &str) -> Option<Self> {
        let made_by = stored.strip_prefix('$')?.split('$').next()?;
        match made_by {
            "2a" | "2b" | "2x" | "2y" => Some(Self::Bcrypt),
            "argon2id" => Some(Self::Argon2id),
            "scrypt" => Some(Self::Scrypt),
            "pbkdf2-sha256" => Some(Self::Pbkdf2),
            "md5" => Some(Self::Md5),
            "sha256" => Some(Self::Sha256),
            "blake3" => Some(Self::Blake3),
            _ => None,
        }
    }
}

/// Why a password could not be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// bcrypt would ignore part of it.
    #[error("bcrypt takes at most 72 bytes, none of them NUL: it would ignore the rest")]
    DoesNotFitBcrypt,
    /// HMAC would ignore part of it (RFC 2104 §2: a short key is filled with NUL).
    #[error("pbkdf2 and scrypt take no NUL: they would ignore it at the end")]
    DoesNotFitHmac,
    /// The system gave no randomness for the salt, or the hash no memory.
    #[error("the system refused randomness or memory for the hash")]
    System,
}

impl Password {
    pub(crate) fn bcrypt(cost: u32) -> Self {
        Self::Bcrypt(bcrypt::Bcrypt { cost })
    }

    pub(crate) fn is_slow(self) -> bool {
        matches!(
            self,
            Self::Bcrypt(_) | Self::Argon2id(_) | Self::Scrypt(_) | Self::Pbkdf2(_)
        )
    }

    /// The bytes of memory that one hash needs beyond what can be neglected.
    pub(crate) fn memory_bytes(self) -> u64 {
        match self {
            Self::Argon2id(argon2id) => argon2id.memory_bytes(),
            Self::Scrypt(scrypt) => scrypt.memory_bytes(),
            _ => 0,
        }
    }

    /// Whether it is slow, but less than OWASP's password storage cheat sheet asks for.
    pub(crate) fn is_weak(self) -> bool {
        match self {
            Self::Bcrypt(bcrypt) => bcrypt.is_weak(),
            Self::Argon2id(argon2id) => argon2id.is_weak(),
            Self::Scrypt(scrypt) => scrypt.is_weak(),
            Self::Pbkdf2(pbkdf2) => pbkdf2.is_weak(),
            Self::Md5 | Self::Sha256 | Self::Blake3 => false,
        }
    }

    /// Whether what this makes should take the place of what is stored: another way, or a higher cost, but never a fast
    /// digest for a slow hash, nor a lower cost. A measurement must not weaken what it finds.
    pub(crate) fn supersedes(self, stored: &str) -> bool {
        let Some(made_by) = PasswordKind::of_stored(stored) else {
            return false;
        };
        match self {
            Self::Bcrypt(bcrypt) if made_by == PasswordKind::Bcrypt => {
                let cost: Option<u32> = stored.split('$').nth(2).and_then(|cost| cost.parse().ok());
                cost.is_some_and(|cost| cost < bcrypt.cost)
            }
            Self::Argon2id(argon2id) if made_by == PasswordKind::Argon2id => {
                argon2id.exceeds(stored)
            }
            Self::Scrypt(scrypt) if made_by == PasswordKind::Scrypt => scrypt.exceeds(stored),
            Self::Pbkdf2(pbkdf2) if made_by == PasswordKind::Pbkdf2 => pbkdf2.exceeds(stored),
            Self::Bcrypt(_) | Self::Argon2id(_) | Self::Scrypt(_) | Self::Pbkdf2(_) => true,
            Self::Md5 => !made_by.is_slow() && made_by != PasswordKind::Md5,
            Self::Sha256 => !made_by.is_slow() && made_by != PasswordKind::Sha256,
            Self::Blake3 => !made_by.is_slow() && made_by != PasswordKind::Blake3,
        }
    }

    /// The password as it is stored.
    pub(crate) fn hash(self, password: &[u8]) -> Result<String, HashError> {
        match self {
            Self::Bcrypt(bcrypt) => bcrypt.hash(password),
            Self::Argon2id(argon2id) => argon2id.hash(password),
            Self::Scrypt(scrypt) => scrypt.hash(password),
            Self::Pbkdf2(pbkdf2) => pbkdf2.hash(password),
            Self::Md5 => salted::hash("md5", password, salted::md5),
            Self::Sha256 => salted::hash("sha256", password, salted::sha256),
            Self::Blake3 => salted::hash("blake3", password, salted::blake3),
        }
    }
}

/// Whether this is the password that was stored. A stored text that is none of ours never matches.
pub(crate) fn verify(stored: &str, password: &[u8]) -> bool {
    match PasswordKind::of_stored(stored) {
        Some(PasswordKind::Bcrypt) => bcrypt::verify(stored, password),
        Some(PasswordKind::Argon2id) => argon2id::verify(stored, password),
        Some(PasswordKind::Scrypt) => scrypt::verify(stored, password),
        Some(PasswordKind::Pbkdf2) => pbkdf2::verify(stored, password),
        Some(PasswordKind::Md5) => salted::verify(stored, password, salted::md5),
        Some(PasswordKind::Sha256) => salted::verify(stored, password, salted::sha256),
        Some(PasswordKind::Blake3) => salted::verify(stored, password, salted::blake3),
        None => false,
    }
}

/// Why a stored text is none that [`verify`] should be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It could match nothing.
    #[error("of no accepted form")]
    Form,
    /// A single hash would hold a thread for minutes.
    #[error("beyond the accepted costs: bcrypt at {} to {}", BCRYPT_COSTS.start(), BCRYPT_COSTS.end())]
    BcryptCost,
    /// A single hash would hold a thread for minutes, or the memory of the whole server.
    #[error(
        "beyond the accepted costs: argon2id at m={} (KiB), t={}, p={} at most",
        argon2id::MOST_MEMORY_KIB,
        argon2id::MOST_PASSES,
        argon2id::MOST_LANES
    )]
    Argon2idCost,
    /// Likewise.
    #[error("beyond the accepted costs: scrypt with {} MiB, p={} at most", scrypt::MOST_MEMORY_BYTES >> 20, scrypt::MOST_LANES)]
    ScryptCost,
    /// A single hash would hold a thread for minutes.
    #[error(
        "beyond the accepted costs: pbkdf2-sha256 at i={} at most",
        pbkdf2::MOST_ROUNDS
    )]
    Pbkdf2Cost,
}

/// Whether a stored text is one that [`verify`] can use, and that a server can afford to.
pub(crate) fn check_stored(stored: &str) -> Result<(), Unusable> {
    match PasswordKind::of_stored(stored).ok_or(Unusable::Form)? {
        PasswordKind::Bcrypt => bcrypt::check_stored(stored),
        PasswordKind::Argon2id => argon2id::check_stored(stored),
        PasswordKind::Scrypt => scrypt::check_stored(stored),
        PasswordKind::Pbkdf2 => pbkdf2::check_stored(stored),
        PasswordKind::Md5 | PasswordKind::Sha256 | PasswordKind::Blake3 => {
            salted::parts(stored).map(|_| ()).ok_or(Unusable::Form)
        }
    }
}

/// About how long verifying a stored password takes: good for telling which of two takes longer, not for more.
pub(crate) fn work_ns(stored: &str) -> u64 {
    match PasswordKind::of_stored(stored) {
        Some(PasswordKind::Bcrypt) => bcrypt::work_ns(stored),
        Some(PasswordKind::Argon2id) => argon2id::work_ns(stored),
        Some(PasswordKind::Scrypt) => scrypt::work_ns(stored),
        Some(PasswordKind::Pbkdf2) => pbkdf2::work_ns(stored),
        Some(PasswordKind::Md5 | PasswordKind::Sha256 | PasswordKind::Blake3) => salted::WORK_NS,
        None => 0,
    }
}

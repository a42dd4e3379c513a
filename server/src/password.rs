//! How passwords are stored. A stored password says how it was made (`$2b$…`, `$argon2id$…`, `$sha256$…`), so any
//! of them can be verified whatever `--password` says; the axis decides how new ones are made.

mod argon2id;
mod bcrypt;
mod salted;

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
        /// Argon2id: 19 MiB, two passes, one lane (OWASP's first choice)
        Argon2id = "argon2id",
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
        matches!(self, Self::Bcrypt | Self::Argon2id)
    }

    pub(crate) fn open(self, bcrypt_cost: u32) -> Password {
        match self {
            Self::Bcrypt => Password::Bcrypt(bcrypt::Bcrypt { cost: bcrypt_cost }),
            Self::Argon2id => Password::Argon2id,
            Self::Md5 => Password::Md5,
            Self::Sha256 => Password::Sha256,
            Self::Blake3 => Password::Blake3,
        }
    }

    /// The way in which a stored password was made, by its prefix.
    pub(crate) fn of_stored(stored: &str) -> Option<Self> {
        let made_by = stored.strip_prefix('$')?.split('$').next()?;
        match made_by {
            "2a" | "2b" | "2x" | "2y" => Some(Self::Bcrypt),
            "argon2id" => Some(Self::Argon2id),
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
    /// The system gave no randomness for the salt, or the hash no memory.
    #[error("the system refused randomness or memory for the hash")]
    System,
}

impl Password {
    pub(crate) fn is_slow(self) -> bool {
        matches!(self, Self::Bcrypt(_) | Self::Argon2id)
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
            Self::Bcrypt(_) => true,
            Self::Argon2id => made_by != PasswordKind::Argon2id,
            Self::Md5 => !made_by.is_slow() && made_by != PasswordKind::Md5,
            Self::Sha256 => !made_by.is_slow() && made_by != PasswordKind::Sha256,
            Self::Blake3 => !made_by.is_slow() && made_by != PasswordKind::Blake3,
        }
    }

    /// The password as it is stored.
    pub(crate) fn hash(self, password: &[u8]) -> Result<String, HashError> {
        match self {
            Self::Bcrypt(bcrypt) => bcrypt.hash(password),
            Self::Argon2id => argon2id::hash(password),
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
}

/// Whether a stored text is one that [`verify`] can use, and that a server can afford to.
pub(crate) fn check_stored(stored: &str) -> Result<(), Unusable> {
    match PasswordKind::of_stored(stored).ok_or(Unusable::Form)? {
        PasswordKind::Bcrypt => bcrypt::check_stored(stored),
        PasswordKind::Argon2id => argon2id::check_stored(stored),
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
        Some(PasswordKind::Md5 | PasswordKind::Sha256 | PasswordKind::Blake3) => salted::WORK_NS,
        None => 0,
    }
}

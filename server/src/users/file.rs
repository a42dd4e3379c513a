//! Accounts in a JSON file that is read and parsed at every sign-in, on the async thread, as naive code does: that is
//! the cost being measured. A file that breaks while the server runs makes sign-ins answer 503.
//!
//! ```json
//! { "john": { "password_hash": "$2b$12$…", "roles": ["admin"] }, "jane": { "password": "plain", "roles": ["user"] } }
//! ```
//! `password_hash` is any stored form that `--password` can make, whatever it is set to. A plain `password` is hashed
//! as `--password` says when it is first seen, so that verifying it costs what it would in an honest file; only its
//! hash and a digest to recognize it by are kept.
//!
//! An unknown name costs what the dearest account of the file costs. Accounts that are stored in different ways still
//! tell themselves apart by their own time; nothing but one way for all cures that.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{Candidate, Profile, UsersError, decoy, hash_all};
use crate::denied::Denied;
use crate::hashing::Hashing;
use crate::password::{self, Password, Unusable};
use crate::policy::Role;

const SHAPE: &str = r#"expected {"NAME": {"password_hash": "$2b$…" or "password": "…", "roles": ["admin" or "user"], maybe "email", "bio"}}"#;

/// Why a file is not one of accounts.
#[derive(Debug, thiserror::Error)]
pub enum UsersFileError {
    /// It could not be read.
    #[error("users file {path}: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// It is not the JSON that is expected.
    #[error("users file {path}: {error}; {SHAPE}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        error: serde_json::Error,
    },
    /// An account has no usable password.
    #[error("users file {path}: `{name}` {problem}; {SHAPE}")]
    Account {
        /// The file.
        path: PathBuf,
        /// Whose.
        name: String,
        /// What is wrong with it.
        problem: AccountProblem,
    },
}

/// What is wrong with an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountProblem {
    /// Which of them counts cannot be told.
    #[error("has both password_hash and password")]
    Both,
    /// Nobody could sign in.
    #[error("has neither password_hash nor password")]
    Neither,
    /// The stored password is not one that can be verified.
    #[error("has a password_hash {0}")]
    Unusable(#[from] Unusable),
}

pub(crate) struct FileUsers {
    path: PathBuf,
    password: Password,
    /// As an account with a plain password is stored.
    decoy: Arc<str>,
    /// For each plain password of the file, by account: the digest to recognize it by, and its stored form.
    hashed: Mutex<HashMap<String, (Fingerprint, Arc<str>)>>,
}

type Fingerprint = [u8; 32];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    password_hash: Option<String>,
    password: Option<String>,
    roles: Vec<Role>,
    #[serde(default)]
    email: Box<str>,
    #[serde(default)]
    bio: Box<str>,
}

impl FileUsers {
    pub(super) fn open(path: &Path, password: Password) -> Result<Self, UsersError> {
        let entries = read(path)?;
        let plain: Vec<(&str, &str)> = entries
            .iter()
            .filter_map(|(name, entry)| Some((name.as_str(), entry.password.as_deref()?)))
            .collect();
        let stored = hash_all(&plain, password)?;
        let hashed = plain.iter().zip(stored).map(|((name, plain), stored)| {
            let known = (fingerprint(plain), stored);
            ((*name).to_owned(), known)
        });
        Ok(Self {
            path: path.to_owned(),
            password,
            decoy: decoy(password)?,
            hashed: Mutex::new(hashed.collect()),
        })
    }

    pub(super) async fn find(&self, name: &str, hashing: &Hashing) -> Result<Candidate, Denied> {
        let mut entries = read(&self.path).map_err(|_| Denied::Unavailable)?;
        // Looked for whether the name is known or not: the file's length must not tell either.
        let dearest = self.dearest(&entries);
        let mut known = entries.remove(name);
        let roles = known
            .as_ref()
            .map(|entry| entry.roles.iter().copied().collect());
        let profile = known
            .as_mut()
            .map_or_else(Profile::default, |entry| Profile {
                email: std::mem::take(&mut entry.email),
                bio: std::mem::take(&mut entry.bio),
            });
        let stored = match known.map(|entry| (entry.password_hash, entry.password)) {
            Some((Some(stored), _)) => stored.into(),
            Some((None, Some(plain))) => self.stored(name, plain, hashing).await?,
            Some((None, None)) | None => dearest,
        };
        Ok(Candidate {
            stored,
            roles,
            profile,
        })
    }

    /// The stored form, of those in the file, that takes the longest to verify. Without accounts: as `--password` says.
    fn dearest(&self, entries: &BTreeMap<String, Entry>) -> Arc<str> {
        let stored = entries
            .values()
            .map(|entry| entry.password_hash.as_deref().unwrap_or(&self.decoy));
        stored
            .max_by_key(|stored| password::work_ns(stored))
            .map_or_else(|| Arc::clone(&self.decoy), Arc::from)
    }

    async fn stored(
        &self,
        name: &str,
        plain: String,
        hashing: &Hashing,
    ) -> Result<Arc<str>, Denied> {
        let seen = fingerprint(&plain);
        let known = self
            .hashed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned();
        if let Some((_, stored)) = known.filter(|(known, _)| *known == seen) {
            return Ok(stored);
        }
        let stored = hashing.hash(self.password, plain.into_bytes()).await?;
        let stored: Arc<str> = stored.map_err(|_| Denied::Unavailable)?.into();
        let mut hashed = self.hashed.lock().unwrap_or_else(PoisonError::into_inner);
        hashed.insert(name.to_owned(), (seen, Arc::clone(&stored)));
        Ok(stored)
    }
}

impl fmt::Debug for FileUsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither stored passwords nor the digests beside them: those of plain passwords are guessed.
        f.debug_struct("FileUsers")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

fn read(path: &Path) -> Result<BTreeMap<String, Entry>, UsersFileError> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) => {
            return Err(UsersFileError::Unreadable {
                path: path.to_owned(),
                error,
            });
        }
    };
    let entries: BTreeMap<String, Entry> = match serde_json::from_slice(&text) {
        Ok(entries) => entries,
        Err(error) => {
            return Err(UsersFileError::Invalid {
                path: path.to_owned(),
                error,
            });
        }
    };
    let problem = |name: &str, problem| UsersFileError::Account {
        path: path.to_owned(),
        name: name.to_owned(),
        problem,
    };
    for (name, entry) in &entries {
        match (&entry.password_hash, &entry.password) {
            (Some(_), Some(_)) => return Err(problem(name, AccountProblem::Both)),
            (None, None) => return Err(problem(name, AccountProblem::Neither)),
            (Some(stored), None) => {
                password::check_stored(stored)
                    .map_err(|unusable| problem(name, unusable.into()))?;
            }
            (None, Some(_)) => {}
        }
    }
    Ok(entries)
}

fn fingerprint(plain: &str) -> Fingerprint {
    Sha256::digest(plain).into()
}

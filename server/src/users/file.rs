//! Accounts in a JSON file that is read and parsed at every sign-in, on the async thread, as naive code does: that is
//! the cost being measured. A file that breaks while the server runs makes sign-ins answer 503.
//!
//! ```json
//! { "john": { "password_hash": "$2b$12$…", "roles": ["admin"] }, "jane": { "password": "plain", "roles": ["user"] } }
//! ```
//! `password_hash` is any stored form that `--password` can make, whatever it is set to. A plain `password` is hashed
//! as `--password` says when it is first seen, so that verifying it costs what it would in an honest file; only its
//! hash and a digest to recognize it by are kept.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{Account, UsersError, hash_all};
use crate::denied::Denied;
use crate::hashing::Hashing;
use crate::password::{self, Password};
use crate::policy::{Role, Roles};

const SHAPE: &str = r#"expected {"NAME": {"password_hash": "$2b$…" or "password": "…", "roles": ["admin" or "user"]}}"#;

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
        problem: &'static str,
    },
}

#[derive(Debug)]
pub(crate) struct FileUsers {
    path: PathBuf,
    password: Password,
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
            hashed: Mutex::new(hashed.collect()),
        })
    }

    pub(super) async fn find(
        &self,
        name: &str,
        hashing: &Hashing,
    ) -> Result<Option<Account>, Denied> {
        let Some(entry) = read(&self.path)
            .map_err(|_| Denied::Unavailable)?
            .remove(name)
        else {
            return Ok(None);
        };
        let roles: Roles = entry.roles.into_iter().collect();
        let stored = match (entry.password_hash, entry.password) {
            (Some(stored), _) => stored.into(),
            (None, Some(plain)) => self.stored(name, plain, hashing).await?,
            (None, None) => return Ok(None),
        };
        Ok(Some(Account { stored, roles }))
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
            (Some(_), Some(_)) => return Err(problem(name, "has both password_hash and password")),
            (None, None) => return Err(problem(name, "has neither password_hash nor password")),
            (Some(stored), None) if !password::is_usable(stored) => {
                return Err(problem(name, "has a password_hash of no accepted form"));
            }
            _ => {}
        }
    }
    Ok(entries)
}

fn fingerprint(plain: &str) -> Fingerprint {
    Sha256::digest(plain).into()
}

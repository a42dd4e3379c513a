//! Accounts in a JSON file that is read and parsed at every sign-in, as naive code does: that is the cost being measured.
//! It is paid on a blocking thread, so that other requests do not wait for the disk or the parser. A file that breaks
//! while the server runs makes sign-ins answer 503.
//!
//! ```json
//! { "john": { "password_hash": "$2b$12$…", "roles": ["admin"] }, "jane": { "password": "plain" } }
//! ```
//! `password_hash` is any stored form that `--password` can make, whatever it is set to. A plain `password` is hashed
//! as `--password` says when it is first seen, so that verifying it costs what it would in an honest file; only its
//! hash and a digest to recognize it by are kept. `role` may be there instead of `roles`; without either, an account is
//! an ordinary user's. A `username`, where there is one, repeats the name of the account. A member that is `null` counts as
//! absent.
//!
//! An unknown name costs what the dearest account of the file costs. Accounts that are stored in different ways still
//! tell themselves apart by their own time; nothing but one way for all cures that.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::{Candidate, Profile, UsersError, decoy, escaped, hash_all, normal};
use crate::cause::{self, Source};
use crate::denied::Denied;
use crate::files;
use crate::hashing::Hasher;
use crate::members::{Members, Object, misread};
use crate::password::{self, Password, Unusable};
use crate::policy::{Role, Roles};

const SHAPE: &str = r#"expected {"NAME": {"password_hash": "$2b$…" or "password": "…", maybe "roles": ["admin" or "user"] or "role", "username": "NAME", "email", "bio"}}"#;

/// The largest users file: some 400 000 accounts.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// How long a sign-in waits for the file, the sign-ins before it included.
const MOST_WAIT: Duration = Duration::from_secs(10);

/// The cause of a sign-in for which the file was not read in time.
const LATE: &str = "the users file could not be read within ten seconds";

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
        /// What is wrong, with line and column, and without any value of the file.
        error: String,
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
    /// Nobody could type it, or it looks like another.
    #[error(
        "is not a name: 1 to 64 letters, digits and visible ASCII, none of / \\ : ; % ? #, single spaces between words"
    )]
    Unfit,
    /// The same name in another Unicode normal form.
    #[error("is there twice, in two spellings of one name")]
    Twice,
    /// The account calls itself something else.
    #[error("has a username that is another name")]
    OtherName,
    /// Which of them counts cannot be told.
    #[error("has a role that is not among its roles")]
    OtherRole,
}

pub(crate) struct FileUsers {
    path: Arc<Path>,
    password: Password,
    /// How many sign-ins read the file at once.
    reading: Arc<Semaphore>,
    /// How many accounts had a plain password at start.
    plain: usize,
    /// As an account with a plain password is stored.
    decoy: Arc<str>,
    /// For each plain password of the file, by account: the digest to recognize it by, and its stored form.
    hashed: Mutex<HashMap<String, (Fingerprint, Arc<str>)>>,
}

type Fingerprint = [u8; 32];

/// An account. A member that is `null` counts as absent: exports of databases write it for what is not set.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    password_hash: Option<String>,
    password: Option<String>,
    roles: Option<Vec<Role>>,
    role: Option<Role>,
    username: Option<String>,
    email: Option<Box<str>>,
    bio: Option<Box<str>>,
}

impl Entry {
    fn roles(&self) -> Roles {
        match (&self.roles, self.role) {
            (Some(roles), _) => roles.iter().copied().collect(),
            (None, role) => [role.unwrap_or(Role::User)].into_iter().collect(),
        }
    }

    fn problem(&self, name: &str) -> Option<AccountProblem> {
        let other_name = |username: &String| normal(username).as_deref() != Some(name);
        if self.username.as_ref().is_some_and(other_name) {
            return Some(AccountProblem::OtherName);
        }
        if let (Some(roles), Some(role)) = (&self.roles, self.role)
            && !roles.contains(&role)
        {
            return Some(AccountProblem::OtherRole);
        }
        match (&self.password_hash, &self.password) {
            (Some(_), Some(_)) => Some(AccountProblem::Both),
            (None, None) => Some(AccountProblem::Neither),
            (Some(stored), None) => password::check_stored(stored).err().map(Into::into),
            (None, Some(_)) => None,
        }
    }
}

/// What a file says of a name.
struct Found {
    entry: Option<Entry>,
    /// The stored form, of those in the file, that takes the longest to verify. Without accounts: as `--password` says.
    dearest: Arc<str>,
}

impl Found {
    fn read(path: &Path, name: &str, decoy: &Arc<str>) -> Result<Self, UsersFileError> {
        let mut entries = read(path)?;
        // Looked for whether the name is known or not: the file's length must not tell either.
        let stored = entries
            .values()
            .map(|entry| entry.password_hash.as_deref().unwrap_or(decoy));
        let dearest = stored
            .max_by_key(|stored| password::work_ns(stored))
            .map_or_else(|| Arc::clone(decoy), Arc::from);
        let entry = entries.remove(name);
        Ok(Self { entry, dearest })
    }
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
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self {
            path: path.into(),
            password,
            reading: Arc::new(Semaphore::new(cores)),
            plain: plain.len(),
            decoy: decoy(password)?,
            hashed: Mutex::new(hashed.collect()),
        })
    }

    /// Whether the file keeps passwords that whoever reads it can use.
    pub(super) fn note(&self) -> Option<String> {
        let (path, plain) = (self.path.display(), self.plain);
        (plain > 0).then(|| {
            format!(
                "users file {path} keeps plain passwords, {plain} of them: whoever reads it can sign in; store password_hash instead"
            )
        })
    }

    pub(super) async fn find(&self, name: &str, hashing: &Hasher<'_>) -> Result<Candidate, Denied> {
        let Found { entry, dearest } = self.look_up(name).await?;
        let Some(entry) = entry else {
            return Ok(Candidate {
                stored: dearest,
                roles: None,
                profile: Profile::default(),
            });
        };
        let roles = Some(entry.roles());
        let stored = match (entry.password_hash, entry.password) {
            (Some(stored), _) => stored.into(),
            (None, Some(plain)) => self.stored(name, plain, hashing).await?,
            (None, None) => dearest,
        };
        Ok(Candidate {
            stored,
            roles,
            profile: Profile {
                email: entry.email.unwrap_or_default(),
                bio: entry.bio.unwrap_or_default(),
            },
        })
    }

    /// Reads the file on a blocking thread. As many do so at once as there are cores; the others wait without a thread, in
    /// time or not at all.
    async fn look_up(&self, name: &str) -> Result<Found, Denied> {
        let until = Instant::now() + MOST_WAIT;
        let turn = timeout_at(until, Arc::clone(&self.reading).acquire_owned())
            .await
            .ok()
            .and_then(Result::ok)
            .ok_or_else(|| cause::unavailable(Source::Users, &LATE))?;
        let (path, decoy) = (Arc::clone(&self.path), Arc::clone(&self.decoy));
        let name = name.to_owned();
        let found = tokio::task::spawn_blocking(move || {
            let found = Found::read(&path, &name, &decoy);
            // The turn ends with the reading, not with the wait for it: a disk that hangs holds no more threads than these.
            drop(turn);
            found
        });
        match timeout_at(until, found).await {
            Ok(Ok(Ok(found))) => Ok(found),
            Ok(Ok(Err(error))) => Err(cause::unavailable(Source::Users, &error)),
            Ok(Err(_)) => Err(cause::unanswered("a reading of the users file")),
            Err(_) => Err(cause::unavailable(Source::Users, &LATE)),
        }
    }

    async fn stored(
        &self,
        name: &str,
        plain: String,
        hashing: &Hasher<'_>,
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
        let stored: Arc<str> = stored
            .map_err(|error| {
                let (path, name) = (self.path.display(), escaped(name));
                let problem = format!(
                    "users file {path}: the password of `{name}` cannot be stored: {error}"
                );
                cause::unavailable(Source::Users, &problem)
            })?
            .into();
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
    let text = files::read(path, MOST_BYTES).map_err(|error| UsersFileError::Unreadable {
        path: path.to_owned(),
        error,
    })?;
    let Members(entries): Members<Object<Entry>> =
        serde_json::from_slice(&text).map_err(|error| UsersFileError::Invalid {
            path: path.to_owned(),
            error: misread(&error),
        })?;
    let problem = |name: &str, problem| UsersFileError::Account {
        path: path.to_owned(),
        // No name has a colon: what follows one may be a password.
        name: match name.split_once(':') {
            Some((before, _)) => escaped(before) + ":…",
            None => escaped(name),
        },
        problem,
    };
    let mut accounts = BTreeMap::new();
    for (typed, Object(entry)) in entries {
        let name = normal(&typed).ok_or_else(|| problem(&typed, AccountProblem::Unfit))?;
        if let Some(wrong) = entry.problem(&name) {
            return Err(problem(&typed, wrong));
        }
        if accounts.insert(name.into_owned(), entry).is_some() {
            return Err(problem(&typed, AccountProblem::Twice));
        }
    }
    Ok(accounts)
}

fn fingerprint(plain: &str) -> Fingerprint {
    Sha256::digest(plain).into()
}

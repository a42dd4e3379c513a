//! What databases of accounts have in common: how roles are written, what is looked for at start, and what is said of it.

use std::sync::Arc;
use std::time::Duration;

use super::{escaped, normal};
use crate::password;
use crate::policy::{Role, Roles};

/// How long a call may take, waiting for others included.
pub(super) const MOST_WAIT: Duration = Duration::from_secs(1);

/// How much longer a call is waited for that began in time.
pub(super) const MOST_COMMIT: Duration = Duration::from_millis(500);

/// The longest name that a message shows, in characters.
pub(super) const MOST_SHOWN: usize = 64;

/// Why a database cannot be used, in one line.
#[derive(Debug, thiserror::Error)]
#[error("users database {place}: {problem}")]
pub struct UsersDatabaseError {
    /// Without a password.
    pub(super) place: String,
    pub(super) problem: String,
}

/// What a look at every account found.
pub(super) struct Survey {
    /// Of the ways in which passwords are stored, the one that takes the longest: an unknown name costs as much.
    pub(super) decoy: Arc<str>,
    work_ns: u64,
    pub(super) unreachable: Option<Unreachable>,
}

/// Accounts whose names are in no normal form, so that nobody can sign in to them: how many, and the first.
pub(super) struct Unreachable {
    count: usize,
    first: String,
}

impl Survey {
    /// Before the first account: with a decoy stored as `--password` says.
    pub(super) fn of_none(decoy: Arc<str>) -> Self {
        Self {
            work_ns: password::work_ns(&decoy),
            decoy,
            unreachable: None,
        }
    }

    pub(super) fn see(&mut self, name: &str, stored: &str) {
        let work_ns = password::work_ns(stored);
        if work_ns > self.work_ns && password::check_stored(stored).is_ok() {
            (self.decoy, self.work_ns) = (stored.into(), work_ns);
        }
        if normal(name).as_deref() != Some(name) {
            let unreachable = self.unreachable.get_or_insert_with(|| Unreachable {
                count: 0,
                first: name.to_owned(),
            });
            unreachable.count += 1;
        }
    }
}

impl Unreachable {
    /// A database may be older than the rule that names have one form. `delete` is the statement that removes the account
    /// whose name has these bytes, in hexadecimal.
    pub(super) fn note(&self, place: &str, delete: impl FnOnce(&str) -> String) -> String {
        let (count, first) = (self.count, &self.first);
        let shown: String = first.chars().take(MOST_SHOWN).collect();
        let is_whole = shown.len() == first.len();
        let cut = if is_whole { "" } else { "…" };
        // A name may hold anything, so it is given by its bytes.
        let example = if is_whole {
            let bytes = first.bytes().map(|byte| format!("{byte:02X}"));
            let bytes: String = bytes.collect();
            format!(", this one by {}", delete(&bytes))
        } else {
            String::new()
        };
        format!(
            "users database {place}: {count} names are not in their normal form (RFC 8265), the first of them `{}{cut}`: nobody can sign in to these accounts; rename or remove them in the database{example}; DELETE /admin/accounts/NAME, percent-encoded, removes those whose names a path can hold (not empty, . or .., no / \\ ; % ? # and no control character)",
            escaped(&shown)
        )
    }
}

/// Roles by name, separated by spaces.
pub(super) fn text(roles: Roles) -> String {
    let labels: Vec<&str> = roles.iter().map(Role::label).collect();
    labels.join(" ")
}

/// Roles that this server does not know grant nothing.
pub(super) fn of_text(text: &str) -> Roles {
    text.split(' ')
        .filter_map(|name| name.parse::<Role>().ok())
        .collect()
}

//! What decisions are made of, whether they are remembered or not.

use super::OpenError;
use crate::binding::Binding;
use crate::clients::Clients;
use crate::clock::Timestamp;
use crate::credential::Credential;
use crate::decisions::Beside;
use crate::hashing::Hashing;
use crate::password::Password;
use crate::policy::Policy;
use crate::request::{Grant, Verified};
use crate::routes::Routes;
use crate::sessions::Sessions;
use crate::setup::Design;
use crate::subjects::Subjects;
use crate::users::Users;
use crate::verification::Verification;

/// What decisions are made of, whether they are remembered or not.
#[derive(Debug)]
pub(super) struct World {
    pub(super) subjects: Subjects,
    pub(super) users: Users,
    pub(super) password: Password,
    pub(super) clients: Clients,
    pub(super) routes: Routes,
    pub(super) hashing: Hashing,
    pub(super) credential: Credential,
    pub(super) verification: Verification,
    pub(super) sessions: Sessions,
    pub(super) binding: Binding,
    pub(super) policy: Policy,
}

impl World {
    pub(super) fn open(design: &Design, now: Timestamp) -> Result<Self, OpenError> {
        let password = design.password.open(design.bcrypt_cost);
        let threads = |error| OpenError::Threads {
            threads: design.hash_threads.get(),
            error,
        };
        let verification = Verification::open(design)?;
        let users = match &verification {
            Verification::Local => Users::open(&design.users, password)?,
            // Nobody signs in here, so nobody's password is hashed for it.
            Verification::Introspect(_) => Users::elsewhere(password),
        };
        Ok(Self {
            subjects: Subjects::default(),
            users,
            password,
            clients: Clients::open(design)?,
            routes: Routes::open(&design.routes)?,
            hashing: Hashing::open(design).map_err(threads)?,
            credential: Credential::open(design)?,
            verification,
            sessions: Sessions::open(design, now)?,
            binding: Binding::open(design, now),
            policy: Policy::default(),
        })
    }

    pub(super) fn beside(&self) -> Beside<'_> {
        Beside {
            sessions: &self.sessions,
            subjects: &self.subjects,
        }
    }

    /// What a verified token may do as policy is now.
    pub(super) fn grant(&self, verified: &Verified) -> Grant {
        verified.grant(self.policy.left(verified.roles, verified.scopes))
    }
}

//! What decisions are made of, whether they are remembered or not.

use super::common::Common;
use super::listed::Listed;
use crate::binding::{Binding, Means};
use crate::clients::Clients;
use crate::clock::Timestamp;
use crate::credential::Credential;
use crate::decisions::Beside;
use crate::grant::{Grant, Verified};
use crate::hashing::Hashing;
use crate::open::{self, OpenError};
use crate::password::Password;
use crate::policies::{Policies, Question};
use crate::policy::Policy;
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
    pub(super) policies: Policies,
    pub(super) common: Common,
    /// The tokens that a status list tells of, where there is one.
    pub(super) listed: Option<Listed>,
}

impl World {
    pub(super) fn open(design: &Design, now: Timestamp) -> Result<Self, OpenError> {
        // In this order they are opened, and the first that cannot be is named.
        let verification = open::verification(design)?;
        let users = open::users(design)?;
        let (clients, routes) = (open::clients(design)?, Routes::open(&design.routes)?);
        let policies = Policies::open(design.policy, &design.cedar_policies)?;
        let hashing = open::hashing(design)?;
        let credential = open::credential(design)?;
        let binding = open::binding(design, now)?;
        Ok(Self {
            subjects: Subjects::default(),
            users,
            password: open::password(design)?,
            clients,
            routes,
            hashing,
            common: Common::new(credential.kind_of_key(), binding.nonces().is_some()),
            credential,
            verification,
            sessions: open::sessions(design, now)?,
            binding,
            policy: Policy::default(),
            policies,
            listed: open::list_source(design)?.map(Listed::new),
        })
    }

    pub(super) fn beside(&self) -> Beside<'_> {
        Beside {
            sessions: &self.sessions,
            subjects: &self.subjects,
        }
    }

    /// What a sender is checked with now.
    pub(super) fn means(&self, now: Timestamp) -> Means<'_> {
        Means {
            hashing: &self.hashing,
            redis: self.sessions.in_redis(),
            now,
        }
    }

    /// What a verified token may do as policy is now.
    pub(super) fn grant(&self, verified: &Verified) -> Grant {
        verified.grant(self.policy.left(verified.roles, verified.scopes))
    }

    /// Whether a grant allows what is asked.
    pub(super) fn allows(&self, grant: &Grant, asked: Question<'_>) -> bool {
        let name = || self.subjects.name(grant.subject());
        self.policies.allow(asked, grant.roles, grant.scopes, name)
    }

    /// What only servers have that decide by the same policy.
    pub(super) fn policy_fingerprint(&self) -> u64 {
        self.policy.fingerprint() ^ self.policies.fingerprint()
    }
}

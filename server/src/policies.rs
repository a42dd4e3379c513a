//! What decides whether a verified request may do what it asks for: roles and scopes, or a policy engine over the policies of
//! a file.
//!
//! Whatever decides may look at nothing that [`crate::decisions`] leaves out of its keys, or a cached decision would be
//! another than an uncached one. That is why a question has the route and not the path.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::Deserialize;

use crate::policy::{Action, PolicyKind, Roles, Scopes};

#[cfg(feature = "cedar")]
mod cedar;

/// Where the policies of `--policy cedar` are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoliciesFrom {
    /// In this program: they decide as roles and scopes do.
    BuiltIn,
    /// A file of Cedar policies.
    File(PathBuf),
}

/// Why there are no policies, in one line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PoliciesError(String);

/// What a verified request asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) action: Action,
    #[cfg_attr(not(feature = "cedar"), expect(dead_code, reason = "for policies"))]
    pub(crate) method: &'a str,
    /// The matched route, as a cached decision is of one.
    #[cfg_attr(not(feature = "cedar"), expect(dead_code, reason = "for policies"))]
    pub(crate) route: &'a str,
}

/// What decides.
#[derive(Debug)]
pub(crate) enum Policies {
    /// Roles and scopes.
    Roles,
    #[cfg(feature = "cedar")]
    Cedar(Box<cedar::Cedar>),
}

impl Policies {
    /// What decides under this policy.
    ///
    /// # Errors
    /// A file that cannot be used, or a program that was built without the engine.
    pub(crate) fn open(kind: PolicyKind, from: &PoliciesFrom) -> Result<Self, PoliciesError> {
        match kind {
            PolicyKind::Enforce | PolicyKind::AllowAll => Ok(Self::Roles),
            #[cfg(feature = "cedar")]
            PolicyKind::Cedar => cedar::Cedar::open(from).map(|cedar| Self::Cedar(Box::new(cedar))),
            #[cfg(not(feature = "cedar"))]
            PolicyKind::Cedar => {
                let _ = from;
                let problem = "--policy cedar: this authlab was built without it (feature `cedar`); accepted: enforce, allow-all";
                Err(PoliciesError(problem.to_owned()))
            }
        }
    }

    /// Whether who is granted these roles and scopes may do it. Whose request it is is asked only where something depends on it.
    #[inline]
    #[cfg_attr(
        not(feature = "cedar"),
        expect(unused_variables, reason = "for policies")
    )]
    pub(crate) fn allow<A: AsRef<str>>(
        &self,
        asked: Question<'_>,
        roles: Roles,
        scopes: Scopes,
        name: impl FnOnce() -> A,
    ) -> bool {
        match self {
            Self::Roles => asked.action.is_allowed(roles, scopes),
            #[cfg(feature = "cedar")]
            Self::Cedar(cedar) => cedar.allows(asked, roles, scopes, name().as_ref()),
        }
    }

    /// What only servers have that decide by the same policies.
    pub(crate) fn fingerprint(&self) -> u64 {
        match self {
            Self::Roles => 0,
            #[cfg(feature = "cedar")]
            Self::Cedar(cedar) => cedar.fingerprint(),
        }
    }
}

impl fmt::Display for PoliciesFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("as roles and scopes decide"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

impl FromStr for PoliciesFrom {
    type Err = std::convert::Infallible;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        Ok(Self::File(path.into()))
    }
}

impl<'de> Deserialize<'de> for PoliciesFrom {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        PathBuf::deserialize(deserializer).map(Self::File)
    }
}

#[cfg(all(test, feature = "cedar"))]
mod tests;

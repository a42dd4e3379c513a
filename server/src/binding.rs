//! Who may use a token: its sender's User-Agent and address, sealed into the token when it was issued, as in the
//! article that this lab started from.

mod bcrypt;
mod digest;
mod none;
mod seal;

use serde::{Deserialize, Serialize};

use crate::axis::axis;
use crate::denied::Denied;
use crate::hashing::Hashing;
use crate::request::Sender;
use crate::setup::Design;
use seal::Seal;

axis! {
    /// Who may use a token.
    pub enum BindingKind opens Binding: "binding" {
        /// whoever holds it
        None(none::Unbound) = "none",
        /// the sender whose bcrypt hashes it carries, at --bcrypt-cost
        Bcrypt(bcrypt::BcryptBinding) = "bcrypt",
        /// the sender whose MD5 digests it carries
        Md5(digest::DigestBinding) = "md5",
        /// the sender whose SHA-256 digests it carries
        Sha256(digest::DigestBinding) = "sha256",
        /// the sender whose BLAKE3 digests it carries
        Blake3(digest::DigestBinding) = "blake3",
    }
}

axis! {
    /// What of the sender a token is bound to.
    pub enum BindTo: "bind-to" {
        /// User-Agent and IP address
        UserAgentAndIp = "ua+ip",
        /// User-Agent alone: for senders whose address changes
        UserAgent = "ua",
    }
}

/// The sender as a token carries it (its `bnd` claim). Empty seals bind nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Bound {
    #[serde(rename = "ua", skip_serializing_if = "Seal::is_empty")]
    user_agent: Seal,
    #[serde(skip_serializing_if = "Seal::is_empty")]
    ip: Seal,
}

impl Bound {
    pub(crate) fn is_empty(&self) -> bool {
        self.user_agent.is_empty() && self.ip.is_empty()
    }
}

impl Binding {
    pub(crate) fn open(design: &Design) -> Self {
        let digest = |with| digest::DigestBinding {
            with,
            to: design.bind_to,
        };
        match design.binding {
            BindingKind::None => Self::None(none::Unbound),
            BindingKind::Bcrypt => Self::Bcrypt(bcrypt::BcryptBinding {
                cost: design.bcrypt_cost,
                to: design.bind_to,
            }),
            BindingKind::Md5 => Self::Md5(digest(digest::Digest::Md5)),
            BindingKind::Sha256 => Self::Sha256(digest(digest::Digest::Sha256)),
            BindingKind::Blake3 => Self::Blake3(digest(digest::Digest::Blake3)),
        }
    }

    /// Seals the sender for a token that is being issued.
    pub(crate) async fn seal(
        &self,
        sender: &Sender<'_>,
        hashing: &Hashing,
    ) -> Result<Bound, Denied> {
        match self {
            Self::None(none) => Ok(none.seal()),
            Self::Bcrypt(bcrypt) => bcrypt.seal(sender, hashing).await,
            Self::Md5(digest) | Self::Sha256(digest) | Self::Blake3(digest) => {
                Ok(digest.seal(sender))
            }
        }
    }

    /// Whether a check waits for a slow hash, so that what was true before it may no longer be.
    pub(crate) fn waits(&self) -> bool {
        match self {
            Self::Bcrypt(_) => true,
            Self::None(_) | Self::Md5(_) | Self::Sha256(_) | Self::Blake3(_) => false,
        }
    }

    /// Whether the token is this sender's. What waits for a hash is boxed: every future that may check a binding holds
    /// this one, and is moved with it, on a hit too.
    pub(crate) async fn check(
        &self,
        bound: &Bound,
        sender: &Sender<'_>,
        hashing: &Hashing,
    ) -> Result<(), Denied> {
        match self {
            Self::None(none) => none.check(),
            Self::Bcrypt(bcrypt) => Box::pin(bcrypt.check(bound, sender, hashing)).await,
            Self::Md5(digest) | Self::Sha256(digest) | Self::Blake3(digest) => {
                digest.check(bound, sender)
            }
        }
    }
}

//! Who may use a token: its sender's User-Agent and address, sealed into the token when it was issued, as in the
//! article that this lab started from; or whoever holds a key, which is the standard's answer to the same question.

mod bcrypt;
mod digest;
mod dpop;
mod seal;

use serde::{Deserialize, Serialize};

use crate::axis::axis;
use crate::clock::Timestamp;
use crate::denied::Denied;
use crate::hashing::Hashing;
use crate::request::Sender;
use crate::subjects::Subject;
use seal::Seal;

axis! {
    /// Who may use a token.
    pub enum BindingKind opens Binding: "binding" {
        /// whoever holds it
        None = "none",
        /// the sender whose bcrypt hashes it carries, at --bcrypt-cost
        Bcrypt(bcrypt::BcryptBinding) = "bcrypt",
        /// the sender whose MD5 digests it carries
        Md5(digest::DigestBinding) = "md5",
        /// the sender whose SHA-256 digests it carries
        Sha256(digest::DigestBinding) = "sha256",
        /// the sender whose BLAKE3 digests it carries
        Blake3(digest::DigestBinding) = "blake3",
        /// whoever proves on each request to hold the key that it names (RFC 9449)
        Dpop(Box<dpop::DpopBinding>) = "dpop",
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

/// Whom a token is bound to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Bound {
    /// Whoever holds it.
    #[default]
    Nobody,
    /// This sender.
    Sender(SealedSender),
    /// The holder of the key with this thumbprint (RFC 7638).
    Key(Seal),
}

/// A sender as a token carries it (its `bnd` claim). Empty seals bind nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SealedSender {
    #[serde(rename = "ua", skip_serializing_if = "Seal::is_empty")]
    user_agent: Seal,
    #[serde(skip_serializing_if = "Seal::is_empty")]
    ip: Seal,
}

/// A key as a token carries it (its `cnf` claim, RFC 9449 §6.1). A confirmation by any other method cannot be checked
/// here, so a token that has one is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Confirmation {
    jkt: Seal,
}

impl Bound {
    /// As claims.
    pub(crate) fn claims(self) -> (Option<SealedSender>, Option<Confirmation>) {
        match self {
            Self::Nobody => (None, None),
            Self::Sender(sealed) => (Some(sealed), None),
            Self::Key(jkt) => (None, Some(Confirmation { jkt })),
        }
    }

    /// Of claims; `None` for a token that would be bound twice.
    pub(crate) fn of_claims(
        sealed: Option<SealedSender>,
        confirmation: Option<Confirmation>,
    ) -> Option<Self> {
        match (sealed, confirmation) {
            (None, None) => Some(Self::Nobody),
            (Some(sealed), None) => Some(Self::Sender(sealed)),
            (None, Some(Confirmation { jkt })) => Some(Self::Key(jkt)),
            (Some(_), Some(_)) => None,
        }
    }

    /// The sender that it is bound to; a token of a server that binds otherwise is nobody's here.
    fn sender(&self) -> Result<&SealedSender, Denied> {
        match self {
            Self::Sender(sealed) => Ok(sealed),
            Self::Nobody | Self::Key(_) => Err(Denied::WrongSender),
        }
    }
}

impl Binding {
    /// Binds to this of a sender, with bcrypt at this cost; or to keys, by proofs that are made for `issuer` and not older
    /// than `since`.
    pub(crate) fn open(
        kind: BindingKind,
        to: BindTo,
        bcrypt_cost: u32,
        issuer: &str,
        since: Timestamp,
    ) -> Self {
        let digest = |with| digest::DigestBinding { with, to };
        match kind {
            BindingKind::None => Self::None,
            BindingKind::Bcrypt => Self::Bcrypt(bcrypt::BcryptBinding {
                cost: bcrypt_cost,
                to,
            }),
            BindingKind::Md5 => Self::Md5(digest(digest::Digest::Md5)),
            BindingKind::Sha256 => Self::Sha256(digest(digest::Digest::Sha256)),
            BindingKind::Blake3 => Self::Blake3(digest(digest::Digest::Blake3)),
            BindingKind::Dpop => Self::Dpop(Box::new(dpop::DpopBinding::open(issuer, since))),
        }
    }

    /// Seals the sender for a token that is being issued to this subject.
    pub(crate) async fn seal(
        &self,
        sender: &Sender<'_>,
        subject: Subject,
        hashing: &Hashing,
        now: Timestamp,
    ) -> Result<Bound, Denied> {
        match self {
            Self::None => Ok(Bound::Nobody),
            Self::Bcrypt(bcrypt) => bcrypt.seal(sender, hashing).await,
            Self::Md5(digest) | Self::Sha256(digest) | Self::Blake3(digest) => {
                Ok(Bound::Sender(digest.seal(sender)))
            }
            Self::Dpop(dpop) => dpop.seal(sender, subject, now),
        }
    }

    /// Whether it is proven to whoever is asked, and not to a server that is only asked about.
    pub(crate) fn is_proven_elsewhere(&self) -> bool {
        matches!(self, Self::Dpop(_))
    }

    /// Whether the token is this sender's; a key is proven for this `token`, or without one for a request that
    /// carries none. What waits for a hash is boxed: every future that may check a binding holds
    /// this one, and is moved with it, on a hit too.
    pub(crate) async fn check(
        &self,
        bound: &Bound,
        subject: Subject,
        sender: &Sender<'_>,
        token: Option<&str>,
        hashing: &Hashing,
        now: Timestamp,
    ) -> Result<(), Denied> {
        match self {
            // A bearer token is whoever's holds it (RFC 6750 §1.2). One that is bound to a key stays so: no server may take it
            // without a proof (RFC 9449 §7.2).
            Self::None => match bound {
                Bound::Nobody | Bound::Sender(_) => Ok(()),
                Bound::Key(_) => Err(Denied::WrongSender),
            },
            Self::Bcrypt(bcrypt) => Box::pin(bcrypt.check(bound, sender, hashing)).await,
            Self::Md5(digest) | Self::Sha256(digest) | Self::Blake3(digest) => {
                digest.check(bound, sender)
            }
            Self::Dpop(dpop) => dpop.check(bound, subject, sender, token, now),
        }
    }
}

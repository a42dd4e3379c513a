//! Who may use a token: its sender's User-Agent and address, sealed into the token when it was issued, as in the
//! article that this lab started from; or whoever holds a key, which is the standard's answer to the same question.

mod bcrypt;
mod certificate;
mod digest;
mod dpop;
mod nonce;

use std::time::Duration;

use crate::axis::axis;
use crate::bound::Bound;
use crate::clock::Timestamp;
use crate::denied::Denied;
use crate::hashing::Hashing;
use crate::request::Sender;
use crate::sessions::redis::RedisSessions;
use crate::subjects::Subject;
pub(crate) use nonce::Nonces;

axis! {
    /// Who may use a token.
    pub enum BindingKind opens Binding: "binding" {
        /// every sender
        None = "none",
        /// the sender whose bcrypt hashes it carries, at --bcrypt-cost
        Bcrypt(bcrypt::BcryptBinding) = "bcrypt",
        /// the sender whose MD5 digests it carries
        Md5(digest::DigestBinding) = "md5",
        /// the sender whose SHA-256 digests it carries
        Sha256(digest::DigestBinding) = "sha256",
        /// the sender whose BLAKE3 digests it carries
        Blake3(digest::DigestBinding) = "blake3",
        /// the sender that proves on each request that it holds the key named by the token (RFC 9449)
        Dpop(Box<dpop::DpopBinding>) = "dpop",
        /// the client whose TLS connection has the certificate named by the token (RFC 8705)
        Mtls = "mtls",
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

/// What a sender is checked with.
#[derive(Clone, Copy)]
pub(crate) struct Means<'a> {
    pub(crate) hashing: &'a Hashing,
    /// Where several servers keep which proofs were used.
    pub(crate) redis: Option<&'a RedisSessions>,
    pub(crate) now: Timestamp,
}

impl Binding {
    /// Binds to this of a sender, with bcrypt at this cost; or to keys, by proofs that are made for `issuer`, not older than
    /// `since`, and have a nonce of this server's where it has a new one each `nonces`.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub(crate) fn open(
        kind: BindingKind,
        to: BindTo,
        bcrypt_cost: u32,
        issuer: &str,
        since: Timestamp,
        nonces: Duration,
    ) -> Result<Self, getrandom::Error> {
        let digest = |with| digest::DigestBinding { with, to };
        Ok(match kind {
            BindingKind::None => Self::None,
            BindingKind::Bcrypt => Self::Bcrypt(bcrypt::BcryptBinding {
                cost: bcrypt_cost,
                to,
            }),
            BindingKind::Md5 => Self::Md5(digest(digest::Digest::Md5)),
            BindingKind::Sha256 => Self::Sha256(digest(digest::Digest::Sha256)),
            BindingKind::Blake3 => Self::Blake3(digest(digest::Digest::Blake3)),
            BindingKind::Dpop => {
                let nonces = (!nonces.is_zero()).then(|| Nonces::open(nonces));
                let nonces = nonces.transpose()?;
                Self::Dpop(Box::new(dpop::DpopBinding::open(issuer, since, nonces)))
            }
            BindingKind::Mtls => Self::Mtls,
        })
    }

    /// The nonces that proofs must have, where they must.
    pub(crate) fn nonces(&self) -> Option<&Nonces> {
        match self {
            Self::Dpop(dpop) => dpop.nonces(),
            _ => None,
        }
    }

    /// Seals the sender for a token that is being issued to this subject.
    pub(crate) async fn seal(
        &self,
        sender: &Sender<'_>,
        subject: Subject,
        means: Means<'_>,
    ) -> Result<Bound, Denied> {
        match self {
            Self::None => Ok(Bound::Nobody),
            Self::Bcrypt(bcrypt) => bcrypt.seal(sender, means.hashing).await,
            Self::Md5(digest) | Self::Sha256(digest) | Self::Blake3(digest) => {
                Ok(Bound::Sender(digest.seal(sender)))
            }
            Self::Dpop(dpop) => {
                let proven = dpop.seal(sender, subject, means.now)?;
                match means.redis {
                    Some(redis) => Box::pin(proven.at_all(redis)).await,
                    None => Ok(proven.here()),
                }
            }
            Self::Mtls => certificate::seal(sender),
        }
    }

    /// Whether it is proven to whoever is asked, and not to a server that is only asked about.
    pub(crate) fn is_proven_elsewhere(&self) -> bool {
        matches!(self, Self::Dpop(_) | Self::Mtls)
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
        means: Means<'_>,
    ) -> Result<(), Denied> {
        match self {
            // A bearer token is whoever's holds it (RFC 6750 §1.2). One that is bound to a key stays so: no server may take it
            // without a proof (RFC 9449 §7.2, RFC 8705 §3).
            Self::None => match bound {
                Bound::Nobody | Bound::Sender(_) => Ok(()),
                Bound::Key(_) | Bound::Certificate(_) => Err(Denied::WrongSender),
            },
            Self::Bcrypt(bcrypt) => Box::pin(bcrypt.check(bound, sender, means.hashing)).await,
            Self::Md5(digest) | Self::Sha256(digest) | Self::Blake3(digest) => {
                digest.check(bound, sender)
            }
            Self::Dpop(dpop) => {
                let proven = dpop.check(bound, subject, sender, token, means.now)?;
                // Boxed: only servers that share anything wait for it, and every decision's future would hold it.
                match means.redis {
                    Some(redis) => Box::pin(proven.at_all(redis)).await.map(|_| ()),
                    None => Ok(()),
                }
            }
            Self::Mtls => certificate::check(bound, sender),
        }
    }
}

//! Facts that can change under a token: whether it was revoked, and of one that only names them everything.

mod device;
pub(crate) mod memory;
mod record;
pub(crate) mod redis;
pub(crate) mod refresh;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use self::redis::FORMS;
use crate::axis::axis;
use crate::bound::Bound;
use crate::clock::Timestamp;
use crate::denied::Denied;
use crate::grant::{Generation, Mark, TokenId, Verified};
use crate::subjects::{Subject, Subjects};
use crate::users::Profile;
pub(crate) use device::{
    Device, DeviceFacts, Signed, Told, called as device_name, fits_as_id as device_id_fits,
    fits_as_name as device_name_fits, told_name,
};

axis! {
    /// Where sessions, what follows them and revocations are kept.
    pub enum SessionsKind opens Sessions: "sessions" {
        /// this server's memory: they end with it
        Memory(Box<memory::MemorySessions>) = "memory",
        /// a Redis (`redis://HOST:PORT/DB`): they outlive this server, and several servers share them
        Redis(Box<redis::RedisSessions>) = "redis",
    }
}

/// Where sessions are kept, and what that needs: `memory`, or the address of a Redis (`redis://HOST:PORT/DB`).
#[derive(Clone, PartialEq, Eq)]
pub enum SessionsFrom {
    /// This server's memory.
    Memory,
    /// The Redis at this address, which may hold a password.
    Redis(Box<str>),
}

/// A session that is refreshed: whose, bound to whom, until when, and what is kept of its current turn.
#[derive(Clone)]
pub(crate) struct Refreshed {
    pub(crate) name: Arc<str>,
    pub(crate) bound: Bound,
    pub(crate) end: Timestamp,
    pub(crate) generation: Generation,
    pub(crate) kept: refresh::Kept,
}

impl fmt::Debug for Refreshed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refreshed")
            .field("name", &self.name)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

/// What a token stands for that says nothing itself.
#[derive(Clone)]
pub(crate) struct Standing {
    pub(crate) verified: Verified,
    /// What its secret half is compared with, where it has one.
    pub(crate) secret: Option<Arc<str>>,
}

impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standing")
            .field("verified", &self.verified)
            .finish_non_exhaustive()
    }
}

/// The sessions that a sign-in ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) sessions: Vec<TokenId>,
    /// Whether others of the account may have ended too: the sign-in was sent twice, and the first answer was lost.
    pub(crate) perhaps_more: bool,
}

/// Why a session has no next turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turned {
    /// There is no such session, or it has ended.
    Unknown,
    /// The turn was used before: the session is to end.
    Again,
    /// The store did not answer; the turn may have been taken or not.
    Unavailable,
}

/// The calls to Redis are boxed: whatever future may make one holds it, and is moved with it, on a hit too.
impl Sessions {
    /// In this server's memory, with so many tokens for each subject. Tokens from before `since` are refused.
    pub(crate) fn memory(share: usize, since: Timestamp) -> Self {
        Self::Memory(Box::new(memory::MemorySessions::open(share, since)))
    }

    /// At the Redis server of this address, for tokens and sessions that last so long at most.
    pub(crate) fn redis(url: &str, longest: Duration) -> Result<Self, NotSessions> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(NotSessions::because("a connection needs a tokio runtime"));
        }
        let redis = redis::RedisSessions::open(url, longest).map_err(NotSessions::because)?;
        Ok(Self::Redis(Box::new(redis)))
    }

    /// Whether the store answers.
    pub(crate) async fn answers(&self) -> bool {
        match self {
            Self::Memory(_) => true,
            Self::Redis(redis) => redis.answers().await,
        }
    }

    /// Refuses a token that says everything itself if it was issued before this store began: whether it was revoked is not
    /// known. A store with a record of each token knows.
    pub(crate) fn remembers(&self, issued_at_seconds: u64) -> Result<(), Denied> {
        match self {
            Self::Memory(memory) => memory.remembers(issued_at_seconds),
            Self::Redis(_) => Ok(()),
        }
    }

    /// Keeps that such a token was issued, where that is what makes it good.
    pub(crate) async fn begin_signed(&self, id: TokenId, end: Timestamp) -> Result<(), Denied> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Redis(redis) => Box::pin(redis.begin_signed(id, end)).await,
        }
    }

    /// Refuses a revoked token, and one of an earlier generation of its subject.
    pub(crate) async fn check(&self, mark: &Mark, subjects: &Subjects) -> Result<(), Denied> {
        match self {
            Self::Memory(memory) => memory.check(mark),
            Self::Redis(redis) => {
                let name = subjects.name(mark.subject);
                Box::pin(redis.check(mark, &name)).await
            }
        }
    }

    /// The same of what has no record: a name and a password on each request.
    pub(crate) async fn check_generation(
        &self,
        mark: &Mark,
        subjects: &Subjects,
    ) -> Result<(), Denied> {
        match self {
            Self::Memory(memory) => memory.check(mark),
            Self::Redis(redis) => {
                let name = subjects.name(mark.subject);
                Box::pin(redis.check_generation(mark, &name)).await
            }
        }
    }

    /// The subject's current generation, where it has one. Read it before whatever a token is made of.
    pub(crate) async fn generation(
        &self,
        name: &str,
        subject: Option<Subject>,
    ) -> Result<Option<Generation>, Denied> {
        match self {
            // One that was never numbered here was never changed here.
            Self::Memory(memory) => Ok(Some(
                subject.map_or(0, |subject| memory.generation(subject)),
            )),
            Self::Redis(redis) => Box::pin(redis.generation(name)).await,
        }
    }

    /// The generation of a subject whose secret was shown: one begins where there is none. What was read of the subject
    /// before may be of an earlier one, and is to be read again.
    pub(crate) async fn begin_generation(
        &self,
        name: &str,
        subject: Option<Subject>,
    ) -> Result<Generation, Denied> {
        match self {
            Self::Memory(memory) => Ok(subject.map_or(0, |subject| memory.generation(subject))),
            Self::Redis(redis) => Box::pin(redis.begin_generation(name)).await,
        }
    }

    /// Ends every token of a subject that was issued so far.
    pub(crate) async fn end_all_of(&self, name: &str, subject: Subject) -> Result<(), Denied> {
        match self {
            Self::Memory(memory) => {
                memory.end_all_of(subject);
                Ok(())
            }
            Self::Redis(redis) => Box::pin(redis.end_all_of(name)).await,
        }
    }

    /// Makes every decision stale that other servers keep beside these sessions of a token without a record here.
    pub(crate) async fn make_stale(&self, id: TokenId) -> Result<(), Denied> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Redis(redis) => Box::pin(redis.make_stale(&redis::slot_of_token(id))).await,
        }
    }

    /// The same of every token of a subject.
    pub(crate) async fn make_all_of_stale(&self, name: &str) -> Result<(), Denied> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Redis(redis) => Box::pin(redis.make_stale(&redis::slot_of_subject(name))).await,
        }
    }

    /// Those in this server's memory, where nobody waits.
    pub(crate) fn in_memory(&self) -> Option<&memory::MemorySessions> {
        match self {
            Self::Memory(memory) => Some(memory),
            Self::Redis(_) => None,
        }
    }

    /// Those in Redis.
    pub(crate) fn in_redis(&self) -> Option<&redis::RedisSessions> {
        match self {
            Self::Memory(_) => None,
            Self::Redis(redis) => Some(redis),
        }
    }

    /// Commits a revocation, until the token would have ended by itself. The answer is a subject all of whose tokens ended
    /// to make room for it.
    pub(crate) async fn revoke(
        &self,
        id: TokenId,
        subject: Subject,
        end: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Subject>, Denied> {
        match self {
            Self::Memory(memory) => Ok(memory.revoke(id, subject, end, now)),
            Self::Redis(redis) => Box::pin(redis.revoke(id)).await.map(|()| None),
        }
    }

    /// Keeps what a token of this name stands for, until it ends. The answer is the token that was evicted to make room.
    pub(crate) async fn begin(
        &self,
        name: &str,
        session: Standing,
        now: Timestamp,
    ) -> Result<Option<TokenId>, Denied> {
        match self {
            Self::Memory(memory) => memory.begin(session, now),
            Self::Redis(redis) => Box::pin(redis.begin(name, &session)).await.map(|()| None),
        }
    }

    /// What a token stands for, unless it is of an earlier generation. Whether it has ended is not judged.
    pub(crate) async fn find(&self, id: TokenId, subjects: &Subjects) -> Result<Verified, Denied> {
        match self {
            Self::Memory(memory) => memory.find(id),
            Self::Redis(redis) => {
                let standing = Box::pin(redis.find(id, subjects)).await?;
                Ok(standing.verified)
            }
        }
    }

    /// The same, with what its secret half is compared with.
    pub(crate) async fn find_whole(
        &self,
        id: TokenId,
        subjects: &Subjects,
    ) -> Result<Standing, Denied> {
        match self {
            Self::Memory(memory) => memory.find_whole(id),
            Self::Redis(redis) => Box::pin(redis.find(id, subjects)).await,
        }
    }

    /// Forgets what a token stood for.
    pub(crate) async fn end(&self, id: TokenId) -> Result<(), Denied> {
        match self {
            Self::Memory(memory) => {
                memory.end(id);
                Ok(())
            }
            Self::Redis(redis) => Box::pin(redis.end(id)).await,
        }
    }

    /// Keeps a session that is refreshed. The answer is the one that was evicted to make room.
    pub(crate) async fn begin_refreshed(
        &self,
        id: TokenId,
        session: Refreshed,
        now: Timestamp,
    ) -> Result<Option<(TokenId, Refreshed)>, Denied> {
        match self {
            Self::Memory(memory) => memory.begin_refreshed(id, session, now),
            Self::Redis(redis) => Box::pin(redis.begin_refreshed(id, &session))
                .await
                .map(|()| None),
        }
    }

    /// A session that is refreshed and has not ended.
    pub(crate) async fn look(
        &self,
        id: TokenId,
        now: Timestamp,
    ) -> Result<Option<Refreshed>, Denied> {
        match self {
            Self::Memory(memory) => Ok(memory.look(id, now)),
            Self::Redis(redis) => Box::pin(redis.look(id, now)).await,
        }
    }

    /// Gives a session its next turn, if `kept` is what is kept of its current one. A turn
    /// that was used before is to end the session instead: its thief or its owner has the current one, and which of the
    /// two is not known.
    pub(crate) async fn turn(
        &self,
        id: TokenId,
        kept: &refresh::Kept,
        next: refresh::Kept,
        now: Timestamp,
    ) -> Result<(), Turned> {
        match self {
            Self::Memory(memory) => memory.turn(id, kept, next, now),
            Self::Redis(redis) => Box::pin(redis.turn(id, kept, next)).await,
        }
    }

    /// Ends a session that is refreshed, if it is one, and its access tokens, which end by themselves at `end`. The answer
    /// is that of [`Sessions::revoke`].
    pub(crate) async fn end_refreshed(
        &self,
        id: TokenId,
        subject: Subject,
        end: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Subject>, Denied> {
        match self {
            Self::Memory(memory) => {
                let all_of = memory.revoke(id, subject, end, now);
                memory.end_refreshed(id);
                Ok(all_of)
            }
            // The session is the record of its tokens.
            Self::Redis(redis) => Box::pin(redis.revoke(id)).await.map(|()| None),
        }
    }
}

/// Sessions by device.
impl Sessions {
    /// Keeps a device's session, and the account's document beside it. It takes the place of one of the same device,
    /// and beyond `most` the oldest ends. The answer is those that ended.
    pub(crate) async fn sign_in(
        &self,
        id: TokenId,
        device: Device,
        profile: &Profile,
        most: usize,
        now: Timestamp,
    ) -> Result<Ended, Denied> {
        match self {
            Self::Memory(memory) => {
                let ended = memory.devices_mut().sign_in(id, device, profile, most, now);
                ended.map(|sessions| Ended {
                    sessions,
                    perhaps_more: false,
                })
            }
            Self::Redis(redis) => Box::pin(redis.sign_in(id, &device, profile, most, now)).await,
        }
    }

    /// The session of this id, where it is this name's, unless it is of an earlier generation. Whether it has ended is not
    /// judged.
    pub(crate) async fn device(
        &self,
        name: &str,
        subject: Subject,
        id: TokenId,
    ) -> Result<DeviceFacts, Denied> {
        match self {
            Self::Memory(memory) => memory.device(name, subject, id),
            Self::Redis(redis) => Box::pin(redis.device(name, id)).await,
        }
    }

    /// All sessions of a name, the oldest first.
    pub(crate) async fn devices(&self, name: &str, now: Timestamp) -> Result<Vec<Signed>, Denied> {
        match self {
            Self::Memory(memory) => Ok(memory.devices().all(name, now)),
            Self::Redis(redis) => redis.devices(name, now).await,
        }
    }

    /// Ends one session of a name.
    pub(crate) async fn sign_out(&self, name: &str, id: TokenId) -> Result<(), Denied> {
        match self {
            Self::Memory(memory) => {
                memory.devices_mut().end(name, id);
                Ok(())
            }
            Self::Redis(redis) => redis.sign_out(name, id).await,
        }
    }

    /// The account's document, as it was kept beside its sessions.
    pub(crate) async fn profile(&self, name: &str) -> Result<Profile, Denied> {
        match self {
            Self::Memory(memory) => memory.devices().profile(name),
            Self::Redis(redis) => redis.profile(name).await,
        }
    }
}

/// A store that answers, and refuses what the configuration says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--sessions {address}: {cause}")]
pub struct WrongSessions {
    /// Without a password.
    address: String,
    cause: String,
}

/// A text that names no place for sessions: what is wrong with it, without any part of it that may be a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}; accepted: memory, {FORMS}")]
pub struct NotSessions {
    why: std::borrow::Cow<'static, str>,
}

impl NotSessions {
    fn because(why: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Self { why: why.into() }
    }
}

impl SessionsFrom {
    /// The axis's value, without its argument.
    #[must_use]
    pub const fn kind(&self) -> SessionsKind {
        match self {
            Self::Memory => SessionsKind::Memory,
            Self::Redis(_) => SessionsKind::Redis,
        }
    }
}

impl SessionsFrom {
    /// Whether what is kept and asked can be read and changed on the way to another machine.
    pub(crate) fn is_in_the_clear(&self) -> bool {
        match self {
            Self::Memory => false,
            Self::Redis(url) => redis::RedisSessions::is_in_the_clear(url),
        }
    }
}

impl FromStr for SessionsFrom {
    type Err = NotSessions;

    fn from_str(typed: &str) -> Result<Self, NotSessions> {
        if typed == SessionsKind::Memory.label() {
            return Ok(Self::Memory);
        }
        // An address is judged when it is opened: whoever says what is wrong with a flag says its value too, and this one
        // may hold a password.
        if typed.contains("://") {
            Ok(Self::Redis(typed.into()))
        } else {
            Err(NotSessions::because("not an address of sessions"))
        }
    }
}

impl fmt::Display for SessionsFrom {
    /// Without a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str(SessionsKind::Memory.label()),
            Self::Redis(url) => {
                let address = redis::RedisSessions::address(url);
                f.write_str(address.as_deref().unwrap_or("redis://"))
            }
        }
    }
}

impl fmt::Debug for SessionsFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl<'de> serde::Deserialize<'de> for SessionsFrom {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let typed = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        typed.parse().map_err(serde::de::Error::custom)
    }
}

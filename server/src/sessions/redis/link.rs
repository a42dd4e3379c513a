//! The connection to Redis: what is sent again, when the connection is replaced, and for how long a call waits. What is done
//! about which answer is the table in [`super::failure`].
//!
//! All calls share one connection. Another takes its place when it was lost, when it did not answer in time (its other end may
//! be gone), and when its server is no longer the one to ask: a failover may leave it open, and the server read-only.

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Cmd, FromRedisValue, Pipeline, PushInfo, RedisResult, ScriptInvocation,
};
use tokio::sync::watch;

use super::connecting::{Connecting, Connection};
use super::failure::{Failure, Kind, Then, Trouble};
use super::stream::Commands;
use crate::allowance::{self, Late};
use crate::cause::{self, Source};
use crate::denied::Denied;

/// How long one call may take, all attempts together, if its request has that time ([`allowance`]). The first that is not
/// answered ends its request.
const MOST_WAIT: Duration = Duration::from_millis(800);

/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(20);

/// Before a call is sent again to a server that is not ready.
const NOT_READY: Duration = Duration::from_millis(50);

/// How often a call is sent, at most, if connections are lost again and again. Every call is one that may be sent twice. A
/// server that is not ready is not counted.
const MOST_TRIES: usize = 8;

/// A connection is not replaced sooner than this after it was made, unless it was lost: a server that stays read-only must not
/// cost a connection for each request.
const LEAST_LIFE: Duration = Duration::from_millis(100);

pub(super) struct Link {
    connecting: Arc<Connecting>,
    /// `None` until the first call.
    current: RwLock<Option<Current>>,
    /// The last failure, for the check at start.
    failure: Mutex<Option<Failure>>,
    /// Whether failures are kept and not printed: the check at start says what it found.
    quiet: AtomicBool,
}

/// A connection, which may be in the making.
#[derive(Clone)]
struct Current {
    made: watch::Receiver<Option<Result<Connection, Trouble>>>,
    number: u64,
    since: Instant,
}

/// What is sent.
pub(super) enum Call<'a> {
    Command(&'a Cmd),
    Pipeline(&'a Pipeline),
    Script(&'a ScriptInvocation<'a>),
}

/// An answer, and whether the call was sent more than once: the first time may have had its effect too.
pub(super) struct Answer<T> {
    pub(super) value: T,
    pub(super) repeated: bool,
}

/// What a call has come to when its time ends.
#[derive(Default)]
struct Waits {
    /// For the answer of which connection.
    number: Option<u64>,
    /// What the server said last, if it waits until that is over.
    until: Option<Trouble>,
}

impl Link {
    /// Connects when it is first needed. What is wrong with the address is the error.
    pub(super) fn open(url: &str) -> Result<Self, String> {
        Ok(Self {
            connecting: Arc::new(Connecting::open(url)?),
            current: RwLock::new(None),
            failure: Mutex::new(None),
            quiet: AtomicBool::new(false),
        })
    }

    /// The address, without a password.
    pub(super) fn address(&self) -> &str {
        self.connecting.shown()
    }

    /// Whether the address is one of a cluster.
    pub(super) fn is_cluster(&self) -> bool {
        self.connecting.is_cluster()
    }

    /// The answer to a call, in time or not at all: whatever else happens, the store decides nothing.
    pub(super) async fn answer<T: FromRedisValue>(
        &self,
        call: Call<'_>,
    ) -> Result<Answer<T>, Denied> {
        let mut waits = Waits::default();
        let tried = self.tried(&call, &mut waits);
        let trouble = match allowance::within(MOST_WAIT, tried).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(trouble)) => trouble,
            Err(Late { within }) => {
                // What an answer may take says something of the connection, and what a request has left does not.
                if let Some(number) = waits.number.filter(|_| within == MOST_WAIT) {
                    self.replace(number, LEAST_LIFE);
                }
                let late = Trouble::Late(within.as_millis());
                waits.until.unwrap_or(late)
            }
        };
        let failure = trouble.failure(self.connecting.is_cluster());
        let told = format!("{}: {}", self.address(), failure.cause);
        if self.quiet.load(Ordering::Relaxed) {
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
        } else {
            cause::tell(Source::Sessions, &told);
        }
        Err(Denied::Unavailable)
    }

    /// Keeps failures for [`Link::take_failure`] instead of printing their causes.
    pub(super) fn be_quiet(&self, quiet: bool) {
        self.quiet.store(quiet, Ordering::Relaxed);
    }

    /// The last failure, which is forgotten.
    pub(super) fn take_failure(&self) -> Option<Failure> {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.take()
    }

    async fn tried<T: FromRedisValue>(
        &self,
        call: &Call<'_>,
        waits: &mut Waits,
    ) -> Result<Answer<T>, Trouble> {
        let (mut tries, mut sent, mut has_rested) = (1, 0, false);
        loop {
            let mut current = self.current();
            waits.number = Some(current.number);
            let trouble = match current.made().await {
                Ok(mut connection) => {
                    sent += 1;
                    let answer = connection.send(async |commands| call.send(commands).await);
                    match answer.await {
                        Ok(value) => {
                            return Ok(Answer {
                                value,
                                repeated: sent > 1,
                            });
                        }
                        Err(trouble) => trouble,
                    }
                }
                Err(trouble) => trouble,
            };
            let kind = trouble.kind();
            let remedy = kind.remedy();
            let least_life = if kind == Kind::Lost {
                Duration::ZERO
            } else {
                LEAST_LIFE
            };
            let is_too_young = remedy.replace && !self.replace(current.number, least_life);
            let pause = match remedy.then {
                Then::Wait => NOT_READY,
                // Once: it may have been made a moment too soon, and others wait for the same.
                Then::Again if is_too_young && !has_rested => {
                    has_rested = true;
                    least_life.saturating_sub(current.since.elapsed())
                }
                Then::Again if !is_too_young && tries < MOST_TRIES => {
                    waits.until = None;
                    tries += 1;
                    continue;
                }
                Then::Again | Then::Refuse => return Err(trouble),
            };
            waits.number = None;
            waits.until = Some(trouble);
            tokio::time::sleep(pause).await;
        }
    }

    /// A connection of its own to the same server, for which `ring` is called at each message that Redis sends by itself, and
    /// when the connection ends.
    pub(super) async fn told(
        &self,
        ring: impl Fn() + Send + Sync + 'static,
    ) -> Result<Commands, Trouble> {
        let ring = move |_: PushInfo| -> Result<(), std::convert::Infallible> {
            ring();
            Ok(())
        };
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(Some(MOST_WAIT))
            .set_push_sender(ring);
        self.connecting.told(config).await
    }

    fn current(&self) -> Current {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(current) = &*current {
            return current.clone();
        }
        drop(current);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let begun = current.get_or_insert_with(|| Current::begin(&self.connecting, 0));
        begun.clone()
    }

    /// Makes another connection in the place of the one of this number: whether there is another now.
    fn replace(&self, number: u64, least_life: Duration) -> bool {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let Some(old) = &mut *current else {
            return false;
        };
        if old.number != number {
            return true;
        }
        if old.since.elapsed() < least_life {
            return false;
        }
        *old = Current::begin(&self.connecting, number + 1);
        true
    }
}

impl Current {
    /// Connects in a task of its own: the request that needs it first may end before it is there.
    fn begin(connecting: &Arc<Connecting>, number: u64) -> Self {
        let (tell, made) = watch::channel(None);
        let connecting = Arc::clone(connecting);
        tokio::spawn(async move {
            let mut connected = connecting.connect().await;
            if matches!(&connected, Err(trouble) if trouble.kind() == Kind::Lost) {
                tokio::time::sleep(PAUSE).await;
                connected = connecting.connect().await;
            }
            tell.send_replace(Some(connected));
        });
        Self {
            made,
            number,
            since: Instant::now(),
        }
    }

    async fn made(&mut self) -> Result<Connection, Trouble> {
        let made = self.made.wait_for(Option::is_some).await;
        let made = made.ok().and_then(|made| made.clone());
        // The task ended with its runtime.
        made.unwrap_or_else(|| Err(std::io::Error::from(std::io::ErrorKind::NotConnected).into()))
    }
}

impl Call<'_> {
    async fn send<T: FromRedisValue>(&self, to: &mut MultiplexedConnection) -> RedisResult<T> {
        match self {
            Self::Command(command) => command.query_async(to).await,
            Self::Pipeline(commands) => commands.query_async(to).await,
            Self::Script(invocation) => invocation.invoke_async(to).await,
        }
    }
}

impl fmt::Debug for Link {
    /// Its settings hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}

//! The connection to Redis: what is sent again, when the connection is replaced, and which answers are failures.
//!
//! The client library connects again when a connection was lost, and passes the error on. Three things are added here. A call
//! whose connection was lost is sent again within its time. A connection whose server is no longer the one to ask (a failover
//! leaves it open, and the server read-only) is replaced. So is one that did not answer in time, as its other end may be gone.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, Pipeline, ProtocolVersion,
    PushInfo, RedisError, RedisResult, ScriptInvocation, ServerErrorKind,
};

use crate::cause::{self, Source};
use crate::denied::Denied;

/// How long one call may take, all attempts together. The first that is not answered ends its request: a client of a store that is
/// away is told to come back within two seconds.
const MOST_WAIT: Duration = Duration::from_millis(800);
const CONNECT_WITHIN: Duration = Duration::from_millis(300);
const PAUSE: Duration = Duration::from_millis(20);

/// How often a call is sent, at most. Every call is one that may be sent twice.
const MOST_TRIES: usize = 3;

/// A connection is not replaced sooner than this after it was made: a server that stays read-only must not cost a connection
/// for each request.
const LEAST_LIFE: Duration = Duration::from_millis(100);

pub(super) struct Link {
    client: Client,
    config: ConnectionManagerConfig,
    current: RwLock<Current>,
    /// Host, port and database, without a password.
    address: Box<str>,
    /// The last failure, for the check at start.
    failure: Mutex<Option<Failure>>,
    /// Whether failures are kept and not printed: the check at start says what it found.
    quiet: AtomicBool,
}

#[derive(Clone)]
struct Current {
    manager: ConnectionManager,
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

/// Why a call was not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) cause: String,
    /// Whether it stays until somebody changes the configuration: a wrong password, database, permission, or kind of server.
    pub(super) stays: bool,
}

/// What is done about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    /// The connection was lost: the library makes another.
    SendAgain,
    /// Another server may be there by now, or the connection could not be set up: replace it, and send again.
    Replace,
    /// Replace the connection for the next call: no answer came, and there is no time left for this one.
    ReplaceForNext,
    Nothing,
}

impl Link {
    /// Connects when it is first needed.
    pub(super) fn open(url: &str) -> RedisResult<Self> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT_WITHIN))
            .set_response_timeout(Some(MOST_WAIT))
            .set_min_delay(PAUSE)
            .set_max_delay(PAUSE)
            .set_number_of_retries(1);
        let client = Client::open(url)?;
        let manager = ConnectionManager::new_lazy_with_config(client.clone(), config.clone())?;
        Ok(Self {
            address: address(&client).into(),
            client,
            config,
            current: RwLock::new(Current {
                manager,
                number: 0,
                since: Instant::now(),
            }),
            failure: Mutex::new(None),
            quiet: AtomicBool::new(false),
        })
    }

    /// Host, port and database.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// The answer to a call, in time or not at all: whatever else happens, the store decides nothing.
    pub(super) async fn answer<T: FromRedisValue>(
        &self,
        call: Call<'_>,
    ) -> Result<Answer<T>, Denied> {
        let number = self.current().number;
        let failure = match tokio::time::timeout(MOST_WAIT, self.tried(&call)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => Failure::of(&error),
            Err(_) => {
                self.replace(number);
                Failure::no_answer()
            }
        };
        let told = format!("redis://{}: {}", self.address, failure.cause);
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

    async fn tried<T: FromRedisValue>(&self, call: &Call<'_>) -> RedisResult<Answer<T>> {
        let mut tries = 1;
        loop {
            let Current {
                mut manager,
                number,
                ..
            } = self.current();
            let error = match call.send(&mut manager).await {
                Ok(value) => {
                    return Ok(Answer {
                        value,
                        repeated: tries > 1,
                    });
                }
                Err(error) => error,
            };
            let again = match Remedy::of(&error) {
                Remedy::SendAgain => true,
                Remedy::Replace => self.replace(number),
                Remedy::ReplaceForNext => {
                    self.replace(number);
                    false
                }
                Remedy::Nothing => false,
            };
            if !again || tries == MOST_TRIES {
                return Err(error);
            }
            tries += 1;
        }
    }

    /// A connection of its own to the same server, for which `ring` is called at each message that Redis sends by itself, and
    /// when the connection ends.
    pub(super) async fn told(
        &self,
        ring: impl Fn() + Send + Sync + 'static,
    ) -> RedisResult<MultiplexedConnection> {
        let info = self.client.get_connection_info().clone();
        let settings = info.redis_settings().clone();
        let settings = settings.set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings))?;
        let ring = move |_: PushInfo| -> Result<(), std::convert::Infallible> {
            ring();
            Ok(())
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_WITHIN))
            .set_response_timeout(Some(MOST_WAIT))
            .set_push_sender(ring);
        client
            .get_multiplexed_async_connection_with_config(&config)
            .await
    }

    fn current(&self) -> Current {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    /// Makes another connection in the place of the one of this number: whether there is another now.
    fn replace(&self, number: u64) -> bool {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.number != number {
            return true;
        }
        if current.since.elapsed() < LEAST_LIFE {
            return false;
        }
        let (client, config) = (self.client.clone(), self.config.clone());
        let Ok(manager) = ConnectionManager::new_lazy_with_config(client, config) else {
            return false;
        };
        *current = Current {
            manager,
            number: number + 1,
            since: Instant::now(),
        };
        true
    }
}

/// Host, port and database of an address, without a password; `None` for a text that is no address.
pub(super) fn address_of(url: &str) -> Option<String> {
    Client::open(url).ok().map(|client| address(&client))
}

fn address(client: &Client) -> String {
    let info = client.get_connection_info();
    format!("{}/{}", info.addr(), info.redis_settings().db())
}

impl Call<'_> {
    async fn send<T: FromRedisValue>(&self, to: &mut ConnectionManager) -> RedisResult<T> {
        match self {
            Self::Command(command) => command.query_async(to).await,
            Self::Pipeline(commands) => commands.query_async(to).await,
            Self::Script(invocation) => invocation.invoke_async(to).await,
        }
    }
}

impl Remedy {
    fn of(error: &RedisError) -> Self {
        if error.is_timeout() {
            return Self::ReplaceForNext;
        }
        // Up to Redis 6 a script's error has its own code, and names that of its command.
        let read_only = error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
            || error
                .detail()
                .is_some_and(|detail| detail.contains("-READONLY "));
        if read_only || error.code() == Some("NOAUTH") {
            return Self::Replace;
        }
        match error.kind() {
            ErrorKind::Io => Self::SendAgain,
            ErrorKind::Server(ServerErrorKind::ResponseError) => Self::ReplaceForNext,
            ErrorKind::Server(_) | ErrorKind::Extension => Self::Nothing,
            // A connection that could not be set up (its password was refused, Redis has too many clients) stays so in the
            // library, which tries another only after an error of the network.
            _ => Self::Replace,
        }
    }
}

impl Failure {
    fn no_answer() -> Self {
        Self {
            cause: format!("no answer within {} ms", MOST_WAIT.as_millis()),
            stays: false,
        }
    }

    fn of(error: &RedisError) -> Self {
        if error.is_timeout() {
            return Self::no_answer();
        }
        let detail = error.detail().unwrap_or_default();
        let (stays, cause) = match error.kind() {
            ErrorKind::AuthenticationFailed => {
                (true, "refuses the name or the password".to_owned())
            }
            ErrorKind::Parse => (
                true,
                "what answers there does not speak the protocol of Redis".to_owned(),
            ),
            ErrorKind::Server(
                ServerErrorKind::Moved
                | ServerErrorKind::Ask
                | ServerErrorKind::CrossSlot
                | ServerErrorKind::ClusterDown,
            ) => (true, Self::CLUSTER.to_owned()),
            ErrorKind::Server(ServerErrorKind::NoPerm) => (true, format!("NOPERM {detail}")),
            ErrorKind::Server(ServerErrorKind::ResponseError) => {
                let passes = detail.contains("max number of clients")
                    || detail.contains("-OOM ")
                    || detail.contains("-READONLY ");
                (!passes, error.to_string())
            }
            ErrorKind::Server(kind) => (false, format!("{kind:?} {detail}")),
            ErrorKind::Extension => {
                let code = error.code().unwrap_or_default();
                let stays = matches!(code, "NOAUTH" | "WRONGPASS" | "DENIED" | "WRONGTYPE");
                (stays, format!("{code} {detail}"))
            }
            _ => (false, error.to_string()),
        };
        Self {
            cause: cause::plain(&cause),
            stays,
        }
    }

    pub(super) const CLUSTER: &'static str =
        "is a node of a Redis Cluster; accepted: a single Redis server";
}

impl fmt::Debug for Link {
    /// Its client holds a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

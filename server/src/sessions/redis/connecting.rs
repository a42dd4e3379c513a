//! Makes connections to Redis: by TCP, TLS or a socket, signed in, to the right database, and to a master. Which server is the
//! master is asked for each connection, where the address is one of sentinels or of a cluster.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ProtocolVersion, RedisConnectionInfo, Value};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::address::{Address, Host, Place};
use super::failure::Trouble;
use super::guides::{Asked, Guides};
use super::stream::{Commands, Stream, speak, to_host, to_socket, untimed};
use crate::tls::connector;

const CONNECT_WITHIN: Duration = Duration::from_millis(300);

/// How long a connection counts as one to a master without being asked again.
const STAYS_MASTER: Duration = Duration::from_millis(500);

/// Makes connections to the Redis of one address.
pub(super) struct Connecting {
    place: Reached,
    /// How to sign in, and the database.
    settings: RedisConnectionInfo,
    tls: Option<TlsConnector>,
    shown: Box<str>,
}

enum Reached {
    Host(Host),
    Socket(std::path::PathBuf),
    Guided(Arc<Guides>),
}

/// A connection to a master. Its task ends with the last copy.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) commands: Commands,
    state: Arc<State>,
}

struct State {
    /// When the server was last asked what it is.
    asked: Mutex<Instant>,
    /// Whether another master is known.
    moved: AtomicBool,
    /// Asks who is the master, where others know.
    watching: Mutex<Option<AbortHandle>>,
}

impl Connecting {
    /// What is wrong with the address or its authorities is the error.
    pub(super) fn open(url: &str) -> Result<Self, String> {
        let address = Address::parse(url)?;
        let shown = address.to_string();
        let tls = address.trust.as_ref().map(connector).transpose()?;
        let place = match address.place {
            Place::Host(host) => Reached::Host(host),
            Place::Socket(path) => Reached::Socket(path),
            Place::Sentinels {
                hosts,
                master,
                settings,
            } => {
                let asked = Asked::Sentinels(master.into());
                let guides = Guides::open(hosts, asked, &settings, tls.as_ref());
                Reached::Guided(Arc::new(guides))
            }
            Place::Cluster(hosts) => {
                let settings = &address.settings;
                let guides = Guides::open(hosts, Asked::Nodes, settings, tls.as_ref());
                Reached::Guided(Arc::new(guides))
            }
        };
        Ok(Self {
            place,
            settings: address.settings,
            tls,
            shown: shown.into(),
        })
    }

    /// The address, without a password.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// Whether the address is one of a cluster.
    pub(super) fn is_cluster(&self) -> bool {
        matches!(&self.place, Reached::Guided(guides) if guides.is_cluster())
    }

    /// A connection to a server that says it is a master.
    pub(super) async fn connect(&self) -> Result<Connection, Trouble> {
        let (stream, master) = self.stream().await?;
        let begun = Instant::now();
        let connection = in_time(async {
            let mut commands = speak(stream, &self.settings, untimed()).await?;
            is_master(&mut commands).await?;
            let state = Arc::new(State {
                asked: Mutex::new(begun),
                moved: AtomicBool::new(false),
                watching: Mutex::new(None),
            });
            Ok(Connection { commands, state })
        });
        let connection = connection.await?;
        if let (Reached::Guided(guides), Some(master)) = (&self.place, master) {
            connection.watch(Arc::clone(guides), master);
        }
        Ok(connection)
    }

    /// A connection for what a server says by itself (RESP3).
    pub(super) async fn told(&self, config: AsyncConnectionConfig) -> Result<Commands, Trouble> {
        let (stream, _) = self.stream().await?;
        let settings = self.settings.clone().set_protocol(ProtocolVersion::RESP3);
        in_time(speak(stream, &settings, config)).await
    }

    /// A stream to where the address leads, and to which master that is, if that was asked for.
    async fn stream(&self) -> Result<(Stream, Option<Host>), Trouble> {
        let tls = self.tls.as_ref();
        match &self.place {
            Reached::Host(host) => Ok((in_time(to_host(host, tls)).await?, None)),
            Reached::Socket(path) => {
                let stream = in_time(async { Ok(to_socket(path).await?) });
                Ok((stream.await?, None))
            }
            Reached::Guided(guides) => {
                let master = guides.master().await?;
                Ok((in_time(to_host(&master, tls)).await?, Some(master)))
            }
        }
    }
}

/// Each step of a connection has its time.
async fn in_time<T>(made: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    let late = Trouble::Late(CONNECT_WITHIN.as_millis());
    timeout(CONNECT_WITHIN, made).await.unwrap_or(Err(late))
}

/// A replica may not have heard of the latest revocation.
async fn is_master(commands: &mut Commands) -> Result<(), Trouble> {
    let asked = redis::cmd("ROLE");
    let role: Vec<Value> = commands
        .ask(async |redis| asked.query_async(redis).await)
        .await?;
    let role = match role.first() {
        Some(Value::BulkString(role)) => String::from_utf8_lossy(role).into_owned(),
        Some(Value::SimpleString(role)) => role.clone(),
        _ => "server that does not say what it is".to_owned(),
    };
    match role.as_str() {
        "master" => Ok(()),
        "slave" => Err(Trouble::Role("replica".into())),
        other => Err(Trouble::Role(other.into())),
    }
}

impl Connection {
    /// Sends what is to be sent, and asks the server first whether it still is a master, where that was asked too long ago:
    /// a failover may leave the connection open.
    pub(super) async fn send<T>(
        &mut self,
        sent: impl AsyncFnOnce(&mut MultiplexedConnection) -> redis::RedisResult<T>,
    ) -> Result<T, Trouble> {
        if self.state.moved.load(Ordering::Relaxed) {
            return Err(Trouble::Role("master no longer".into()));
        }
        let asked = *self.state.asked();
        if asked.elapsed() < STAYS_MASTER {
            return Ok(self.commands.ask(sent).await?);
        }
        let now = Instant::now();
        let mut same = self.commands.clone();
        // On one connection, in this order.
        let (master, answer) = tokio::join! {
            biased;
            is_master(&mut same),
            self.commands.ask(sent),
        };
        master?;
        *self.state.asked() = now;
        Ok(answer?)
    }

    /// Asks from time to time whether this is still the master: one that is cut off from the others goes on saying so itself.
    fn watch(&self, guides: Arc<Guides>, master: Host) {
        let state = Arc::downgrade(&self.state);
        let watching = tokio::spawn(async move {
            loop {
                tokio::time::sleep(STAYS_MASTER).await;
                let known = guides.master().await;
                let Some(state) = state.upgrade() else {
                    return;
                };
                // Guides that are away say nothing against the server.
                if known.is_ok_and(|known| known != master) {
                    state.moved.store(true, Ordering::Relaxed);
                    return;
                }
            }
        });
        let kept = self.state.watching.lock();
        *kept.unwrap_or_else(PoisonError::into_inner) = Some(watching.abort_handle());
    }
}

impl State {
    fn asked(&self) -> std::sync::MutexGuard<'_, Instant> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for State {
    fn drop(&mut self) {
        let watching = self.watching.get_mut();
        if let Some(watching) = watching.unwrap_or_else(PoisonError::into_inner) {
            watching.abort();
        }
    }
}

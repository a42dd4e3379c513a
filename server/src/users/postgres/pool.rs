//! Connections to the database: bounded in number, each call bounded in time. A connection that was lost fails no call that
//! another could serve: the call is sent once more. A call that was given up takes its connection with it.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use deadpool_postgres::{
    Client, Connect, Hook, HookError, Manager, ManagerConfig, PoolError, RecyclingMethod, Timeouts,
};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, Error, Row};

use super::address::Address;
use super::failure::{cause_of, is_lost};
use super::tls::Tls;
use crate::allowance::{self, Late};
use crate::cause::{self, Source};
use crate::denied::Denied;
use crate::users::Patience;
use crate::users::database::{MOST_COMMIT, MOST_WAIT};

pub(super) struct Pool {
    connections: deadpool_postgres::Pool,
    most: usize,
    place: String,
}

/// What a statement answered.
pub(super) struct Answer {
    pub(super) rows: Vec<Row>,
    /// Whether it was sent twice, because the first connection was lost: it may have been carried out by then.
    pub(super) repeated: bool,
}

/// Why there is no answer.
enum Failure {
    /// It was not to wait, and nothing was free.
    Busy,
    Told(String),
}

impl Pool {
    /// Connects when that is first needed.
    pub(super) fn open(address: &Address, tls: Tls, most: usize) -> Result<Self, String> {
        let mut config = address.config.clone();
        bound(&mut config, MOST_WAIT, MOST_COMMIT);
        let by = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_connect(config, Connecting(tls), by);
        // The library says aloud what it finds closed; after a restart that is all of them.
        let is_open = Hook::sync_fn(|client: &mut deadpool_postgres::ClientWrapper, _| {
            if client.is_closed() {
                Err(HookError::message("closed"))
            } else {
                Ok(())
            }
        });
        let connections = deadpool_postgres::Pool::builder(manager)
            .max_size(most)
            .pre_recycle(is_open)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            connections,
            most,
            place: address.to_string(),
        })
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Runs one statement, which must be one that may run twice.
    pub(super) async fn ask(
        &self,
        patience: Patience,
        statement: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Answer, Denied> {
        let begun = Instant::now();
        let asked = self.asked(patience, begun + MOST_WAIT, statement, values);
        let failure = match allowance::within(MOST_WAIT + MOST_COMMIT, asked).await {
            Ok(Ok(answer)) => return Ok(answer),
            // No client waits for this one: it is made another time.
            Ok(Err(Failure::Busy)) => return Err(Denied::Unavailable),
            Ok(Err(Failure::Told(cause))) => cause,
            Err(Late { within }) => {
                format!(
                    "the database did not answer within {} seconds",
                    within.as_secs_f32()
                )
            }
        };
        let cause = format!("{}: {failure}", self.place);
        Err(cause::unavailable(Source::Users, &cause))
    }

    async fn asked(
        &self,
        patience: Patience,
        until: Instant,
        statement: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Answer, Failure> {
        let mut repeated = false;
        loop {
            let mut held = Held(Some(self.connection(patience, until).await?));
            match held.query(statement, values).await {
                Ok(rows) => {
                    held.give_back();
                    return Ok(Answer { rows, repeated });
                }
                Err(error) if is_lost(&error) && !repeated => {
                    drop(held);
                    // Those that are idle were lost with it, or soon will be.
                    self.connections.retain(|_, _| false);
                    repeated = true;
                }
                Err(error) => {
                    if !is_lost(&error) {
                        held.give_back();
                    }
                    return Err(Failure::Told(cause_of(&error)));
                }
            }
        }
    }

    async fn connection(&self, patience: Patience, until: Instant) -> Result<Client, Failure> {
        let at_once = Timeouts {
            wait: Some(Duration::ZERO),
            ..Timeouts::default()
        };
        let got = match patience {
            Patience::Waits => timeout_at(until, self.connections.get()).await,
            Patience::AtOnceOrNot => {
                timeout_at(until, self.connections.timeout_get(&at_once)).await
            }
        };
        match (got, patience) {
            (Ok(Ok(client)), _) => Ok(client),
            (Ok(Err(PoolError::Backend(error))), _) => Err(Failure::Told(cause_of(&error))),
            (Ok(Err(_)), Patience::AtOnceOrNot) => Err(Failure::Busy),
            (Ok(Err(error)), Patience::Waits) => Err(Failure::Told(error.to_string())),
            (Err(_), _) => Err(Failure::Told(format!(
                "no connection within a second ({} of --users-connections {} open)",
                self.connections.status().size,
                self.most
            ))),
        }
    }
}

/// A connection in use. Whatever ends its use before the answer is there, its connection ends too: the next call would wait
/// for what this one left behind.
struct Held(Option<Client>);

impl Held {
    async fn query(
        &mut self,
        statement: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        let Some(client) = &self.0 else {
            return Ok(Vec::new());
        };
        let statement = client.prepare_cached(statement).await?;
        client.query(&statement, values).await
    }

    fn give_back(mut self) {
        self.0 = None;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Client::take(client));
        }
    }
}

/// Sets how long a connection may take to be made, and a statement to be carried out.
pub(super) fn bound(config: &mut Config, connect: Duration, statement: Duration) {
    let timeout = format!("-c statement_timeout={}", statement.as_millis());
    let options = match config.get_options() {
        Some(own) => format!("{own} {timeout}"),
        None => timeout,
    };
    // Of several hosts each has its share.
    let hosts = config.get_hosts().len().max(1);
    let share = connect / u32::try_from(hosts).unwrap_or(u32::MAX);
    config.options(options).connect_timeout(share);
}

/// Makes connections, each with a task that ends with it.
struct Connecting(Tls);

type Connected = Result<(tokio_postgres::Client, JoinHandle<()>), Error>;

impl Connect for Connecting {
    fn connect(&self, config: &Config) -> Pin<Box<dyn Future<Output = Connected> + Send + '_>> {
        let config = config.clone();
        Box::pin(async move {
            let (client, connection) = config.connect(self.0.clone()).await?;
            // Why a connection ended is told by the call that it ended.
            let task = tokio::spawn(async move { drop(connection.await) });
            Ok((client, task))
        })
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("place", &self.place)
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

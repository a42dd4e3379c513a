//! The sentinels of a Redis, which agree on who its master is. All are asked, and the one that knows of the latest failover is
//! believed: one that is cut off from the others goes on naming the old master.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::RedisConnectionInfo;
use redis::aio::MultiplexedConnection;
use tokio::sync::Mutex;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::address::Host;
use super::failure::Trouble;
use super::stream::{connected, secured, speak};

/// How long all of them may take together: they are asked at once.
const WITHIN: Duration = Duration::from_millis(200);

pub(super) struct Sentinels {
    each: Box<[Arc<Sentinel>]>,
    /// The number of the latest failover that was heard of: whoever knows of less is not believed.
    latest: AtomicU64,
    master: Box<str>,
}

struct Sentinel {
    host: Host,
    settings: RedisConnectionInfo,
    tls: Option<TlsConnector>,
    kept: Mutex<Option<Kept>>,
}

/// A connection that is kept for the next question.
struct Kept {
    commands: MultiplexedConnection,
    task: AbortHandle,
}

/// What one of them says: where the master is, and by which failover it became that.
struct Said {
    master: Host,
    epoch: u64,
}

impl Sentinels {
    pub(super) fn open(
        hosts: Vec<Host>,
        master: Box<str>,
        settings: &RedisConnectionInfo,
        tls: Option<&TlsConnector>,
    ) -> Self {
        let each = hosts.into_iter().map(|host| {
            Arc::new(Sentinel {
                host,
                settings: settings.clone(),
                tls: tls.cloned(),
                kept: Mutex::new(None),
            })
        });
        Self {
            each: each.collect(),
            latest: AtomicU64::new(0),
            master,
        }
    }

    /// Where the master is.
    pub(super) async fn master(&self) -> Result<Host, Trouble> {
        let mut asked = JoinSet::new();
        for sentinel in &self.each {
            let (sentinel, master) = (Arc::clone(sentinel), self.master.clone());
            asked.spawn(async move {
                let said = timeout(WITHIN, sentinel.ask(&master)).await;
                let late = Trouble::Late(WITHIN.as_millis());
                said.unwrap_or(Err(late))
                    .map_err(|trouble| format!("{}: {}", sentinel.host, trouble.failure().cause))
            });
        }
        let (mut best, mut problem): (Option<Said>, _) = (None, String::new());
        while let Some(said) = asked.join_next().await {
            match said {
                Ok(Ok(said)) if best.as_ref().is_none_or(|best| best.epoch < said.epoch) => {
                    best = Some(said);
                }
                Ok(Ok(_)) | Err(_) => {}
                Ok(Err(why)) => problem = why,
            }
        }
        let Some(best) = best else {
            let why = format!("no sentinel names a master {}: {problem}", self.master);
            return Err(Trouble::Sentinels(why.into()));
        };
        if self.latest.fetch_max(best.epoch, Ordering::Relaxed) > best.epoch {
            let why = "the sentinels that answer have not heard of the latest failover";
            return Err(Trouble::Sentinels(why.into()));
        }
        Ok(best.master)
    }
}

impl Sentinel {
    async fn ask(&self, master: &str) -> Result<Said, Trouble> {
        let mut kept = self.kept.lock().await;
        // Whatever becomes of this question, its connection is kept only if it was answered.
        let (mut used, is_new) = match kept.take() {
            Some(used) => (used, false),
            None => (self.connect().await?, true),
        };
        let mut said = used.ask(master).await;
        if said.is_err() && !is_new {
            used = self.connect().await?;
            said = used.ask(master).await;
        }
        let said = said?;
        *kept = Some(used);
        read(&said).ok_or_else(|| Trouble::Sentinels("its answer cannot be read".into()))
    }

    async fn connect(&self) -> Result<Kept, Trouble> {
        let stream = connected(&self.host).await?;
        let (commands, task) = match &self.tls {
            None => speak(stream, &self.settings).await?,
            Some(tls) => speak(secured(stream, &self.host, tls).await?, &self.settings).await?,
        };
        Ok(Kept { commands, task })
    }
}

impl Kept {
    async fn ask(&mut self, master: &str) -> Result<HashMap<String, String>, Trouble> {
        let mut ask = redis::cmd("SENTINEL");
        ask.arg("MASTER").arg(master);
        Ok(ask.query_async(&mut self.commands).await?)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn read(said: &HashMap<String, String>) -> Option<Said> {
    Some(Said {
        master: Host {
            name: said.get("ip")?.clone(),
            port: said.get("port")?.parse().ok()?,
        },
        epoch: said.get("config-epoch")?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sentinel_says_is_read_or_nothing_is() {
        let said = |fields: &[(&str, &str)]| {
            let owned = fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            read(&owned.collect()).map(|said| (said.master.to_string(), said.epoch))
        };
        let whole = [
            ("name", "m"),
            ("ip", "::1"),
            ("port", "6390"),
            ("config-epoch", "7"),
        ];
        assert_eq!(said(&whole), Some(("[::1]:6390".to_owned(), 7)));
        for missing in 1..whole.len() {
            let mut fields = whole.to_vec();
            fields.remove(missing);
            assert_eq!(said(&fields), None, "{missing}");
        }
        let mut wrong = whole;
        wrong[2].1 = "99999";
        assert_eq!(said(&wrong), None);
    }
}

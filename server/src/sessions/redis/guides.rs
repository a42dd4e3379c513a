//! Who knows which server is the master: sentinels, or the nodes of a cluster. All are asked, and the one that knows of the
//! latest failover is believed: one that is cut off from the others goes on naming the old master.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::RedisConnectionInfo;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::address::Host;
use super::failure::Trouble;
use super::stream::{Commands, speak, to_host, untimed};

/// What all keys here have in braces: a cluster keeps together what has the same there.
pub(super) const TAG: &str = "authlab";

/// The slot of a cluster in which all keys are.
const SLOT: u16 = slot_of(TAG.as_bytes());

/// How long all of them may take together: they are asked at once.
const WITHIN: Duration = Duration::from_millis(200);

pub(super) struct Guides {
    each: Box<[Arc<Guide>]>,
    asked: Asked,
    /// The number of the latest failover that was heard of: whoever knows of less is not believed.
    latest: AtomicU64,
}

/// What they are asked.
#[derive(Clone)]
pub(super) enum Asked {
    /// Who the master of this name is.
    Sentinels(Arc<str>),
    /// Who the master of the slot is.
    Nodes,
}

struct Guide {
    host: Host,
    settings: RedisConnectionInfo,
    tls: Option<TlsConnector>,
    kept: Mutex<Option<Kept>>,
}

/// A connection that is kept for the next question.
struct Kept(Commands);

/// What one of them says: where the master is, and by which failover it became that.
struct Said {
    master: Host,
    epoch: u64,
}

impl Guides {
    pub(super) fn open(
        hosts: Vec<Host>,
        asked: Asked,
        settings: &RedisConnectionInfo,
        tls: Option<&TlsConnector>,
    ) -> Self {
        let each = hosts.into_iter().map(|host| {
            Arc::new(Guide {
                host,
                settings: settings.clone(),
                tls: tls.cloned(),
                kept: Mutex::new(None),
            })
        });
        Self {
            each: each.collect(),
            asked,
            latest: AtomicU64::new(0),
        }
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.asked, Asked::Nodes)
    }

    /// Where the master is.
    pub(super) async fn master(&self) -> Result<Host, Trouble> {
        let mut asking = JoinSet::new();
        for guide in &self.each {
            let (guide, asked) = (Arc::clone(guide), self.asked.clone());
            asking.spawn(async move {
                let said = timeout(WITHIN, guide.ask(&asked)).await;
                let late = Trouble::Late(WITHIN.as_millis());
                said.unwrap_or(Err(late))
                    .map_err(|trouble| format!("{}: {}", guide.host, trouble.failure(true).cause))
            });
        }
        let (mut best, mut problem): (Option<Said>, _) = (None, String::new());
        while let Some(said) = asking.join_next().await {
            match said {
                Ok(Ok(said)) if best.as_ref().is_none_or(|best| best.epoch < said.epoch) => {
                    best = Some(said);
                }
                Ok(Ok(_)) | Err(_) => {}
                Ok(Err(why)) => problem = why,
            }
        }
        let Some(best) = best else {
            let nobody = match &self.asked {
                Asked::Sentinels(name) => format!("no sentinel names a master {name}"),
                Asked::Nodes => format!("no node names the master of slot {SLOT}"),
            };
            return Err(Trouble::NoMaster(format!("{nobody}: {problem}").into()));
        };
        if self.latest.fetch_max(best.epoch, Ordering::Relaxed) > best.epoch {
            let why = "whoever answers has not heard of the latest failover";
            return Err(Trouble::NoMaster(why.into()));
        }
        Ok(best.master)
    }
}

impl Guide {
    async fn ask(&self, asked: &Asked) -> Result<Said, Trouble> {
        let mut kept = self.kept.lock().await;
        // Whatever becomes of this question, its connection is kept only if it was answered.
        let (mut used, is_new) = match kept.take() {
            Some(used) => (used, false),
            None => (self.connect().await?, true),
        };
        let mut said = used.ask(asked, self).await;
        if said.is_err() && !is_new {
            used = self.connect().await?;
            said = used.ask(asked, self).await;
        }
        let said = said?;
        *kept = Some(used);
        said.ok_or_else(|| Trouble::NoMaster("names none".into()))
    }

    async fn connect(&self) -> Result<Kept, Trouble> {
        let stream = to_host(&self.host, self.tls.as_ref()).await?;
        Ok(Kept(speak(stream, &self.settings, untimed()).await?))
    }
}

impl Kept {
    async fn ask(&mut self, asked: &Asked, guide: &Guide) -> Result<Option<Said>, Trouble> {
        match asked {
            Asked::Sentinels(name) => {
                let mut ask = redis::cmd("SENTINEL");
                ask.arg("MASTER").arg(&**name);
                let said = self.0.ask(async |redis| ask.query_async(redis).await);
                let said: HashMap<String, String> = said.await?;
                Ok(of_sentinel(&said))
            }
            Asked::Nodes => {
                let mut ask = redis::cmd("CLUSTER");
                ask.arg("NODES");
                let said = self.0.ask(async |redis| ask.query_async(redis).await);
                let said: String = said.await?;
                Ok(of_nodes(&said, SLOT, guide))
            }
        }
    }
}

fn of_sentinel(said: &HashMap<String, String>) -> Option<Said> {
    Some(Said {
        master: Host {
            name: said.get("ip")?.clone(),
            port: said.get("port")?.parse().ok()?,
        },
        epoch: said.get("config-epoch")?.parse().ok()?,
    })
}

/// The master of a slot, of the nodes of a cluster as one of them lists them.
fn of_nodes(said: &str, slot: u16, guide: &Guide) -> Option<Said> {
    said.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let (&[_, address, flags, _, _, _, epoch, _], slots) = fields.split_first_chunk::<8>()?;
        let has_failed = flags.split(',').any(|flag| flag == "fail");
        if has_failed || !slots.iter().any(|range| holds(range, slot)) {
            return None;
        }
        let (address, host) = address.split_once(',').unwrap_or((address, ""));
        let (address, _) = address.split_once('@').unwrap_or((address, ""));
        let (ip, port) = address.rsplit_once(':')?;
        // Certificates are of names, where nodes have them. One that does not know its own address has the one it was asked at.
        let name = match (host.split(',').next(), ip) {
            (Some(host), _) if guide.tls.is_some() && !host.is_empty() => host,
            (_, "") => &guide.host.name,
            (_, ip) => ip,
        };
        Some(Said {
            master: Host {
                name: name.to_owned(),
                port: port.parse().ok()?,
            },
            epoch: epoch.parse().ok()?,
        })
    })
}

/// Whether a slot is in `7` or `7-12`; one that is being moved (`[7->-…]`) is in its range as well.
fn holds(range: &str, slot: u16) -> bool {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    match (first.parse::<u16>(), last.parse::<u16>()) {
        (Ok(first), Ok(last)) => (first..=last).contains(&slot),
        _ => false,
    }
}

/// CRC16 (XMODEM), as a cluster finds the slot of a key.
const fn slot_of(tag: &[u8]) -> u16 {
    let (mut crc, mut at) = (0_u16, 0);
    while at < tag.len() {
        crc ^= (tag[at] as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x1021
            };
            bit += 1;
        }
        at += 1;
    }
    crc % 16384
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
            of_sentinel(&owned.collect()).map(|said| (said.master.to_string(), said.epoch))
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

    #[test]
    fn slots_are_those_of_redis() {
        // As CLUSTER KEYSLOT says.
        assert_eq!(slot_of(b"123456789"), 12739);
        assert_eq!(slot_of(b"foo"), 12182);
        assert_eq!(slot_of(b""), 0);
    }

    #[test]
    fn the_master_of_a_slot_is_read_from_a_list_of_nodes() {
        let guide = Guide {
            host: Host {
                name: "seed".to_owned(),
                port: 7000,
            },
            settings: RedisConnectionInfo::default(),
            tls: None,
            kept: Mutex::new(None),
        };
        let list = "\
a 10.0.0.1:7001@17001,one.example master - 0 1 3 connected 5461-10922 [7000->-b]
b 10.0.0.2:7002@17002 master,fail - 0 1 9 connected 0-5460
c 10.0.0.3:7003@17003 slave a 0 1 3 connected
d :7004@17004 myself,master - 0 1 5 connected 10923 10925-16383
e ::1:7005@17005 master - 0 1 4 connected 10924
f nonsense";
        let said =
            |slot| of_nodes(list, slot, &guide).map(|said| (said.master.to_string(), said.epoch));
        let at = |host: &str, epoch| Some((host.to_owned(), epoch));
        assert_eq!(said(7000), at("10.0.0.1:7001", 3));
        assert_eq!(said(0), None);
        assert_eq!(said(10923), at("seed:7004", 5));
        assert_eq!(said(10924), at("[::1]:7005", 4));
        assert_eq!(said(16383), at("seed:7004", 5));
        for cut in 0..list.len() {
            // Whatever is cut off, nothing else is read of it.
            let cut = of_nodes(&list[..cut], 7000, &guide);
            assert!(cut.is_none_or(|said| said.master.port == 7001));
        }
    }
}

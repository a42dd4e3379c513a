//! The check at start: every command that will be used, on keys that are nobody's, and what the settings of Redis risk.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::failure::CLUSTER;
use super::{Known, RedisSessions};
use crate::bound::Bound;
use crate::clock::Timestamp;
use crate::denied::Denied;
use crate::grant::{Mark, TokenId, Verified};
use crate::policy::{Roles, Scopes};
use crate::sessions::refresh;
use crate::sessions::{Device, Refreshed, Standing, Told, WrongSessions};
use crate::subjects::Subjects;
use crate::users::Profile;

/// How long what the check writes stays, if it is cut short.
const STAYS: Duration = Duration::from_secs(60);

impl RedisSessions {
    /// Runs the commands that requests will run, and `decisions` after them. The answer is what an operator should know, one
    /// line each; a Redis that is away may come.
    ///
    /// # Errors
    /// A Redis that refuses what the configuration says, and will go on to: a password, a database, a permission, a Cluster.
    pub(crate) async fn probe(
        &self,
        now: Timestamp,
        decisions: impl Future<Output = Result<(), Denied>>,
    ) -> Result<Vec<String>, WrongSessions> {
        self.link.be_quiet(true);
        let probed = self.probed(now, decisions).await;
        self.link.be_quiet(false);
        probed
    }

    async fn probed(
        &self,
        now: Timestamp,
        decisions: impl Future<Output = Result<(), Denied>>,
    ) -> Result<Vec<String>, WrongSessions> {
        let address = self.link.address().to_owned();
        let wrong = |cause: String| WrongSessions {
            address: address.clone(),
            cause,
        };
        let of_cluster = self.info("cluster", "cluster_enabled").await;
        if of_cluster.as_deref() == Some("1") && !self.link.is_cluster() {
            return Err(wrong(CLUSTER.to_owned()));
        }
        self.link.take_failure();
        let walked = match self.walk(now).await {
            Err(Denied::Unavailable) => Err(Denied::Unavailable),
            _ => decisions.await,
        };
        if walked == Err(Denied::Unavailable) {
            let failure = self.link.take_failure();
            let (cause, stays) = failure.map_or_else(
                || ("its records cannot be read".to_owned(), false),
                |failure| (failure.cause, failure.stays),
            );
            if stays {
                return Err(wrong(cause));
            }
            return Ok(vec![format!(
                "{address} does not answer as it should ({cause}): until it does, requests that need a session get 503"
            )]);
        }
        let risks = self.risks().await;
        Ok(risks
            .into_iter()
            .map(|risk| format!("{address}: {risk}"))
            .collect())
    }

    /// The life of a token and of a session of each kind. A name with a question mark is no account's.
    async fn walk(&self, now: Timestamp) -> Result<(), Denied> {
        let id = TokenId::draw()?;
        let name = format!("?{:032x}", id.number());
        let end = now.after(STAYS);
        let generation = self.begin_generation(&name).await?;
        self.generation(&name).await?;
        let mark = Mark {
            number: 0,
            id,
            subject: crate::subjects::Subject(0),
            generation,
        };
        self.begin_signed(id, end).await?;
        answered(&self.check(&mark, &name).await)?;
        self.revoke(id).await?;

        let (_, kept) = refresh::draw(id)?;
        let (_, next) = refresh::draw(id)?;
        let session = Refreshed {
            name: name.as_str().into(),
            bound: Bound::Nobody,
            end,
            generation,
            kept,
        };
        self.begin_refreshed(id, &session).await?;
        self.look(id, now).await?;
        if self.turn(id, &kept, next).await == Err(crate::sessions::Turned::Unavailable) {
            return Err(Denied::Unavailable);
        }
        self.revoke(id).await?;

        let standing = Standing {
            verified: Verified {
                mark,
                roles: Roles::default(),
                scopes: Scopes::default(),
                narrowed: false,
                not_before: 0,
                expires_at: end.seconds(),
                bound: Bound::Nobody,
            },
            secret: None,
        };
        self.begin(&name, &standing).await?;
        answered(&self.find(id, &Subjects::default()).await)?;
        self.end(id).await?;

        let device = Device {
            account: name.as_str().into(),
            name: "check".into(),
            told: Told::Nothing,
            id: "check".into(),
            ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            since: now,
            until: end,
            roles: Roles::default(),
            scopes: Scopes::default(),
            bound: Bound::Nobody,
            generation,
        };
        self.sign_in(id, &device, &Profile::default(), 1, now)
            .await?;
        answered(&self.device(&name, id).await)?;
        self.devices(&name, now).await?;
        answered(&self.profile(&name).await)?;
        self.sign_out(&name, id).await?;
        self.hear(&Known::default(), &["policy"]).await?;
        self.use_once(id, now).await?;
        self.end_all_of(&name).await
    }

    /// What the settings of Redis may cost, as far as they may be read.
    async fn risks(&self) -> Vec<String> {
        let mut risks = Vec::new();
        let policy = match self.config("maxmemory-policy").await {
            Some(policy) => Some(policy),
            None => self.info("memory", "maxmemory_policy").await,
        };
        match policy.as_deref() {
            Some("noeviction") => {}
            Some(policy) => risks.push(format!(
                "maxmemory-policy is {policy}: when Redis is full, it evicts sessions and tokens that are still good; set noeviction"
            )),
            None => risks.push("neither CONFIG GET nor INFO is permitted: whether Redis evicts is not known".to_owned()),
        }
        let appends = match self.config("appendonly").await {
            Some(appends) => Some(appends == "yes"),
            None => self
                .info("persistence", "aof_enabled")
                .await
                .map(|enabled| enabled == "1"),
        };
        let (saves, syncs) = (self.config("save").await, self.config("appendfsync").await);
        match (appends, saves.as_deref(), syncs.as_deref()) {
            (Some(true), _, Some("always")) => {}
            (Some(true), _, Some(syncs)) => risks.push(format!(
                "appendfsync is {syncs}: after a power cut, what was revoked in the last second may pass again; set always"
            )),
            (Some(false), Some(""), _) => risks.push(
                "no persistence: a restart of Redis ends every session and token".to_owned(),
            ),
            (Some(false), Some(_), _) => risks.push(
                "snapshots are the only persistence: after a crash of Redis, what was revoked since the last one passes again; set appendonly yes and appendfsync always".to_owned(),
            ),
            _ => risks.push(
                "CONFIG GET is not permitted: how Redis persists is not known, and a crash may bring back what was revoked".to_owned(),
            ),
        }
        risks
    }

    async fn config(&self, name: &str) -> Option<String> {
        let mut get = redis::cmd("CONFIG");
        get.arg("GET").arg(name);
        let (_, value) = self.ask::<(String, String)>(get).await.ok()?;
        Some(value)
    }

    /// One line of a section of INFO.
    async fn info(&self, section: &str, name: &str) -> Option<String> {
        let mut info = redis::cmd("INFO");
        info.arg(section);
        let text = self.ask::<String>(info).await.ok()?;
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.map(|value| value.trim().to_owned())
    }
}

/// Whether the store answered, whatever it said: one that evicts may have lost what was just written.
fn answered<T>(answer: &Result<T, Denied>) -> Result<(), Denied> {
    match answer {
        Err(Denied::Unavailable) => Err(Denied::Unavailable),
        _ => Ok(()),
    }
}

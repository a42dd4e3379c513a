//! The status list of this server's tokens: published as their issuer, and fetched as whoever verifies them
//! ([`crate::status_list`]). Both are this process, and speak to each other as two would: what is revoked shows where decisions
//! are cached once the list is fetched anew, and not before.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::Lab;
use crate::cause;
use crate::clock::Timestamp;
use crate::decisions::CacheKind;
use crate::denied::Denied;
use crate::status_list::{Issued, Lasts, Source};

/// How often a list is fetched within its `ttl`: one that is lost leaves time for the next.
const FETCHES_A_TTL: u32 = 2;

/// A design's list.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) issued: Issued,
    source: Source,
    published: Mutex<Option<Published>>,
    /// Held while a list is fetched and taken: one at a time, so that none is taken over a newer one.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Published {
    /// [`crate::freshness::Freshness::changes`], read before it was made.
    changes: u64,
    made: Timestamp,
    text: Arc<str>,
}

impl Listed {
    pub(super) fn new(source: Source) -> Self {
        Self {
            issued: Issued::default(),
            source,
            published: Mutex::default(),
            fetching: tokio::sync::Mutex::default(),
        }
    }
}

impl Lab {
    /// The status list of its tokens, signed; made anew where something was changed since, or where it is a `ttl` old.
    ///
    /// # Errors
    /// [`Denied::NoRoute`] under another `--freshness`, [`Denied::Unavailable`] where it cannot be signed.
    pub fn status_list(&self) -> Result<Arc<str>, Denied> {
        let listed = self.world.listed.as_ref().ok_or(Denied::NoRoute)?;
        let (ttl, now) = (self.design.status_list_ttl.0, self.clock.now());
        let mut published = listed
            .published
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Read first: what is revoked while it is made is in the next one.
        let changes = self.freshness.changes();
        if let Some(published) = &*published
            && published.changes == changes
            && published.made <= now
            && now.since(published.made) < ttl
        {
            return Ok(Arc::clone(&published.text));
        }
        let list = listed.issued.list(now, |mark| self.stands_here(mark));
        let lasts = Lasts::from(now, ttl);
        let text: Arc<str> = self
            .world
            .credential
            .list_statuses(&list, lasts, now)?
            .into();
        *published = Some(Published {
            changes,
            made: now,
            text: Arc::clone(&text),
        });
        Ok(text)
    }

    /// Takes a status list that was asked for after the last one that was taken, as if it had been fetched at this moment.
    ///
    /// # Errors
    /// Why it is none of this issuer's, or has expired.
    pub fn take_status_list(&self, token: &str) -> Result<(), Denied> {
        self.take_list(token, self.clock.running())
    }

    fn take_list(&self, token: &str, sent: Timestamp) -> Result<(), Denied> {
        let (list, lasts) = self.world.credential.statuses(token)?;
        let most = self.design.status_list_ttl.0;
        let until = lasts.until(sent, self.clock.now(), most);
        self.freshness.take(&list, until.ok_or(Denied::Expired)?);
        Ok(())
    }

    /// Fetches the list where the one that is known is older than its `ttl`: without it nothing is decided.
    ///
    /// # Errors
    /// [`Denied::Unavailable`] when it cannot be had.
    pub(super) async fn keep_list(&self) -> Result<(), Denied> {
        if self.freshness.lacks_list(&self.clock) {
            // Boxed: it is seldom, and every decision's future would hold it.
            return Box::pin(self.fetch_list(|| !self.freshness.lacks_list(&self.clock))).await;
        }
        Ok(())
    }

    /// Fetches it, unless that is done once those are through who do so already.
    async fn fetch_list(&self, is_done: impl Fn() -> bool) -> Result<(), Denied> {
        let Some(listed) = self.world.listed.as_ref() else {
            return Ok(());
        };
        let _alone = listed.fetching.lock().await;
        if is_done() {
            return Ok(());
        }
        let sent = self.clock.running();
        let fetched = listed.source.fetch().await;
        let token =
            fetched.map_err(|error| cause::unavailable(cause::Source::StatusList, &error))?;
        self.take_list(&token, sent)
            .map_err(|why| cause::unavailable(cause::Source::StatusList, &why.description()))
    }

    /// Fetches the list in time for as long as this lives, so that no request waits for it but the first.
    pub(crate) fn follow_list(&self) {
        if self.world.listed.is_some() && self.design.cache == CacheKind::Decision {
            let period = self.design.status_list_ttl.0 / FETCHES_A_TTL;
            tokio::spawn(follow(Weak::clone(&self.me), period));
        }
    }
}

async fn follow(lab: Weak<Lab>, period: Duration) {
    loop {
        tokio::time::sleep(period).await;
        let Some(lab) = lab.upgrade() else {
            return;
        };
        // One that fails was told of, and the next comes soon.
        let _ = lab.fetch_list(|| false).await;
    }
}

//! What this server knows of changes that other servers commit to the Redis which they share, and until when it may rely on it.
//!
//! A call to Redis ([`RedisSessions::hear`]) answers what changed up to a moment after it was sent. So for a *lease* from when
//! it was sent on, what this server knows is no older than the lease, whatever is lost, late, paused or cut off meanwhile.
//! Beyond it nothing is decided by what is cached, nor by the keys and the policy as this server has them: it asks again first.
//! Calls are made in time by a task of their own, and at once when Redis rings.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::Lab;
use super::common::Facts;
use crate::clock::{Clock, Timestamp};
use crate::denied::Denied;
use crate::freshness::{Freshness, Slot};
use crate::sessions::redis::{Bell, Changed, Heard, Known};
use crate::subjects::Subjects;

/// How often Redis is asked within a lease when it does not ring: a call that is lost leaves time for the next.
const CALLS_A_LEASE: u32 = 4;

/// The shortest time between two calls: however many changes there are, they cost Redis no more than this.
const PAUSE: Duration = Duration::from_millis(2);

/// How often the connection that rings is looked after, and made again where there is none.
const LOOK_AFTER_BELL: Duration = Duration::from_secs(1);

/// What is known of other servers' changes.
#[derive(Debug)]
pub(super) struct View {
    lease: Duration,
    /// Whether a fact that is kept here may be stale unless they are known.
    guards_facts: bool,
    /// Until when it is relied on, on [`Clock::running`].
    until: AtomicU64,
    read: Mutex<Read>,
    listens: AtomicBool,
}

/// How far the changes are read.
#[derive(Debug, Default)]
struct Read {
    known: Known,
    strays: usize,
    /// The policy and the keys under which what is kept here was decided.
    common: Facts,
}

impl View {
    /// Nothing is known yet.
    pub(super) fn new(lease: Duration, freshness: &Freshness) -> Self {
        Self {
            lease,
            guards_facts: freshness.is_by_numbers(),
            until: AtomicU64::new(0),
            read: Mutex::default(),
            listens: AtomicBool::new(false),
        }
    }

    /// Whether what is kept here may be used. Ask *before* looking at it: what is known until then was applied to it.
    #[inline]
    pub(super) fn lets_use(&self, clock: &Clock) -> bool {
        !self.guards_facts || self.is_current(clock)
    }

    /// Whether what is known is no older than the lease.
    #[inline]
    fn is_current(&self, clock: &Clock) -> bool {
        clock.running().nanoseconds() < self.until.load(Ordering::Acquire)
    }

    fn known(&self) -> Known {
        self.read().known.clone()
    }

    /// Whether what is kept here was decided under this policy and these keys.
    fn is_under(&self, common: &Facts) -> bool {
        self.read().common == *common
    }

    /// Takes the answer to a call that was sent then. Answers may come in any order: each raises what it tells of, and the one
    /// that was sent last makes the lease.
    fn take(&self, sent: Timestamp, heard: Heard, freshness: &Freshness, subjects: &Subjects) {
        let mut read = self.read();
        let strays = subjects.strays();
        let has_strayed = std::mem::replace(&mut read.strays, strays) != strays;
        match heard.changed {
            // Two that were sent together both find everything changed, and the first has said so.
            Changed::Everything
                if !has_strayed && heard.known == read.known && !heard.known.born.is_empty() => {}
            Changed::These(slots) if !has_strayed => {
                for slot in slots {
                    match slot {
                        Slot::Subject(_) if strays > 0 => freshness.raise(Slot::Everyone),
                        slot => freshness.raise(slot),
                    }
                }
            }
            Changed::These(_) | Changed::Everything => freshness.raise(Slot::Everyone),
        }
        read.known = heard.known;
        // Last: whoever finds the lease finds what was raised.
        let until = sent.after(self.lease).nanoseconds();
        self.until.fetch_max(until, Ordering::AcqRel);
    }

    fn read(&self) -> std::sync::MutexGuard<'_, Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lab {
    /// Whether what is cached here may be used, as far as other servers are concerned.
    #[inline]
    pub(super) fn may_use_cached(&self) -> bool {
        match self.view.as_deref() {
            None => true,
            Some(view) => self.is_let(view),
        }
    }

    /// Not inlined: a hit without other servers pays for a look at nothing, and for no registers.
    #[inline(never)]
    fn is_let(&self, view: &View) -> bool {
        view.lets_use(&self.clock)
    }

    /// Waits until this server knows what others had changed a lease ago, if it does not.
    ///
    /// # Errors
    /// [`Denied::Unavailable`] when Redis does not tell.
    #[inline]
    pub(super) async fn keep_up(&self) -> Result<(), Denied> {
        let Some(view) = self.view.as_deref() else {
            return Ok(());
        };
        self.listen(view);
        if view.is_current(&self.clock) {
            return Ok(());
        }
        // Boxed: it is seldom, and every decision's future would hold it.
        Box::pin(self.hear(view)).await
    }

    /// Asks what others have changed.
    async fn hear(&self, view: &View) -> Result<(), Denied> {
        let Some(redis) = self.world.sessions.in_redis() else {
            return Ok(());
        };
        let sent = self.clock.running();
        let common = &self.world.common;
        let mut heard = redis.hear(&view.known(), &common.names()).await?;
        let facts = std::mem::take(&mut heard.facts);
        self.world.take_common(redis, facts).await?;
        let taken = common.taken();
        if !view.is_under(&taken) {
            self.end_everything();
            view.read().common = taken;
        }
        view.take(sent, heard, &self.freshness, &self.world.subjects);
        Ok(())
    }

    /// From the first call on, a task asks in time.
    fn listen(&self, view: &View) {
        // A lease of nothing is for asking each time.
        if view.lease.is_zero() || view.listens.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(listen(Weak::clone(&self.me), view.lease / CALLS_A_LEASE));
        }
    }
}

/// Asks until the server is no more.
async fn listen(lab: Weak<Lab>, period: Duration) {
    let rung = Arc::new(Notify::new());
    let mut bell = None;
    let mut look_after = Instant::now();
    while let Some(lab) = lab.upgrade() {
        if let (Some(redis), true) = (lab.world.sessions.in_redis(), Instant::now() >= look_after) {
            let rings = match &mut bell {
                Some(bell) => Bell::is_there(bell).await,
                None => false,
            };
            if !rings {
                let rung = Arc::clone(&rung);
                bell = redis.bell(move || rung.notify_one()).await;
            }
            look_after = Instant::now() + LOOK_AFTER_BELL;
        }
        if let Some(view) = lab.view.as_deref() {
            // One that fails was told of, and the next comes soon.
            let _ = lab.hear(view).await;
        }
        drop(lab);
        tokio::time::sleep(PAUSE.min(period)).await;
        let _ = tokio::time::timeout(period, rung.notified()).await;
    }
}

#[cfg(test)]
mod tests;

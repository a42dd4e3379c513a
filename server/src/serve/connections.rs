//! The connections that are open: how many there may be, and which of them make room.
//!
//! When all are taken, the connection whose client has kept the server waiting for the longest is closed: it sends no
//! request, sends one byte by byte, or does not read its answer. A connection whose request the server is working on is
//! never closed for that. When the server is working on all of them, new connections wait in the system's queue.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::MissedTickBehavior;

use crate::http::Counts;
use crate::setup::Design;
use crate::verification::VerifyKind;

/// Descriptors for everything but connections: standard streams, the listener, the runtime, stores, files that are read.
const RESERVE: u64 = 64;

/// The share of a low descriptor limit that connections leave to everything else: a fourth.
const LEAST_RESERVED_SHARE: u64 = 4;

/// The lowest descriptor limit with which a server starts. It has a dozen open before the first connection comes, and one
/// that can accept none would seem to be ready and answer nothing.
const LEAST_LIMIT: u64 = 32;

/// How often connections are looked through within the time that one may be idle, and at least.
const LOOKS: u32 = 8;
const MOST_BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// The part of the connections that is closed at once to make room: choosing them looks at each.
const PART: usize = 64;

/// The connections of one listener.
#[derive(Debug)]
pub(crate) struct Connections {
    open: Mutex<Open>,
    /// One was closed.
    freed: Notify,
    most: usize,
    /// When this clock began, by the system's.
    started: Duration,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    by_number: HashMap<u64, Arc<Connection>>,
}

/// How many connections a design may have open: its own setting, and no more than the descriptor limit of this process
/// allows. A request can take a second descriptor (`--verify introspect`, `--answer-delay`).
pub(crate) fn most(design: &Design) -> usize {
    let wanted = design.max_connections.get();
    let Some(limit) = getrlimit(Resource::Nofile).current else {
        return wanted;
    };
    let reserved = RESERVE.min(limit / LEAST_RESERVED_SHARE);
    let each = 1
        + u64::from(design.verify == VerifyKind::Introspect)
        + u64::from(!design.answer_delay.0.is_zero());
    let possible = ((limit - reserved) / each).max(1);
    wanted.min(usize::try_from(possible).unwrap_or(usize::MAX))
}

/// The descriptor limit and the least that is needed, where the limit is lower.
pub(super) fn lacking() -> Option<(u64, u64)> {
    let limit = getrlimit(Resource::Nofile).current?;
    (limit < LEAST_LIMIT).then_some((limit, LEAST_LIMIT))
}

impl Connections {
    pub(super) fn new(most: usize, counts: Arc<Counts>) -> Self {
        Self {
            open: Mutex::default(),
            freed: Notify::new(),
            most,
            started: coarse(),
            counts,
        }
    }

    /// Adds a connection, which the entry removes when it is dropped.
    pub(super) fn enter(self: &Arc<Self>) -> Entry {
        let mut open = self.open();
        let number = open.next;
        open.next += 1;
        let connection = Arc::new(Connection {
            waiting_since: AtomicU64::new(self.now()),
            read_at: AtomicU64::new(0),
            requests: AtomicU32::new(0),
            has_streams: AtomicBool::new(false),
            working: Mutex::new(0),
            task: OnceLock::new(),
            all: Arc::clone(self),
        });
        open.by_number.insert(number, Arc::clone(&connection));
        self.counts.open.fetch_add(1, Ordering::Relaxed);
        Entry { number, connection }
    }

    pub(super) fn is_full(&self) -> bool {
        self.open().by_number.len() >= self.most
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open().by_number.is_empty()
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Ends when a connection is closed after this call, but soon in any case: one that the server is working on may
    /// wait for its client by then.
    pub(super) fn freed(&self) -> impl Future<Output = ()> {
        const RETRY: Duration = Duration::from_millis(20);
        let freed = self.freed.notified();
        async move {
            let _ = tokio::time::timeout(RETRY, freed).await;
        }
    }

    /// Closes those that have waited for their clients for the longest: one, or a small part of many. Answers how many.
    pub(super) fn evict(&self) -> usize {
        let open = self.open();
        let mut waiting: Vec<(u64, &Arc<Connection>)> = open
            .by_number
            .values()
            .filter_map(|connection| Some((connection.waiting_since()?, connection)))
            .collect();
        let part = (self.most / PART).max(1).min(waiting.len());
        if part == 0 {
            return 0;
        }
        waiting.select_nth_unstable_by_key(part - 1, |(since, _)| *since);
        let mut closed = 0;
        for (since, connection) in &waiting[..part] {
            closed += usize::from(connection.close(*since));
        }
        drop(waiting);
        drop(open);
        self.counts
            .evicted
            .fetch_add(closed as u64, Ordering::Relaxed);
        closed
    }

    /// Closes connections whose clients have sent no whole head within `limit` of their answer, again and again: one timer for
    /// all, so that a request pays for none. Those with streams have a timer of their own (`patience`).
    pub(super) async fn close_idle(&self, limit: Duration) {
        let mut again = tokio::time::interval((limit / LOOKS).min(MOST_BETWEEN_LOOKS));
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            again.tick().await;
            let Some(last) = self.now().checked_sub(limit.as_millis() as u64) else {
                continue;
            };
            for connection in self.open().by_number.values() {
                match connection.waiting_since() {
                    Some(_) if connection.has_streams() => {}
                    Some(since) if since.max(connection.read_at()) < last => {
                        connection.close(since);
                    }
                    _ => {}
                }
            }
        }
    }

    /// Milliseconds since the start, from 1 on, and a few behind.
    fn now(&self) -> u64 {
        1 + coarse().saturating_sub(self.started).as_millis() as u64
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection: whether it waits for its client, and since when.
#[derive(Debug)]
pub(super) struct Connection {
    /// [`WORKING`], [`CLOSED`], or when the client's turn began: the connection was opened, or a request was answered.
    /// Neither bytes of a head nor bytes of an answer that are read make it later, so slow clients make room first.
    waiting_since: AtomicU64,
    /// When its client last read of an answer that had waited for it; 0 where none had to.
    read_at: AtomicU64,
    /// How many requests have begun.
    requests: AtomicU32,
    /// Whether it can have several requests under way (HTTP/2).
    has_streams: AtomicBool,
    /// How many of those the server works on.
    working: Mutex<u32>,
    task: OnceLock<AbortHandle>,
    all: Arc<Connections>,
}

/// The server works on a request.
const WORKING: u64 = 0;

/// The connection was chosen to make room.
const CLOSED: u64 = u64::MAX;

impl Connection {
    /// The task that serves it.
    pub(super) fn served_by(&self, task: AbortHandle) {
        let _ = self.task.set(task);
    }

    /// From now on several requests can be under way.
    pub(super) fn has_streams_now(&self) {
        self.has_streams.store(true, Ordering::Relaxed);
    }

    /// Whether several requests can be under way.
    pub(super) fn has_streams(&self) -> bool {
        self.has_streams.load(Ordering::Relaxed)
    }

    /// A request has come, or what was awaited of it. `false` when the connection is being closed: then the request must
    /// not be begun.
    pub(super) fn begin(&self) -> bool {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let mut working = self.working();
        if let Some(working) = &mut working {
            **working += 1;
        }
        let begun = |since| (since != CLOSED).then_some(WORKING);
        self.waiting_since
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, begun)
            .is_ok()
    }

    /// The request has its answer, and the client the next turn.
    fn answered(&self) {
        self.wait_since(self.now());
    }

    /// The server waits for the client with one of its requests, and has done so since then. Only while it works on that
    /// request. Where it works on another one, it does not wait yet.
    pub(super) fn wait_since(&self, since: u64) {
        let mut working = self.working();
        if let Some(working) = &mut working {
            **working = working.saturating_sub(1);
            if **working > 0 {
                return;
            }
        }
        self.waiting_since.store(since, Ordering::Release);
    }

    /// The client has read of an answer that waited for it: it is slow, and not idle.
    pub(super) fn reads(&self) {
        self.read_at.store(self.now(), Ordering::Relaxed);
    }

    /// When that last was.
    fn read_at(&self) -> u64 {
        self.read_at.load(Ordering::Relaxed)
    }

    /// How many requests the server works on, where that can be several.
    fn working(&self) -> Option<MutexGuard<'_, u32>> {
        let locked = || self.working.lock().unwrap_or_else(PoisonError::into_inner);
        self.has_streams().then(locked)
    }

    /// Milliseconds since the listener's start.
    pub(super) fn now(&self) -> u64 {
        self.all.now()
    }

    /// The number of the request that is awaited; `None` while the server works on one.
    pub(super) fn awaits(&self) -> Option<u32> {
        self.waiting_since()
            .map(|_| self.requests.load(Ordering::Relaxed))
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.all.counts
    }

    fn waiting_since(&self) -> Option<u64> {
        match self.waiting_since.load(Ordering::Acquire) {
            WORKING | CLOSED => None,
            since => Some(since),
        }
    }

    /// Closes the connection, unless it has begun a request meanwhile.
    fn close(&self, since: u64) -> bool {
        let Some(task) = self.task.get() else {
            return false;
        };
        let chosen =
            self.waiting_since
                .compare_exchange(since, CLOSED, Ordering::AcqRel, Ordering::Acquire);
        if chosen.is_ok() {
            task.abort();
        }
        chosen.is_ok()
    }
}

/// The system's clock that is never set: a quarter of the cost of the fine one, and 4 ms at most behind it.
fn coarse() -> Duration {
    let time = clock_gettime(ClockId::MonotonicCoarse);
    Duration::new(time.tv_sec.cast_unsigned(), time.tv_nsec as u32)
}

/// A request of a client that the server works on. The client has the next turn when this is dropped: with the answer, or
/// because the client takes a request of several back.
pub(super) struct UnderWay<C: AsRef<Connection>>(Arc<C>);

impl<C: AsRef<Connection>> UnderWay<C> {
    /// `None` when the connection is being closed: then the request must not be begun.
    pub(super) fn begin(client: &Arc<C>) -> Option<Self> {
        let connection: &Connection = (**client).as_ref();
        connection.begin().then(|| Self(Arc::clone(client)))
    }
}

impl<C: AsRef<Connection>> Deref for UnderWay<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.0
    }
}

impl<C: AsRef<Connection>> Drop for UnderWay<C> {
    fn drop(&mut self) {
        let connection: &Connection = (**self).as_ref();
        connection.answered();
    }
}

/// A place among the open connections.
#[derive(Debug)]
pub(super) struct Entry {
    number: u64,
    connection: Arc<Connection>,
}

impl Entry {
    pub(super) fn connection(&self) -> Arc<Connection> {
        Arc::clone(&self.connection)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let all = &self.connection.all;
        all.open().by_number.remove(&self.number);
        all.counts.open.fetch_sub(1, Ordering::Relaxed);
        all.freed.notify_waiters();
    }
}

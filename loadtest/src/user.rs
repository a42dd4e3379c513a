//! One user: prepares itself for a server, then makes its journey until the slice is over.

mod browse;
pub mod caller;
mod cookies;
mod decoding;
mod dpop;
mod filling;
mod journey;
mod line;
mod members;
mod page;
mod presence;
mod request;
mod saving;
mod staleness;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use authlab_reports::run::Bytes;
use tokio::sync::{Mutex, watch};

use crate::arrivals::trace::Replayed;
use crate::arrivals::{Arrivals, Schedule, Think};
use crate::connection::Endpoint;
use crate::job::{Job, Phase, Report};
use crate::pacing;
use crate::recorder::NO_ANSWER;
use crate::scenario::TRACE_VALUES;
use browse::Browser;
use line::Line;
use members::{Claim, Members};
use presence::Presence;
use request::Requests;
use values::Values;

pub(crate) use members::Pools;

/// After a broken journey: a closed user that tried again at once would only measure refusals.
const RETRY_AFTER: Duration = Duration::from_millis(10);

/// Lives through the whole run; returns when the phase says so.
pub(crate) async fn live(
    number: usize,
    mut phases: watch::Receiver<Phase>,
    reports: mpsc::Sender<Report>,
    pools: Arc<Pools>,
) {
    let mut seats: BTreeMap<u64, Seat> = BTreeMap::new();
    loop {
        let phase = phases.borrow_and_update().clone();
        match phase {
            Phase::Prepare(job) if number < job.load.users => {
                seats.retain(|server, _| !job.stopped.contains(server));
                let seat = seats
                    .entry(job.server)
                    .or_insert_with(|| Seat::new(job.share.user(number), &job.endpoints));
                let prepared =
                    unless_abandoned(&phases, &job, seat.prepare(&job, number, &pools)).await;
                if prepared.is_none() {
                    seats.remove(&job.server);
                }
                let outcome = prepared.unwrap_or_else(|| Err(NO_ANSWER.to_owned()));
                if reports.send(Report::Prepared(outcome)).is_err() {
                    return;
                }
            }
            Phase::Go(job) if number < job.load.users => {
                if let Some(seat) = seats.get_mut(&job.server) {
                    let ran = unless_abandoned(&phases, &job, seat.travel(&job)).await;
                    if ran.is_none() {
                        seat.abandon(&job);
                    }
                }
                if reports.send(Report::Finished).is_err() {
                    return;
                }
            }
            Phase::End => return,
            _ => {}
        }
        if phases.changed().await.is_err() {
            return;
        }
    }
}

/// What `work` gives, or nothing when the conductor stops waiting for it.
async fn unless_abandoned<T>(
    phases: &watch::Receiver<Phase>,
    job: &Job,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut phases = phases.clone();
    let abandoned = phases.wait_for(|phase| match phase {
        Phase::Abandon(number) => *number == job.number,
        Phase::End => true,
        _ => false,
    });
    tokio::select! {
        biased;
        done = work => Some(done),
        _ = abandoned => None,
    }
}

/// One user at one server, without a slice: it makes a journey when it is told to, for whoever counts journeys rather than
/// times them.
pub(crate) struct Alone {
    seat: Seat,
    pools: Pools,
}

impl Alone {
    /// The first user of the job's load.
    pub(crate) fn new(job: &Job) -> Self {
        Self {
            seat: Seat::new(0, &job.endpoints),
            pools: Pools::default(),
        }
    }

    /// Connects, fills the load's pools and makes its `prepare` steps.
    pub(crate) async fn prepare(&mut self, job: &Job) -> Result<(), String> {
        self.seat.prepare(job, 0, &self.pools).await
    }

    /// Makes a journey; what became of its requests is in the job's recorder.
    pub(crate) async fn journey(&mut self, job: &Job) {
        let now = Instant::now();
        self.seat.journey(job, now, now).await;
    }
}

/// How a journey ended.
enum Ended {
    /// With its last answer, at this instant.
    Made(Instant),
    /// Where it could not go on.
    Broken,
    /// With the slice.
    Over,
}

/// A user's place at one variant: its connections and what it has saved there.
struct Seat {
    /// In the whole load.
    number: usize,
    /// To the variant's own server, and then to those beside it.
    lines: Vec<Line>,
    values: Values,
    requests: Requests,
    browser: Browser,
    /// The load's pools at this server.
    pools: Vec<Arc<Members>>,
    /// Revoked members that this user fills anew after its journey.
    claims: Vec<Claim>,
    /// The subject of the trace's line under way, by number: which member of a pool it is.
    account: Option<usize>,
    /// The load whose `prepare` steps it has done.
    prepared: Option<usize>,
    /// The load whose `once` steps it has done, and whether what it measured then counts.
    begun: Option<(usize, bool)>,
    /// The request in flight: step (position among the timed ones) and planned instant.
    in_flight: Option<(usize, Instant)>,
    /// Requests of the step under way that were sent again, because the server had not read them.
    retried: u64,
    /// What had passed on its connections when it was counted last.
    counted: Bytes,
    /// In the slice, of a closed user.
    presence: Presence,
    /// When that request could be sent.
    under_way: Arc<UnderWay>,
}

/// Since when a request is under way, for the timer that ends it: nanoseconds after the slice's start, and one; 0 for none.
#[derive(Default)]
struct UnderWay(AtomicU64);

impl UnderWay {
    fn begin(&self, job: &Job, at: Instant) {
        if let Some(&(start, _)) = job.span.get() {
            let after = at.saturating_duration_since(start).as_nanos();
            let after = u64::try_from(after).unwrap_or(u64::MAX - 1);
            self.0.store(after + 1, Ordering::Relaxed);
        }
    }

    fn end(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Returns when a request has been under way for the load's timeout. Requests set no timer of their own: this one
    /// wakes once a timeout, and looks which request is under way by then.
    async fn overdue(&self, job: &Job) {
        let Some(&(start, _)) = job.span.get() else {
            return std::future::pending().await;
        };
        let timeout = job.load.timeout;
        let mut next = Instant::now() + timeout;
        loop {
            tokio::time::sleep_until(next.into()).await;
            let now = Instant::now();
            let Some(after) = self.0.load(Ordering::Relaxed).checked_sub(1) else {
                next = now + timeout;
                continue;
            };
            next = start + Duration::from_nanos(after) + timeout;
            if next <= now {
                return;
            }
        }
    }
}

impl Seat {
    fn new(number: usize, endpoints: &[Arc<Endpoint>]) -> Self {
        Self {
            number,
            lines: endpoints.iter().map(Line::new).collect(),
            values: Values::new(number),
            requests: Requests::default(),
            browser: Browser::default(),
            pools: Vec::new(),
            claims: Vec::new(),
            account: None,
            prepared: None,
            begun: None,
            in_flight: None,
            retried: 0,
            counted: Bytes::default(),
            presence: Presence::default(),
            under_way: Arc::default(),
        }
    }

    /// Connects; fills this user's share of the load's pools and runs the load's `prepare` steps,
    /// once for each server.
    async fn prepare(&mut self, job: &Job, place: usize, pools: &Pools) -> Result<(), String> {
        self.values.reseed(job.seed, self.number);
        for line in places(job) {
            let connected = self.lines[line].connect(&job.load, place).await;
            connected.map_err(|broken| broken.to_string())?;
        }
        self.pools = pools.at(job);
        for members in self.pools.clone() {
            for member in (place..members.pool.size).step_by(job.load.users) {
                self.fill_first(job, members.drawn(member)).await?;
            }
        }
        if self.prepared == Some(job.load_number) {
            return Ok(());
        }
        self.values.begin(Vec::new());
        self.browser.fills = false;
        for &index in &job.load.prepare {
            self.make(job, index).await?;
        }
        self.prepared = Some(job.load_number);
        Ok(())
    }

    /// What passed on its connections since it was counted last.
    fn transferred(&mut self) -> Bytes {
        let mut passed = Bytes::default();
        for line in &self.lines {
            passed += line.passed();
        }
        passed.since(std::mem::replace(&mut self.counted, passed))
    }

    /// Makes journeys until the slice is over. A request that takes longer than the load's timeout has failed, and its
    /// journey ends with it.
    async fn travel(&mut self, job: &Job) {
        // Of preparing, and of what was on its way between two slices.
        self.transferred();
        loop {
            let under_way = Arc::clone(&self.under_way);
            let is_overdue = tokio::select! {
                biased;
                () = self.journeys(job) => false,
                () = under_way.overdue(job) => true,
            };
            if !is_overdue {
                job.recorder().left(self.presence.leave(Instant::now()));
                return;
            }
            self.abandon(job);
            // Samples that the slice still waits for do not come from a server that does not answer.
            let is_past = job
                .span
                .get()
                .is_some_and(|(_, until)| Instant::now() >= *until);
            if is_past && (job.schedule.is_none() || job.recorder().is_unanswered()) {
                job.over.store(true, Ordering::Relaxed);
            }
        }
    }

    async fn journeys(&mut self, job: &Job) {
        match (&job.load.arrivals, &job.schedule) {
            (_, Some(schedule)) => self.follow(job, schedule).await,
            (Arrivals::Closed(think), None) => self.repeat(job, *think).await,
            (_, None) => {}
        }
    }

    /// Closed: the next request is planned for the instant at which the last one ended, plus the
    /// think time.
    async fn repeat(&mut self, job: &Job, think: Think) {
        self.account = None;
        let mut planned = Instant::now();
        self.presence.enter(planned);
        loop {
            planned = match self.journey(job, planned, planned).await {
                Ended::Made(ended) => {
                    let pause = think.pause(&mut self.values.random);
                    self.presence.rest(pause);
                    ended + pause
                }
                Ended::Broken => {
                    tokio::time::sleep(RETRY_AFTER).await;
                    let now = Instant::now();
                    self.presence.rested(now);
                    now
                }
                Ended::Over => return,
            };
            if think != Think::None {
                job.spare(pacing::until(planned).await);
            }
        }
    }

    /// Open: journeys begin when the schedule says, or as soon after as a user is free. One user
    /// waits for the next arrival, holding the schedule; the others that are free queue for it.
    async fn follow(&mut self, job: &Job, schedule: &Mutex<Schedule>) {
        let Some(&(start, _)) = job.span.get() else {
            return;
        };
        // Prepared, a user is free when the slice begins, however late it hears of that.
        let mut free = start;
        loop {
            let planned = {
                let mut schedule = schedule.lock().await;
                if job.is_over(free) {
                    return;
                }
                let Some(arrival) = schedule.next() else {
                    return;
                };
                // Before the wait, so that it costs no lateness.
                self.account = arrival.replayed.as_ref().map(Replayed::account);
                if let Some(replayed) = &arrival.replayed {
                    self.replay(replayed);
                }
                job.spare(pacing::until(start + arrival.offset).await);
                // What would have been planned after an interrupt is not sent.
                if job.interrupted.load(Ordering::Relaxed) {
                    return;
                }
                start + arrival.offset
            };
            // A broken journey is counted; the next arrival is none of its business.
            self.journey(job, planned, free).await;
            free = Instant::now();
        }
    }

    /// The next journey is that of a trace's line: its values are the user's.
    fn replay(&mut self, replayed: &Replayed) {
        let account = replayed.account().to_string();
        let texts = [
            replayed.method(),
            replayed.path(),
            replayed.subject(),
            &account,
        ];
        for (name, text) in TRACE_VALUES.into_iter().zip(texts) {
            self.values.put(name, text);
        }
        self.requests.forget();
    }

    /// Nothing waits for the request in flight any longer: it has failed, and its connection with it.
    fn abandon(&mut self, job: &Job) {
        for line in &mut self.lines {
            line.connection = None;
        }
        self.claims.clear();
        self.under_way.end();
        let transferred = self.transferred();
        if let Some((position, planned)) = self.in_flight.take()
            && !job.interrupted.load(Ordering::Relaxed)
        {
            let now = Instant::now();
            let mut recorder = job.recorder();
            recorder.abandoned(position, NO_ANSWER, planned, now);
            recorder.stalled();
            self.presence.ended(now);
        }
        let mut recorder = job.recorder();
        recorder.transferred(transferred);
        recorder.left(self.presence.leave(Instant::now()));
    }
}

/// The servers that the job's steps are sent to, its variant's own among them.
fn places(job: &Job) -> BTreeSet<usize> {
    let of_steps = job.load.all_steps().map(|step| job.places[step]);
    of_steps.chain([0]).collect()
}

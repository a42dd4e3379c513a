//! Where a generator thread records: one histogram for each step and metric of a slice.

mod answers;
mod intervals;
#[cfg(test)]
pub(crate) mod simulated;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use authlab_reports::folder::Recorded;
use authlab_reports::run::{Attack, Bytes, CacheUse, NEVER_SENT, UserTime};
use hdrhistogram::Histogram;

use crate::live::Live;
pub(crate) use answers::Answers;
use answers::Trend;
use intervals::Intervals;
pub(crate) use intervals::{Filled, INTERVAL, SoFar, placed};

/// Significant decimal digits of every histogram.
pub(crate) const SIGNIFICANT_DIGITS: u8 = 3;

/// The histograms of one slice.
pub(crate) struct Recorder {
    steps: Vec<StepRecorder>,
    ok: u64,
    probed: u64,
    stale: u64,
    attacks: BTreeMap<String, Attack>,
    cache: Option<CacheUse>,
    /// Members drawn, in their order, where an ideal cache is to be asked about them.
    drawn: Vec<u64>,
    failed: BTreeMap<String, u64>,
    statuses: BTreeMap<u16, u64>,
    bytes: Bytes,
    user_time: Option<UserTime>,
    retried: u64,
    /// Answers that their steps do not expect.
    refused: u64,
    /// Requests that failed after a whole timeout.
    stalled: u64,
    last_byte: Option<Instant>,
    answers: Answers,
    /// Whether it is looked for a backlog that grows.
    follows_trend: bool,
    /// Counted beside the histograms while somebody watches.
    live: Option<Arc<Live>>,
    /// Of a continuous slice.
    intervals: Option<Intervals>,
}

struct StepRecorder {
    name: String,
    response: Histogram<u64>,
    service: Histogram<u64>,
    first_byte: Histogram<u64>,
    timer: Histogram<u64>,
    queued: Histogram<u64>,
    failed: Histogram<u64>,
    /// Times that it was not reached, since its journey had ended at an earlier step.
    unreached: u64,
    /// How long after a revoke's answer requests were sent that still passed; none until one is.
    stale: Option<Histogram<u64>>,
    stages: Vec<StageRecorder>,
    trend: Trend,
}

struct StageRecorder {
    name: String,
    /// Of the answer that is being recorded.
    cost_ns: Option<u64>,
    histogram: Histogram<u64>,
}

/// The instants of one answered request (docs/adr/0012-intended-start-times.md).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Instants {
    /// From the schedule, never from when a timer woke.
    pub(crate) planned: Instant,
    /// When a user was free to send it.
    pub(crate) free: Instant,
    /// How long the client then took for a proof of its own (DPoP).
    pub(crate) proved_in: Duration,
    pub(crate) sent: Instant,
    pub(crate) first_byte: Instant,
    pub(crate) last_byte: Instant,
}

/// A recorder's content, taken at the end of a slice.
#[derive(Default)]
pub(crate) struct Taken {
    pub(crate) recorded: Vec<Recorded>,
    pub(crate) ok: u64,
    pub(crate) probed: u64,
    pub(crate) stale: u64,
    pub(crate) attacks: BTreeMap<String, Attack>,
    pub(crate) cache: Option<CacheUse>,
    pub(crate) drawn: Vec<u64>,
    pub(crate) failed: BTreeMap<String, u64>,
    pub(crate) statuses: BTreeMap<u16, u64>,
    pub(crate) bytes: Bytes,
    pub(crate) user_time: Option<UserTime>,
    /// Requests that were sent again, because the server had not read them.
    pub(crate) retried: u64,
    /// No answer came at all, and requests were waited for in vain.
    pub(crate) is_silent: bool,
    /// Requests were waited for in vain.
    pub(crate) has_stalled: bool,
    pub(crate) last_byte: Option<Instant>,
    pub(crate) answers: Answers,
    /// The intervals of a continuous slice that were not taken before.
    pub(crate) intervals: Vec<Filled>,
    /// Seconds by which responses became longer in each second, of the step where that is the most;
    /// 0 where it is not certain, or was not looked for.
    pub(crate) growth: f64,
}

/// The reason under which a request is counted whose answer did not come within the load's timeout.
pub(crate) const NO_ANSWER: &str = "no answer in time";

/// The reason under which arrivals are counted that were planned and never sent.
pub(crate) const DROPPED: &str = NEVER_SENT;

/// More distinct stage names than this are ignored: a server must not fill our memory.
const MOST_STAGES: usize = 16;
/// More distinct failures than this are counted together.
const MOST_FAILURES: usize = 32;

impl Recorder {
    /// A recorder for the steps named; a request refers to its step by position.
    pub(crate) fn new(steps: impl IntoIterator<Item = String>, live: Option<Arc<Live>>) -> Self {
        Self {
            steps: steps.into_iter().map(StepRecorder::new).collect(),
            ok: 0,
            probed: 0,
            stale: 0,
            attacks: BTreeMap::new(),
            cache: None,
            drawn: Vec::new(),
            failed: BTreeMap::new(),
            statuses: BTreeMap::new(),
            bytes: Bytes::default(),
            user_time: None,
            retried: 0,
            refused: 0,
            stalled: 0,
            last_byte: None,
            answers: Answers::default(),
            follows_trend: false,
            live,
            intervals: None,
        }
    }

    /// Records a continuous slice by the second too.
    pub(crate) fn in_intervals(mut self) -> Self {
        self.intervals = Some(Intervals::of(self.step_names()));
        self
    }

    /// The names of its steps, in their order.
    pub(crate) fn step_names(&self) -> Vec<String> {
        self.steps.iter().map(|step| step.name.clone()).collect()
    }

    /// The slice begins at this instant.
    pub(crate) fn begin(&mut self, start: Instant) {
        if let Some(intervals) = &mut self.intervals {
            intervals.begin(start);
        }
    }

    /// Hands over the intervals that have passed.
    pub(crate) fn take_full_intervals(&mut self) -> Vec<Filled> {
        let intervals = self.intervals.as_mut();
        intervals.map(Intervals::take_full).unwrap_or_default()
    }

    /// Looks for a backlog that grows: a search asks for it.
    pub(crate) fn following_trend(mut self) -> Self {
        self.follows_trend = true;
        self
    }

    /// Records an answer that its step expects.
    pub(crate) fn answered(&mut self, step: usize, instants: Instants) {
        let at = &mut self.steps[step];
        let response = ns(instants.planned, instants.last_byte);
        let sendable = instants.planned.max(instants.free) + instants.proved_in;
        let timer = ns(sendable, instants.sent);
        let service = ns(instants.sent, instants.last_byte);
        at.response.saturating_record(response);
        at.service.saturating_record(service);
        at.first_byte
            .saturating_record(ns(instants.sent, instants.first_byte));
        at.timer.saturating_record(timer);
        if instants.free > instants.planned {
            at.queued
                .saturating_record(ns(instants.planned, instants.free));
        }
        if self.follows_trend {
            at.trend.answered(&instants);
        }
        if let Some(live) = &self.live {
            live.answered(response, service, timer);
        }
        if let Some(intervals) = &mut self.intervals {
            intervals.answered(step, response, service, instants.last_byte);
        }
        self.ok += 1;
        self.answers.answered(&instants);
        self.last_byte = Some(instants.last_byte);
    }

    /// Adds the cost of a stage that an answer told, in nanoseconds. One that it told more than once is a stage that its
    /// request went through as often, and costs the sum.
    pub(crate) fn stage(&mut self, step: usize, stage: &str, cost_ns: u64) {
        let stages = &mut self.steps[step].stages;
        if let Some(known) = stages.iter_mut().find(|known| known.name == stage) {
            known.cost_ns = Some(known.cost_ns.unwrap_or_default().saturating_add(cost_ns));
        } else if stages.len() < MOST_STAGES {
            stages.push(StageRecorder {
                name: stage.to_owned(),
                cost_ns: Some(cost_ns),
                histogram: histogram(),
            });
        }
    }

    /// Records the stages that the answer told.
    pub(crate) fn staged(&mut self, step: usize) {
        for stage in &mut self.steps[step].stages {
            if let Some(cost_ns) = stage.cost_ns.take() {
                stage.histogram.saturating_record(cost_ns);
            }
        }
    }

    /// Counts a request that failed; its time is kept apart and never part of a latency.
    pub(crate) fn failed(&mut self, step: usize, reason: &str, planned: Instant, ended: Instant) {
        self.answers.failed(ended);
        self.abandoned(step, reason, planned, ended);
    }

    /// Counts a request whose answer is no longer waited for: it failed when we stopped, and not by
    /// what the server did then.
    pub(crate) fn abandoned(
        &mut self,
        step: usize,
        reason: &str,
        planned: Instant,
        ended: Instant,
    ) {
        if let Some(intervals) = &mut self.intervals {
            intervals.reach(ended);
        }
        let at = &mut self.steps[step];
        at.failed.saturating_record(ns(planned, ended));
        let reason = format!("{}: {reason}", at.name);
        self.failed_untimed(reason);
        self.last_byte = Some(ended);
    }

    /// Counts an answer that its step does not expect; the request has failed.
    pub(crate) fn refused(&mut self) {
        self.refused += 1;
    }

    /// Counts a request that was given up after a whole timeout; the request has failed.
    pub(crate) fn stalled(&mut self) {
        self.stalled += 1;
    }

    /// Whether no answer has come, expected or not.
    pub(crate) fn is_unanswered(&self) -> bool {
        self.ok == 0 && self.refused == 0
    }

    /// Counts requests that were not made, since their journey had ended at an earlier step.
    pub(crate) fn unreached(&mut self, step: usize, times: u64) {
        self.steps[step].unreached += times;
    }

    /// The steps that have fewer requests than `least`, with how often each was not reached; those that were reached each
    /// time, but seldom, are not among them.
    pub(crate) fn out_of_reach(&self, least: &[u64]) -> BTreeMap<String, u64> {
        let steps = self.steps.iter().zip(least);
        steps
            .filter(|(at, least)| at.unreached > 0 && at.requests() < **least)
            .map(|(at, _)| (at.name.clone(), at.unreached))
            .collect()
    }

    /// Counts something that failed and that no step's time is recorded of.
    pub(crate) fn failed_untimed(&mut self, reason: String) {
        let known = self.failed.contains_key(&reason) || self.failed.len() < MOST_FAILURES;
        let key = if known { reason } else { "other".to_owned() };
        if let Some(live) = &self.live {
            live.failed(&key);
        }
        if let Some(intervals) = &mut self.intervals {
            intervals.failed(&key);
        }
        *self.failed.entry(key).or_default() += 1;
    }

    /// Counts the status of the answer that was recorded last.
    pub(crate) fn answered_with(&mut self, status: u16) {
        *self.statuses.entry(status).or_default() += 1;
    }

    /// Counts what passed on a user's connections for the request that was recorded last.
    pub(crate) fn transferred(&mut self, bytes: Bytes) {
        self.bytes += bytes;
        if let Some(intervals) = &mut self.intervals {
            intervals.transferred(bytes);
        }
    }

    /// Adds what a closed user says of its own time.
    pub(crate) fn left(&mut self, stay: Option<UserTime>) {
        if let Some(stay) = stay {
            *self.user_time.get_or_insert_default() += stay;
        }
    }

    /// Counts requests that were sent again, because the server had not read them.
    pub(crate) fn retried(&mut self, requests: u64) {
        self.retried += requests;
        if let Some(live) = &self.live {
            live.retry(requests);
        }
    }

    /// Counts a request that was sent after its credentials' revoke was answered, and how long after
    /// if it passed.
    pub(crate) fn probed(&mut self, step: usize, stale: Option<Duration>) {
        self.probed += 1;
        if let Some(after) = stale {
            self.stale += 1;
            let after_ns = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
            self.steps[step]
                .stale
                .get_or_insert_with(histogram)
                .saturating_record(after_ns);
        }
    }

    /// Counts an answer that told of a cache.
    pub(crate) fn cached(&mut self, hit: bool) {
        let cache = self.cache.get_or_insert_default();
        cache.asked += 1;
        cache.hits += u64::from(hit);
    }

    /// Keeps which member a journey drew.
    pub(crate) fn drew(&mut self, member: u64) {
        self.drawn.push(member);
    }

    /// Counts a request that was to be refused.
    pub(crate) fn attacked(&mut self, attack: &str, passed: bool) {
        let more = Attack {
            tried: 1,
            passed: u64::from(passed),
        };
        match self.attacks.get_mut(attack) {
            Some(known) => *known += more,
            None => {
                self.attacks.insert(attack.to_owned(), more);
            }
        }
    }

    /// Counts arrivals that were never sent: every user was busy to the end.
    pub(crate) fn dropped(&mut self, arrivals: u64) {
        if arrivals > 0 {
            *self.failed.entry(DROPPED.to_owned()).or_default() += arrivals;
        }
    }

    /// Whether each step has at least so many requests, answered or failed. A request that was not made, because its
    /// journey had ended before, counts too: more of them would not come.
    pub(crate) fn has(&self, least: &[u64]) -> bool {
        self.steps
            .iter()
            .zip(least)
            .all(|(at, least)| at.requests() + at.unreached >= *least)
    }

    /// Whether nothing has failed.
    pub(crate) fn is_flawless(&self) -> bool {
        self.failed.is_empty()
    }

    /// Hands over what was recorded and starts anew.
    pub(crate) fn take(&mut self) -> Taken {
        let mut recorded = Vec::new();
        let has_stalled = self.stalled > 0;
        let is_silent = has_stalled && self.is_unanswered();
        (self.refused, self.stalled) = (0, 0);
        let mut growth = 0.0_f64;
        for at in &mut self.steps {
            growth = growth.max(std::mem::take(&mut at.trend).growth());
            at.unreached = 0;
            let fixed = [
                ("response", &mut at.response),
                ("service", &mut at.service),
                ("first-byte", &mut at.first_byte),
                ("timer", &mut at.timer),
                ("queued", &mut at.queued),
                ("failed", &mut at.failed),
            ];
            for (metric, histogram) in fixed {
                take_one(&mut recorded, &at.name, metric.to_owned(), histogram);
            }
            if let Some(stale) = &mut at.stale {
                take_one(&mut recorded, &at.name, "stale".to_owned(), stale);
            }
            for stage in &mut at.stages {
                let metric = format!("stage-{}", stage.name);
                take_one(&mut recorded, &at.name, metric, &mut stage.histogram);
            }
        }
        Taken {
            recorded,
            ok: std::mem::take(&mut self.ok),
            probed: std::mem::take(&mut self.probed),
            stale: std::mem::take(&mut self.stale),
            attacks: std::mem::take(&mut self.attacks),
            cache: self.cache.take(),
            drawn: std::mem::take(&mut self.drawn),
            failed: std::mem::take(&mut self.failed),
            statuses: std::mem::take(&mut self.statuses),
            bytes: std::mem::take(&mut self.bytes),
            user_time: self.user_time.take(),
            retried: std::mem::take(&mut self.retried),
            is_silent,
            has_stalled,
            last_byte: self.last_byte.take(),
            answers: std::mem::take(&mut self.answers),
            intervals: self
                .intervals
                .as_mut()
                .map(Intervals::take_all)
                .unwrap_or_default(),
            growth,
        }
    }
}

impl StepRecorder {
    /// Answered or failed.
    fn requests(&self) -> u64 {
        self.service.len() + self.failed.len()
    }

    fn new(name: String) -> Self {
        Self {
            name,
            response: histogram(),
            service: histogram(),
            first_byte: histogram(),
            timer: histogram(),
            queued: histogram(),
            failed: histogram(),
            unreached: 0,
            stale: None,
            stages: Vec::new(),
            trend: Trend::default(),
        }
    }
}

/// CPU time to record one answered request, nanoseconds: the median of some batches.
pub(crate) fn cost_ns() -> f64 {
    const BATCHES: usize = 21;
    const REQUESTS: u32 = 20_000;
    let start = Instant::now();
    let at = |ns: u64| start + std::time::Duration::from_nanos(ns);
    let mut recorder = Recorder::new(["step".to_owned()], None);
    let mut costs: Vec<f64> = (0..BATCHES)
        .map(|_| {
            let began = Instant::now();
            for request in 0..REQUESTS {
                // Spread as latencies are, so that not one counter is written again and again.
                let spread = u64::from(request.wrapping_mul(2_654_435_761) >> 18);
                recorder.answered(
                    0,
                    Instants {
                        planned: at(0),
                        free: at(0),
                        proved_in: Duration::ZERO,
                        sent: at(400),
                        first_byte: at(9_000 + spread),
                        last_byte: at(9_500 + spread),
                    },
                );
            }
            began.elapsed().as_nanos() as f64 / f64::from(REQUESTS)
        })
        .collect();
    costs.sort_by(f64::total_cmp);
    costs[BATCHES / 2]
}

fn take_one(
    recorded: &mut Vec<Recorded>,
    step: &str,
    metric: String,
    histogram: &mut Histogram<u64>,
) {
    if histogram.is_empty() {
        return;
    }
    recorded.push(Recorded {
        step: step.to_owned(),
        metric,
        histogram: histogram.clone(),
    });
    histogram.reset();
}

/// Longest time that is told apart; beyond it a sample counts as this.
const LONGEST_NS: u64 = 1_000_000_000 * 3_600;

/// An empty histogram of nanoseconds, up to an hour: its pages are touched only where samples fall.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_NS, SIGNIFICANT_DIGITS)
        .unwrap_or_else(|_| unreachable!("the bounds are constants within the crate's limits"))
}

fn ns(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_duration_since(from).as_nanos()).unwrap_or(u64::MAX)
}

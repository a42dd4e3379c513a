//! What each stage of a request took, for the `Server-Timing` header (W3C). Without it the pipeline is compiled with
//! no clock in it at all.

use std::fmt;
use std::time::Instant;

/// A stage of authorization.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stage {
    Cache,
    Verify,
    Binding,
    Policy,
}

/// Whoever is told that a stage ended.
pub(crate) trait Laps {
    fn ended(&mut self, stage: Stage);
    /// What was looked up in the cache was there.
    fn hit(&mut self);
}

/// Nobody.
pub(crate) struct Untimed;

impl Laps for Untimed {
    #[inline]
    fn ended(&mut self, _: Stage) {}

    #[inline]
    fn hit(&mut self) {}
}

/// What each stage took, in nanoseconds. A stage that was not reached took none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StageTimes {
    /// Looking the decision, or the token, up.
    pub cache_ns: u64,
    /// Proving the token: signature, form, times, not revoked.
    pub verify_ns: u64,
    /// Whether it is this sender's.
    pub binding_ns: u64,
    /// Whether the subject may, and remembering it.
    pub policy_ns: u64,
    /// All of it.
    pub total_ns: u64,
    /// Whether the cache had the decision, or the token.
    pub hit: bool,
}

/// A stopwatch over the stages.
pub(crate) struct Stopwatch {
    times: StageTimes,
    started: Instant,
    last: Instant,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        let now = Instant::now();
        Self {
            times: StageTimes::default(),
            started: now,
            last: now,
        }
    }

    pub(crate) fn stop(self) -> StageTimes {
        StageTimes {
            total_ns: self.started.elapsed().as_nanos() as u64,
            ..self.times
        }
    }
}

impl Laps for Stopwatch {
    fn hit(&mut self) {
        self.times.hit = true;
    }

    fn ended(&mut self, stage: Stage) {
        let now = Instant::now();
        let took = now.duration_since(self.last).as_nanos() as u64;
        self.last = now;
        match stage {
            Stage::Cache => self.times.cache_ns += took,
            Stage::Verify => self.times.verify_ns += took,
            Stage::Binding => self.times.binding_ns += took,
            Stage::Policy => self.times.policy_ns += took,
        }
    }
}

impl fmt::Display for StageTimes {
    /// As the header's value: milliseconds to the nanosecond.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NS_PER_MS: u64 = 1_000_000;
        let stages = [
            ("cache", self.cache_ns),
            ("verify", self.verify_ns),
            ("binding", self.binding_ns),
            ("policy", self.policy_ns),
            ("total", self.total_ns),
        ];
        for (i, (name, ns)) in stages.into_iter().enumerate() {
            let separator = if i > 0 { ", " } else { "" };
            // As content delivery networks tell it: the metric's description.
            let hit = if self.hit && name == "cache" {
                ";desc=hit"
            } else {
                ""
            };
            write!(
                f,
                "{separator}{name}{hit};dur={}.{:06}",
                ns / NS_PER_MS,
                ns % NS_PER_MS
            )?;
        }
        Ok(())
    }
}

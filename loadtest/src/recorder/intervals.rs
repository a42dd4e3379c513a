//! A continuous slice by the second: what was answered in each, and how fast.
//!
//! Each interval has histograms of its own. The generator's thread only hands a full interval over;
//! another thread reads the percentiles from it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use authlab_reports::folder::Recorded;
use authlab_reports::percentiles;
use authlab_reports::run::{Bytes, Interval};
use hdrhistogram::Histogram;

use super::histogram;

/// Length of an interval.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);

/// The intervals of one slice: the one under way, and those that were not yet taken.
pub(super) struct Intervals {
    steps: Vec<String>,
    /// When the slice began; none before, when nothing is recorded.
    start: Option<Instant>,
    current: Filled,
    full: Vec<Filled>,
}

/// What was recorded in one interval.
pub(crate) struct Filled {
    number: u32,
    ok: u64,
    failed: BTreeMap<String, u64>,
    bytes: Bytes,
    /// Of each step that was answered; made with its first answer.
    steps: Vec<Option<Latencies>>,
}

struct Latencies {
    response: Histogram<u64>,
    service: Histogram<u64>,
}

impl Intervals {
    pub(super) fn of(steps: Vec<String>) -> Self {
        Self {
            current: Filled::new(0, steps.len()),
            steps,
            start: None,
            full: Vec::new(),
        }
    }

    pub(super) fn begin(&mut self, start: Instant) {
        self.start = Some(start);
    }

    pub(super) fn answered(&mut self, step: usize, response: u64, service: u64, ended: Instant) {
        self.reach(ended);
        self.current.ok += 1;
        let latencies = self.current.steps[step].get_or_insert_with(|| Latencies {
            response: histogram(),
            service: histogram(),
        });
        latencies.response.saturating_record(response);
        latencies.service.saturating_record(service);
    }

    pub(super) fn reach(&mut self, ended: Instant) {
        let Some(start) = self.start else {
            return;
        };
        let number = ended.saturating_duration_since(start).as_nanos() / INTERVAL.as_nanos();
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        if number > self.current.number {
            let next = Filled::new(number, self.steps.len());
            self.full.push(std::mem::replace(&mut self.current, next));
        }
    }

    pub(super) fn failed(&mut self, reason: &str) {
        match self.current.failed.get_mut(reason) {
            Some(count) => *count += 1,
            None => drop(self.current.failed.insert(reason.to_owned(), 1)),
        }
    }

    pub(super) fn transferred(&mut self, bytes: Bytes) {
        self.current.bytes += bytes;
    }

    pub(super) fn take_full(&mut self) -> Vec<Filled> {
        std::mem::take(&mut self.full)
    }

    pub(super) fn take_all(&mut self) -> Vec<Filled> {
        let next = Filled::new(self.current.number.saturating_add(1), self.steps.len());
        self.full.push(std::mem::replace(&mut self.current, next));
        self.take_full()
    }
}

/// The intervals of a slice that have passed, added up.
#[derive(Default)]
pub(crate) struct SoFar {
    /// From its start to the end of the last of them.
    pub(crate) seconds: u32,
    pub(crate) ok: u64,
    pub(crate) failed: BTreeMap<String, u64>,
    pub(crate) bytes: Bytes,
    pub(crate) recorded: Vec<Recorded>,
}

impl SoFar {
    fn add(&mut self, step: &str, metric: &str, more: &Histogram<u64>) {
        let same = |there: &&mut Recorded| there.step == step && there.metric == metric;
        match self.recorded.iter_mut().find(same) {
            // All have the same bounds.
            Some(there) => there.histogram += more,
            None => self.recorded.push(Recorded {
                step: step.to_owned(),
                metric: metric.to_owned(),
                histogram: more.clone(),
            }),
        }
    }
}

impl Filled {
    fn new(number: u32, steps: usize) -> Self {
        Self {
            number,
            ok: 0,
            failed: BTreeMap::new(),
            bytes: Bytes::default(),
            steps: (0..steps).map(|_| None).collect(),
        }
    }

    /// Adds what was recorded to what there is of the slice so far.
    pub(crate) fn add_to(&self, so_far: &mut SoFar, names: &[String]) {
        so_far.seconds = self.number.saturating_add(1);
        so_far.ok += self.ok;
        so_far.bytes += self.bytes;
        for (reason, count) in &self.failed {
            *so_far.failed.entry(reason.clone()).or_default() += count;
        }
        for (step, name) in self.steps.iter().zip(names) {
            let Some(step) = step else { continue };
            so_far.add(name, "response", &step.response);
            so_far.add(name, "service", &step.service);
        }
    }

    /// As a run holds it; its place in the run is given by [`placed`].
    pub(crate) fn interval(self, variant: &str, load: &str, names: &[String]) -> (u32, Interval) {
        let recorded = self.steps.iter().zip(names);
        let recorded = recorded.filter_map(|(step, name)| Some((step.as_ref()?, name)));
        let figures = recorded.flat_map(|(step, name)| {
            let both = [("response", &step.response), ("service", &step.service)];
            both.map(|(metric, part)| percentiles::figure(variant, load, name, metric, part))
        });
        let interval = Interval {
            start_ns: 0,
            length_ns: 0,
            ok: self.ok,
            failed: self.failed.values().sum(),
            bytes: Some(self.bytes),
            figures: figures.collect(),
        };
        (self.number, interval)
    }
}

/// The intervals of a slice that began at `start_ns` of the run and lasted `length_ns`: one for each
/// second, also for those in which nothing ended.
pub(crate) fn placed(
    recorded: Vec<(u32, Interval)>,
    start_ns: u64,
    length_ns: u64,
) -> Vec<Interval> {
    let each = u64::try_from(INTERVAL.as_nanos()).unwrap_or(u64::MAX);
    let after_last = recorded
        .iter()
        .filter(|(_, interval)| interval.ok + interval.failed > 0)
        .map(|(number, _)| u64::from(*number) + 1)
        .max()
        .unwrap_or(0);
    let count = length_ns.div_ceil(each).max(after_last);
    let mut placed: Vec<Interval> = (0..count)
        .map(|number| Interval {
            start_ns: start_ns + number * each,
            length_ns: length_ns.saturating_sub(number * each).min(each),
            ok: 0,
            failed: 0,
            bytes: Some(Bytes::default()),
            figures: Vec::new(),
        })
        .collect();
    for (number, recorded) in recorded {
        if let Some(place) = placed.get_mut(number as usize) {
            *place = Interval {
                start_ns: place.start_ns,
                length_ns: place.length_ns,
                ..recorded
            };
        }
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn an_answer_belongs_to_the_second_in_which_it_ended() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut intervals = Intervals::of(vec!["a".to_owned(), "b".to_owned()]);
        intervals.begin(start);
        intervals.answered(0, 9 * MS, 5 * MS, at(10));
        intervals.answered(0, 9 * MS, 5 * MS, at(999));
        intervals.reach(at(1_000));
        intervals.failed("step: status 503");
        assert_eq!(intervals.take_full().len(), 1);
        assert_eq!(intervals.take_full().len(), 0);
        // Nothing ends in the third second.
        intervals.answered(1, 2 * MS, MS, at(3_250));
        let names = ["a".to_owned(), "b".to_owned()];
        let rest = intervals.take_all().into_iter();
        let rest = rest.map(|filled| filled.interval("v", "l", &names));
        let placed = placed(rest.collect(), 7, 3_250 * MS);
        let seen: Vec<_> = placed
            .iter()
            .map(|at| (at.start_ns, at.length_ns / MS, at.ok, at.failed))
            .collect();
        let second = 1_000 * MS;
        // The first second was taken before.
        assert_eq!(
            seen,
            [
                (7, 1_000, 0, 0),
                (7 + second, 1_000, 0, 1),
                (7 + 2 * second, 1_000, 0, 0),
                (7 + 3 * second, 250, 1, 0),
            ]
        );
        let figures = &placed[3].figures;
        let told: Vec<_> = figures.iter().map(|f| (&*f.step, &*f.metric)).collect();
        assert_eq!(told, [("b", "response"), ("b", "service")]);
        assert_eq!(figures[0].max / MS, 2);
    }
}

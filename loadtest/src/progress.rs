//! What a run tells while it runs, and how long it will still take.

use std::collections::BTreeMap;
use std::time::Duration;

use authlab_reports::run::Capacity;
use authlab_reports::run::{Run, Slice};

use crate::live::{Aim, Distribution};
use crate::scenario::Scenario;

/// Something that has happened.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A variant's server is being started and warmed up.
    Starting {
        /// The variant.
        variant: &'a str,
    },
    /// The slice under way, some times a second; only in a run that is [watched].
    ///
    /// [watched]: crate::conductor::Order::watched
    Live(Box<Snapshot>),
    /// A slice was measured.
    Slice {
        /// The slice, its figures included.
        slice: &'a Slice,
        /// The run so far, this slice included.
        run: &'a Run,
        /// What is left of the run after it.
        left: Left,
    },
    /// A rate was offered in a search for the highest.
    Rate {
        /// The search so far; its last point is new.
        capacity: &'a Capacity,
        /// What is left of the run after it.
        left: Left,
    },
}

/// The slice under way at one moment. Its latencies are read from coarse buckets.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The variant's name.
    pub variant: String,
    /// The load's name.
    pub load: String,
    /// What the slice is for.
    pub aim: Aim,
    /// Blocks that the load plans.
    pub blocks: usize,
    /// Time since the slice began.
    pub elapsed: Duration,
    /// Its planned length.
    pub length: Duration,
    /// Requests a second that are planned at this moment; none for closed users and for
    /// a recorded log.
    pub offered: Option<f64>,
    /// Requests that failed, by reason.
    pub failed: BTreeMap<String, u64>,
    /// Requests that were sent again on a new connection, because the server had not read them.
    pub retried: u64,
    /// Whether requests are planned by a schedule: the response time is then what users feel.
    pub open: bool,
    /// Response time, from the intended start, of the requests answered as expected.
    pub response: Distribution,
    /// Their service time, from when they were sent.
    pub service: Distribution,
    /// Lateness of the generator's own.
    pub timer: Distribution,
    /// What is left of the run.
    pub left: Left,
}

/// What is left of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Slices measured.
    pub done: usize,
    /// Slices planned.
    pub planned: usize,
    /// Estimated from what slices and starts took so far; for those not seen yet, from their plan.
    pub time: Duration,
}

/// Learns how long slices and starts take.
pub(crate) struct Pace {
    loads: Vec<PlannedLoad>,
    slices: BTreeMap<(usize, usize), Duration>,
    starts: BTreeMap<(usize, usize), Duration>,
    done: BTreeMap<(usize, usize), usize>,
    started: BTreeMap<(usize, usize), usize>,
    searched: Vec<(usize, usize)>,
    variants: usize,
}

/// Slices that a search usually takes, its confirmations not counted.
const SEARCH_SLICES: usize = 20;

struct PlannedLoad {
    /// Of a search: its slices are not known before.
    searches: bool,
    blocks: usize,
    slices_of_a_block: usize,
    slice: Duration,
    warm_up: Duration,
    starts: usize,
}

impl PlannedLoad {
    /// Of each variant.
    fn slices(&self) -> usize {
        self.blocks * self.slices_of_a_block
    }
}

impl Pace {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let loads = scenario
            .loads
            .iter()
            .map(|load| {
                let restarts = (load.blocks - 1).checked_div(load.restart_blocks);
                PlannedLoad {
                    searches: load.capacity.is_some(),
                    blocks: load.blocks,
                    slices_of_a_block: load.slices_of_a_block(),
                    slice: load.slice,
                    warm_up: load.warm_up,
                    starts: 1 + restarts.unwrap_or(0),
                }
            })
            .collect();
        Self {
            loads,
            slices: BTreeMap::new(),
            starts: BTreeMap::new(),
            done: BTreeMap::new(),
            started: BTreeMap::new(),
            searched: Vec::new(),
            variants: scenario.variants.len(),
        }
    }

    pub(crate) fn measured(&mut self, load: usize, variant: usize, took: Duration) {
        self.slices.insert((load, variant), took);
        *self.done.entry((load, variant)).or_default() += 1;
    }

    /// A load has ended before its plan.
    pub(crate) fn ended(&mut self, load: usize) {
        let done = (0..self.variants).filter_map(|variant| self.done.get(&(load, variant)));
        self.loads[load].blocks = done
            .max()
            .copied()
            .unwrap_or_default()
            .div_ceil(self.loads[load].slices_of_a_block);
    }

    /// A search has ended: nothing is left of its slices.
    pub(crate) fn searched(&mut self, load: usize, variant: usize) {
        self.searched.push((load, variant));
    }

    pub(crate) fn started(&mut self, load: usize, variant: usize, took: Duration) {
        self.starts.insert((load, variant), took);
        *self.started.entry((load, variant)).or_default() += 1;
    }

    pub(crate) fn left(&self) -> Left {
        let mut left = Left {
            done: self.done.values().sum(),
            planned: 0,
            time: Duration::ZERO,
        };
        for (number, load) in self.loads.iter().enumerate() {
            if !load.searches {
                left.planned += load.slices() * self.variants;
            }
            for variant in 0..self.variants {
                let key = (number, variant);
                let planned = match (load.searches, self.searched.contains(&key)) {
                    (false, _) => load.slices(),
                    (true, false) => load.blocks + SEARCH_SLICES,
                    (true, true) => 0,
                };
                let slices =
                    planned.saturating_sub(self.done.get(&key).copied().unwrap_or_default());
                let starts = load
                    .starts
                    .saturating_sub(self.started.get(&key).copied().unwrap_or_default());
                let slice = self.expected(&self.slices, number, variant, |load| load.slice);
                let start = self.expected(&self.starts, number, variant, |load| load.warm_up);
                left.time += slice * u32::try_from(slices).unwrap_or(u32::MAX)
                    + start * u32::try_from(starts).unwrap_or(u32::MAX);
            }
        }
        left
    }

    /// What this variant took under this load; before it was seen there, as much longer than
    /// planned as it took under the last load before.
    fn expected(
        &self,
        times: &BTreeMap<(usize, usize), Duration>,
        load: usize,
        variant: usize,
        planned: impl Fn(&PlannedLoad) -> Duration,
    ) -> Duration {
        let took = |load: usize| Some((load, *times.get(&(load, variant))?));
        match (0..=load).rev().find_map(took) {
            Some((seen, took)) if seen == load => took,
            Some((seen, took)) => {
                planned(&self.loads[load]) + took.saturating_sub(planned(&self.loads[seen]))
            }
            None => planned(&self.loads[load]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_that_was_not_seen_yet_is_expected_as_planned_and_as_late_as_the_one_before() {
        let planned = |millis| PlannedLoad {
            searches: false,
            blocks: 1,
            slices_of_a_block: 2,
            slice: Duration::from_millis(millis),
            warm_up: Duration::ZERO,
            starts: 0,
        };
        let mut pace = Pace {
            loads: vec![planned(100), planned(2_000)],
            slices: BTreeMap::new(),
            starts: BTreeMap::new(),
            done: BTreeMap::new(),
            started: BTreeMap::new(),
            searched: Vec::new(),
            variants: 1,
        };
        assert_eq!(pace.left().time, Duration::from_millis(4_200));
        pace.measured(0, 0, Duration::from_millis(130));
        assert_eq!(pace.left().time, Duration::from_millis(130 + 2 * 2_030));
        pace.measured(1, 0, Duration::from_millis(2_500));
        assert_eq!(pace.left().time, Duration::from_millis(130 + 2_500));
    }
}

//! One slice of every shard, added up.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::{MergeError, Part, started};
use crate::{
    folder::{FolderError, Recorded, Recordings, tag},
    run::{Attack, Bytes, CacheUse, Slice, UserTime},
};

/// The slice at `place` in each shard's run: counts and histograms summed, spans from the first
/// start to the last answer; of the shares that say how disturbed a shard was, the greatest.
pub(super) fn added(
    parts: &[Part],
    recordings: &mut [Recordings],
    place: usize,
) -> Result<(Slice, Vec<Recorded>), MergeError> {
    let slices: Vec<&Slice> = parts.iter().map(|part| &part.run.slices[place]).collect();
    let mut histograms = Histograms::default();
    for (slice, recordings) in slices.iter().zip(recordings) {
        for recorded in recordings.of(slice)? {
            histograms.add(&slice.load, recorded)?;
        }
    }
    let first = slices[0];
    let zero = started(parts);
    let starts = parts.iter().zip(&slices).map(|(part, slice)| {
        let after = part.started.duration_since(zero).unsigned_abs();
        u64::try_from(after.as_nanos())
            .unwrap_or(u64::MAX)
            .saturating_add(slice.start_ns)
    });
    let ends = starts.clone().zip(&slices);
    let start_ns = starts.min().unwrap_or_default();
    let end_ns = ends
        .map(|(start, slice)| start.saturating_add(slice.length_ns))
        .max();
    let mut failed = BTreeMap::new();
    for (reason, count) in slices.iter().flat_map(|slice| &slice.failed) {
        *failed.entry(reason.clone()).or_default() += count;
    }
    let mut attacks: BTreeMap<String, Attack> = BTreeMap::new();
    for (name, attack) in slices.iter().flat_map(|slice| &slice.attacks) {
        *attacks.entry(name.clone()).or_default() += *attack;
    }
    let slice = Slice {
        load: first.load.clone(),
        variant: first.variant.clone(),
        block: first.block,
        start_ns,
        length_ns: end_ns.unwrap_or_default() - start_ns,
        // They load together, whatever their clocks say.
        answered_ns: slices.iter().map(|slice| nanos(slice.answering())).max(),
        planned_ns: slices.iter().filter_map(|slice| slice.planned_ns).max(),
        figures: Vec::new(),
        planned: slices.iter().map(|slice| slice.planned).sum(),
        ok: slices.iter().map(|slice| slice.ok).sum(),
        probed: slices.iter().map(|slice| slice.probed).sum(),
        stale: slices.iter().map(|slice| slice.stale).sum(),
        attacks,
        cache: slices
            .iter()
            .filter_map(|slice| slice.cache)
            .reduce(|sum, cache| CacheUse {
                asked: sum.asked + cache.asked,
                hits: sum.hits + cache.hits,
                ideal: None,
            })
            // The ideal cache of a share of the draws is no share of the ideal cache.
            .map(|cache| CacheUse {
                ideal: None,
                ..cache
            }),
        failed,
        bytes: Bytes::sum(slices.iter().map(|slice| slice.bytes)),
        retried: slices.iter().map(|slice| slice.retried).sum(),
        // The servers were started elsewhere: no shard knows their processes.
        cpu_ns: None,
        beside_cpu_ns: BTreeMap::new(),
        busy: None,
        generator_busy: greatest(&slices, |slice| slice.generator_busy),
        generator_waited: greatest(&slices, |slice| slice.generator_waited),
        peak_bytes: None,
        server_waited: None,
        others_busy: None,
        steal: greatest(&slices, |slice| slice.steal),
        throttled: greatest(&slices, |slice| slice.throttled),
        resent: greatest(&slices, |slice| slice.resent),
        late_ns: slices.iter().filter_map(|slice| slice.late_ns).max(),
        paused_ns: slices.iter().filter_map(|slice| slice.paused_ns).max(),
        user_time: user_time(&slices),
        unreached: unreached(&slices),
        // The logs hold no histogram of an interval, and percentiles cannot be added.
        intervals: Vec::new(),
    };
    Ok((slice, histograms.0))
}

/// In the order in which the first shard has them.
#[derive(Default)]
struct Histograms(Vec<Recorded>);

impl Histograms {
    fn add(&mut self, load: &str, part: Recorded) -> Result<(), FolderError> {
        let same = |there: &&mut Recorded| there.step == part.step && there.metric == part.metric;
        let Some(there) = self.0.iter_mut().find(same) else {
            self.0.push(part);
            return Ok(());
        };
        let sum: &mut Histogram<u64> = &mut there.histogram;
        sum.auto(true);
        sum.add(&part.histogram)
            .map_err(|source| FolderError::Merge {
                tag: tag(load, &part.step, &part.metric),
                source,
            })
    }
}

fn unreached(slices: &[&Slice]) -> BTreeMap<String, u64> {
    let mut sum = BTreeMap::new();
    for (step, times) in slices.iter().flat_map(|slice| &slice.unreached) {
        *sum.entry(step.clone()).or_default() += times;
    }
    sum
}

fn user_time(slices: &[&Slice]) -> Option<UserTime> {
    let mut sum = UserTime::default();
    for slice in slices {
        sum += slice.user_time?;
    }
    Some(sum)
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn greatest(slices: &[&Slice], share: impl Fn(&Slice) -> Option<f64>) -> Option<f64> {
    slices
        .iter()
        .filter_map(|slice| share(slice))
        .reduce(f64::max)
}

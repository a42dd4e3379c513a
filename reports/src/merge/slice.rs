//! One slice of every shard, added up.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::{MergeError, Part, started};
use crate::{
    folder::{FolderError, Recorded, Recordings, tag},
    run::{Attack, Bytes, CacheUse, Interval, Slice, UserTime},
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
        statuses: crate::run::statuses(slices.iter().copied()),
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
        intervals: intervals(&slices, start_ns),
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

/// Second by second, since the shards' slices begin together; none where one of them is not continuous. The logs hold no
/// histogram of a second, and percentiles cannot be added: the seconds of several shards have counts alone.
fn intervals(slices: &[&Slice], start_ns: u64) -> Vec<Interval> {
    let seconds = slices.iter().map(|slice| slice.intervals.len());
    if seconds.clone().any(|seconds| seconds == 0) {
        return Vec::new();
    }
    let seconds = 0..seconds.max().unwrap_or_default();
    let added = |second: usize| {
        let parts = slices
            .iter()
            .filter_map(|slice| Some((slice.start_ns, slice.intervals.get(second)?)));
        let after = parts
            .clone()
            .map(|(start, part)| part.start_ns.saturating_sub(start));
        let parts: Vec<&Interval> = parts.clone().map(|(_, part)| part).collect();
        Interval {
            start_ns: start_ns.saturating_add(after.max().unwrap_or_default()),
            length_ns: parts
                .iter()
                .map(|part| part.length_ns)
                .max()
                .unwrap_or_default(),
            ok: parts.iter().map(|part| part.ok).sum(),
            failed: parts.iter().map(|part| part.failed).sum(),
            bytes: Bytes::sum(parts.iter().map(|part| part.bytes)),
            figures: match parts[..] {
                [alone] if slices.len() == 1 => alone.figures.clone(),
                _ => Vec::new(),
            },
        }
    };
    seconds.map(added).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// A slice that begins at `start_ns`, with (ok, failed) of each second; the last lasts half of one.
    fn continuous(start_ns: u64, seconds: &[(u64, u64)]) -> Slice {
        let mut slice: Slice = serde_json::from_value(serde_json::json!({
            "load": "l", "variant": "v", "block": 0, "start_ns": start_ns, "length_ns": 1, "figures": [],
            "planned": null, "ok": 1, "failed": {}, "cpu_ns": null, "busy": null, "generator_waited": null,
            "server_waited": null, "steal": null
        }))
        .unwrap();
        let interval = |(number, &(ok, failed)): (usize, &(u64, u64))| {
            let is_last = number + 1 == seconds.len();
            let figure = serde_json::json!({
                "variant": "v", "load": "l", "step": "s", "metric": "response", "count": ok, "min": 1, "mean": 1.0,
                "max": 1, "percentiles": [1]
            });
            Interval {
                start_ns: start_ns + number as u64 * SECOND,
                length_ns: if is_last { SECOND / 2 } else { SECOND },
                ok,
                failed,
                bytes: Some(Bytes {
                    received: ok * 10,
                    sent: ok,
                }),
                figures: vec![serde_json::from_value(figure).unwrap()],
            }
        };
        slice.intervals = seconds.iter().enumerate().map(interval).collect();
        slice
    }

    #[test]
    fn seconds_of_shards_are_added_up_one_by_one() {
        let one = continuous(7, &[(10, 0), (20, 1)]);
        let other = continuous(900, &[(1, 2), (0, 3), (5, 0)]);
        let added = intervals(&[&one, &other], 7);
        let seen: Vec<_> = added
            .iter()
            .map(|at| {
                (
                    at.start_ns,
                    at.length_ns,
                    at.ok,
                    at.failed,
                    at.figures.len(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                (7, SECOND, 11, 2, 0),
                (7 + SECOND, SECOND, 20, 4, 0),
                (7 + 2 * SECOND, SECOND / 2, 5, 0, 0),
            ]
        );
        assert_eq!(added[0].bytes.unwrap().received, 110);
        assert_eq!(intervals(&[&other], 900), other.intervals);
        let sliced = continuous(7, &[]);
        assert!(intervals(&[&one, &sliced], 7).is_empty());
    }
}

//! Windows of recorded blocks, each judged as the duel that it would have been.

use authlab_reports::judge::differences::{Differences, Scale};
use authlab_reports::judge::{self, LEAST_BLOCKS, Sequential, Verdict, When};
use authlab_reports::order_statistics::median;
use authlab_reports::run::BUDGET;

use super::piece::{Recorded, Slice};

/// Verdicts of windows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Verdicts {
    pub(super) slower: usize,
    pub(super) faster: usize,
    pub(super) no_change: usize,
    pub(super) inconclusive: usize,
    /// Of each window.
    pub(super) blocks: Vec<usize>,
}

impl Verdicts {
    fn count(&mut self, verdict: Verdict, blocks: usize) {
        self.blocks.push(blocks);
        *match verdict {
            Verdict::Slower => &mut self.slower,
            Verdict::Faster => &mut self.faster,
            Verdict::NoChange => &mut self.no_change,
            Verdict::Inconclusive => &mut self.inconclusive,
        } += 1;
    }

    pub(super) fn all(&self) -> usize {
        self.blocks.len()
    }

    pub(super) fn alarms(&self) -> usize {
        self.slower + self.faster
    }

    /// What a window typically takes; that of the least where there is none.
    pub(super) fn typical(&self) -> usize {
        let blocks = self.blocks.iter().map(|blocks| *blocks as f64).collect();
        median(blocks).map_or(LEAST_BLOCKS, |blocks| blocks.round() as usize)
    }
}

/// The blocks that a duel of two minutes had at the pace of this recording.
fn most_blocks(recorded: &Recorded) -> usize {
    let measured = recorded.blocks.len() + recorded.excluded;
    let each = recorded.seconds / measured.max(1) as f64;
    ((BUDGET.as_secs_f64() / each.max(1e-3)) as usize).max(LEAST_BLOCKS)
}

/// As a duel has them, of p50.
pub(super) fn differences(recorded: &Recorded) -> Differences {
    let level = |slices: &[Slice]| {
        let sum: f64 = slices.iter().map(|slice| (slice.p50 as f64).ln()).sum();
        sum / slices.len().max(1) as f64
    };
    let (base, values): (Vec<f64>, Vec<f64>) = recorded
        .blocks
        .iter()
        .map(|[base, head]| (level(base), level(head) - level(base)))
        .unzip();
    let base_ns = median(base.clone()).map_or(1.0, f64::exp);
    Differences {
        values,
        base,
        scale: Scale::of_times(base_ns),
    }
}

/// Duels one after another: each begins where the one before ended. The last, which the record ends before it does, is
/// not counted.
pub(super) fn judged(recorded: &Recorded) -> Verdicts {
    let differences = differences(recorded);
    let most = most_blocks(recorded);
    let mut verdicts = Verdicts::default();
    let mut start = 0;
    while let Some((verdict, blocks)) = window(&differences, start, most) {
        verdicts.count(verdict, blocks);
        start += blocks;
    }
    verdicts
}

fn window(differences: &Differences, start: usize, most: usize) -> Option<(Verdict, usize)> {
    let mut rest = differences.from_block(start)?;
    let ended = rest.values.len() >= most;
    rest.values.truncate(most);
    rest.base.truncate(most);
    // A duel of commands gates p50, errors and CPU time.
    let rule = Sequential {
        gated: 3,
        margin: judge::MARGIN,
        when: When::EachBlock { ended },
        blocks: most,
    };
    let judged = judge::judge(&rest, &rule);
    Some((judged.verdict?, judged.blocks))
}

#[cfg(test)]
pub(super) mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    /// Blocks of a request of 50 µs, whose slices differ by up to so much from it.
    pub(crate) fn made_up(percent: u8, noise: f64, blocks: usize) -> Recorded {
        let mut random = StdRng::seed_from_u64(u64::from(percent) + 7);
        let mut slices = |ns: f64| -> Vec<Slice> {
            let mut one = |_| {
                let mean = ns * random.random_range(1.0 - noise..1.0 + noise);
                Slice::from([mean as u64, 1_800, (mean * 1.05) as u64, 9_000])
            };
            (0..2).map(&mut one).collect()
        };
        let share = f64::from(percent) / 100.0;
        Recorded {
            percent,
            seconds: blocks as f64 * 0.6,
            excluded: 0,
            failed: 0,
            blocks: (0..blocks)
                .map(|_| [slices(50_000.0), slices(50_000.0 * (1.0 + share))])
                .collect(),
        }
    }

    #[test]
    fn windows_follow_one_another_and_find_what_is_there() {
        let same = judged(&made_up(0, 0.02, 400));
        assert_eq!((same.alarms(), same.no_change), (0, same.all()), "{same:?}");
        assert!((10..=20).contains(&same.all()), "{same:?}");
        let slower = judged(&made_up(10, 0.02, 400));
        assert_eq!((slower.slower, slower.typical()), (20, 20), "{slower:?}");
        let measured = median(differences(&made_up(10, 0.02, 400)).values).unwrap();
        assert!((measured.exp_m1() - 0.10).abs() < 0.01, "{measured}");
    }

    #[test]
    fn a_window_is_no_longer_than_two_minutes_and_an_unfinished_one_is_not_counted() {
        // A block takes 0.6 s: 200 blocks are two minutes.
        let wild = judged(&made_up(0, 0.9, 450));
        assert_eq!((wild.all(), wild.alarms()), (2, 0), "{wild:?}");
        assert_eq!(wild.blocks, [200, 200]);
        assert_eq!(judged(&made_up(0, 0.02, 19)), Verdicts::default());
    }
}

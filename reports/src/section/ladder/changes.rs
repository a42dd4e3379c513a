//! What each change of design made, and its share of the whole.
//!
//! In each block: how much less time a request took after the change than before, and that as a
//! share of the difference between the first change's `from` and the last change's `to`. And the changes in one sentence:
//! `Hashing made 99.99 % of the difference; the cache 3.00 µs (interval spans 0).`

use super::{Against, is_of_a_busy_server};
use crate::{
    blocks::{self, PerBlock},
    judge::{Comparison, Metric, Row, Rule, Verdict},
    order_statistics::{ALPHA, Estimate},
    quantity,
    run::{Change, Run, Terms},
};

/// A share from which on a change is said to have *made* so much of the difference; below it, the
/// time says more.
const WORTH_A_SHARE: f64 = 0.01;
/// An interval that spans 0 and reaches further than this share of the whole tells nothing.
const TELLS_NOTHING: f64 = 0.05;

/// All changes of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Changes {
    /// Each change, in the scenario's order.
    pub parts: Vec<Part>,
    /// Nanoseconds saved from the first `from` to the last `to`; none when a block never had both.
    pub whole: Option<Estimate>,
    /// The verdict on the last `to` against the first `from`, by the rule of a duel of the two.
    pub verdict: Option<Verdict>,
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The change.
    pub change: Change,
    /// Nanoseconds of p50 that it saved; negative when it cost some.
    pub saved: Option<Estimate>,
    /// The verdict on `to` against `from`, by the rule of a duel of the two: what words may say.
    pub verdict: Option<Verdict>,
    /// The share of the whole that it made, 0 to 1 and beyond; none where the whole is not clearly
    /// more than nothing.
    pub share: Option<Estimate>,
    /// Server CPU time of a request at `to` against `from`, where the ladder is that of the load which keeps servers busy:
    /// there a request waits for others, and p50 depends on how they share the core.
    pub cpu: Option<Against>,
}

impl Changes {
    pub(crate) fn of(run: &Run) -> Self {
        let asked = &run.scenario.changes;
        let p50 =
            |variant: &str| blocks::median_latency(run, &run.scenario.ladder.latency, variant);
        let ends = asked.first().zip(asked.last());
        let whole = ends
            .map(|(first, last)| saved(&p50(&first.from), &p50(&last.to)))
            .unwrap_or_default();
        let estimate = estimate(&whole);
        let clear = estimate.is_some_and(|whole| whole.median > 0.0 && !whole.spans(0.0));
        let part = |change: &Change| {
            let saved = saved(&p50(&change.from), &p50(&change.to));
            let shares: Vec<f64> = blocks::paired(&saved, &whole)
                // Of a block in which the whole saves nothing, no part is a share.
                .filter(|(_, whole)| *whole != 0.0)
                .map(|(part, whole)| part / whole)
                .collect();
            Part {
                change: change.clone(),
                saved: self::estimate(&saved),
                verdict: verdict(run, &change.from, &change.to),
                share: Estimate::of(&shares, ALPHA).filter(|_| clear),
                cpu: is_of_a_busy_server(run).then(|| {
                    let (row, least_blocks) = judged(run, [&change.from, &change.to], &Metric::Cpu);
                    Against::of(Some(&row), least_blocks)
                }),
            }
        };
        Self {
            parts: asked.iter().map(part).collect(),
            whole: estimate,
            verdict: ends.and_then(|(first, last)| verdict(run, &first.from, &last.to)),
        }
    }
}

/// Of p50; none of blocks too few for one.
fn verdict(run: &Run, from: &str, to: &str) -> Option<Verdict> {
    judged(run, [from, to], &Metric::P50).0.verdict
}

/// The second variant against the first by the rule of a duel of the two, and the blocks that a verdict takes at the least.
fn judged(run: &Run, pair: [&str; 2], metric: &Metric) -> (Row, usize) {
    let at = &run.scenario.ladder.latency;
    let sequential = Terms::of(run, pair[0], pair[1]).rule(run);
    let least_blocks = sequential.least_blocks();
    let rule = Rule::Sequential(sequential);
    let row = Comparison::of(run, &at.load, pair, &rule).claim(&at.step, metric);
    (row, least_blocks)
}

fn saved(before: &PerBlock, after: &PerBlock) -> PerBlock {
    let both = before
        .iter()
        .filter_map(|(block, before)| Some((*block, before - after.get(block)?)));
    both.collect()
}

fn estimate(per_block: &PerBlock) -> Option<Estimate> {
    let values: Vec<f64> = per_block.values().copied().collect();
    Estimate::of(&values, ALPHA)
}

impl Changes {
    /// The changes in one sentence, and a second where few blocks make it unsure; none when the
    /// scenario asks for none.
    #[must_use]
    pub fn sentence(&self) -> Option<String> {
        let (first, last) = (self.parts.first()?, self.parts.last()?);
        let clauses: Vec<String> = self.parts.iter().map(|part| self.clause(part)).collect();
        let clauses = clauses.join("; ");
        let (from, to) = (&first.change.from, &last.change.to);
        let sentence = match self.whole {
            Some(_) if self.is_saving() => clauses,
            // The table below has what there is to know of each.
            Some(whole) if self.is_open() && !whole.spans(0.0) => format!(
                "no verdict on {from} and {to}: p50 differs by {}{}",
                quantity::duration(whole.median.abs()),
                range(whole)
            ),
            Some(whole) => format!("from {from} to {to} {}: {clauses}", self.unclear(whole)),
            None => format!("never measured in one block, {from} and {to}: {clauses}"),
        };
        Some(format!(
            "{}.{}",
            capitalized(&sentence),
            self.whole.map(few_blocks).unwrap_or_default()
        ))
    }

    fn clause(&self, part: &Part) -> String {
        let name = &part.change.name;
        let Some(saved) = part.saved else {
            return format!("{name}: not measured");
        };
        if saved.spans(0.0) {
            return format!("{name}{}", self.open(saved));
        }
        match (part.verdict, part.share.filter(|_| self.is_saving())) {
            (Some(Verdict::Faster), Some(share)) if share.median >= WORTH_A_SHARE => {
                format!(
                    "{name} made {} of the difference",
                    quantity::share(share.median)
                )
            }
            (Some(Verdict::Faster), _) if saved.median > 0.0 => {
                format!("{name} saved {}", quantity::duration(saved.median))
            }
            (Some(Verdict::Slower), _) if saved.median < 0.0 => {
                format!("{name} cost {}", quantity::duration(-saved.median))
            }
            (Some(Verdict::NoChange), _) => format!("{name}: no change{}", range(saved)),
            _ => format!("{name}: no verdict{}", range(saved)),
        }
    }

    /// Whether the whole is judged to be faster, and its time says the same.
    fn is_saving(&self) -> bool {
        self.verdict == Some(Verdict::Faster)
            && self
                .whole
                .is_some_and(|whole| whole.median > 0.0 && !whole.spans(0.0))
    }

    /// Whether all was measured, and neither the whole nor a part has a verdict.
    fn is_open(&self) -> bool {
        if self.parts.iter().any(|part| part.saved.is_none()) {
            return false;
        }
        let mut verdicts = self.parts.iter().map(|part| part.verdict);
        let is_none =
            |verdict: Option<Verdict>| verdict.is_none_or(|it| it == Verdict::Inconclusive);
        is_none(self.verdict) && verdicts.all(is_none)
    }

    /// What is to be said of a whole that is not judged to be a saving.
    fn unclear(&self, whole: Estimate) -> String {
        match self.verdict {
            _ if whole.spans(0.0) => format!("this run cannot tell a difference{}", range(whole)),
            Some(Verdict::Slower) if whole.median < 0.0 => format!(
                "a request became {} slower",
                quantity::duration(-whole.median)
            ),
            Some(Verdict::NoChange) => format!("there is no change{}", range(whole)),
            _ => format!("there is no verdict{}", range(whole)),
        }
    }

    /// A difference whose interval spans 0: small, or simply not known.
    fn open(&self, saved: Estimate) -> String {
        let reach = saved
            .interval
            .map_or(0.0, |interval| interval.low.abs().max(interval.high.abs()));
        let whole = self.whole.map_or(0.0, |whole| whole.median.abs());
        if reach > whole * TELLS_NOTHING {
            return format!(": cannot tell{}", range(saved));
        }
        format!(" {} (interval spans 0)", quantity::duration(saved.median))
    }
}

fn range(estimate: Estimate) -> String {
    let ends = estimate
        .interval
        .map(|interval| quantity::range(interval.low, interval.high, quantity::duration));
    ends.map_or(String::new(), |ends| format!(" ({ends})"))
}

fn few_blocks(whole: Estimate) -> String {
    match whole.interval {
        None => " One block: no intervals.".to_owned(),
        Some(interval) if interval.is_thin() => {
            format!(
                " Only {} blocks: intervals cover {}.",
                whole.values,
                quantity::share(interval.coverage)
            )
        }
        Some(_) => String::new(),
    }
}

fn capitalized(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, saved_ns: &[f64], whole_ns: f64, clear: bool) -> Part {
        let shares: Vec<f64> = saved_ns.iter().map(|saved| saved / whole_ns).collect();
        Part {
            change: Change {
                name: name.into(),
                from: "old".into(),
                to: "new".into(),
            },
            saved: Estimate::of(saved_ns, ALPHA),
            verdict: Estimate::of(saved_ns, ALPHA).map(verdict),
            share: Estimate::of(&shares, ALPHA).filter(|_| clear),
            cpu: None,
        }
    }

    /// As a rule would have it that needs no more blocks than an interval does.
    fn verdict(saved: Estimate) -> Verdict {
        match saved.median {
            _ if saved.spans(0.0) => Verdict::Inconclusive,
            median if median > 0.0 => Verdict::Faster,
            _ => Verdict::Slower,
        }
    }

    /// Eight blocks between the two ends.
    fn between(low: f64, high: f64) -> Vec<f64> {
        (0..8)
            .map(|block| low + (high - low) * f64::from(block) / 7.0)
            .collect()
    }

    fn said(whole: &[f64], first: &[f64], second: &[f64]) -> String {
        let estimate = Estimate::of(whole, ALPHA);
        let clear = estimate.is_some_and(|whole| whole.median > 0.0 && !whole.spans(0.0));
        let median = estimate.map_or(0.0, |whole| whole.median);
        let parts = vec![
            part("hashing", first, median, clear),
            part("the cache", second, median, clear),
        ];
        Changes {
            parts,
            whole: estimate,
            verdict: estimate.map(verdict),
        }
        .sentence()
        .unwrap_or_default()
    }

    #[test]
    fn the_sentence_says_what_the_figures_say() {
        let (large, none) = (between(400e6, 404e6), Vec::new());
        let sentences = [
            said(&large, &large, &between(2e3, 4e3)),
            said(&large, &large, &between(-1e3, 6e3)),
            said(&large, &large, &between(-4e3, -2e3)),
            said(&large, &large, &between(-90e6, 80e6)),
            said(
                &between(90e3, 110e3),
                &between(60e3, 62e3),
                &between(38e3, 40e3),
            ),
            said(
                &between(-3e3, 4e3),
                &between(-3e3, 5e3),
                &between(-1e3, 1e3),
            ),
            said(
                &between(-4e3, -3e3),
                &between(-5e3, -4e3),
                &between(0.5e3, 1e3),
            ),
            said(&large, &large, &none),
            said(&none, &none, &none),
            said(&large[..1], &large[..1], &[3e3]),
            said(&large[..3], &large[..3], &between(2e3, 4e3)[..3]),
        ];
        insta::assert_snapshot!(sentences.join("\n"));
    }
}

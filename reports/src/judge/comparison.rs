//! Two sides under one load, compared metric by metric. Every statement about a change is a view of this: a duel, a
//! limit, a rung of the ladder, the sentence of a finding.

use std::collections::BTreeSet;
use std::time::Duration;

use super::aside::SetAside;
use super::differences::Differences;
use super::metric::{Kind, Metric, share};
use super::row::{Role, Row};
use super::{Judged, MARGIN, Rule, Sequential, When, judge, most_blocks, power};
use crate::nearest::did_you_mean;
use crate::order_statistics::{ALPHA, Estimate, median};
use crate::run::{BUDGET_MS, Latency, LoadStep, Run, Slice, Status, Terms};

/// Two variants of a run, or one variant of two runs, under one load.
#[derive(Debug)]
pub struct Comparison<'a> {
    base: Side<'a>,
    head: Side<'a>,
    load: &'a str,
    rule: &'a Rule,
    aside: SetAside,
}

/// A variant of a run.
#[derive(Debug, Clone, Copy)]
struct Side<'a> {
    run: &'a Run,
    variant: &'a str,
}

impl<'a> Comparison<'a> {
    /// Two variants of a run, over the blocks that both have and that were not set aside.
    #[must_use]
    pub fn of(run: &'a Run, load: &'a str, [base, head]: [&'a str; 2], rule: &'a Rule) -> Self {
        Self {
            base: Side { run, variant: base },
            head: Side { run, variant: head },
            load,
            rule,
            aside: SetAside::of(run, load),
        }
    }

    /// A variant of two runs: they share no block, so that rows are of all requests at once and have no interval.
    #[must_use]
    pub fn between(
        [base, head]: [&'a Run; 2],
        load: &'a str,
        variant: &'a str,
        rule: &'a Rule,
    ) -> Self {
        Self {
            base: Side { run: base, variant },
            head: Side { run: head, variant },
            load,
            rule,
            aside: SetAside::default(),
        }
    }

    /// A metric of a step, over blocks. Under [`Rule::Sequential`] it is judged, or advisory where this run cannot carry it.
    #[must_use]
    pub fn row(&self, step: &str, metric: &Metric) -> Row {
        self.row_with(self.least_samples(step), step, metric)
    }

    /// What words may claim of a metric: as [`Self::row`], but a median is judged however few samples a slice has, since
    /// its luck is in the blocks' spread. A duel gates no such median.
    #[must_use]
    pub fn claim(&self, step: &str, metric: &Metric) -> Row {
        let samples = match *metric {
            Metric::P50 => u64::MAX,
            _ => self.least_samples(step),
        };
        self.row_with(samples, step, metric)
    }

    fn row_with(&self, samples: u64, step: &str, metric: &Metric) -> Row {
        let differences = self.differences(step, metric);
        let described =
            |alpha| self.seen(step, metric, &differences, &described(&differences, alpha));
        match self.rule {
            Rule::Sequential(rule) => {
                match power::why(self.base.run, self.load, metric, samples, rule) {
                    None => self.seen(step, metric, &differences, &judge(&differences, rule)),
                    Some(why) => Row {
                        role: Role::Advisory(why),
                        ..described(ALPHA)
                    },
                }
            }
            Rule::Describe { alpha } => described(*alpha),
            Rule::Limit(_) | Rule::Threshold(_) => described(ALPHA),
        }
    }

    /// A metric of a step, over blocks where every slice carries it, and else of all requests at once, without an interval.
    ///
    /// Of all requests are failures too, which count wherever they happened, and the row of a limit of the head alone:
    /// how the head's blocks stand to the base's says nothing of the requests beyond it.
    #[must_use]
    pub fn row_or_pooled(&self, step: &str, metric: &Metric) -> Row {
        let is_of_head = matches!(self.rule, Rule::Limit(limit) if !limit.is_relative());
        let is_of_all = is_of_head || *metric == Metric::Errors;
        let row = if !is_of_all && self.is_carried(step, metric) {
            self.row(step, metric)
        } else {
            self.pooled(step, metric)
        };
        match self.rule {
            Rule::Limit(limit) => Row {
                verdict: Some(limit.verdict(&row)),
                ..row
            },
            _ => row,
        }
    }

    /// Blocks that both sides have and that were not set aside.
    #[must_use]
    pub fn kept(&self) -> usize {
        let blocks =
            |side| -> BTreeSet<usize> { self.slices(side).map(|slice| slice.block).collect() };
        blocks(self.base).intersection(&blocks(self.head)).count()
    }

    /// The blocks that were set aside.
    #[must_use]
    pub fn aside(&self) -> &SetAside {
        &self.aside
    }

    /// Which latency its rows are of: that which stands first under the load.
    #[must_use]
    pub fn latency(&self) -> Latency {
        self.base.run.latency_of(self.load)
    }

    /// Samples of a step's latency on either side, over all blocks; none where nothing was recorded.
    #[must_use]
    pub fn samples(&self, step: &str) -> [Option<u64>; 2] {
        let at = self.at(step);
        [self.base, self.head].map(|side| Some(side.run.latency(side.variant, &at)?.count))
    }

    /// The side that has no figure of a metric in any block; none when both have one.
    #[must_use]
    pub fn lacking(&self, step: &str, metric: &Metric) -> Option<&'static str> {
        // Samples too few for a percentile are no missing metric: an advisory row says how many it takes.
        let of_samples = matches!(metric, Metric::Percentile(_));
        let has = |side: Side<'a>| {
            side.run.slices_of(self.load, side.variant).any(|slice| {
                metric.of(slice, step).is_some() || of_samples && slice.latency(step).is_some()
            })
        };
        match (has(self.base), has(self.head)) {
            (true, true) => None,
            (false, true) => Some("base"),
            (true, false) => Some("head"),
            (false, false) => Some("both sides"),
        }
    }

    /// What the blocks say of a metric.
    pub(crate) fn differences(&self, step: &str, metric: &Metric) -> Differences {
        Differences::of(
            self.base.run,
            (self.load, step),
            [self.base.variant, self.head.variant],
            metric,
            &self.aside,
        )
    }

    fn at(&self, step: &str) -> LoadStep {
        LoadStep {
            load: self.load.to_owned(),
            step: step.to_owned(),
        }
    }

    fn slices(&self, side: Side<'a>) -> impl Iterator<Item = &'a Slice> {
        let slices = side.run.slices_of(self.load, side.variant);
        slices.filter(|slice| !self.aside.has(slice.block))
    }

    /// Samples of the step in the slice that has the fewest, set aside or not.
    fn least_samples(&self, step: &str) -> u64 {
        let sides = [self.base, self.head].into_iter();
        let slices = sides.flat_map(|side| side.run.slices_of(self.load, side.variant));
        let counts = slices.filter_map(|slice| Some(slice.latency(step)?.count));
        counts.min().unwrap_or_default()
    }

    /// Whether every slice that is kept carries the metric. None does the maximum: the greatest of a run is nothing like
    /// the greatest of a slice.
    fn is_carried(&self, step: &str, metric: &Metric) -> bool {
        let mut sides = [self.base, self.head].into_iter();
        std::ptr::eq(self.base.run, self.head.run)
            && *metric != Metric::Max
            && self.kept() > 0
            && sides.all(|side| {
                self.slices(side)
                    .all(|slice| metric.of(slice, step).is_some())
            })
    }

    fn pooled(&self, step: &str, metric: &Metric) -> Row {
        let at = self.at(step);
        let of = |side: Side<'_>| metric.pooled(side.run, &at, side.variant);
        let (base, head) = (of(self.base), of(self.head));
        let kind = metric.kind();
        let both = base.zip(head);
        let absolute = kind != Kind::Share && base == Some(0.0);
        Row {
            base,
            head,
            counts: (kind == Kind::Share).then(|| {
                [self.base, self.head]
                    .map(|side| metric.counts(side.run.slices_of(self.load, side.variant)))
            }),
            effect: both.map(|(base, head)| match kind {
                Kind::Share => head - base,
                _ if absolute => head - base,
                _ => head / base - 1.0,
            }),
            absolute,
            ..Row::new(&metric.to_string(), kind, Role::of(self.rule))
        }
    }

    /// A row of differences as judged.
    fn seen(&self, step: &str, metric: &Metric, differences: &Differences, judged: &Judged) -> Row {
        let is_one_of_several = !metric.is_of_load()
            && self
                .base
                .run
                .load(self.load)
                .is_some_and(|load| load.steps.len() > 1);
        let mut row = Row {
            step: is_one_of_several.then(|| step.to_owned()),
            counts: self.counts(metric),
            samples: [self.base, self.head]
                .map(|side| self.slices(side).map(|slice| slice.ok).sum()),
            ..Row::judged(
                &metric.to_string(),
                metric.kind(),
                Role::of(self.rule),
                differences,
                judged,
            )
        };
        if let Some([base, head]) = row.counts {
            // The median block of a rare failure has none.
            (row.base, row.head) = (share(base), share(head));
            let both = row.base.zip(row.head);
            row.effect = both.map(|(base, head)| head - base).or(row.effect);
        } else if judged.estimate.is_none() {
            let of = |side| {
                let values = self.slices(side).filter_map(|slice| metric.of(slice, step));
                median(values.collect())
            };
            (row.base, row.head) = (of(self.base), of(self.head));
        }
        row
    }

    /// For shares: how many requests of how many, on either side.
    fn counts(&self, metric: &Metric) -> Option<[[u64; 2]; 2]> {
        (metric.kind() == Kind::Share)
            .then(|| [self.base, self.head].map(|side| metric.counts(self.slices(side))))
    }
}

/// All blocks at once, without a verdict.
fn described(differences: &Differences, alpha: f64) -> Judged {
    Judged {
        verdict: None,
        estimate: Estimate::of(&differences.values, alpha),
        blocks: differences.values.len(),
        needed: 0,
    }
}

/// A variant that a run does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("run {run} has no variant `{name}`: it has {}{}", accepted.join(", "), did_you_mean(name, accepted.iter().map(String::as_str)))]
pub struct UnknownVariant {
    /// As asked for.
    name: String,
    /// The run's id.
    run: String,
    /// The variants it has.
    accepted: Vec<String>,
}

impl UnknownVariant {
    /// # Errors
    /// The run lacks one of these variants.
    pub(crate) fn unless_in(run: &Run, names: [&str; 2]) -> Result<(), Self> {
        let lacking = names.into_iter().find(|name| run.variant(name).is_none());
        lacking.map_or(Ok(()), |name| {
            let accepted = run.variants.iter().map(|variant| variant.name.clone());
            Err(Self {
                name: name.to_owned(),
                run: run.id.clone(),
                accepted: accepted.collect(),
            })
        })
    }
}

impl Terms {
    /// The usual terms for two variants of a run that was no duel: its ladder's load, p50 and the error rate gated.
    #[must_use]
    pub fn usual(run: &Run, base: &str, head: &str) -> Self {
        Self {
            base: base.to_owned(),
            head: head.to_owned(),
            load: run.scenario.ladder.latency.load.clone(),
            gates: [Metric::P50, Metric::Errors]
                .map(|metric| metric.to_string())
                .into(),
            within_ms: BUDGET_MS,
            looks: Vec::new(),
            margin: None,
        }
    }

    /// Those that the run was made on, if it was a duel of these two; or the usual ones.
    #[must_use]
    pub fn of(run: &Run, base: &str, head: &str) -> Self {
        let own = run.duel.as_ref();
        own.filter(|own| (own.base.as_str(), own.head.as_str()) == (base, head))
            .cloned()
            .unwrap_or_else(|| Self::usual(run, base, head))
    }

    /// The metrics asked for. What cannot be read was written by a newer tool, and is missing.
    pub(crate) fn metrics(&self) -> impl Iterator<Item = (&str, Option<Metric>)> {
        self.gates
            .iter()
            .map(|gate| (gate.as_str(), gate.parse().ok()))
    }

    /// The steps that are judged, each for itself.
    #[must_use]
    pub fn steps<'r>(&self, run: &'r Run) -> &'r [String] {
        run.load(&self.load).map_or(&[], |load| &load.steps)
    }

    /// How each metric is judged: the error is shared out over all of them. A duel is judged block by block, and any
    /// other run, which nobody ended for what it had shown, at once.
    #[must_use]
    pub fn rule(&self, run: &Run) -> Sequential {
        let is_of_its_duel = run.duel.as_ref().is_some_and(|own| {
            [&own.base, &own.head, &own.load] == [&self.base, &self.head, &self.load]
        });
        let when = if is_of_its_duel {
            When::EachBlock {
                ended: run.status == Status::Complete,
            }
        } else {
            When::Once
        };
        let load = run.load(&self.load);
        let blocks = match when {
            When::Once => load.map_or(0, |load| load.blocks),
            When::EachBlock { .. } => {
                let slice =
                    load.map_or(Duration::ZERO, |load| Duration::from_millis(load.slice_ms));
                most_blocks(Duration::from_millis(self.within_ms), slice)
            }
        };
        Sequential {
            gated: self.gated(self.steps(run).len()),
            when,
            blocks,
            margin: self.margin.unwrap_or(MARGIN),
        }
    }

    /// How many metrics share the error, of a load that times so many steps.
    #[must_use]
    pub fn gated(&self, steps: usize) -> usize {
        let gated = self.metrics().map(|(_, metric)| match metric {
            Some(metric) if !metric.is_of_load() => steps.max(1),
            _ => 1,
        });
        gated.sum()
    }
}

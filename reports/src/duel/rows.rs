//! The metrics of a duel, a row each.

use std::collections::BTreeSet;

use super::{Role, Row, advisory, effects};
use crate::compare::Statistic;
use crate::judge::aside::SetAside;
use crate::judge::differences::{Differences, Scale};
use crate::judge::information::{FALSE_DISCOVERIES, rejected, sign_test};
use crate::judge::metric::{Kind, Metric};
use crate::judge::{self, Judged, Rule, Verdict};
use crate::order_statistics::{ALPHA, median};
use crate::run::{Run, Slice, Terms};

pub(super) struct Rows {
    pub(super) asked_for: Vec<Row>,
    pub(super) information: Vec<Row>,
    pub(super) missing: Vec<String>,
    pub(super) caveats: Vec<String>,
    /// Blocks kept.
    pub(super) blocks: usize,
}

/// A metric of a step, or of the load.
struct Asked<'a> {
    run: &'a Run,
    terms: &'a Terms,
    aside: &'a SetAside,
    step: &'a str,
    metric: Metric,
}

/// The rows of the metrics asked for, as far as the run has them.
pub(super) fn gated(run: &Run, terms: &Terms, aside: &SetAside) -> Vec<Row> {
    let rule = terms.rule(run);
    let found = asked(run, terms, aside).into_iter().filter_map(Result::ok);
    found.map(|asked| asked.gated(&rule)).collect()
}

/// Blocks that both sides have and that were not set aside.
pub(super) fn kept(run: &Run, terms: &Terms, aside: &SetAside) -> usize {
    let blocks = |variant| {
        let slices = run.slices_of(&terms.load, variant);
        slices
            .map(|slice| slice.block)
            .filter(|block| !aside.has(*block))
            .collect::<BTreeSet<usize>>()
    };
    blocks(&terms.base)
        .intersection(&blocks(&terms.head))
        .count()
}

/// The metrics asked for, of each step; or what is missing of them, in words.
fn asked<'a>(
    run: &'a Run,
    terms: &'a Terms,
    aside: &'a SetAside,
) -> Vec<Result<Asked<'a>, String>> {
    let mut found = Vec::new();
    for (name, metric) in terms.metrics() {
        let Some(metric) = metric else {
            found.push(Err(format!("{name}: this authlab knows no such metric")));
            continue;
        };
        found.extend(of_steps(run, terms, &metric).map(|step| {
            let asked = Asked {
                run,
                terms,
                aside,
                step,
                metric: metric.clone(),
            };
            asked.lacking().map_or(Ok(asked), Err)
        }));
    }
    found
}

/// The steps that a metric is one of: each, or the first for the whole load.
fn of_steps<'a>(run: &'a Run, terms: &Terms, metric: &Metric) -> impl Iterator<Item = &'a str> {
    let steps = terms.steps(run);
    let several = if metric.is_of_load() { 1 } else { steps.len() };
    steps.iter().take(several).map(String::as_str)
}

pub(super) fn judge(run: &Run, terms: &Terms, aside: &SetAside) -> Rows {
    let rule = terms.rule(run);
    let mut rows = Vec::new();
    let mut missing = Vec::new();
    let mut caveats = Vec::new();
    let mut asked_for: Vec<Metric> = terms.metrics().filter_map(|(_, metric)| metric).collect();
    for found in asked(run, terms, aside) {
        match found {
            Err(lacking) => missing.push(lacking),
            Ok(asked) => rows.push(asked.gated(&rule)),
        }
    }
    // Where the lab started both servers, the price of a design is beside its latency.
    if !asked_for.contains(&Metric::CPU)
        && let Some(step) = of_steps(run, terms, &Metric::CPU).next()
    {
        let asked = Asked {
            run,
            terms,
            aside,
            step,
            metric: Metric::CPU,
        };
        if asked.lacking().is_none() {
            rows.push(asked.beside(&rule));
            asked_for.push(Metric::CPU);
        }
    }
    rows.sort_by_key(|row| row.role != Role::Gated);
    for row in rows.iter().filter(|row| row.together > 1) {
        caveats.push(format!(
            "{}: neighbouring blocks depended on one another; each {} were taken together",
            row.name(),
            row.together
        ));
    }
    let blocks = kept(run, terms, aside);
    if blocks < rule.least_blocks() {
        caveats.push(format!(
            "{blocks} blocks are too few for a verdict: it takes {} at least",
            rule.least_blocks()
        ));
    }
    Rows {
        information: information(run, terms, aside, &asked_for),
        asked_for: rows,
        missing,
        caveats,
        blocks,
    }
}

/// Every other statistic that the run holds.
fn information(run: &Run, terms: &Terms, aside: &SetAside, but: &[Metric]) -> Vec<Row> {
    let others: Vec<Metric> = Statistic::all()
        .map(Metric::Statistic)
        .chain([Metric::Capacity, Metric::Memory])
        .chain(stages(run, terms))
        .filter(|metric| !but.contains(metric))
        .collect();
    let mut rows = Vec::new();
    let mut p_values = Vec::new();
    for metric in &others {
        for step in of_steps(run, terms, metric) {
            let metric = metric.clone();
            let asked = Asked {
                run,
                terms,
                aside,
                step,
                metric,
            };
            let differences = asked.differences();
            if asked.lacking().is_some() || differences.values.is_empty() {
                continue;
            }
            p_values.push(sign_test(&differences.values));
            rows.push(asked.row(
                &differences,
                &described(&differences, ALPHA),
                Role::Information { marked: false },
            ));
        }
    }
    for (row, marked) in rows.iter_mut().zip(rejected(&p_values, FALSE_DISCOVERIES)) {
        row.role = Role::Information { marked };
    }
    rows
}

fn stages(run: &Run, terms: &Terms) -> Vec<Metric> {
    let mut stages: Vec<Metric> = Vec::new();
    for figure in run.merged.iter().filter(|figure| figure.load == terms.load) {
        if figure.metric.starts_with("stage-")
            && let Ok(metric) = figure.metric.parse::<Metric>()
            && !stages.contains(&metric)
        {
            stages.push(metric);
        }
    }
    stages
}

/// All blocks at once, without a verdict.
fn described(differences: &Differences, alpha: f64) -> Judged {
    Judged {
        verdict: None,
        estimate: crate::order_statistics::Estimate::of(&differences.values, alpha),
        blocks: differences.values.len(),
        together: 1,
        next: 0,
    }
}

impl<'a> Asked<'a> {
    fn differences(&self) -> Differences {
        Differences::of(
            self.run,
            (&self.terms.load, self.step),
            [&self.terms.base, &self.terms.head],
            &self.metric,
            self.aside,
        )
    }

    fn slices(&self, variant: &'a str) -> impl Iterator<Item = &'a Slice> {
        let aside = self.aside;
        self.run
            .slices_of(&self.terms.load, variant)
            .filter(move |slice| !aside.has(slice.block))
    }

    /// What is missing, in words; none when both sides have a figure in some block.
    fn lacking(&self) -> Option<String> {
        // Samples too few for a percentile are no missing metric: `advisory` says how many it takes.
        let of_samples = matches!(self.metric, Metric::Statistic(Statistic::Percentile(_)));
        let has = |variant: &'a str| {
            self.run.slices_of(&self.terms.load, variant).any(|slice| {
                self.metric.of(slice, self.step).is_some()
                    || of_samples && slice.latency(self.step).is_some()
            })
        };
        let lacking = match (has(&self.terms.base), has(&self.terms.head)) {
            (true, true) => return None,
            (false, true) => "base",
            (true, false) => "head",
            (false, false) => "both sides",
        };
        let step = if self.metric.is_of_load() {
            String::new()
        } else {
            format!(", {}", self.step)
        };
        Some(format!(
            "{} under {}{step}: on {lacking}",
            self.metric, self.terms.load
        ))
    }

    fn gated(&self, rule: &Rule) -> Row {
        let differences = self.differences();
        match advisory::why(
            self.run,
            self.terms,
            &self.metric,
            self.least_samples(),
            rule,
        ) {
            Some(why) => self.row(
                &differences,
                &described(&differences, ALPHA),
                Role::Advisory(why),
            ),
            None => self.row(&differences, &judge::judge(&differences, rule), Role::Gated),
        }
    }

    fn beside(&self, rule: &Rule) -> Row {
        let differences = self.differences();
        let judged = described(&differences, 2.0 * rule.alpha());
        self.row(&differences, &judged, Role::Beside)
    }

    /// Samples of the step in the slice that has the fewest, set aside or not.
    fn least_samples(&self) -> u64 {
        let of = |variant: &'a str| {
            self.run
                .slices_of(&self.terms.load, variant)
                .filter_map(|slice| slice.latency(self.step))
                .map(|figure| figure.count)
                .min()
        };
        of(&self.terms.base)
            .into_iter()
            .chain(of(&self.terms.head))
            .min()
            .unwrap_or_default()
    }

    fn row(&self, differences: &Differences, judged: &Judged, role: Role) -> Row {
        let several = self.terms.steps(self.run).len() > 1;
        let kind = self.metric.kind();
        let counts = (kind == Kind::Share)
            .then(|| [&self.terms.base, &self.terms.head].map(|variant| self.counts(variant)));
        let value = |variant: &'a str, side: usize| match counts {
            Some(counts) => {
                let [some, of] = counts[side];
                (of > 0).then(|| some as f64 / of as f64)
            }
            None => median(
                self.slices(variant)
                    .filter_map(|slice| self.metric.of(slice, self.step))
                    .collect(),
            ),
        };
        let effect = |difference: f64| match (differences.scale, kind) {
            (Scale::Absolute { .. }, Kind::PerSecond) => -difference,
            (Scale::Rate | Scale::Absolute { .. }, _) => difference,
            // More is better there: what is worse is less of it.
            (Scale::Logarithm { .. }, Kind::PerSecond) => (-difference).exp_m1(),
            (Scale::Logarithm { .. }, _) => difference.exp_m1(),
        };
        let interval = judged.estimate.and_then(|estimate| estimate.interval);
        let [base, head] = [value(&self.terms.base, 0), value(&self.terms.head, 1)];
        let differs = matches!(judged.verdict, Some(Verdict::Slower | Verdict::Faster));
        Row {
            metric: self.metric.to_string(),
            step: (several && !self.metric.is_of_load()).then(|| self.step.to_owned()),
            role,
            kind,
            base,
            head,
            counts,
            effect: match (kind, base, head) {
                (Kind::Share, Some(base), Some(head)) => Some(head - base),
                _ => judged.estimate.map(|estimate| effect(estimate.median)),
            },
            interval: interval.map(|interval| effects(interval, effect)),
            absolute: matches!(differences.scale, Scale::Absolute { .. }),
            verdict: judged.verdict,
            within_noise: !differs && interval.is_none_or(|at| at.low <= 0.0 && 0.0 <= at.high),
            blocks: judged.blocks,
            together: judged.together,
            samples: [&self.terms.base, &self.terms.head]
                .map(|variant| self.slices(variant).map(|slice| slice.ok).sum()),
            next: judged.next,
        }
    }

    /// How many requests of how many.
    fn counts(&self, variant: &'a str) -> [u64; 2] {
        self.slices(variant).fold([0, 0], |[some, of], slice| {
            let [more, all] = match self.metric {
                Metric::Stale => [slice.stale, slice.probed],
                _ => [slice.failures(), slice.ok + slice.failures()],
            };
            [some + more, of + all]
        })
    }
}

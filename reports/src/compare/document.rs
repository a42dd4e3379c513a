//! A comparison as a document.

use super::{Limit, Limited, Pair, Report};
use crate::document::{Block, Document, Table, Tone};
use crate::judge::{Row, Verdict};
use crate::order_statistics::Interval;
use crate::outcome::Outcome;
use crate::quantity::{self, NOT_MEASURED};
use crate::run::Latency;

const COLUMNS: [&str; 5] = ["", "base", "head", "change", "interval"];

impl Report {
    /// The comparison as it is read.
    #[must_use]
    pub fn document(&self) -> Document {
        let mut document = Document::default();
        let sides = format!("{} → {}", self.base, self.head);
        let remarks = remarks(self);
        let held = limits(self);
        document.on_terminal(format!("authlab compare · {sides}"));
        document.on_page(Block::Heading(sides));
        document.on_page(Block::List([remarks.as_slice(), held.as_slice()].concat()));
        for pair in &self.pairs {
            let (load, step, variant) = (&pair.at.load, &pair.at.step, &pair.variant);
            let of = of_latency(pair);
            document.on_terminal(String::new());
            document.on_terminal(format!("{load} · {step} · {variant}{of}"));
            document.on_page(Block::Strong(format!("{load}, {step}: {variant}{of}")));
            document.push(Table {
                tight: true,
                ..Table::of("", COLUMNS, rows(pair))
            });
        }
        document.on_terminal(String::new());
        let broken = |remark: &String| self.broken().any(|broken| broken == *remark);
        for remark in remarks {
            let tone = if broken(&remark) {
                Tone::Worse
            } else {
                Tone::Doubtful
            };
            document.on_terminal(Block::Warning(remark).toned(tone));
        }
        if let Some(held) = held {
            document.on_terminal(Block::Line(held).toned(self.tone()));
        }
        if let Some(duel) = &self.duel {
            // It ends with the exit code too.
            document.push(duel.document(None));
        } else {
            let end = Block::Line(format!("exit {}", self.exit_code));
            document.on_terminal(end.toned(self.tone()));
        }
        document
    }

    /// Whether its end is good or bad: of limits that all held, and of one that was broken.
    fn tone(&self) -> Tone {
        match self.outcome {
            Outcome::Ok if self.limits.is_empty() => Tone::Plain,
            Outcome::Ok => Tone::Better,
            Outcome::LimitBroken => Tone::Worse,
            Outcome::BadInput | Outcome::Inconclusive => Tone::Doubtful,
        }
    }

    /// The limits that were broken, a sentence each.
    fn broken(&self) -> impl Iterator<Item = String> {
        let broken = |judged: &Limited| judged.verdict == Verdict::Slower;
        self.limits
            .iter()
            .filter(move |judged| broken(judged))
            .filter_map(remark)
    }
}

/// The rows of a pair: its statistics, samples and errors.
fn rows(pair: &Pair) -> Vec<Vec<String>> {
    let [base, head] = pair.samples.map(quantity::grouped);
    let [base_errors, head_errors] = pair.errors.figures();
    let counts = [
        vec!["samples".to_owned(), base, head],
        vec!["errors".to_owned(), base_errors, head_errors],
    ];
    pair.times.iter().map(time).chain(counts).collect()
}

/// What the latencies of a pair are, where that must be said: of open arrivals.
fn of_latency(pair: &Pair) -> String {
    match pair.latency {
        Latency::Response => format!(" · {}", pair.latency.label()),
        Latency::Service => String::new(),
    }
}

/// How many limits held; none without limits.
fn limits(comparison: &Report) -> Option<String> {
    let limits = &comparison.limits;
    let held = limits
        .iter()
        .filter(|judged| judged.verdict == Verdict::NoChange)
        .count();
    (!limits.is_empty()).then(|| format!("limits: {held} of {} held", limits.len()))
}

/// What to heed, a sentence each: faults, what is missing, limits that did not hold, caveats.
fn remarks(comparison: &Report) -> Vec<String> {
    let faults = comparison.faults.iter().cloned();
    let missing = comparison
        .missing
        .iter()
        .map(|missing| format!("missing on {}: {}", missing.lacking, missing.what));
    let limits = comparison.limits.iter().filter_map(remark);
    faults
        .chain(missing)
        .chain(limits)
        .chain(comparison.caveats.iter().cloned())
        .collect()
}

/// What to heed of a limit; none of one that held.
fn remark(judged: &Limited) -> Option<String> {
    let (limit, pair) = (&judged.limit, &judged.pair);
    match (judged.verdict, judged.found) {
        (Verdict::Faster | Verdict::NoChange, _) => None,
        (Verdict::Slower, Some(found)) => Some(format!(
            "limit {limit} broken: {} at {pair}",
            Limit::written(found, limit)
        )),
        (Verdict::Slower | Verdict::Inconclusive, _) => Some(match &judged.objection {
            Some(objection) => format!("limit {limit} cannot be judged at {pair}: {objection}"),
            None => format!("limit {limit} cannot be judged: too few samples at {pair}"),
        }),
    }
}

fn time(row: &Row) -> Vec<String> {
    let value = |ns: Option<f64>| ns.map_or(NOT_MEASURED.to_owned(), quantity::duration);
    let interval = row.ratio_interval();
    let thin = interval.filter(Interval::is_thin);
    let covers = thin.map_or(String::new(), |thin| {
        format!(" ({})", quantity::share(thin.coverage))
    });
    vec![
        row.metric.clone(),
        value(row.base),
        value(row.head),
        match (row.ratio(), row.effect) {
            (Some(ratio), _) => quantity::effect(ratio - 1.0),
            (None, Some(difference)) => quantity::signed(difference, quantity::duration),
            (None, None) => NOT_MEASURED.to_owned(),
        },
        interval.map_or(String::new(), |Interval { low, high, .. }| {
            quantity::effects(low - 1.0, high - 1.0) + &covers
        }),
    ]
}

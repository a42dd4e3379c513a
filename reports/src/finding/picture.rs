//! The picture of a finding: the quantity that its headline is about, each variant a row.

use super::Subject;
use super::latency;
use crate::blocks;
use crate::chart::dots::{Dots, Mark, Row, Scale};
use crate::chart::{NARROW, WIDE};
use crate::judge::Metric;
use crate::ladder::{Against, Attacked, Hits, Rung, Table};
use crate::order_statistics::{ALPHA, Estimate, Interval};
use crate::quantity;
use crate::run::{Attack, Run};

/// One row compares nothing.
const LEAST_ROWS: usize = 2;
/// The width of a picture that stands alone, pixels.
const ALONE: u32 = 980;

/// A picture, and how to read it.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    dots: Dots,
    /// What dots, bars and colours are.
    pub note: String,
}

impl Picture {
    /// Of what the headline is about; none where that has no value for several variants.
    pub(super) fn of(run: &Run, table: &Table, subject: &Subject) -> Option<Self> {
        let picture = match subject {
            Subject::Latency { metric, is_judged } => of_latency(run, table, metric, *is_judged),
            Subject::RevocationLag => of_lag(run, table),
            Subject::Hits => of_hits(run, table),
        };
        let rows = picture.dots.rows.iter();
        let measured = rows.filter(|row| !row.values.is_empty()).count();
        (measured >= LEAST_ROWS).then_some(picture)
    }

    /// For a page and for a phone, as SVG.
    #[must_use]
    pub fn both(&self) -> [String; 2] {
        [WIDE, NARROW].map(|size| self.dots.svg(size.width))
    }

    /// For a place that is as wide as a phone.
    #[must_use]
    pub fn narrow(&self) -> String {
        self.dots.svg(NARROW.width)
    }

    /// What it shows in words, below its headline.
    #[must_use]
    pub fn label(&self, headline: &str) -> String {
        self.dots.label(headline)
    }

    /// With its headline, for a README.
    #[must_use]
    pub fn alone(&self, headline: &str) -> String {
        self.dots.alone(headline, &self.note, ALONE)
    }
}

fn of_latency(run: &Run, table: &Table, metric: &Metric, is_judged: bool) -> Picture {
    let at = &run.scenario.ladder.latency;
    let mut intervals = Vec::new();
    let attacks = Attacks::of(table);
    let rows: Vec<Row> = table
        .rungs
        .iter()
        .map(|rung| {
            let ns = if *metric == Metric::P50 {
                rung.p50
            } else {
                rung.p99
            };
            let value = ns.filter(|ns| *ns > 0).map(|ns| ns as f64);
            let interval = value.and_then(|_| interval(run, metric, &rung.variant.name));
            intervals.extend(interval);
            let against = if rung.is_baseline {
                "baseline".to_owned()
            } else {
                against(run, rung, metric, is_judged)
            };
            Row {
                label: rung.variant.label.clone(),
                is_baseline: rung.is_baseline,
                values: value.into_iter().collect(),
                ends: interval.map(|interval| (interval.low, interval.high)),
                said: value.map_or_else(|| quantity::NOT_MEASURED.to_owned(), quantity::duration),
                against: if value.is_some() {
                    against
                } else {
                    String::new()
                },
                marks: attacks.marks(&rung.variant.name),
            }
        })
        .collect();
    let quantity = latency::quantity(table.latency, metric, &at.step);
    let confidence = intervals.iter().map(|interval| interval.coverage);
    let confidence = confidence.reduce(f64::min);
    let mut note = match confidence {
        None => "Too few blocks for confidence intervals.".to_owned(),
        Some(coverage) => format!(
            "Bars: {} confidence intervals of the median over blocks; a bar that is narrower than its dot is hidden.",
            latency::percent(coverage.min(1.0 - ALPHA))
        ),
    };
    note.push_str(" Dashed line: the baseline.");
    note.push_str(attacks.note());
    Picture {
        dots: Dots {
            title: format!("{quantity}, load {} (logarithmic scale)", at.load),
            scale: Scale::Time,
            value: if *metric == Metric::P50 {
                "median".to_owned()
            } else {
                metric.to_string()
            },
            against: "vs baseline".to_owned(),
            attacks: attacks.names,
            rows,
        },
        note,
    }
}

/// The interval of a variant's own median over blocks.
fn interval(run: &Run, metric: &Metric, variant: &str) -> Option<Interval> {
    let at = &run.scenario.ladder.latency;
    let per_block = blocks::means(run, &at.load, variant, |slice| metric.of(slice, &at.step));
    let values: Vec<f64> = per_block
        .into_values()
        .filter(|value| *value > 0.0)
        .collect();
    Estimate::of(&values, ALPHA)?.interval
}

/// In the words of the judge.
fn against(run: &Run, rung: &Rung, metric: &Metric, is_judged: bool) -> String {
    if !is_judged {
        return "no verdict".to_owned();
    }
    let row = latency::judged(run, rung, metric);
    Against::of(row.as_ref(), rung.least_blocks).words()
}

fn of_lag(run: &Run, table: &Table) -> Picture {
    let rows = table.staleness.iter().map(|one| {
        let longest = one.longest.filter(|_| one.stale > 0);
        let lag = if one.stale == 0 {
            Some(0.0)
        } else {
            longest.map(|ns| ns as f64)
        };
        let passed = Attack {
            tried: one.probed,
            passed: one.stale,
        };
        Row {
            label: one.variant.clone(),
            is_baseline: false,
            values: lag.into_iter().collect(),
            ends: None,
            said: match lag {
                Some(0.0) => "none".to_owned(),
                Some(ns) => quantity::duration(ns),
                None => quantity::NOT_MEASURED.to_owned(),
            },
            against: String::new(),
            marks: vec![mark(passed)],
        }
    });
    Picture {
        dots: Dots {
            title: format!(
                "Longest revocation lag measured, load {} (logarithmic scale)",
                run.scenario.ladder.latency.load
            ),
            scale: Scale::Time,
            value: "longest".to_owned(),
            against: String::new(),
            attacks: vec!["revoked token".to_owned()],
            rows: rows.collect(),
        },
        note: "Revocation lag: how long after the answer to a revoke a request was sent that still passed. A longest value \
            has no confidence interval. Colour marks only whether revoked tokens were refused."
            .to_owned(),
    }
}

fn of_hits(run: &Run, table: &Table) -> Picture {
    let attacks = Attacks::of(table);
    let rows = run.variants.iter().filter_map(|variant| {
        let hits = table
            .hits
            .iter()
            .filter(|hits| hits.variant == variant.label);
        let values: Vec<f64> = hits.filter_map(Hits::nearness).collect();
        let low = values.iter().copied().reduce(f64::min)?;
        let high = values.iter().copied().reduce(f64::max)?;
        Some(Row {
            label: variant.label.clone(),
            is_baseline: false,
            ends: (values.len() > 1).then_some((low, high)),
            said: if values.len() > 1 {
                quantity::range(low, high, quantity::share)
            } else {
                quantity::share(low)
            },
            values,
            against: String::new(),
            marks: attacks.marks(&variant.name),
        })
    });
    Picture {
        dots: Dots {
            title: "Cache hits as a share of the hits of an ideal cache of the same size (linear scale)".to_owned(),
            scale: Scale::Share,
            value: "share".to_owned(),
            against: String::new(),
            rows: rows.collect(),
            attacks: attacks.names,
        },
        note: "One dot for each load; the line spans the loads. Each share counts all requests of its load.".to_owned(),
    }
}

/// The attacks that were run, as columns.
struct Attacks<'a> {
    names: Vec<String>,
    own: Vec<&'a str>,
    all: &'a [Attacked],
}

impl<'a> Attacks<'a> {
    fn of(table: &'a Table) -> Self {
        let mut own: Vec<&str> = Vec::new();
        for attacked in &table.attacks {
            if !own.contains(&attacked.attack.as_str()) {
                own.push(&attacked.attack);
            }
        }
        Self {
            names: own.iter().map(|attack| named(attack)).collect(),
            own,
            all: &table.attacks,
        }
    }

    fn marks(&self, variant: &str) -> Vec<Option<Mark>> {
        let of = |attack: &&str| {
            let mut all = self.all.iter();
            mark(
                all.find(|one| one.name == variant && one.attack == *attack)?
                    .outcome,
            )
        };
        self.own.iter().map(of).collect()
    }

    fn note(&self) -> &'static str {
        if self.own.is_empty() {
            ""
        } else {
            " Colour marks only whether the requests of an attack were refused."
        }
    }
}

fn named(attack: &str) -> String {
    match attack {
        "theft" => "stolen token".to_owned(),
        other => other.replace('-', " "),
    }
}

fn mark(outcome: Attack) -> Option<Mark> {
    let some = 0 < outcome.passed && outcome.passed < outcome.tried;
    let share = || quantity::share(outcome.passed as f64 / outcome.tried as f64);
    (outcome.tried > 0).then(|| Mark {
        refused: outcome.passed == 0,
        share: some.then(share),
    })
}

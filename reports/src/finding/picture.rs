//! The picture of a finding: the quantity that its headline is about, each variant a row.

use maud::Markup;

use super::beside::Beside;
use super::latency;
use super::{Subject, pairs};
use crate::blocks;
use crate::chart::dots::{Dots, Mark, Row, Scale};
use crate::chart::panels::{Panel, Panels};
use crate::chart::text;
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
    drawing: Drawing,
    /// What dots, bars and colours are.
    pub note: String,
}

#[derive(Debug, Clone, PartialEq)]
enum Drawing {
    Dots(Dots),
    Panels(Panels),
}

impl Drawing {
    /// How many variants have a value.
    fn measured(&self) -> usize {
        match self {
            Self::Dots(dots) => {
                let rows = dots.rows.iter();
                rows.filter(|row| !row.values.is_empty()).count()
            }
            Self::Panels(panels) => panels.labels.len(),
        }
    }

    fn drawn(&self, width: f64) -> (Markup, f64) {
        match self {
            Self::Dots(dots) => dots.drawn(width),
            Self::Panels(panels) => panels.drawn(width),
        }
    }

    fn svg(&self, width: u32) -> String {
        text::framed(width, &self.drawn(f64::from(width)))
    }
}

impl Picture {
    /// Of what the headline is about; none where that has no value for several variants.
    pub(super) fn of(run: &Run, table: &Table, subject: &Subject) -> Option<Self> {
        let picture = match subject {
            Subject::Latency {
                metric,
                is_judged,
                has_beside,
            } => {
                let beside = has_beside.then(|| Beside::of(run, table)).flatten();
                of_latency(run, table, metric, *is_judged, beside)
            }
            Subject::Pairs => of_pairs(run, table),
            Subject::RevocationLag => of_lag(run, table),
            Subject::Hits => of_hits(run, table),
        };
        (picture.drawing.measured() >= LEAST_ROWS).then_some(picture)
    }

    /// For a page and for a phone, as SVG.
    #[must_use]
    pub fn both(&self) -> [String; 2] {
        [WIDE, NARROW].map(|size| self.drawing.svg(size.width))
    }

    /// What it shows in words, below its headline.
    #[must_use]
    pub fn label(&self, headline: &str) -> String {
        match &self.drawing {
            Drawing::Dots(dots) => dots.label(headline),
            Drawing::Panels(panels) => panels.label(headline),
        }
    }

    /// With the first sentence of its headline, for a README.
    #[must_use]
    pub fn alone(&self, headline: &str) -> String {
        let label = self.label(headline);
        let (first, _) = super::told(headline);
        text::alone([&first, &self.note, &label], ALONE, |room| {
            self.drawing.drawn(room)
        })
    }
}

fn of_latency(
    run: &Run,
    table: &Table,
    metric: &Metric,
    is_judged: bool,
    beside: Option<Beside>,
) -> Picture {
    let at = &run.scenario.ladder.latency;
    let mut intervals = Vec::new();
    let attacks = Attacks::of(table);
    let quiet = latency::quiet(run, table);
    let rows: Vec<Row> = table
        .rungs
        .iter()
        .enumerate()
        .map(|(place, rung)| {
            let value = latency::measured(rung, metric).filter(|ns| *ns > 0.0);
            let interval = value.and_then(|_| interval(run, metric, &rung.variant.name));
            intervals.extend(interval);
            let against = if rung.is_baseline {
                "baseline".to_owned()
            } else {
                against(run, rung, metric, is_judged)
            };
            let before = quiet.and_then(|load| latency::under(run, load, rung, metric));
            let before = before.filter(|ns| *ns > 0).map(|ns| ns as f64);
            let said = value.map_or_else(|| quantity::NOT_MEASURED.to_owned(), quantity::duration);
            Row {
                label: rung.variant.label.clone(),
                is_baseline: rung.is_baseline,
                values: value.into_iter().collect(),
                without: before.map(|before| (before, None)),
                ends: interval.map(|interval| (interval.low, interval.high)),
                said: match before {
                    Some(before) => format!("{} → {said}", quantity::duration(before)),
                    None => said,
                },
                against: if value.is_some() {
                    against
                } else {
                    String::new()
                },
                more: beside
                    .as_ref()
                    .and_then(|beside| beside.texts.get(place).cloned())
                    .unwrap_or_default(),
                marks: attacks.marks(&rung.variant.name),
                trade: table.given_up.telling(&rung.variant.gives_up),
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
    note.push_str(
        " Dotted line: the baseline. Ratios are medians over blocks, and need not be those of the medians shown.",
    );
    if let Some(quiet) = quiet {
        note.push_str(&between_loads(&quiet.name, &at.load, &rows));
    }
    note.push_str(&verdicts(&rows));
    note.push_str(&attacks.note());
    note.push_str(trades(&rows));
    Picture {
        drawing: Drawing::Dots(Dots {
            title: format!("{quantity}, load {} (logarithmic scale)", at.load),
            scale: Scale::Time,
            value: if let Some(quiet) = quiet {
                format!("{} → {}", quiet.name, at.load)
            } else {
                match metric {
                    Metric::Cpu => "CPU/request".to_owned(),
                    &Metric::P50 => "median".to_owned(),
                    other => other.to_string(),
                }
            },
            against: "vs baseline".to_owned(),
            more: beside.map_or_else(String::new, |beside| beside.heading),
            attacks: attacks.names,
            rows,
        }),
        note,
    }
}

/// What the two dots of a row are, and what they do not mean where the second is lower.
fn between_loads(quiet: &str, load: &str, rows: &[Row]) -> String {
    let falls = rows.iter().any(|row| {
        let before = row.without.map(|(before, _)| before);
        let value = row.values.first().copied();
        value
            .zip(before)
            .is_some_and(|(value, before)| value < before)
    });
    let why = if falls {
        format!(
            " A lower time under {load} does not mean that the load helps: a server that idles between requests answers each \
             of them more slowly."
        )
    } else {
        String::new()
    };
    format!(" Ring: load {quiet}. Dot: load {load}.{why}")
}

/// What the words mean that claim no direction, where rows have them.
fn verdicts(rows: &[Row]) -> String {
    const MEANINGS: [(&str, &str); 4] = [
        (
            "no change",
            " No change: if there is a difference, it is too small to count.",
        ),
        (
            "not distinguishable",
            " Not distinguishable: the difference may be chance.",
        ),
        (
            "too few blocks",
            " Too few blocks: the run was too short to say which is faster.",
        ),
        (
            "no verdict",
            " No verdict: the run has too few measurements to say which is faster.",
        ),
    ];
    let is_said = |words: &str| rows.iter().any(|row| row.against == words);
    let said = MEANINGS.into_iter().filter(|(words, _)| is_said(words));
    said.map(|(_, meaning)| meaning).collect()
}

/// Where the trade-offs come from, where rows have them.
fn trades(rows: &[Row]) -> &'static str {
    if rows.iter().all(|row| row.trade.is_empty()) {
        ""
    } else {
        " Trade-offs, in small print, are warnings that a server gives at its start, and that not all of them give; they are not measured."
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
    Against::of(row.as_ref(), rung.least_blocks).words_and_why()
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
            values: lag.into_iter().collect(),
            said: match lag {
                Some(0.0) => "none".to_owned(),
                Some(ns) => quantity::duration(ns),
                None => quantity::NOT_MEASURED.to_owned(),
            },
            marks: vec![mark(passed)],
            ..Row::default()
        }
    });
    Picture {
        drawing: Drawing::Dots(Dots {
            title: format!(
                "Longest revocation lag measured, load {} (logarithmic scale)",
                run.scenario.ladder.latency.load
            ),
            scale: Scale::Time,
            value: "longest".to_owned(),
            against: String::new(),
            more: String::new(),
            attacks: vec!["revoked token".to_owned()],
            rows: rows.collect(),
        }),
        note: "Revocation lag: how long after the answer to a revoke a request was sent that still passed. A longest value \
            has no confidence interval. Colour marks only whether revoked tokens were refused."
            .to_owned(),
    }
}

/// Each load a panel, so that a cache is compared with the others and with the ideal one of its size.
fn of_hits(run: &Run, table: &Table) -> Picture {
    let near = || table.hits.iter().filter(|hits| hits.cache.ideal.is_some());
    let all = |of: fn(&Hits) -> &str| {
        let mut names: Vec<String> = Vec::new();
        for name in near().map(of) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    };
    let known = all(|hits| &hits.variant);
    let variants = run.variants.iter().map(|variant| variant.label.clone());
    let labels: Vec<String> = variants.filter(|label| known.contains(label)).collect();
    let panels = all(|hits| &hits.load).into_iter().map(|load| Panel {
        rows: labels
            .iter()
            .map(|label| {
                let mut of = near().filter(|hits| hits.load == load && hits.variant == *label);
                of.next().map(|hits| (hits.ratio(), hits.ideal()))
            })
            .collect(),
        name: load,
    });
    Picture {
        drawing: Drawing::Panels(Panels {
            title: "Share of requests that the cache answered, a panel for each load (linear scale)".to_owned(),
            panels: panels.collect(),
            labels,
        }),
        note: "Dot: the cache. Ring: an ideal cache of the same size for the same requests; a dot within its ring is as good \
            as the ideal. Each share counts all requests of its load."
            .to_owned(),
    }
}

/// Each design a row, without cached decisions and with them, in the order of what they cost without.
fn of_pairs(run: &Run, table: &Table) -> Picture {
    let attacks = Attacks::of(table);
    let of = |rung: &Rung| {
        let value = rung.p50.map(|ns| ns as f64);
        let ends = interval(run, &Metric::P50, &rung.variant.name);
        (value, ends.map(|interval| (interval.low, interval.high)))
    };
    let said = |rung: &Rung| match rung.p50 {
        Some(ns) => quantity::duration(ns as f64),
        None => quantity::NOT_MEASURED.to_owned(),
    };
    let all = pairs::of(run, table);
    let is_paired = |rung: &Rung| {
        all.iter().any(|pair| {
            [pair.without, pair.with]
                .map(|one| &one.variant.name)
                .contains(&&rung.variant.name)
        })
    };
    let mut rows: Vec<(Option<u64>, Row)> = Vec::new();
    for pair in &all {
        let (value, ends) = of(pair.with);
        let (before, ends_before) = of(pair.without);
        let marks = [pair.without, pair.with].map(|one| attacks.marks(&one.variant.name));
        // What either lets pass, the design lets pass.
        let [without, with] = marks;
        let worse = without.into_iter().zip(with).map(|(without, with)| {
            let passes = |mark: &Option<Mark>| mark.as_ref().is_some_and(|mark| !mark.refused);
            if passes(&without) {
                without
            } else {
                with.or(without)
            }
        });
        rows.push((
            pair.without.p50,
            Row {
                label: pair.without.variant.label.clone(),
                values: value.into_iter().collect(),
                ends,
                without: before.map(|before| (before, ends_before)),
                said: format!("{} → {}", said(pair.without), said(pair.with)),
                against: pair.against.words_and_why(),
                marks: worse.collect(),
                trade: {
                    let both = [pair.without, pair.with].map(|one| one.variant.gives_up.clone());
                    table.given_up.telling(&both.concat())
                },
                ..Row::default()
            },
        ));
    }
    for rung in table.rungs.iter().filter(|rung| !is_paired(rung)) {
        let (value, ends) = of(rung);
        rows.push((
            rung.p50,
            Row {
                label: rung.variant.label.clone(),
                values: value.into_iter().collect(),
                ends,
                said: said(rung),
                marks: attacks.marks(&rung.variant.name),
                trade: table.given_up.telling(&rung.variant.gives_up),
                ..Row::default()
            },
        ));
    }
    rows.sort_by_key(|(ns, _)| *ns);
    let rows: Vec<Row> = rows.into_iter().map(|(_, row)| row).collect();
    let at = &run.scenario.ladder.latency;
    let quantity = latency::quantity(table.latency, &Metric::P50, &at.step);
    let note = [
        "Ring: without cached decisions. Dot: with them. Bars: 95 % confidence intervals of the median over blocks; a bar that \
         is narrower than its dot is hidden.",
        &verdicts(&rows),
        &attacks.note(),
        trades(&rows),
    ];
    Picture {
        note: note.concat(),
        drawing: Drawing::Dots(Dots {
            title: format!("{quantity}, load {} (logarithmic scale)", at.load),
            scale: Scale::Time,
            value: "without → cached".to_owned(),
            against: "cached is".to_owned(),
            more: String::new(),
            attacks: attacks.names.clone(),
            rows,
        }),
    }
}

/// The attacks that were run: a column for each of which anything passed, since what every variant refused tells none of
/// them apart.
struct Attacks<'a> {
    names: Vec<String>,
    /// Those that every variant refused.
    refused: Vec<String>,
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
        let passed = |attack: &&str| {
            let mut of = table.attacks.iter().filter(|one| one.attack == *attack);
            of.any(|one| one.outcome.passed > 0)
        };
        let (own, refused): (Vec<&str>, Vec<&str>) = own.into_iter().partition(passed);
        let named = |attacks: &[&str]| attacks.iter().map(|attack| named(attack)).collect();
        Self {
            names: named(&own),
            refused: named(&refused),
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

    fn note(&self) -> String {
        let mut note = if self.own.is_empty() {
            String::new()
        } else {
            " Colour marks only whether the requests of an attack were refused.".to_owned()
        };
        if !self.refused.is_empty() {
            note.push_str(" Refused by every variant: ");
            note.push_str(&self.refused.join(", "));
            note.push('.');
        }
        note
    }
}

fn named(attack: &str) -> String {
    match attack {
        "theft" => "stolen token".to_owned(),
        // What a server does with it says nothing of hashes that were stolen.
        "guess" => "wrong password".to_owned(),
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

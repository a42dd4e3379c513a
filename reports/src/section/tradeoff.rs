//! The security trade-off as a picture: what each variant costs, against how long a revoked token passed, or whether an
//! attack did. Its figures are those of [`super::safety`].

use super::ladder::{Rung, Table as Ladder};
use super::safety::{self, Row, Safety};
use crate::blocks;
use crate::chart::tradeoff::{At, Point, Tradeoff};
use crate::chart::{NARROW, WIDE};
use crate::document::{Block, Chart, Section};
use crate::order_statistics::{ALPHA, Estimate};
use crate::run::Run;

const TITLE: &str = "Cost against safety";
const CAPTION: &str = "Green disc: everything that should have been refused was refused. Red cross: some of it passed. \
    Upright lines: 95 % confidence intervals of the cost. Whether two costs differ is said by the table, not by this \
    picture.";
const CAPTION_ALONE: &str = "Green disc: everything that should have been refused was refused. Red cross: some of it \
    passed. Too few blocks for confidence intervals: whether two costs differ is not known.";
/// Names of more points run into each other.
const MOST: usize = 12;
/// CPU seconds for a million requests are microseconds for one.
const NS_PER_MICROSECOND: f64 = 1e3;

/// The section, where variants differ in what passed.
pub(super) fn section(run: &Run, ladder: &Ladder) -> Option<Section> {
    let safety = Safety::of(run, ladder);
    let both = || safety::beside(ladder, &safety).filter(|(_, row)| is_tried(row));
    let is_probed = both().any(|(_, row)| row.staleness.is_some());
    let is_cpu = both().all(|(rung, _)| rung.cpu_s_per_million.is_some());
    let points: Vec<Point> = both()
        .filter_map(|(rung, row)| point(run, rung, row, is_probed, is_cpu))
        .collect();
    let refused = points.iter().filter(|point| point.refused).count();
    if points.len() > MOST || refused == 0 || refused == points.len() {
        return None;
    }
    let has_intervals = points.iter().any(|point| point.ends.is_some());
    let step = &run.scenario.ladder.latency.step;
    let cost = if is_cpu {
        "Server CPU time of a request (logarithmic)".to_owned()
    } else {
        format!("Median {} of {step} (logarithmic)", ladder.latency.label())
    };
    let right = if is_probed {
        "Longest time that a revoked token still passed (logarithmic)".to_owned()
    } else {
        "Requests of attacks".to_owned()
    };
    let said = points.iter().map(|point| {
        let outcome = if point.refused { "refused" } else { "passed" };
        let cost = crate::quantity::duration(point.cost);
        format!("{} {cost}, {outcome}", point.label)
    });
    let said: Vec<String> = said.collect();
    let label = format!("{TITLE}. {cost}. {right}. {}.", said.join("; "));
    let drawn = Tradeoff {
        cost,
        safety: right,
        points,
    };
    Some(Section {
        id: Some("trade-off"),
        title: TITLE.to_owned(),
        blocks: vec![Block::Chart(Chart {
            label,
            pictures: Some([WIDE, NARROW].map(|size| drawn.svg(size.width))),
            caption: if has_intervals {
                CAPTION
            } else {
                CAPTION_ALONE
            },
            ..Chart::default()
        })],
    })
}

/// Whether anything was tried that should have been refused.
fn is_tried(row: &Row) -> bool {
    row.staleness.is_some() || row.attacks.iter().any(Option::is_some)
}

fn point(run: &Run, rung: &Rung, row: &Row, is_probed: bool, is_cpu: bool) -> Option<Point> {
    let attacks = || row.attacks.iter().flatten();
    let stale = row.staleness.as_ref().filter(|one| one.stale > 0);
    let refused = stale.is_none() && attacks().all(|attack| attack.passed == 0);
    let at = match stale.map(|one| one.longest) {
        Some(longest) => At::Lag(longest? as f64),
        None if !refused && !is_probed => At::Passed,
        None => At::Nothing,
    };
    let (cost, interval) = if is_cpu {
        let cost = rung.cpu_s_per_million?;
        let ns = |seconds: f64| seconds * NS_PER_MICROSECOND;
        let interval = cost.interval.map(|at| (ns(at.low), ns(at.high)));
        (ns(cost.median), interval)
    } else {
        let at = &run.scenario.ladder.latency;
        let values = blocks::median_latency(run, at, &rung.variant.name);
        let values: Vec<f64> = values.into_values().filter(|ns| *ns > 0.0).collect();
        let interval = Estimate::of(&values, ALPHA).and_then(|estimate| estimate.interval);
        (rung.p50? as f64, interval.map(|at| (at.low, at.high)))
    };
    (cost > 0.0).then(|| Point {
        label: rung.variant.label.clone(),
        cost,
        ends: interval,
        at,
        refused,
    })
}

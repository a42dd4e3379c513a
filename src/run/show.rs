//! A run as it is shown: a view on a terminal, plain lines elsewhere, JSON for a program.

mod json;
mod screen;
mod view;
mod watched;
mod watcher;

use std::cell::Cell;
use std::time::{Duration, Instant};

use authlab_loadtest::conductor::Finished;
use authlab_loadtest::live::Aim;
use authlab_loadtest::progress::{Left, Progress, Snapshot};
use authlab_loadtest::scenario::{Load, Scenario};
use authlab_reports::judge::run_limit::Checked;
use authlab_reports::quantity;
use authlab_reports::run::{Capacity, Point};
use authlab_reports::run::{Run, Slice};
use authlab_reports::section::summary;

use crate::bar::clock;
use crate::output;
use watcher::Watcher;

/// What a run's figures are wanted for, as typed.
#[derive(Clone, Copy, Default, clap::Args)]
pub(crate) struct Wanted {
    /// Print only the ladder and the report's path
    #[arg(long)]
    quiet: bool,
    /// Print one JSON object a slice, and a last one of the whole run
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
}

/// Whom a run is shown to.
pub(crate) enum Show {
    /// Nobody, before its end.
    Quiet,
    /// A log: a line a block.
    Lines {
        /// The slices of a block.
        block: usize,
        /// When the last line was written.
        said: Cell<Instant>,
    },
    /// A program.
    Json,
    /// A person at a terminal.
    View(Watcher),
}

impl Show {
    pub(crate) fn new(scenario: &Scenario, wanted: Wanted) -> Self {
        if wanted.json {
            return Self::Json;
        }
        if wanted.quiet {
            return Self::Quiet;
        }
        match Watcher::start(scenario) {
            Some(watcher) => Self::View(watcher),
            None => Self::Lines {
                block: scenario.variants.len()
                    * scenario.loads.first().map_or(2, Load::slices_of_a_block),
                said: Cell::new(Instant::now()),
            },
        }
    }

    /// Whether the slice under way is looked at.
    pub(crate) fn watched(&self) -> bool {
        matches!(self, Self::View(_) | Self::Lines { .. })
    }

    pub(crate) fn progress(&self, progress: Progress<'_>) {
        match (self, progress) {
            (Self::View(watcher), progress) => watcher.hear(progress),
            (Self::Json, Progress::Slice { slice, .. }) => json::slice(slice),
            (Self::Lines { block, said }, Progress::Slice { slice, run, left })
                if left.planned > 1
                    && left.done.is_multiple_of(*block)
                    && !searched(run, slice) =>
            {
                said.set(Instant::now());
                output::note(format_args!("{}", line(&slice.load, &left)));
            }
            (Self::Lines { said, .. }, Progress::Live(snapshot))
                if said.get().elapsed() >= SAY_EVERY && matches!(snapshot.aim, Aim::Block(_)) =>
            {
                said.set(Instant::now());
                output::note(format_args!("{}", live_line(&snapshot)));
            }
            (Self::Lines { .. }, Progress::Rate { capacity, .. }) => {
                if let Some(point) = capacity.points.last() {
                    output::note(format_args!("{}", rate_line(capacity, point)));
                }
            }
            _ => {}
        }
    }

    /// Shows the run as it ended; a terminal is first given back.
    pub(crate) fn end(self, finished: &Finished, limits: &[Checked]) {
        if matches!(self, Self::Json) {
            json::limits(limits);
            json::end(finished);
            return;
        }
        drop(self);
        super::show(&finished.run, &finished.path);
        output::document(&summary::limits(limits));
    }
}

/// Whether it confirmed what a search found: its rate was told then.
fn searched(run: &Run, slice: &Slice) -> bool {
    run.capacities
        .iter()
        .any(|capacity| capacity.load == slice.load)
}

/// A log shows within this time that a slice goes on.
const SAY_EVERY: Duration = Duration::from_secs(5);

/// A slice under way.
fn live_line(at: &Snapshot) -> String {
    let (name, latency) = if at.open {
        ("response time", &at.response)
    } else {
        ("service time", &at.service)
    };
    let time = match (latency.quantile(0.5), latency.quantile(0.99)) {
        (Some(p50), Some(p99)) => format!(
            ", {name} p50 {}, p99 {}",
            quantity::duration(p50 as f64),
            quantity::duration(p99 as f64)
        ),
        _ => String::new(),
    };
    let failed: u64 = at.failed.values().sum();
    format!(
        "{}, {}: {}, {} requests answered, {failed} failed{time}",
        at.load,
        at.variant,
        passed(at.elapsed, at.length),
        at.response.count()
    )
}

/// How much of a slice has passed: `3s of 10s`, and never more than was planned.
fn passed(elapsed: Duration, length: Duration) -> String {
    let written = |time: Duration| {
        if length < Duration::from_secs(1) {
            format!("{} ms", time.as_millis())
        } else {
            clock(time)
        }
    };
    let late = elapsed.saturating_sub(length);
    if !late.is_zero() {
        let late = quantity::tick(late.as_nanos() as f64);
        return format!("{0} of {0}, draining for {late}", written(length));
    }
    format!("{} of {}", written(elapsed), written(length))
}

fn line(load: &str, left: &Left) -> String {
    format!(
        "{load}: {} of {} slices, {} left",
        left.done,
        left.planned,
        clock(left.time)
    )
}

fn rate_line(capacity: &Capacity, point: &Point) -> String {
    let beyond = if point.beyond.is_some() {
        ", beyond"
    } else {
        ""
    };
    format!(
        "{} · {} · {}/s: p99 {}{beyond}",
        capacity.load,
        capacity.variant,
        quantity::number(point.offered_per_s),
        quantity::duration(point.p99_ns as f64),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_passed_is_never_more_than_was_planned() {
        let ms = Duration::from_millis;
        for (elapsed, length, said) in [
            (0, 10_000, "0s of 10s"),
            (3_200, 10_000, "3s of 10s"),
            (10_000, 10_000, "10s of 10s"),
            (12_000, 10_000, "10s of 10s, draining for 2 s"),
            (9_000, 4_000, "4s of 4s, draining for 5 s"),
            (150, 200, "150 ms of 200 ms"),
            (5_200, 200, "200 ms of 200 ms, draining for 5 s"),
            (90_000, 120_000, "1m30s of 2m00s"),
        ] {
            assert_eq!(passed(ms(elapsed), ms(length)), said);
        }
    }
}

//! A run as it is shown: a view on a terminal, plain lines elsewhere, JSON for a program.

mod json;
mod screen;
mod view;
mod watched;
mod watcher;

use authlab_loadtest::conductor::Finished;
use authlab_loadtest::progress::{Left, Progress};
use authlab_loadtest::scenario::Scenario;
use authlab_reports::quantity;
use authlab_reports::run::{Capacity, Point};
use authlab_reports::run::{Run, Slice};

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
                block: scenario.variants.len() * 2,
            },
        }
    }

    /// Whether the slice under way is looked at.
    pub(crate) fn watched(&self) -> bool {
        matches!(self, Self::View(_))
    }

    pub(crate) fn progress(&self, progress: Progress<'_>) {
        match (self, progress) {
            (Self::View(watcher), progress) => watcher.hear(progress),
            (Self::Json, Progress::Slice { slice, .. }) => json::slice(slice),
            (Self::Lines { block }, Progress::Slice { slice, run, left })
                if left.done.is_multiple_of(*block) && !searched(run, slice) =>
            {
                output::note(format_args!("{}", line(&slice.load, &left)));
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
    pub(crate) fn end(self, finished: &Finished) {
        if matches!(self, Self::Json) {
            json::end(finished);
            return;
        }
        drop(self);
        super::show(&finished.run, &finished.path);
    }
}

/// Whether it confirmed what a search found: its rate was told then.
fn searched(run: &Run, slice: &Slice) -> bool {
    run.capacities
        .iter()
        .any(|capacity| capacity.load == slice.load)
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

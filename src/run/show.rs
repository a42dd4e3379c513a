//! The run as a person watches it: a bar with an honest remaining time, or plain lines.

use std::io::IsTerminal;

use authlab_loadtest::progress::{Left, Progress};
use authlab_loadtest::scenario::Scenario;
use authlab_reports::quantity;
use indicatif::ProgressBar;

use crate::bar::{self, clock};
use crate::output;

/// The bar of one run.
pub(crate) struct Bar {
    drawn: ProgressBar,
    plain: bool,
    variants: usize,
}

impl Bar {
    pub(crate) fn new(scenario: &Scenario, quiet: bool) -> Self {
        Self {
            drawn: bar::new(&scenario.name, "slices", quiet),
            plain: !quiet && !std::io::stderr().is_terminal(),
            variants: scenario.variants.len(),
        }
    }

    pub(crate) fn show(&self, progress: &Progress<'_>) {
        match progress {
            Progress::Live(_) => {}
            Progress::Starting { variant } => {
                self.drawn.set_message(format!("starting {variant}"));
            }
            Progress::Slice { slice, left, .. } => {
                self.drawn.set_length(left.planned as u64);
                self.drawn.set_position(left.done as u64);
                self.drawn.set_message(format!(
                    "{} · {} · {} left",
                    slice.load,
                    slice.variant,
                    clock(left.time)
                ));
                if self.plain && left.done % (self.variants * 2) == 0 {
                    output::note(format_args!("{}", line(slice.load.as_str(), left)));
                }
            }
            Progress::Rate { capacity, left } => {
                let Some(point) = capacity.points.last() else {
                    return;
                };
                let text = format!(
                    "{} · {} · {}/s: p99 {}{}",
                    capacity.load,
                    capacity.variant,
                    quantity::number(point.offered_per_s),
                    quantity::duration(point.p99_ns as f64),
                    if point.beyond.is_none() {
                        ""
                    } else {
                        ", beyond"
                    },
                );
                if self.plain {
                    output::note(format_args!("{text}"));
                }
                self.drawn
                    .set_message(format!("{text} · {} left", clock(left.time)));
            }
        }
    }

    pub(crate) fn clear(&self) {
        self.drawn.finish_and_clear();
    }
}

/// A line a block, for logs.
fn line(load: &str, left: &Left) -> String {
    format!(
        "{load}: {} of {} slices, {} left",
        left.done,
        left.planned,
        clock(left.time)
    )
}

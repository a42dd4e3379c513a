//! The run as a person watches it: a bar with an honest remaining time, or plain lines.

use std::io::IsTerminal;
use std::time::Duration;

use authlab_loadtest::progress::{Left, Progress};
use authlab_loadtest::scenario::Scenario;
use authlab_reports::quantity;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The bar of one run.
pub(crate) struct Bar {
    bar: ProgressBar,
    plain: bool,
    variants: usize,
}

impl Bar {
    pub(crate) fn new(scenario: &Scenario, quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target = if quiet || !terminal {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr_with_hz(2)
        };
        let bar = ProgressBar::with_draw_target(Some(1), target);
        let style = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} slices · {msg}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_prefix(scenario.name.clone());
        Self {
            bar,
            plain: !quiet && !terminal,
            variants: scenario.variants.len(),
        }
    }

    pub(crate) fn show(&self, progress: &Progress<'_>) {
        match progress {
            Progress::Starting { variant } => {
                self.bar.set_message(format!("starting {variant}"));
            }
            Progress::Slice { slice, left } => {
                self.bar.set_length(left.planned as u64);
                self.bar.set_position(left.done as u64);
                self.bar.set_message(format!(
                    "{} · {} · {} left",
                    slice.load,
                    slice.variant,
                    clock(left.time)
                ));
                if self.plain && left.done % (self.variants * 2) == 0 {
                    eprintln!("{}", line(slice.load.as_str(), left));
                }
            }
        }
    }

    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
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

fn clock(time: Duration) -> String {
    quantity::elapsed(time.as_secs_f64())
}

//! A progress bar on a terminal, and nothing elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use authlab_reports::quantity;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar that counts `units`; hidden when nobody looks.
#[must_use]
pub fn new(name: &str, units: &str) -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        // The bar shares a core with what is measured.
        ProgressDrawTarget::stderr_with_hz(2)
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(1), target);
    let template = format!("{{prefix}} {{bar:30}} {{pos}}/{{len}} {units} · {{msg}}");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar.set_prefix(name.to_owned());
    bar
}

/// A remaining time as people read it.
#[must_use]
pub fn clock(time: Duration) -> String {
    quantity::elapsed(time.as_secs_f64())
}

//! A run for a program: one JSON object a line on standard output.

use authlab_loadtest::conductor::Finished;
use authlab_reports::judge::run_limit::Checked;
use authlab_reports::run::Capacity;
use authlab_reports::run::{Figure, Slice, Status, Validity};
use serde::Serialize;

use crate::output;

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Line<'a> {
    /// A slice was measured: its fields as in `run.json`.
    Slice(&'a Slice),
    /// What `--fail-over` limits, and what was found.
    Limits { limits: &'a [Checked] },
    /// The run has ended, well or badly.
    End {
        /// Its folder.
        run: String,
        status: &'a Status,
        validity: &'a Validity,
        merged: &'a [Figure],
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        capacities: &'a [Capacity],
    },
}

pub(super) fn slice(slice: &Slice) {
    print(&Line::Slice(slice));
}

pub(super) fn limits(limits: &[Checked]) {
    if !limits.is_empty() {
        print(&Line::Limits { limits });
    }
}

pub(super) fn end(finished: &Finished) {
    print(&Line::End {
        run: finished.path.display().to_string(),
        status: &finished.run.status,
        validity: &finished.run.validity,
        merged: &finished.run.merged,
        capacities: &finished.run.capacities,
    });
}

fn print(line: &Line<'_>) {
    match serde_json::to_string(line) {
        Ok(text) => output::json(&(text + "\n")),
        Err(error) => output::error(format_args!("a line of JSON cannot be written: {error}")),
    }
}

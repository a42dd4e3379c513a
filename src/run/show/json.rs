//! A run for a program: one JSON object a line on standard output.

use authlab_loadtest::conductor::Finished;
use authlab_reports::judge::run_limit::Checked;
use authlab_reports::program;
use authlab_reports::run::Slice;
use serde_json::{Value, json};

use crate::output;

pub(super) fn slice(slice: &Slice) {
    print(program::slice(slice));
}

/// What `--fail-over` limits, and what was found.
pub(super) fn limits(limits: &[Checked]) {
    if !limits.is_empty() {
        print(Ok(json!({ "event": "limits", "limits": limits })));
    }
}

/// The run has ended, well or badly.
pub(super) fn end(finished: &Finished) {
    let folder = finished.path.display().to_string();
    print(program::end(&finished.run, &folder));
}

fn print(line: serde_json::Result<Value>) {
    match line {
        Ok(line) => output::json(&format!("{line}\n")),
        Err(error) => output::error(format_args!("a line of JSON cannot be written: {error}")),
    }
}

//! Folders as criterion 0.8 leaves them, for tests.

use std::fs;
use std::path::{Path, PathBuf};

/// A benchmark with a median and an interval of ten per cent on either side.
pub(crate) fn estimated(home: &Path, id: &str, baseline: &str, median: f64) -> PathBuf {
    let folder = home.join(id).join(baseline);
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        folder.join("benchmark.json"),
        format!(r#"{{"group_id":"g","full_id":"{id}","directory_name":"{id}","title":"{id}"}}"#),
    )
    .unwrap();
    let interval = format!(
        r#"{{"confidence_level":0.95,"lower_bound":{},"upper_bound":{}}}"#,
        median * 0.9,
        median * 1.1
    );
    let estimate = format!(
        r#"{{"confidence_interval":{interval},"point_estimate":{median},"standard_error":1.0}}"#
    );
    fs::write(
        folder.join("estimates.json"),
        format!(r#"{{"mean":{estimate},"median":{estimate}}}"#),
    )
    .unwrap();
    folder
}

/// The same with a sample: iterations and nanoseconds of each measurement.
pub(crate) fn sampled(home: &Path, id: &str, iters: &[f64], times: &[f64]) {
    let folder = estimated(home, id, "new", 1.0);
    fs::write(
        folder.join("sample.json"),
        format!(r#"{{"sampling_mode":"Linear","iters":{iters:?},"times":{times:?}}}"#),
    )
    .unwrap();
}

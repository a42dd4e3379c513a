//! Criterion's figures, from the JSON files that it leaves: medians with their intervals.
//!
//! Two criterion runs are separate runs: what is compared here stems from one.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;

use crate::quantity;

/// One benchmark's figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Benchmark {
    /// `group/function`, made of labels.
    pub id: String,
    /// Median time of one operation, nanoseconds.
    pub median_ns: f64,
    /// Its 95 % bootstrap interval, nanoseconds.
    pub interval_ns: (f64, f64),
}

/// Criterion's files cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}", path.display())]
pub struct MicroError {
    /// The file or folder.
    path: PathBuf,
    /// What is wrong with it.
    cause: String,
}

#[derive(Deserialize)]
struct About {
    full_id: String,
}

#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    confidence_interval: ConfidenceInterval,
    point_estimate: f64,
}

#[derive(Deserialize)]
struct ConfidenceInterval {
    lower_bound: f64,
    upper_bound: f64,
}

/// Deeper than criterion nests its folders.
const DEEPEST: usize = 8;

/// Every benchmark under criterion's folder that was written since, sorted by id.
///
/// # Errors
/// The folder cannot be listed, or a file in it is not criterion's.
pub fn read(home: &Path, since: SystemTime) -> Result<Vec<Benchmark>, MicroError> {
    let mut found = Vec::new();
    collect(home, since, DEEPEST, &mut found)?;
    found.sort_by(|one, other| natural(&one.id).cmp(&natural(&other.id)));
    Ok(found)
}

/// All of them, a line each.
#[must_use]
pub fn table(benchmarks: &[Benchmark]) -> String {
    let widest = benchmarks
        .iter()
        .map(|at| at.id.chars().count())
        .max()
        .unwrap_or(0);
    let line = |at: &Benchmark| {
        format!(
            "{:widest$}  {:>8}  {} … {}\n",
            at.id,
            quantity::duration(at.median_ns),
            quantity::duration(at.interval_ns.0),
            quantity::duration(at.interval_ns.1)
        )
    };
    benchmarks.iter().map(line).collect()
}

/// How many times the one is as fast as the other, in a sentence; none when either is missing.
#[must_use]
pub fn headline(benchmarks: &[Benchmark], fast: &str, slow: &str) -> Option<String> {
    let find = |id: &str| benchmarks.iter().find(|at| at.id == id);
    let (fast, slow) = (find(fast)?, find(slow)?);
    let low = slow.interval_ns.0 / fast.interval_ns.1;
    let high = slow.interval_ns.1 / fast.interval_ns.0;
    Some(format!(
        "{}: {}; {}: {}: {} ({} … {})",
        fast.id,
        quantity::duration(fast.median_ns),
        slow.id,
        quantity::duration(slow.median_ns),
        quantity::times(slow.median_ns / fast.median_ns),
        quantity::times(low),
        quantity::times(high)
    ))
}

fn collect(
    folder: &Path,
    since: SystemTime,
    deeper: usize,
    found: &mut Vec<Benchmark>,
) -> Result<(), MicroError> {
    let fault = |path: &Path, cause: &dyn std::fmt::Display| MicroError {
        path: path.to_owned(),
        cause: cause.to_string(),
    };
    for entry in fs::read_dir(folder).map_err(|error| fault(folder, &error))? {
        let path = entry.map_err(|error| fault(folder, &error))?.path();
        if !path.is_dir() {
            continue;
        }
        let about = path.join("benchmark.json");
        if path.file_name().is_some_and(|name| name == "new") && about.exists() {
            let written = fs::metadata(&about).and_then(|about| about.modified());
            if written.is_ok_and(|written| written >= since) {
                found.push(benchmark(&path)?);
            }
        } else if deeper > 0 {
            collect(&path, since, deeper - 1, found)?;
        }
    }
    Ok(())
}

fn benchmark(folder: &Path) -> Result<Benchmark, MicroError> {
    let about: About = json(&folder.join("benchmark.json"))?;
    let Estimates { median } = json(&folder.join("estimates.json"))?;
    Ok(Benchmark {
        id: about.full_id,
        median_ns: median.point_estimate,
        interval_ns: (
            median.confidence_interval.lower_bound,
            median.confidence_interval.upper_bound,
        ),
    })
}

fn json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, MicroError> {
    let fault = |cause: String| MicroError {
        path: path.to_owned(),
        cause,
    };
    let text = fs::read(path).map_err(|error| fault(error.to_string()))?;
    serde_json::from_slice(&text).map_err(|error| fault(error.to_string()))
}

/// `hit/1000` before `hit/100000`.
fn natural(id: &str) -> Vec<(usize, &str)> {
    id.split(['/', '-'])
        .map(|part| {
            if part.bytes().all(|b| b.is_ascii_digit()) {
                (part.len(), part)
            } else {
                (0, part)
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn criterion_folder(home: &Path, id: &str, median: f64) {
        let folder = home.join(id).join("new");
        fs::create_dir_all(&folder).unwrap();
        fs::write(
            folder.join("benchmark.json"),
            format!(r#"{{"full_id":"{id}","group_id":"g"}}"#),
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
    }

    #[test]
    fn only_what_was_measured_since_is_read_and_a_ratio_carries_its_interval() {
        let home = tempfile::tempdir().unwrap();
        criterion_folder(home.path(), "hit/100000", 200.0);
        criterion_folder(home.path(), "hit/1000", 100.0);
        let all = read(home.path(), SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(
            all.iter().map(|at| at.id.as_str()).collect::<Vec<_>>(),
            ["hit/1000", "hit/100000"]
        );
        insta::assert_snapshot!(
            headline(&all, "hit/1000", "hit/100000").unwrap(),
            @"hit/1000: 100 ns; hit/100000: 200 ns: 2.00× (1.64× … 2.44×)"
        );
        assert_eq!(headline(&all, "hit/1", "hit/1000"), None);
        let later = SystemTime::now() + std::time::Duration::from_secs(60);
        assert!(read(home.path(), later).unwrap().is_empty());
    }
}

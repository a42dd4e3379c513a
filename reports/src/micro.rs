//! Criterion's figures, from the JSON files that it leaves: medians with their intervals.
//!
//! - Here: what one run of a benchmark binary measured.
//! - [`baselines`]: two saved baselines beside each other. They are separate runs: described only.
//! - [`worth`]: what a cache saves, of one run's figures.
//! - [`sample`] and [`duel`]: two benchmark binaries in alternation, and the verdict on each benchmark.

pub mod baselines;
pub mod duel;
mod files;
pub mod sample;
pub mod worth;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;

use self::files::About;
use crate::quantity;

/// One benchmark's figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Benchmark {
    /// `group/function`, made of labels; numbered where two have one id.
    pub id: String,
    /// The same as `--list` writes it: cut short when it is long.
    pub title: String,
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

/// Every benchmark under criterion's folder that was written since, sorted by id.
///
/// # Errors
/// The folder cannot be listed, or a file in it is not criterion's.
pub fn read(home: &Path, since: SystemTime) -> Result<Vec<Benchmark>, MicroError> {
    let written_since = |folder: &PathBuf| {
        let written = fs::metadata(folder.join(files::ABOUT)).and_then(|about| about.modified());
        written.is_ok_and(|written| written >= since)
    };
    let mut found = files::folders(home)?
        .iter()
        .filter(|folder| files::is_new(home, folder) && written_since(folder))
        .map(|folder| benchmark(folder))
        .collect::<Result<Vec<_>, _>>()?;
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
    if fast.interval_ns.0 <= 0.0 || fast.median_ns <= 0.0 {
        // Nothing is a multiple of 0.
        let [fast_time, slow_time] = [fast, slow].map(|at| quantity::duration(at.median_ns));
        return Some(format!(
            "{}: {fast_time}; {}: {slow_time}",
            fast.id, slow.id
        ));
    }
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

/// A benchmark's estimates in a folder of criterion's.
fn benchmark(folder: &Path) -> Result<Benchmark, MicroError> {
    let about: About = files::json(&folder.join(files::ABOUT))?;
    let Estimates { median } = files::json(&folder.join("estimates.json"))?;
    Ok(Benchmark {
        id: about.name().to_owned(),
        title: about.title,
        median_ns: median.point_estimate,
        interval_ns: (
            median.confidence_interval.lower_bound,
            median.confidence_interval.upper_bound,
        ),
    })
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
mod stand_in;

/// Up to here a nanosecond's fractions matter.
const FINE_BELOW_NS: f64 = 100.0;
/// For what has no verdict yet.
const UNFINISHED: &str = "unfinished";

/// A time of one iteration: `2.31 ns`, `1.84 µs`.
fn time(ns: f64) -> String {
    if (0.0..FINE_BELOW_NS).contains(&ns) {
        format!("{} ns", quantity::number(ns))
    } else {
        quantity::duration(ns)
    }
}

/// A change of 0.07 as `+7.00 %`.
fn effect(effect: f64) -> String {
    quantity::change(1.0 + effect)
}

/// `3 benchmarks`.
fn benchmarks(count: usize) -> String {
    match count {
        1 => "1 benchmark".to_owned(),
        _ => format!("{} benchmarks", quantity::grouped(count as u64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::micro::stand_in::estimated;

    #[test]
    fn only_what_was_measured_since_is_read_and_a_ratio_carries_its_interval() {
        let home = tempfile::tempdir().unwrap();
        estimated(home.path(), "hit/100000", "new", 200.0);
        estimated(home.path(), "hit/1000", "new", 100.0);
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

    #[test]
    fn a_time_of_nothing_has_no_multiple() {
        let home = tempfile::tempdir().unwrap();
        estimated(home.path(), "fast", "new", 0.0);
        estimated(home.path(), "slow", "new", 200.0);
        let all = read(home.path(), SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(
            headline(&all, "fast", "slow").unwrap(),
            "fast: 0 ns; slow: 200 ns"
        );
    }

    #[test]
    fn a_nanosecond_keeps_its_fractions() {
        for (ns, text) in [
            (2.314, "2.31 ns"),
            (51.04, "51.0 ns"),
            (128.0, "128 ns"),
            (1_840.0, "1.84 µs"),
        ] {
            assert_eq!(time(ns), text);
        }
    }
}

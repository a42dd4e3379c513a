//! What one slice of a duel measured: criterion's sample of each benchmark.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::MicroError;
use super::files::{self, About};
use crate::order_statistics::median;

/// A benchmark's sample, in two figures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Median over its measurements of the time of one iteration, nanoseconds.
    pub median_ns: f64,
    /// Its shortest measurement, over all iterations of it: what the clock's resolution is set against.
    pub shortest_ns: f64,
}

/// The samples that a run of a benchmark binary left in its folder, by the title that `--list` has
/// for each benchmark.
///
/// # Errors
/// The folder cannot be listed, or a file in it is not criterion's.
pub fn read(home: &Path) -> Result<BTreeMap<String, Sample>, MicroError> {
    files::folders(home)?
        .iter()
        .filter(|folder| files::baseline(folder) == Some(files::NEW))
        .map(|folder| {
            let about: About = files::json(&folder.join(files::ABOUT))?;
            Ok((about.title, sample(&folder.join("sample.json"))?))
        })
        .collect()
}

#[derive(Deserialize)]
struct Measurements {
    iters: Vec<f64>,
    times: Vec<f64>,
}

fn sample(path: &Path) -> Result<Sample, MicroError> {
    let Measurements { iters, times } = files::json(path)?;
    if iters.len() != times.len() {
        let (iters, times) = (iters.len(), times.len());
        return Err(files::fault(
            path,
            &format!("{iters} counts of iterations and {times} times"),
        ));
    }
    // A time of 0 has no logarithm; criterion leaves no sample of it either.
    let usable = |value: &f64| value.is_finite() && *value > 0.0;
    if !iters.iter().chain(&times).all(usable) {
        return Err(files::fault(path, &"a count or a time is not above 0"));
    }
    let shortest_ns = times.iter().copied().min_by(f64::total_cmp);
    let each = times.iter().zip(&iters).map(|(time, iters)| time / iters);
    median(each.collect())
        .zip(shortest_ns)
        .map(|(median_ns, shortest_ns)| Sample {
            median_ns,
            shortest_ns,
        })
        .ok_or_else(|| files::fault(path, &"the sample is empty"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::micro::stand_in::{estimated, sampled};

    #[test]
    fn a_sample_is_the_median_of_time_by_iterations_of_the_last_run_alone() {
        let home = tempfile::tempdir().unwrap();
        sampled(
            home.path(),
            "hit/1",
            &[10.0, 20.0, 30.0],
            &[1_000.0, 2_400.0, 3_300.0],
        );
        // A baseline beside it has no say.
        estimated(home.path(), "hit/1", "main", 7.0);
        let samples = read(home.path()).unwrap();
        assert_eq!(
            samples.into_iter().collect::<Vec<_>>(),
            [(
                "hit/1".to_owned(),
                Sample {
                    median_ns: 110.0,
                    shortest_ns: 1_000.0
                }
            )]
        );
    }

    #[test]
    fn what_is_no_sample_is_told_with_its_file() {
        let table: [(&[f64], &[f64], &str); 4] = [
            (&[1.0], &[1.0, 2.0], "1 counts of iterations and 2 times"),
            (&[0.0], &[1.0], "a count or a time is not above 0"),
            (&[1.0], &[0.0], "a count or a time is not above 0"),
            (&[], &[], "the sample is empty"),
        ];
        for (iters, times, said) in table {
            let home = tempfile::tempdir().unwrap();
            sampled(home.path(), "hit", iters, times);
            let error = read(home.path()).unwrap_err().to_string();
            assert!(
                error.contains("hit/new/sample.json") && error.ends_with(said),
                "{error}"
            );
        }
    }
}

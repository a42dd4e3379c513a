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

/// What a run of a benchmark binary left in its folder.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Samples {
    /// By title, as `--list` has it; by the full id where the title is cut short.
    of: BTreeMap<String, Sample>,
    /// The full ids of titles that are cut short.
    full: BTreeMap<String, String>,
}

impl Samples {
    /// The name of the benchmark that a list calls so: its id in full, where the title is cut short.
    #[must_use]
    pub fn name<'a>(&'a self, title: &'a str) -> &'a str {
        self.full.get(title).map_or(title, String::as_str)
    }

    /// The sample of a benchmark, by its title or its full id.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Sample> {
        self.of.get(self.name(name)).copied()
    }
}

/// The samples that a run of a benchmark binary left in its folder.
///
/// # Errors
/// The folder cannot be listed, or a file in it is not criterion's.
pub fn read(home: &Path) -> Result<Samples, MicroError> {
    let mut samples = Samples::default();
    for folder in files::folders(home)? {
        if !files::is_new(home, &folder) {
            continue;
        }
        let about: About = files::json(&folder.join(files::ABOUT))?;
        let sample = sample(&folder.join("sample.json"))?;
        let name = about.name().to_owned();
        if about.is_cut() {
            samples.full.insert(about.title, name.clone());
        }
        samples.of.insert(name, sample);
    }
    Ok(samples)
}

/// A regular expression that matches the ids of these benchmarks, by their titles or full ids, and as few others as the
/// titles allow: criterion matches full ids, and a title may be cut short or numbered.
#[must_use]
pub fn filter(names: &[&str]) -> String {
    let mut alternatives = Vec::new();
    for name in names {
        let whole = match files::cut(name) {
            Some(start) => format!("{}.*", literal(start)),
            None => literal(name),
        };
        alternatives.push(whole);
        // `a/b #2` may be an id, or the second benchmark of the id `a/b`.
        let unnumbered = files::without_number(name);
        if files::cut(name).is_none() && unnumbered != *name {
            alternatives.push(literal(unnumbered));
        }
    }
    format!("^(?:{})$", alternatives.join("|"))
}

/// What has a meaning in a regular expression outside of a class.
const META: &str = r"\.+*?()|[]{}^$";

fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len());
    for c in text.chars() {
        if META.contains(c) {
            literal.push('\\');
        }
        literal.push(c);
    }
    literal
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
        assert_eq!(samples.of.len(), 1);
        assert_eq!(
            samples.get("hit/1"),
            Some(Sample {
                median_ns: 110.0,
                shortest_ns: 1_000.0
            })
        );
    }

    #[test]
    fn a_filter_matches_what_it_is_made_of_and_nothing_else() {
        assert_eq!(
            filter(&["hit/bind-to=ua+ip", "f(x)|1.5"]),
            r"^(?:hit/bind-to=ua\+ip|f\(x\)\|1\.5)$"
        );
        assert_eq!(filter(&["long..."]), "^(?:long.*)$");
        assert_eq!(filter(&["long... #2"]), "^(?:long.*)$");
        assert_eq!(filter(&["a/b #2", "a #x"]), "^(?:a/b #2|a/b|a #x)$");
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

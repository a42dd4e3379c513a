//! A run of one variant in a folder of its own.

use std::path::Path;

use authlab_loadtest::conductor::{Finished, Order, conduct};
use authlab_loadtest::cores::Cores;
use authlab_loadtest::progress::Progress;
use authlab_loadtest::scenario::Scenario;
use authlab_reports::run::{PERCENTILES, Run, Tool};

/// A scenario of one variant at `url`; `rest` holds its steps and loads.
#[allow(dead_code, reason = "some tests bring a whole scenario, or watch")]
pub(crate) fn run(url: &str, rest: &str) -> Finished {
    run_in(Path::new(""), url, rest)
}

/// The same for a scenario file that lies in `folder`, with what it names.
#[allow(dead_code, reason = "some tests bring a whole scenario")]
pub(crate) fn run_in(folder: &Path, url: &str, rest: &str) -> Finished {
    run_scenario(&scenario(folder, url, rest))
}

pub(crate) fn run_scenario(scenario: &Scenario) -> Finished {
    conducted(scenario, false, |_| {})
}

/// The same as [`run`], watched or not, with what is told meanwhile.
#[allow(dead_code, reason = "one test watches")]
pub(crate) fn run_told(
    url: &str,
    rest: &str,
    watched: bool,
    progress: impl FnMut(Progress<'_>),
) -> Finished {
    conducted(&scenario(Path::new(""), url, rest), watched, progress)
}

fn scenario(folder: &Path, url: &str, rest: &str) -> Scenario {
    let path = folder.join("t.toml");
    let text = format!(
        "name = \"t\"\nquestion = \"?\"\n[[variant]]\nname = \"v\"\nurl = \"{url}\"\n{rest}"
    );
    Scenario::parse(path.to_str().unwrap(), &text, "quick").unwrap()
}

fn conducted(scenario: &Scenario, watched: bool, progress: impl FnMut(Progress<'_>)) -> Finished {
    let runs = tempfile::tempdir().unwrap();
    let order = Order {
        watched,
        ..order(runs.path())
    };
    let finished = conduct(scenario, &order, progress).unwrap();
    // Little's law, whatever the server did.
    for slice in finished
        .run
        .slices
        .iter()
        .filter(|slice| !slice.was_paused())
    {
        let disagrees = slice.user_time_disagreement();
        assert!(
            disagrees.is_none_or(|share| share.abs() < 0.05),
            "{disagrees:?}: {slice:?}"
        );
    }
    finished
}

pub(crate) fn order(runs: &Path) -> Order {
    Order {
        authlab: "/nonexistent/authlab".into(),
        runs: runs.to_owned(),
        command: vec!["authlab".into()],
        tool: Tool {
            version: "0".into(),
            commit: String::new(),
            profile: "test".into(),
        },
        seed: 1,
        cores: Cores::split(),
        calibration: None,
        shard: None,
        awake: false,
        duel: None,
        instructions: None,
        watched: false,
    }
}

#[allow(dead_code, reason = "some tests ask for percentiles only")]
pub(crate) fn count(run: &Run, step: &str, metric: &str) -> u64 {
    run.merged
        .iter()
        .filter(|figure| figure.step == step && figure.metric == metric)
        .map(|figure| figure.count)
        .sum()
}

/// The percentile of a metric, the greatest over its figures; nanoseconds.
#[allow(dead_code, reason = "closed loads ask for counts")]
pub(crate) fn percentile(run: &Run, step: &str, metric: &str, percentile: f64) -> u64 {
    let place = PERCENTILES
        .iter()
        .position(|known| *known >= percentile)
        .unwrap();
    run.merged
        .iter()
        .filter(|figure| figure.step == step && figure.metric == metric)
        .map(|figure| figure.percentiles[place])
        .max()
        .unwrap_or(0)
}

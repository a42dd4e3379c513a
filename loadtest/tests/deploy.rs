//! The manifests under `deploy/` are what the lab accepts.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use authlab_loadtest::scenario::Scenario;
use authlab_loadtest::shard::Share;

const JOB: &str = include_str!("../../deploy/load-job.yaml");

/// The block of text below `key: |`, without its indentation.
fn block(key: &str) -> String {
    let lines = JOB
        .lines()
        .skip_while(|line| line.trim() != format!("{key}: |"));
    let text = lines
        .skip(1)
        .take_while(|line| line.is_empty() || line.starts_with("    "));
    text.map(|line| line.get(4..).unwrap_or("").to_owned() + "\n")
        .collect()
}

/// The number after `key`.
fn number(key: &str) -> u32 {
    let line = JOB.lines().find_map(|line| line.trim().strip_prefix(key));
    line.unwrap().parse().unwrap()
}

#[test]
fn the_jobs_scenario_can_be_shared_by_as_many_shards_as_it_has_pods() {
    let scenario = Scenario::parse("scenario.toml", &block("scenario.toml"), "quick").unwrap();
    let pods = number("completions: ");
    assert_eq!(number("parallelism: "), pods);
    assert_eq!(number("- $(JOB_COMPLETION_INDEX)/"), pods);
    let share: Share = format!("{}/{pods}", pods - 1).parse().unwrap();
    share.check(&scenario).unwrap();
}

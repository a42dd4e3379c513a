//! Shards as threads, each with a clock of its own.

use std::thread;

use super::*;

fn plan(seed: u64, build: &str, asked: &str) -> Plan {
    Plan {
        seed,
        build: build.to_owned(),
        asked: asked.to_owned(),
    }
}

/// What becomes of shards, each with its plan and how far its clock is ahead, in milliseconds.
fn met(folder: &Path, shards: &[(&str, Plan, i64)], within: Duration) -> Vec<Result<Met, String>> {
    thread::scope(|scope| {
        let shards: Vec<_> = shards
            .iter()
            .map(|(share, plan, ahead_ms)| {
                scope.spawn(move || {
                    let meeting = Meeting {
                        folder,
                        share: share.parse().unwrap(),
                        plan,
                        within,
                        process: RandomState::new().hash_one(share),
                        clock: || now_ns() + ahead_ms * 1_000_000,
                    };
                    meeting.held().map_err(|error| error.to_string())
                })
            })
            .collect();
        shards
            .into_iter()
            .map(|shard| shard.join().unwrap())
            .collect()
    })
}

/// Long enough for any machine: nothing waits for its end.
const LONG: Duration = Duration::from_secs(100);
const SHORT: Duration = Duration::from_millis(400);

#[test]
fn shards_begin_at_one_instant_ahead_whatever_was_left_in_the_folder() {
    let place = tempfile::tempdir().unwrap();
    let ours = || plan(7, "1", "a");
    let mut before = None;
    for _ in 0..2 {
        // What the first round left is there in the second.
        let shards = [("0/3", ours(), 0), ("1/3", ours(), 0), ("2/3", ours(), 0)];
        let met = met(place.path(), &shards, LONG);
        let first = met[0].clone().unwrap();
        assert!(
            met.iter().all(|other| other.as_ref() == Ok(&first)),
            "{met:?}"
        );
        assert!(before.is_none_or(|before| before < first.start_at));
        // Of one clock: what is left is how long a report takes to be seen.
        assert!(first.apart > Duration::ZERO);
        before = Some(first.start_at);
    }
    let left: Vec<_> = std::fs::read_dir(place.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn a_shard_that_asks_for_something_else_is_named_to_all() {
    let place = tempfile::tempdir().unwrap();
    for (other, expected) in [
        (plan(8, "1", "a"), "shard 1 has another seed (8, not 7)"),
        (
            plan(7, "2", "a"),
            "shard 1 is another build of authlab (2, not 1)",
        ),
        (
            plan(7, "1", "b"),
            "shard 1 has another scenario, load, server or duel",
        ),
    ] {
        let shards = [("0/2", plan(7, "1", "a"), 0), ("1/2", other, 0)];
        for told in met(place.path(), &shards, LONG) {
            assert!(told.clone().unwrap_err().ends_with(expected), "{told:?}");
        }
    }
    let shards = [("0/2", plan(7, "1", "a"), 0), ("1/4", plan(7, "1", "a"), 0)];
    for told in met(place.path(), &shards, LONG) {
        let told = told.unwrap_err();
        assert!(told.ends_with("shard 1 is one of 4, not of 2"), "{told}");
    }
}

#[test]
fn a_clock_that_is_wrong_is_told_with_its_direction() {
    let place = tempfile::tempdir().unwrap();
    let ours = || plan(7, "1", "a");
    for (ahead_ms, expected) in [(60_000, "ahead of"), (-60_000, "behind")] {
        let shards = [
            ("0/3", ours(), 0),
            ("1/3", ours(), 0),
            ("2/3", ours(), ahead_ms),
        ];
        for told in met(place.path(), &shards, LONG) {
            let told = told.unwrap_err();
            assert!(
                told.contains("shard 2 has a clock that is at least "),
                "{told}"
            );
            assert!(
                told.contains(expected) && !told.contains("shard 1"),
                "{told}"
            );
        }
    }
}

#[test]
fn who_is_missing_is_named_and_a_report_that_was_left_is_nobody() {
    let place = tempfile::tempdir().unwrap();
    let ours = || plan(7, "1", "a");
    let left = Report {
        process: 99,
        of: 3,
        seed: 7,
        build: "1".to_owned(),
        asked: "a".to_owned(),
        beat: 12,
        at_ns: now_ns(),
        hears: Some((1, 0)),
        said: Said::Waits {
            missing: Vec::new(),
        },
    };
    report::write(&place.path().join("shard-2.json"), &left).unwrap();
    let told = met(place.path(), &[("0/3", ours(), 0)], SHORT);
    let told = told[0].clone().unwrap_err();
    assert!(
        told.contains("shards 1, 2 of 3 (from 0) did not report in within "),
        "{told}"
    );
    std::fs::remove_file(place.path().join("shard-0.json")).unwrap();
    let told = met(place.path(), &[("1/3", ours(), 0)], SHORT);
    let told = told[0].clone().unwrap_err();
    assert!(
        told.contains("shard 0 of 3 (from 0) did not report in within "),
        "{told}"
    );
}

#[test]
fn two_processes_with_one_share_are_told_so() {
    let place = tempfile::tempdir().unwrap();
    let ours = || plan(7, "1", "a");
    let shards = [("1/2", ours(), 0), ("1/2", ours(), 0)];
    // The one that is left waits for shard 0.
    let told = met(place.path(), &shards, Duration::from_secs(4));
    let is_told = |told: &&Result<Met, String>| {
        told.as_ref()
            .is_err_and(|told| told.contains("another process reports in as shard 1/2"))
    };
    assert!(told.iter().any(|told| is_told(&told)), "{told:?}");
}

//! Three shards make exactly the load of one run, and their sum says so.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "scripted/place.rs"]
mod place;
#[path = "scripted/server.rs"]
mod scripted;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use authlab_loadtest::conductor::{Finished, Order, RunError, conduct};
use authlab_loadtest::scenario::Scenario;
use authlab_loadtest::shard::{Shard, ShardError};
use authlab_reports::folder;
use authlab_reports::merge::{MergeError, merge};
use authlab_reports::run::{Run, Status, Terms, Verdict};
use place::{count, order};
use scripted::{Script, Scripted, serve};

/// Poisson arrivals, a replayed log and closed users.
fn scenario(server: &Scripted, folder: &Path) -> Scenario {
    let mut log = String::new();
    for k in 0..100 {
        writeln!(
            log,
            "{{\"time\":1700000000.{:03}1,\"method\":\"GET\",\"path\":\"/{k}\"}}",
            k * 2
        )
        .unwrap();
    }
    std::fs::write(folder.join("trace.json"), log).unwrap();
    let path = folder.join("s.toml");
    let profile =
        "timeout = \"2s\"\nprofile.quick = { blocks = 1, slice = \"200ms\", warm_up = \"1ms\" }";
    std::fs::write(
        &path,
        format!(
            r#"
name = "s"
question = "?"
[[variant]]
name = "v"
url = "{}"
[[step]]
name = "get"
request = "GET /"
headers = {{ x-user = "{{user}}" }}
[[step]]
name = "replay"
request = "trace"
[[load]]
name = "poisson"
users = 24
rate = 500
spacing = "poisson"
journey = ["get"]
{profile}
[[load]]
name = "log"
users = 24
trace = {{ file = "trace.json", format = "json" }}
journey = ["replay"]
{profile}
[[load]]
name = "closed"
users = 7
think = "10ms"
journey = ["get"]
{profile}
"#,
            server.url
        ),
    )
    .unwrap();
    Scenario::read(&path, "quick").unwrap()
}

/// One after another, since a process runs one at a time. Their start has passed, so that none waits
/// for another; which changes no count.
fn shards(scenario: &Scenario, runs: &Path, of: u32) -> Vec<Finished> {
    let start_at = jiff::Timestamp::now() - Duration::from_secs(600);
    (0..of)
        .map(|number| {
            let share = format!("{number}/{of}").parse().unwrap();
            let order = Order {
                shard: Some(Shard { share, start_at }),
                ..order(runs)
            };
            conduct(scenario, &order, |_| {}).unwrap()
        })
        .collect()
}

fn paths(finished: &[Finished]) -> Vec<PathBuf> {
    finished
        .iter()
        .map(|finished| finished.path.clone())
        .collect()
}

/// What makes another run of a shard.
type Change = fn(&mut Run);

fn planned(run: &Run, load: &str) -> Vec<u64> {
    let slices = run.slices.iter().filter(|slice| slice.load == load);
    slices.map(|slice| slice.planned.unwrap()).collect()
}

#[test]
fn three_shards_merged_are_one_run() {
    let place = tempfile::tempdir().unwrap();
    let runs = place.path().join("runs");
    let server = serve(Script {
        seen_headers: &["x-user"],
        ..Script::default()
    });
    let scenario = scenario(&server, place.path());
    let whole = conduct(&scenario, &order(&runs), |_| {}).unwrap().run;
    server.seen.lock().unwrap().clear();
    let shards = shards(&scenario, &runs, 3);
    let merged = merge(&paths(&shards), &runs, vec!["authlab".into()], false).unwrap();
    let run = &merged.run;

    assert_eq!(run.status, Status::Complete);
    assert_eq!(run.merged_from.len(), 3);
    assert_eq!(folder::read(&merged.path).unwrap(), *run);
    for load in ["poisson", "log"] {
        // The same schedule: as many arrivals in each slice, all of them answered.
        assert_eq!(planned(run, load), planned(&whole, load), "{load}");
    }
    for (step, metric) in [("replay", "response"), ("replay", "timer")] {
        assert_eq!(count(run, step, metric), count(&whole, step, metric));
    }
    for (slice, ours) in run.slices.iter().enumerate().map(|(place, merged)| {
        let ours: Vec<_> = shards
            .iter()
            .map(|shard| &shard.run.slices[place])
            .collect();
        (merged, ours)
    }) {
        assert_eq!(slice.ok, ours.iter().map(|slice| slice.ok).sum::<u64>());
        for figure in &slice.figures {
            let parts = ours
                .iter()
                .filter_map(|at| at.figure(&figure.step, &figure.metric));
            let parts: Vec<_> = parts.collect();
            assert_eq!(
                figure.count,
                parts.iter().map(|part| part.count).sum::<u64>()
            );
            assert_eq!(figure.max, parts.iter().map(|part| part.max).max().unwrap());
            assert_eq!(figure.min, parts.iter().map(|part| part.min).min().unwrap());
        }
    }
    // Users keep the numbers that they have in the whole load.
    let seen = server.seen.lock().unwrap().clone();
    for user in 0..7 {
        assert!(
            seen.contains_key(&format!("GET / {user}")),
            "{user}: {seen:?}"
        );
    }
    // All of them began late, and say so, unless the machine said worse.
    assert_ne!(run.validity.verdict, Verdict::Valid);
    assert!(
        run.slices
            .iter()
            .all(|slice| slice.late_ns > Some(1_000_000_000))
    );
    if run.validity.verdict == Verdict::ClientLimited {
        let late =
            |reason: &String| reason.starts_with("shard 2: ") && reason.contains("slice began");
        assert!(run.validity.reasons.iter().any(late), "{:?}", run.validity);
    }
}

#[test]
fn what_does_not_add_up_is_refused_on_one_line() {
    let place = tempfile::tempdir().unwrap();
    let runs = place.path().join("runs");
    let server = serve(Script::default());
    let mut scenario = scenario(&server, place.path());
    scenario.loads.truncate(1);
    let alone = conduct(&scenario, &order(&runs), |_| {}).unwrap();
    let shards = shards(&scenario, &runs, 2);
    let into = place.path().join("merged");
    let refused = |paths: &[PathBuf]| {
        let error = merge(paths, &into, Vec::new(), false).unwrap_err();
        let left = std::fs::read_dir(&into).map_or(0, Iterator::count);
        assert_eq!(left, 0, "nothing is left of a sum that failed");
        error
    };
    let both = paths(&shards);

    assert!(matches!(refused(&[alone.path]), MergeError::NotAShard(_)));
    let missing = refused(&both[1..]).to_string();
    assert_eq!(
        missing,
        "shard 0 of 2 (from 0) is missing; with --partial the others are added up without it"
    );
    assert!(matches!(
        refused(&[both[0].clone(), both[1].clone(), both[0].clone()]),
        MergeError::Twice { number: 0, .. }
    ));
    let some = merge(&both[1..], &runs, Vec::new(), true).unwrap();
    assert_eq!(
        some.run.status,
        Status::Partial("shard 0 of 2 is missing".into())
    );

    // Each difference by its name.
    let table: [(&str, Change); 8] = [
        ("the build of authlab", |run| run.tool.commit.push('2')),
        ("the terms of the duel", |run| run.duel = Some(terms(None))),
        ("the seed", |run| run.seed = 2),
        ("the profile", |run| run.scenario.profile = "full".into()),
        ("the number of shards", |run| {
            run.shard.as_mut().unwrap().of = 5;
        }),
        ("the start", |run| {
            run.shard.as_mut().unwrap().start_at.push('Z');
        }),
        ("the variants", |run| run.variants[0].name.push('2')),
        ("the loads or their steps", |run| {
            run.scenario.loads[0].steps.clear();
        }),
    ];
    for (what, change) in table {
        let mut other = shards[1].run.clone();
        change(&mut other);
        let file = place.path().join("run.json");
        std::fs::write(&file, serde_json::to_vec(&other).unwrap()).unwrap();
        let said = refused(&[both[0].clone(), file]).to_string();
        assert!(said.contains(&format!("differ in {what}: ")), "{said}");
    }

    // A log that lost lines, or says something else than its run, is named with its line.
    let log = both[1].join("v.hlog");
    let text = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<_> = text.lines().collect();
    for (broken, words) in [
        (lines[..lines.len() - 2].join("\n") + "\n", "it ends before"),
        (
            text.replace("Tag=poisson.get.service", "Tag=x.y.z"),
            "it has tag `x.y.z`",
        ),
        (text.replace("HISTFAAA", "AISTFAAA"), ""),
        (String::new(), "v.hlog:1: it ends before"),
    ] {
        std::fs::write(&log, broken).unwrap();
        let said = refused(&both).to_string();
        assert!(said.contains("v.hlog:") && said.contains(words), "{said}");
    }
}

/// A duel of the variant with itself, under closed users.
fn terms(margin: Option<f64>) -> Terms {
    Terms {
        base: "v".into(),
        head: "v".into(),
        load: "closed".into(),
        gates: vec!["p50".into()],
        within_ms: 1_000,
        looks: Vec::new(),
        margin,
    }
}

#[test]
fn a_shard_that_comes_late_to_a_duel_says_so_and_one_that_is_on_time_measures_every_block() {
    let place = tempfile::tempdir().unwrap();
    let runs = place.path().join("runs");
    let server = serve(Script::default());
    let mut scenario = scenario(&server, place.path());
    scenario.loads.retain(|load| load.name == "closed");
    for load in &mut scenario.loads {
        (load.blocks, load.slice) = (3, Duration::from_millis(20));
    }
    let ridden = |ahead_s: i64| {
        let start_at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(ahead_s);
        let share = "1/2".parse().unwrap();
        let order = Order {
            shard: Some(Shard { share, start_at }),
            duel: Some(terms(None)),
            ..order(&runs)
        };
        let finished = conduct(&scenario, &order, |_| {}).unwrap();
        assert!(finished.error.is_none(), "{:?}", finished.error);
        assert_eq!(finished.run.slices.len(), 6);
        finished.run
    };
    let late = ridden(-60);
    assert_eq!(late.validity.verdict, Verdict::ClientLimited);
    assert!(
        late.validity.reasons[0].contains("6 of 6 slices of this shard began late"),
        "{:?}",
        late.validity
    );
    let punctual = ridden(2);
    let said = punctual.validity.reasons.join("; ");
    // Slices of a duel follow one another without the timeout between them.
    let between = punctual.slices.windows(2);
    let between = between.map(|two| two[1].start_ns - two[0].start_ns);
    assert!(between.max().unwrap() < 2_000_000_000, "{said}");
    assert!(!said.contains("6 of 6"), "{said}");
}

#[test]
fn a_load_that_cannot_be_shared_is_refused_before_anything_is_written() {
    let place = tempfile::tempdir().unwrap();
    let runs = place.path().join("runs");
    let server = serve(Script::default());
    let scenario = scenario(&server, place.path());
    let shard = Shard {
        share: "7/8".parse().unwrap(),
        start_at: jiff::Timestamp::now(),
    };
    let refused = |scenario: &Scenario| {
        let order = Order {
            shard: Some(shard),
            ..order(&runs)
        };
        match conduct(scenario, &order, |_| {}) {
            Err(RunError::Shard(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        refused(&scenario).to_string(),
        "load `closed` has 7 users: too few for 8 shards"
    );
    let text = std::fs::read_to_string(place.path().join("s.toml")).unwrap();
    let searching = text.replace(
        "rate = 500\nspacing",
        "capacity = { slo = \"p99 < 20ms\" }\nspacing",
    );
    let searching = Scenario::parse(
        "s.toml",
        &searching.replace(
            "trace.json",
            &place.path().join("trace.json").display().to_string(),
        ),
        "quick",
    );
    assert_eq!(
        refused(&searching.unwrap()),
        ShardError::Searches("poisson".into())
    );
    let mut started = scenario.clone();
    started.variants[0].target = authlab_loadtest::scenario::Target::reference([].into());
    assert_eq!(refused(&started), ShardError::Started("v".into()));
    assert!(!runs.exists());
}

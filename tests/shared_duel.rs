//! A duel that several processes make, by the words of the Kubernetes Job: they meet in a folder, alternate between two
//! servers that run already, and their sum is judged. Servers differ by far more than a loaded machine hides.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "lab/answers.rs"]
mod answers;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "lab/command.rs"]
mod command;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use answers::serve;
use authlab_reports::folder::{self, Recordings};
use authlab_reports::run::Run;
use command::{Place, error_line, stderr};
use hdrhistogram::Histogram;
use serde_json::Value;

const SHARDS: usize = 4;
const MS: fn(u64) -> Duration = Duration::from_millis;

/// As short as a duel of shards can be: 25 blocks.
const SHORT: [&str; 10] = [
    "--seed",
    "7",
    "--within",
    "1s",
    "--slice",
    "60ms",
    "--warm-up",
    "50ms",
    "--restart-blocks",
    "0",
];

/// Starts one of several processes on a core of its own, as far as there are cores: a generator by itself takes the first.
fn apart(place: &Place, number: usize, words: &[&str]) -> Child {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let core = (number % cores).to_string();
    let on_core = ["-c", &core];
    let is_possible = Command::new("taskset").args(on_core).arg("true").status();
    if !is_possible.is_ok_and(|status| status.success()) {
        return place.start(words);
    }
    Command::new("taskset")
        .args(on_core)
        .arg(env!("CARGO_BIN_EXE_authlab"))
        .args(words)
        .current_dir(place.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Starts all shards of a duel, which meet in the folder of its name.
fn start(place: &Place, name: &str, words: &[&str]) -> Vec<Child> {
    let shard = |number: usize| {
        let share = format!("{number}/{SHARDS}");
        let met = ["--runs", name, "--meet", &format!("met-{name}")];
        let words = [&["duel"], words, &SHORT, &met, &["--shard", &share]].concat();
        apart(place, number, &words)
    };
    (0..SHARDS).map(shard).collect()
}

/// Starts the pods of the Kubernetes Job as processes, for two servers here, within another time and with one user each.
fn start_pods(place: &Place, name: &str, [base, head]: [&str; 2], within: &str) -> Vec<Child> {
    let job = include_str!("../deploy/kubernetes/duel/job.yaml");
    let pods = job
        .lines()
        .find_map(|line| line.trim().strip_prefix("completions: "));
    assert_eq!(pods.unwrap().parse(), Ok(SHARDS));
    let args = job
        .lines()
        .skip_while(|line| line.trim() != "args:")
        .skip(1);
    let args = args.map_while(|line| line.trim().strip_prefix("- "));
    let args: Vec<&str> = args.map(|word| word.trim_matches('"')).collect();
    assert!(
        args.contains(&"duel") && args.contains(&"--meet"),
        "{args:?}"
    );
    let pod = |number: usize| {
        let mut words: Vec<String> = Vec::new();
        for word in &args {
            words.push(match (words.last().map(String::as_str), *word) {
                (_, "http://authlab-baseline:8080") => base.to_owned(),
                (_, "http://authlab-candidate:8080") => head.to_owned(),
                (Some("--within"), _) => within.to_owned(),
                (Some("--users"), _) => SHARDS.to_string(),
                (_, word) => word
                    .replace("$(JOB_COMPLETION_INDEX)", &number.to_string())
                    .replace("/runs/meet", &format!("met-{name}"))
                    .replace("/runs/duel", name),
            });
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        apart(place, number, &[&words[..], &SHORT[4..]].concat())
    };
    (0..SHARDS).map(pod).collect()
}

/// Waits for all shards of a duel; their folders.
fn ended(place: &Place, name: &str, shards: Vec<Child>) -> Vec<String> {
    for shard in shards {
        let output = shard.wait_with_output().unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(
            said.contains("the clocks of all shards are at most "),
            "{said}"
        );
        // Nothing is said of what it found.
        assert!(said.contains("20 of ") && !said.contains("p50"), "{said}");
    }
    folders(place, name)
}

/// The runs of all shards.
fn folders(place: &Place, name: &str) -> Vec<String> {
    let folders = std::fs::read_dir(place.path().join(name)).unwrap();
    let folders = folders.map(|entry| entry.unwrap().path());
    let mut folders: Vec<String> = folders
        .filter(|path| path.join("run.json").exists())
        .map(|path| path.display().to_string())
        .collect();
    // In the order of their shares, whatever second they began in.
    folders.sort_by_key(|path| path[path.find("-of-").unwrap() - 1..].to_owned());
    assert_eq!(folders.len(), SHARDS);
    folders
}

/// Adds shards up: the exit code, the sum's folder and its verdict.
fn merged(place: &Place, into: &str, shards: &[String]) -> (i32, PathBuf, Value) {
    let shards: Vec<&str> = shards.iter().map(String::as_str).collect();
    let output = place.authlab(&[&["merge", "--runs", into], &shards[..]].concat());
    let sums = std::fs::read_dir(place.path().join(into)).unwrap();
    let sum = sums.map(|entry| entry.unwrap().path()).next().unwrap();
    let told = std::fs::read(sum.join("duel.json")).unwrap();
    let told: Value = serde_json::from_slice(&told).unwrap();
    let code = output.status.code().unwrap();
    assert_eq!(told["exit_code"], code, "{}", stderr(&output));
    (code, sum, told)
}

/// A slice's histograms, by step and metric.
type Histograms = BTreeMap<(String, String), Histogram<u64>>;

/// A run, and each slice's histograms.
fn recordings(path: &Path) -> (Run, Vec<Histograms>) {
    let run = folder::read(path).unwrap();
    let mut recordings = Recordings::open(path, &run).unwrap();
    let of = |slice| {
        let recorded = recordings.of(slice).unwrap().into_iter();
        recorded
            .map(|part| ((part.step, part.metric), part.histogram))
            .collect()
    };
    let slices = run.slices.iter().map(of).collect();
    (run, slices)
}

/// Every count and every histogram of the sum is that of its shards; and they were at the same server at the same time.
fn assert_lossless(shards: &[String], sum: &Path) {
    let (whole, of_whole) = recordings(sum);
    let parts: Vec<_> = shards
        .iter()
        .map(|path| recordings(Path::new(path)))
        .collect();
    let blocks = whole.load("closed").or(whole.load("open")).unwrap().blocks;
    assert!(blocks >= 25 && whole.slices.len() == 4 * blocks, "{blocks}");
    for (place, slice) in whole.slices.iter().enumerate() {
        let of_parts: Vec<_> = parts.iter().map(|(run, _)| &run.slices[place]).collect();
        assert!(of_parts.iter().all(|part| part.variant == slice.variant));
        let ok = of_parts.iter().map(|part| part.ok).sum::<u64>();
        let failed = of_parts.iter().map(|part| part.failures()).sum::<u64>();
        assert_eq!((slice.ok, slice.failures()), (ok, failed));
        for (key, histogram) in &of_whole[place] {
            let of_key = parts
                .iter()
                .filter_map(|(_, slices)| slices[place].get(key));
            let mut added = Histogram::<u64>::new(3).unwrap();
            of_key.for_each(|part| added.add(part).unwrap());
            assert_eq!(&added, histogram, "{place}: {key:?}");
        }
    }
    let pairs = whole.slices.windows(2);
    let punctual = pairs.filter(|two| two.iter().all(|slice| slice.late_ns < Some(50_000_000)));
    for two in punctual {
        assert!(
            two[0].start_ns + two[0].length_ns <= two[1].start_ns,
            "{two:?}"
        );
    }
}

/// Duels of four generators between a server of 4 ms and a slower one, until one finds it; what the others said.
fn search(slow: Duration) -> Result<(), Vec<String>> {
    let place = Place::new();
    let (quick, slow) = (serve(MS(4)), serve(slow));
    let mut found = Vec::new();
    // A machine that is so busy that shards are late claims nothing: they try again.
    for attempt in 0..4 {
        let name = format!("slow-{attempt}");
        // 31 blocks, of which 11 may be set aside.
        let shards = start_pods(&place, &name, [&quick, &slow], "40s");
        let shards = ended(&place, &name, shards);
        let (code, sum, told) = merged(&place, &format!("{name}-sum"), &shards);
        if code == 1 {
            assert_eq!(told["rows"][0]["metric"], "p50");
            assert_eq!(told["rows"][0]["verdict"], "slower");
            // The run is judged the same way wherever it is looked at.
            let sum = sum.display().to_string();
            let words = ["compare", &sum, "--base", "baseline", "--head", "candidate"];
            let compared = place.authlab(&words);
            assert_eq!(compared.status.code(), Some(1), "{}", stderr(&compared));
            return Ok(());
        }
        // What is slower never passes: nothing is claimed, and the run says why it is not valid.
        let [outcome, faults, blocks] = ["outcome", "faults", "blocks"].map(|of| &told[of]);
        let is_excused = faults.as_array().is_some_and(|faults| !faults.is_empty());
        assert!(code == 3 && is_excused, "{outcome}, {faults}, {blocks}");
        found.push(format!("{outcome}, {faults}, {blocks}"));
    }
    Err(found)
}

#[test]
fn four_generators_find_a_server_of_three_times_the_latency() {
    if let Err(found) = search(MS(12)) {
        println!("the machine was too busy for a verdict: {found:#?}");
    }
}

#[test]
#[ignore = "it needs a quiet machine"]
fn four_generators_find_a_server_that_is_ten_per_cent_slower() {
    search(Duration::from_micros(4_400)).unwrap();
}

#[test]
fn four_generators_of_one_server_lose_nothing_and_never_find_it_slower() {
    let place = Place::new();
    let server = serve(MS(4));
    let shards = start_pods(&place, "same", [&server, &server], "1s");
    let shards = ended(&place, "same", shards);
    let (code, sum, told) = merged(&place, "sum", &shards);
    assert!(code == 0 || code == 3, "{told}");
    assert_lossless(&shards, &sum);
    assert_claims_nothing(&place, &shards);
}

/// A shard alone, or shards that do not belong together, claim nothing, and one line says why.
fn assert_claims_nothing(place: &Place, shards: &[String]) {
    let alone = place.authlab(&[
        "compare",
        &shards[1],
        "--base",
        "baseline",
        "--head",
        "candidate",
    ]);
    assert_eq!(alone.status.code(), Some(3), "{}", stderr(&alone));
    let said = String::from_utf8_lossy(&alone.stdout).into_owned();
    assert!(
        said.contains("shard 1/4: only the sum of all shards is judged"),
        "{said}"
    );

    let refused = |shards: &[String]| {
        let shards: Vec<&str> = shards.iter().map(String::as_str).collect();
        let output = place.authlab(&[&["merge"], &shards[..]].concat());
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(output.stdout.is_empty());
        error_line(&output)
    };
    let missing = refused(&shards[..3]);
    assert!(
        missing.contains("shard 3 of 4 (from 0) is missing"),
        "{missing}"
    );
    let three = [&shards[0], &shards[1], &shards[2]].map(String::as_str);
    let partial = [&["merge", "--partial", "--runs", "three"], &three[..]].concat();
    let partial = place.authlab(&partial);
    let told = String::from_utf8_lossy(&partial.stdout).into_owned();
    assert_eq!(partial.status.code(), Some(3), "{told}");
    assert!(
        told.contains("shard 3 of 4 is missing") && !told.contains("SLOWER"),
        "{told}"
    );

    let file = Path::new(&shards[3]).join("run.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let changes: [(&[&str], Value, &str); 4] = [
        (&["seed"], 8.into(), "the seed"),
        (&["tool", "commit"], "other".into(), "the build of authlab"),
        (&["duel", "margin"], 0.5.into(), "the terms of the duel"),
        (&["scenario", "name"], "other".into(), "the scenario"),
    ];
    for (path, value, expected) in changes {
        let mut run: Value = serde_json::from_str(&text).unwrap();
        let mut at = &mut run;
        for name in path {
            at = &mut at[*name];
        }
        *at = value;
        std::fs::write(&file, run.to_string()).unwrap();
        let told = refused(shards);
        assert!(told.contains(&format!("differ in {expected}:")), "{told}");
    }
    std::fs::write(&file, text).unwrap();
}

#[test]
fn a_candidate_that_answers_none_of_the_generators_has_lost() {
    let place = Place::new();
    let (base, head) = (serve(MS(1)), serve(Duration::from_secs(1_000)));
    let sides = ["--base", &base, "--head", &head, "--timeout", "200ms"];
    for shard in start(&place, "silent", &sides) {
        let output = shard.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
        assert!(error_line(&output).contains("no request was answered in 2 slices"));
    }
    let (code, _, told) = merged(&place, "sum", &folders(&place, "silent"));
    assert_eq!(
        (code, &told["silent"]["variant"]),
        (1, &"head".into()),
        "{told}"
    );
}

#[test]
fn four_generators_send_the_requests_of_one_in_the_same_slices() {
    let place = Place::new();
    let url = serve(Duration::ZERO);
    place.write(
        "open.toml",
        "name = \"open\"\nquestion = \"?\"\n[[variant]]\nname = \"replaced\"\nurl = \"http://127.0.0.1:1\"\n\
         [[step]]\nname = \"get\"\nrequest = \"GET /\"\n\
         [[load]]\nname = \"open\"\nusers = 40\nrate = 600\nspacing = \"poisson\"\njourney = [\"get\"]\n\
         profile.quick = { blocks = 1, slice = \"60ms\" }\n",
    );
    let words = ["open.toml", "--base", &url, "--head", &url];
    let whole = place.authlab(&[&["duel"], &words[..], &SHORT, &["--runs", "whole"]].concat());
    assert!(
        matches!(whole.status.code(), Some(0 | 1 | 3)),
        "{}",
        stderr(&whole)
    );
    let whole = std::fs::read_dir(place.path().join("whole")).unwrap();
    let whole = whole.map(|entry| entry.unwrap().path()).next().unwrap();
    let shards = start(&place, "four", &words);
    let shards = ended(&place, "four", shards);
    let (_, sum, _) = merged(&place, "sum", &shards);
    assert_lossless(&shards, &sum);

    let (one, of_one) = recordings(&whole);
    let (four, of_four) = recordings(&sum);
    assert!(one.slices.len() >= 80, "{}", one.slices.len());
    let key = ("get".to_owned(), "response".to_owned());
    for (place, (one, four)) in one.slices.iter().zip(&four.slices).enumerate() {
        assert_eq!((&one.variant, one.block), (&four.variant, four.block));
        assert_eq!(one.planned, four.planned, "{place}");
        for (slice, of) in [(one, &of_one[place]), (four, &of_four[place])] {
            // An arrival has its answer, or failed: that a busy machine sent it too late is a failure.
            assert_eq!(slice.planned, Some(slice.ok + slice.failures()), "{place}");
            assert_eq!(of.get(&key).map_or(0, Histogram::len), slice.ok);
        }
    }
}

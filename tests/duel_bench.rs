//! `authlab duel --bench` from the command line: verdicts, bad input, interrupts.
//!
//! The binaries are stand-ins whose medians are known (see `lab/benchmarks.rs`); their time is not
//! measured but told, so that a verdict depends on no machine.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "lab/benchmarks.rs"]
mod benchmarks;
#[allow(dead_code, reason = "a duel of benchmarks leaves no run")]
#[path = "lab/command.rs"]
mod command;

use std::process::{Child, Command, Output};

use benchmarks::{binary, binary_that, slices};
use command::{Place, error_line, eventually, stderr};

const DUEL: &[&str] = &["duel", "--bench"];

/// The words of a duel whose temporary files are kept within the place.
fn command(place: &Place, words: &[&str]) -> Command {
    let folder = place.path().join("tmp");
    std::fs::create_dir_all(&folder).unwrap();
    let mut command = place.command(&[DUEL, words].concat());
    command.env("TMPDIR", folder);
    command
}

fn duel(place: &Place, words: &[&str]) -> Output {
    let output = command(place, words).output().unwrap();
    place.assert_nothing_left();
    assert_no_files_left(place);
    output
}

fn assert_no_files_left(place: &Place) {
    let left = std::fs::read_dir(place.path().join("tmp")).unwrap();
    assert_eq!(left.count(), 0);
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_slower_head_is_found_and_both_sides_took_turns() {
    let place = Place::new();
    binary(&place, "main", &[("hit/1", 100), ("hit/10", 1_000)]);
    binary(&place, "pr", &[("hit/1", 120), ("hit/10", 1_000)]);
    let output = duel(&place, &["main", "pr", "--seed", "7"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let text = stdout(&output);
    for line in [
        "hit/1       100 ns   120 ns  +20.0 %  +20.0 % … +20.0 %     SLOWER      20",
        "hit/10     1.00 µs  1.00 µs    ~ 0 %          0 % … 0 %  no change      20",
        "exit 1 · repeat: authlab duel --bench main pr --seed 7",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let slices = slices(&place);
    assert_eq!(slices.len(), 20 * 4);
    let blocks: Vec<&[String]> = slices.chunks(4).collect();
    for block in &blocks {
        assert_eq!([&block[0], &block[1]], [&block[3], &block[2]], "{block:?}");
        assert_ne!(block[0], block[1]);
    }
    for first in ["main", "pr"] {
        let count = blocks.iter().filter(|block| block[0] == first).count();
        assert!(count >= 5, "{first} began {count} of 20 blocks");
    }
}

#[test]
fn a_binary_against_itself_is_no_change_in_every_form() {
    let place = Place::new();
    binary(&place, "lab", &[("hit/1", 100), ("miss/1", 7)]);
    let output = duel(&place, &["lab", "./lab", "hit", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let duel_json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = duel_json["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "the filter holds");
    assert_eq!(rows[0]["verdict"], "no-change");
    let output = duel(&place, &["lab", "lab", "hit", "--format", "markdown"]);
    assert!(stdout(&output).starts_with("### no change: 1 benchmark\n"));
}

#[test]
fn what_cannot_be_compared_is_one_line_and_exit_two() {
    let place = Place::new();
    let fails = "[ $(wc -l < slices) -lt 6 ] || { echo 'no more memory.' >&2; exit 7; }";
    binary(&place, "lab", &[("hit/1", 100), ("hit/10", 100)]);
    binary(
        &place,
        "more",
        &[("hit/1", 100), ("hit/10", 100), ("hit/2", 1)],
    );
    binary_that(&place, "fails", fails, &[("hit/1", 100)]);
    binary_that(&place, "silent", "exit 0", &[("hit/1", 100)]);
    place.write("text", "no program");
    let table: [(&[&str], &[&str]); 9] = [
        (
            &["lab", "nothing"],
            &["head: nothing: No such file", "criterion benchmark binary"],
        ),
        (&["text", "lab"], &["base: text is no program"]),
        (
            &["/bin/true", "/bin/true"],
            &["base: /bin/true lists no benchmarks"],
        ),
        (
            &["/bin/ls", "lab"],
            &[
                "base: /bin/ls: `--bench --list` ended with exit status: 2",
                "it said:",
            ],
        ),
        (
            &["lab", "lab", "mis+"],
            &["matches `mis+`, a regular expression", "has hit/1, hit/10"],
        ),
        (
            &["more", "lab"],
            &[
                "head: ",
                "lab has no benchmark hit/2",
                "nothing to compare with",
            ],
        ),
        (&["lab", "more"], &["base: ", "lab has no benchmark hit/2"]),
        (
            &["lab", "fails", "hit/1$"],
            &[
                "head: ",
                "/fails: `--bench",
                "exit status: 7",
                "it said: no more memory; ",
            ],
        ),
        (
            &["silent", "lab", "hit/1$"],
            &["base: ", "/silent: benchmark hit/1 left no sample"],
        ),
    ];
    for (words, expected) in table {
        let output = duel(&place, words);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{words:?}: {}",
            stderr(&output)
        );
        let line = error_line(&output);
        for said in expected {
            assert!(line.contains(said), "{words:?}: {line}");
        }
    }
}

/// Starts a duel whose slices take a while, and waits until it has a block.
fn long_duel(place: &Place) -> Child {
    binary_that(place, "lab", "sleep 0.2", &[("hit/1", 100)]);
    let mut command = command(place, &["lab", "lab", "--inconclusive", "pass"]);
    let child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    assert!(eventually(|| slices(place).len() >= 6));
    child
}

fn interrupt(child: &Child) {
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[test]
fn one_interrupt_shows_what_was_measured_and_is_no_pass() {
    let place = Place::new();
    let child = long_duel(&place);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(
        text.contains("hit/1") && text.contains("unfinished"),
        "{text}"
    );
    assert!(error_line(&output).contains("interrupted"));
    place.assert_nothing_left();
    assert_no_files_left(&place);
}

#[test]
fn two_interrupts_leave_no_process() {
    let place = Place::new();
    let child = long_duel(&place);
    interrupt(&child);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    place.assert_nothing_left();
}

/// A stand-in for a binary whose benchmarks have long ids: `--list` cuts titles short and numbers those that agree,
/// as criterion 0.8 does, and the filter is matched against ids in full.
fn long_binary(place: &Place, name: &str, benchmarks: &[(&str, u32)]) {
    use std::fmt::Write as _;
    use std::os::unix::fs::PermissionsExt;

    let mut script =
        "#!/bin/sh\nfor word; do case $word in --list) list=1 ;; esac; filter=$word; done\n\
        case $filter in --*) filter=. ;; esac\nfilter=$(echo \"$filter\" | sed 's/?://')\n\
        [ \"$list\" ] || echo \"$filter\" >> filters\n"
            .to_owned();
    let mut titles: Vec<String> = Vec::new();
    for (number, (id, ns)) in benchmarks.iter().enumerate() {
        let cut = if id.len() > 100 {
            format!("{}...", &id[..100])
        } else {
            (*id).to_owned()
        };
        let agree = titles.iter().filter(|title| **title == cut).count();
        titles.push(cut.clone());
        let title = if agree == 0 {
            cut
        } else {
            format!("{cut} #{}", agree + 1)
        };
        let written = write!(
            script,
            "if echo '{id}' | grep -qE -- \"$filter\"; then\n\
             if [ \"$list\" ]; then echo '{title}: benchmark'; else\n\
             new=$CRITERION_HOME/{number}/new; mkdir -p \"$new\"\n\
             echo '{{\"full_id\":\"{id}\",\"title\":\"{title}\",\"directory_name\":\"{number}\"}}' > \"$new/benchmark.json\"\n\
             echo '{{\"iters\":[10,20,30],\"times\":[{ns}0,{}0,{}0]}}' > \"$new/sample.json\"\nfi; fi\n",
            2 * ns,
            3 * ns
        );
        written.unwrap();
    }
    script += "exit 0\n";
    place.write(name, &script);
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(place.path().join(name), mode).unwrap();
}

#[test]
fn ids_that_agree_in_their_first_hundred_characters_are_told_apart() {
    let place = Place::new();
    let start = format!("group/{}", "x".repeat(100));
    let (one, other) = (format!("{start}-one"), format!("{start}-other"));
    long_binary(
        &place,
        "main",
        &[(&one, 100), (&other, 1_000), ("a/b", 10), ("a/b", 20)],
    );
    // In another order, so that the numbers of the titles mean others.
    long_binary(
        &place,
        "pr",
        &[(&other, 1_000), (&one, 120), ("a/b", 10), ("a/b", 20)],
    );
    let output = duel(&place, &["main", "pr", "--seed", "7", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows: Vec<_> = told["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["benchmark"].as_str().unwrap(),
                row["base_ns"].as_f64().unwrap(),
                row["verdict"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            (one.as_str(), 100.0, "slower"),
            (&other, 1_000.0, "no-change"),
            ("a/b", 10.0, "no-change"),
            ("a/b #2", 20.0, "no-change"),
        ]
    );
    // Once the ids are known, a slice runs what is open and nothing else.
    let filters = std::fs::read_to_string(place.path().join("filters")).unwrap();
    assert!(
        filters.lines().last().unwrap().contains(&other),
        "{filters}"
    );
}

#[test]
fn a_long_id_that_one_side_lacks_is_named_in_full() {
    let place = Place::new();
    let start = format!("group/{}", "x".repeat(100));
    let (one, other) = (format!("{start}-one"), format!("{start}-other"));
    long_binary(&place, "main", &[(&one, 100)]);
    long_binary(&place, "pr", &[(&other, 100)]);
    let output = duel(&place, &["main", "pr"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let line = error_line(&output);
    assert!(
        line.contains("head: ") && line.contains(&format!("no benchmark {one}")),
        "{line}"
    );
}

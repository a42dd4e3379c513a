//! What a person sees, on a terminal of the usual size and on a small one.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use authlab_loadtest::live::{Aim, Distribution};
use authlab_loadtest::progress::{Left, Snapshot};
use authlab_reports::run::{Validity, Verdict};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::super::watched::{Latency, Now, Row, Watched};
use super::draw;

const USUAL: (u16, u16) = (80, 24);
const SMALL: (u16, u16) = (60, 20);

fn shown(watched: &Watched, (columns, rows): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| draw(frame, watched)).unwrap();
    terminal.backend().to_string()
}

fn nothing_yet() -> Watched {
    Watched {
        heading: "thousandfold · quick".to_owned(),
        elapsed: Duration::from_secs(1),
        left: Left {
            done: 0,
            planned: 96,
            time: Duration::ZERO,
        },
        now: Now::Starting {
            variant: "argon2-every-request".to_owned(),
        },
        rows: Vec::new(),
        validity: Validity {
            verdict: Verdict::Empty,
            reasons: Vec::new(),
        },
    }
}

fn running() -> Watched {
    Watched {
        elapsed: Duration::from_secs(72),
        left: Left {
            done: 34,
            planned: 96,
            time: Duration::from_secs(131),
        },
        now: Now::Slice(Arc::new(slice(BTreeMap::new()))),
        rows: vec![
            row("argon2-every-request", "one-user", 402_000_000, 0),
            row("sha256+route-key", "one-user", 58_300, 0),
            row("argon2-every-request", "open-1000", 9_410_000_000, 0),
            row("sha256+route-key", "open-1000", 61_200, 0),
        ],
        validity: Validity {
            verdict: Verdict::Valid,
            reasons: Vec::new(),
        },
        ..nothing_yet()
    }
}

fn with_errors() -> Watched {
    let failed = [
        ("items: status 503".to_owned(), 1_204),
        ("items: the body does not contain `article`".to_owned(), 31),
        ("never sent: every user was busy".to_owned(), 7),
    ];
    let mut rows = running().rows;
    rows[3].failed = 12_420;
    Watched {
        now: Now::Slice(Arc::new(slice(failed.into()))),
        rows,
        validity: Validity {
            verdict: Verdict::ServerLimited,
            reasons: vec![
                "sha256+route-key under open-1000: 11.2 % of the requests failed (12420 × items: status 503)".to_owned(),
                "argon2-every-request under open-1000: 1.4 % of the requests failed (80 × items: no answer in time)".to_owned(),
            ],
        },
        ..running()
    }
}

/// 1 200 requests around 60 µs, and a few that waited.
fn slice(failed: BTreeMap<String, u64>) -> Snapshot {
    let usual = (0..1_200_u64).map(|n| 45_000 + n * n / 40);
    let slow = (0..12_u64).map(|n| 400_000 << (n % 6));
    Snapshot {
        variant: "sha256+route-key".to_owned(),
        load: "open-1000".to_owned(),
        aim: Aim::Block(4),
        blocks: 12,
        elapsed: Duration::from_millis(1_210),
        length: Duration::from_secs(2),
        offered: Some(1_000.0),
        failed,
        open: true,
        retried: 0,
        response: Distribution::of(usual.clone().chain(slow)),
        service: Distribution::of(usual.map(|ns| ns / 2)),
        timer: Distribution::of((0..1_212).map(|n| 300 + n * 3)),
        left: running_left(),
    }
}

fn running_left() -> Left {
    Left {
        done: 34,
        planned: 96,
        time: Duration::from_secs(131),
    }
}

fn row(variant: &str, load: &str, p50_ns: u64, failed: u64) -> Row {
    Row {
        variant: variant.to_owned(),
        load: load.to_owned(),
        latency: Some(Latency {
            p50_ns,
            p99_ns: p50_ns * 3,
        }),
        failed,
        per_second: 6_132.5,
        slices: 8,
        ..Row::default()
    }
}

#[test]
fn a_run_that_has_measured_nothing_says_what_it_waits_for() {
    insta::assert_snapshot!("nothing_yet_usual", shown(&nothing_yet(), USUAL));
    insta::assert_snapshot!("nothing_yet_small", shown(&nothing_yet(), SMALL));
}

#[test]
fn a_slice_under_way_stands_with_its_histogram_above_what_was_measured() {
    insta::assert_snapshot!("running_usual", shown(&running(), USUAL));
    insta::assert_snapshot!("running_small", shown(&running(), SMALL));
}

#[test]
fn failures_and_the_reasons_against_the_run_are_in_words() {
    insta::assert_snapshot!("with_errors_usual", shown(&with_errors(), USUAL));
    insta::assert_snapshot!("with_errors_small", shown(&with_errors(), SMALL));
}

#[test]
fn the_row_under_way_is_shown_however_many_there_are() {
    let mut watched = running();
    let before = (0..30).map(|n| row(&format!("variant-{n}"), "open-1000", 1_000, 0));
    watched.rows.splice(0..0, before);
    for rows in [10, 20, 24] {
        let shown = shown(&watched, (80, rows));
        let table = shown
            .lines()
            .filter(|line| line.contains("sha256+route-key"));
        assert!(table.count() > 1 || rows == 10, "{shown}");
    }
}

#[test]
fn no_terminal_is_too_small() {
    for size in [(1, 1), (3, 24), (20, 5), (40, 12), (200, 60)] {
        for watched in [nothing_yet(), running(), with_errors()] {
            shown(&watched, size);
        }
    }
}

//! `authlab load` with open arrivals: an idle server keeps no user busy, and an overloaded one is
//! said to answer what it answers, in every output alike.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "lab/command.rs"]
#[allow(dead_code, reason = "a run that is not interrupted needs less")]
mod command;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use command::{Place, stderr};
use serde_json::Value;

/// Answers one request at a time, over all connections, each in `takes` at least.
fn listen(takes: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let turn = Arc::new(Mutex::new(()));
    // It ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, turn) = (stream.unwrap(), Arc::clone(&turn));
            std::thread::spawn(move || {
                let mut part = [0; 4096];
                while let Ok(1..) = stream.read(&mut part) {
                    let turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
                    let begun = Instant::now();
                    while let Some(left) = takes.checked_sub(begun.elapsed()) {
                        std::thread::sleep(left);
                    }
                    drop(turn);
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                    if stream.write_all(answer).is_err() {
                        return;
                    }
                }
            });
        }
    });
    url
}

/// The text between two others, with spaces between thousands left out.
fn between(text: &str, before: &str, after: &str) -> String {
    let (_, rest) = text
        .split_once(before)
        .unwrap_or_else(|| panic!("{before}: {text}"));
    let (found, _) = rest.split_once(after).unwrap();
    found.replace('\u{202f}', "")
}

#[test]
fn a_low_rate_at_an_idle_server_finds_no_user_busy() {
    let place = Place::new();
    let url = listen(Duration::ZERO);
    let output = place.authlab(&["load", &url, "--rate", "10", "-d", "4s", "--warm-up", "1ms"]);
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        stderr(&output)
    );
    assert!(said.contains("planned 10.0 arrivals/s"), "{said}");
    assert!(said.contains(" 0.0 % found every user busy"), "{said}");
    let run = place.run_json();
    let validity = run["validity"].to_string();
    // Whether the machine was quiet meanwhile is its own matter.
    assert!(
        !validity.contains("busy") && !validity.contains("server-limited"),
        "{validity}"
    );
    let metrics = run["merged"].as_array().unwrap().iter();
    let queued = metrics.filter(|figure| figure["metric"] == "queued");
    assert_eq!(queued.count(), 0, "{validity}");
}

#[test]
fn an_overloaded_servers_rate_and_response_time_are_the_same_in_every_output() {
    let place = Place::new();
    let takes = Duration::from_millis(5);
    let url = listen(takes);
    let output = place.authlab(&[
        "load",
        &url,
        "--rate",
        "400",
        "--users",
        "8",
        "-d",
        "1s",
        "--warm-up",
        "1ms",
    ]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let folder = place.run();
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let rate = |text: &str| {
        between(text, "planned 400 arrivals/s, answered ", "/s")
            .parse::<f64>()
            .unwrap()
    };
    let answered = rate(&text);
    // A loaded machine only makes the server slower than 200/s.
    assert!(answered > 1.0 && answered <= 200.5, "{text}");
    // Markdown escapes none of this.
    assert!((rate(&read("summary.md")) - answered).abs() < 1e-9);
    assert!((rate(&read("index.html")) - answered).abs() < 1e-9);
    let run = place.run_json();
    let slices = run["slices"].as_array().unwrap();
    let sum = |key: &str| -> f64 {
        slices
            .iter()
            .map(|slice| slice[key].as_f64().unwrap())
            .sum()
    };
    let of_json = sum("ok") / (sum("answered_ns") / 1e9);
    assert!((of_json / answered - 1.0).abs() < 0.01, "{of_json}: {text}");
    assert!(sum("answered_ns") <= sum("length_ns"));
    assert!((sum("planned_ns") - 1e9).abs() < 1.0);
    // The last answer ends the slice: under twice its rate a server is busy until then.
    let until_last = sum("ok") / (sum("length_ns") / 1e9);
    assert!(
        (until_last / answered - 1.0).abs() < 0.01,
        "{until_last}: {text}"
    );

    // Of 400 requests planned in one second, the median has waited for 200 that take 5 ms each, less
    // the half of a second in which they were planned.
    let p50 = |metric: &str| {
        let figures = run["merged"].as_array().unwrap();
        let mut figures = figures.iter();
        let of = figures.find(|figure: &&Value| figure["metric"] == metric);
        of.unwrap()["percentiles"][0].as_f64().unwrap() / 1e6
    };
    assert!(p50("response") >= 490.0, "{} ms", p50("response"));
    assert!(p50("service") * 2.0 < p50("response"), "{text}");
    for text in [&text, &read("summary.md"), &read("index.html")] {
        let places = [
            "response time",
            "service time",
            "; response time ",
            "; service time ",
        ]
        .map(|part| text.find(part).unwrap_or_else(|| panic!("{part}: {text}")));
        assert!(places[0] < places[1] && places[2] < places[3], "{text}");
    }
}

#[test]
fn a_program_is_told_the_time_in_which_the_answers_came() {
    let place = Place::new();
    let url = listen(Duration::from_millis(5));
    let output = place.authlab(&[
        "load",
        &url,
        "--rate",
        "400",
        "--users",
        "8",
        "-d",
        "400ms",
        "--warm-up",
        "1ms",
        "--json",
    ]);
    let text = String::from_utf8(output.stdout).unwrap();
    let slices = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["event"] == "slice");
    let mut seen = 0;
    for slice in slices {
        let rate = slice["ok"].as_f64().unwrap() / (slice["answered_ns"].as_f64().unwrap() / 1e9);
        assert!(rate <= 200.5, "{slice}");
        assert_eq!(slice["planned"], 160);
        seen += 1;
    }
    assert_eq!(seen, 1, "{text}");
}

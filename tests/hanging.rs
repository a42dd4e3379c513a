//! A side of a duel that stops answering: the duel ends within the time that it announces, with that as its verdict. And
//! a tool that is stopped for a while: no figure takes that for the server's time.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "lab/command.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod command;

use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use command::{Place, eventually, stderr};
use serde_json::Value;

/// Answers so many requests, on all connections, and hangs from then on.
const HANGS: &str = r#"
import socket, sys, threading, time
port, left = int(sys.argv[1]), int(sys.argv[2])
def answer(connection):
    global left
    while connection.recv(65536):
        left -= 1
        if left < 0:
            time.sleep(600)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
listener = socket.create_server(("127.0.0.1", port))
while True:
    threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()
"#;

fn null() -> String {
    format!(
        "{} null --listen 127.0.0.1:{{port}}",
        env!("CARGO_BIN_EXE_authlab")
    )
}

fn hangs(place: &Place, answers: usize) -> String {
    place.write("hangs.py", HANGS);
    format!(
        "python3 {}/hangs.py {{port}} {answers}",
        place.path().display()
    )
}

/// A server of this test, which accepts connections and never answers.
fn mute() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

fn duel(place: &Place, base: &str, head: &str, more: &[&str]) -> (Value, String, Duration) {
    let began = Instant::now();
    let words = ["duel", "--base", base, "--head", head, "--format", "json"];
    let output = place.authlab(&[&words, more].concat());
    let took = began.elapsed();
    let told: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{:?} {}", output.status, stderr(&output)));
    assert_eq!(told["exit_code"], output.status.code().unwrap());
    place.assert_nothing_left();
    (told, stderr(&output), took)
}

#[test]
fn a_head_that_stops_answering_loses_the_duel_within_the_time_announced() {
    for answers in [1, 100] {
        let place = Place::new();
        let head = hangs(&place, answers);
        let (told, said, took) = duel(&place, &null(), &head, &["--timeout", "500ms"]);
        assert_eq!(told["exit_code"], 1, "{told}");
        assert_eq!(told["outcome"], "limit-broken");
        assert_eq!(told["silent"]["variant"], "head");
        assert!(
            told["faults"][0]
                .as_str()
                .unwrap()
                .contains("no request was answered"),
            "{told}"
        );
        assert!(
            said.contains("a side that stops answering ends it within"),
            "{said}"
        );
        // It took a quarter of an hour; the seconds that are announced are for a quiet machine.
        assert!(took < Duration::from_secs(30), "{took:?}");
        let text = std::fs::read_to_string(place.run().join("duel.txt")).unwrap();
        assert!(text.contains("exit 1, does not answer"), "{text}");
        // The same run gives the same verdict when it is read again.
        let run = place.run().display().to_string();
        let again = place.authlab(&["compare", &run, "--base", "base", "--head", "head"]);
        assert_eq!(again.status.code(), Some(1), "{}", stderr(&again));
    }
}

#[test]
fn a_base_that_answers_nothing_is_bad_input_and_so_are_two_sides_that_do_not() {
    let place = Place::new();
    let (_mute, url) = mute();
    let (told, said, _) = duel(&place, &url, &null(), &["--timeout", "300ms"]);
    assert_eq!(told["exit_code"], 2, "{told}");
    assert_eq!(told["silent"]["variant"], "base");
    assert!(said.contains("variant `base`"), "{said}");
    let place = Place::new();
    let (told, _, _) = duel(&place, &url, &url, &["--timeout", "300ms"]);
    assert_eq!(
        (&told["exit_code"], &told["silent"]["variant"]),
        (&2.into(), &"base".into())
    );
    // A head that was never heard is judged without any figure.
    let place = Place::new();
    let (told, _, _) = duel(&place, &null(), &url, &["--timeout", "300ms"]);
    assert_eq!(
        (&told["exit_code"], &told["silent"]["variant"]),
        (&1.into(), &"head".into())
    );
}

#[test]
fn a_run_and_a_load_take_the_same_timeout_and_name_what_does_not_answer() {
    let (_mute, url) = mute();
    let place = Place::new();
    place.write(
        "s.toml",
        &format!(
            "name = \"s\"\nquestion = \"?\"\n[[variant]]\nname = \"v\"\nurl = \"{url}\"\n[[step]]\nname = \"get\"\n\
             request = \"GET /\"\n[[load]]\nname = \"one\"\nusers = 1\njourney = [\"get\"]\n\
             profile.quick = {{ blocks = 50, slice = \"50ms\", warm_up = \"10ms\" }}\n"
        ),
    );
    let began = Instant::now();
    for words in [
        &["run", "s.toml", "--timeout", "200ms", "--quiet"][..],
        &[
            "load",
            &url,
            "--timeout",
            "200ms",
            "-d",
            "1s",
            "--warm-up",
            "10ms",
            "--quiet",
        ],
    ] {
        let output = place.authlab(words);
        assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
        assert!(
            stderr(&output).contains(
                "no request was answered in 2 slices in a row; each was waited for for 200 ms"
            ),
            "{}",
            stderr(&output)
        );
    }
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "{:?}",
        began.elapsed()
    );
    for wrong in ["0s", "x", "-1s"] {
        let output = place.authlab(&["run", "s.toml", &format!("--timeout={wrong}")]);
        assert_eq!(output.status.code(), Some(2));
        assert!(
            stderr(&output).contains("is not a duration"),
            "{}",
            stderr(&output)
        );
    }
}

/// For longer than any machine of tests lets a process wait.
const STOPPED: Duration = Duration::from_secs(3);

#[test]
fn a_tool_that_was_stopped_says_so_and_charges_no_server_with_it() {
    let place = Place::new();
    place.write(
        "s.toml",
        &format!(
            "name = \"s\"\nquestion = \"?\"\n[[variant]]\nname = \"v\"\n\
             command = [\"{}\", \"null\", \"--listen\", \"127.0.0.1:{{port}}\"]\n\
             [[step]]\nname = \"get\"\nrequest = \"GET /\"\n[[load]]\nname = \"open\"\nusers = 4\nrate = 50\njourney = [\"get\"]\n\
             profile.quick = {{ blocks = 6, slice = \"1s\", warm_up = \"20ms\" }}\n",
            env!("CARGO_BIN_EXE_authlab")
        ),
    );
    let child = place.start(&["run", "s.toml", "--quiet"]);
    let measured = || {
        place.path().join("reports/runs").exists()
            && place.run().join("run.json").exists()
            && !place.run_json()["slices"].as_array().unwrap().is_empty()
    };
    assert!(eventually(measured));
    let signal = |name: &str| {
        let sent = Command::new("kill")
            .args([name, &child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    };
    // Not in the moment between two slices.
    std::thread::sleep(Duration::from_millis(300));
    signal("-STOP");
    std::thread::sleep(STOPPED);
    signal("-CONT");
    let output = child.wait_with_output().unwrap();
    let run = place.run_json();
    let slices = run["slices"].as_array().unwrap();
    let paused: Vec<&Value> = slices
        .iter()
        .filter(|slice| !slice["paused_ns"].is_null())
        .collect();
    let long =
        |slice: &&Value| slice["paused_ns"].as_f64().unwrap() > STOPPED.as_secs_f64() * 0.5e9;
    assert!(paused.iter().any(long), "{paused:?}");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let reasons = run["validity"]["reasons"].to_string();
    assert!(
        reasons.contains("the load generator was stopped for "),
        "{reasons}"
    );
    // Six seconds of a server that answers at once: what the stop lasted is in no figure of the run.
    for figure in run["merged"].as_array().unwrap() {
        let max = figure["max"].as_f64().unwrap();
        assert!(max < STOPPED.as_secs_f64() * 0.8e9, "{figure}");
    }
    let count: u64 = run["merged"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|figure| figure["metric"] == "service")
        .map(|figure| figure["count"].as_u64().unwrap())
        .sum();
    let kept = slices.iter().filter(|slice| slice["paused_ns"].is_null());
    assert_eq!(
        count,
        kept.map(|slice| slice["ok"].as_u64().unwrap()).sum::<u64>()
    );
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(
        shown.contains("the load generator was stopped for "),
        "{shown}"
    );
}

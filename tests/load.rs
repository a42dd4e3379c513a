//! `authlab load`: what is sent, what is written down, and what is refused.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "lab/command.rs"]
#[allow(dead_code, reason = "a run that is not interrupted needs less")]
mod command;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use command::{Place, error_line, stderr};

/// Answers each request with a status, on one connection after another, and keeps what it read.
fn listen(status: &'static str) -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let read = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&read);
    // It ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, kept) = (stream.unwrap(), Arc::clone(&kept));
            std::thread::spawn(move || {
                let mut part = [0; 4096];
                while let Ok(length @ 1..) = stream.read(&mut part) {
                    let text = String::from_utf8_lossy(&part[..length]).into_owned();
                    let mut kept = kept.lock().unwrap();
                    if kept.len() < 10_000 {
                        kept.push_str(&text);
                    }
                    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
                    if stream.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, read)
}

const SHORT: [&str; 6] = ["-d", "60ms", "--warm-up", "1ms", "--timeout", "5s"];

fn load(place: &Place, words: &[&str]) -> std::process::Output {
    let mut all = vec!["load"];
    all.extend_from_slice(words);
    all.extend(SHORT);
    place.authlab(&all)
}

#[test]
fn what_is_typed_is_what_is_sent_and_secrets_are_not_written_down() {
    let place = Place::new();
    place.write("body.txt", "s3cret body");
    let (address, read) = listen("401 Unauthorized");
    let url = format!("http://{address}/login?of=user");
    let words = [
        &url,
        "-X",
        "put",
        "--data",
        "@body.txt",
        "-H",
        "X-Key: s3cret key",
        "--expect",
        "200,401",
        "--users",
        "2",
    ];
    let output = load(&place, &words);
    // Whether so short a run is valid is the machine's matter.
    assert_ne!(output.status.code(), Some(2), "{}", stderr(&output));
    let sent = read.lock().unwrap().clone();
    assert!(
        sent.starts_with("PUT /login?of=user HTTP/1.1\r\n"),
        "{sent}"
    );
    assert!(sent.contains("x-key: s3cret key\r\n"), "{sent}");
    assert!(sent.contains("\r\n\r\ns3cret body"), "{sent}");
    let run = place.run_json();
    assert_eq!(run["variants"][0]["target"], format!("http://{address}"));
    assert_eq!(run["slices"][0]["failed"], serde_json::json!({}));
    let words = run["command"].to_string();
    for word in [
        "--method",
        "PUT",
        "--expect",
        "200,401",
        "X-Key: …",
        "--data",
    ] {
        assert!(words.contains(word), "{word}: {words}");
    }
    for file in std::fs::read_dir(place.run()).unwrap() {
        let text = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&text).contains("s3cret"));
    }
}

/// What is recorded of a run that is killed is what it had written of its seconds.
#[test]
fn a_load_that_is_killed_leaves_the_seconds_that_it_had_measured() {
    for rate in [&[][..], &["--rate", "200"]] {
        let place = Place::new();
        let (address, _) = listen("200 OK");
        let words = [&["load", &address, "-d", "300s", "--warm-up", "1ms"], rate].concat();
        let mut child = place.start(&words);
        let seconds = || {
            let runs = place.path().join("reports/runs");
            let begun = runs.read_dir().is_ok_and(|mut runs| runs.next().is_some());
            let written = begun && place.run().join("run.json").exists();
            let run = if written { place.run_json() } else { return 0 };
            run["slices"][0]["intervals"].as_array().map_or(0, Vec::len)
        };
        assert!(command::eventually(|| seconds() >= 1));
        child.kill().unwrap();
        child.wait().unwrap();
        let run = place.run_json();
        assert_eq!(run["status"]["is"], "partial");
        let slice = &run["slices"][0];
        let sum = |member: &str| -> u64 {
            let intervals = slice["intervals"].as_array().unwrap().iter();
            intervals.map(|at| at[member].as_u64().unwrap()).sum()
        };
        assert!(sum("ok") > 0, "{slice}");
        assert_eq!(slice["ok"], sum("ok"));
        assert_eq!(slice["length_ns"], sum("length_ns"));
        for figures in [&slice["figures"], &run["merged"]] {
            let figures = figures.as_array().unwrap();
            assert_eq!(figures.len(), 2);
            assert!(figures.iter().all(|figure| figure["count"] == sum("ok")));
        }
        assert_eq!(slice["bytes"]["received"], sum("ok") * 38);
        let folder = place.run();
        let folder = folder.to_str().unwrap();
        let shown = place.authlab(&["report", folder]);
        assert!(shown.status.success(), "{}", stderr(&shown));
        let text = place.authlab(&["report", folder, "--format", "text"]);
        let text = String::from_utf8_lossy(&text.stdout).into_owned();
        assert!(
            text.contains("it was still running, or was killed"),
            "{text}"
        );
        assert!(text.contains("Throughput: "), "{text}");
    }
}

#[test]
fn data_is_posted_and_no_path_is_the_root() {
    let place = Place::new();
    let (address, read) = listen("200 OK");
    let output = load(
        &place,
        &[&format!("http://{address}"), "--data", "{\"a\": 1}"],
    );
    assert_ne!(output.status.code(), Some(2), "{}", stderr(&output));
    let sent = read.lock().unwrap().clone();
    assert!(sent.starts_with("POST / HTTP/1.1\r\n"), "{sent}");
    assert!(sent.contains("{\"a\": 1}"), "{sent}");
}

#[test]
fn bad_words_are_one_line_that_says_what_is_accepted_and_exit_two() {
    let place = Place::new();
    place.write("empty.pem", "");
    // (words, what must be said)
    let table: &[(&[&str], &str)] = &[
        (&["localhost"], "use http://host:port or https://host:port"),
        (&["u:s3cret@h:80"], "a user or password is not accepted"),
        (&["ftp://h"], "use http://host:port or https://host:port"),
        (&["http://u:s3cret@h"], "a user or password is not accepted"),
        (
            &["http://h/a", "--get", "/b"],
            "in the url or in --get, not both",
        ),
        (
            &["http://h", "--get", "a"],
            "--get a: a path begins with `/`",
        ),
        (
            &["http://h", "-H", "s3cret"],
            "write a header as 'name: value'",
        ),
        (
            &["http://h", "-H", "s3cret thing: x"],
            "write a header as 'name: value'",
        ),
        (
            &["http://h", "-H", "a: 1", "-H", "A: 2"],
            "header `a` is there already",
        ),
        (&["http://h", "-X", "G T"], "a method is letters"),
        (
            &["http://h", "--data", "@nothing"],
            "--data @nothing: No such file",
        ),
        (
            &["http://h", "--data", "@/dev/zero"],
            "--data @/dev/zero: it has more than 64 MiB",
        ),
        (&["http://h", "--expect", "20"], "20 is not in 100..=599"),
        (
            &["http://h", "--timeout", "soon"],
            "write 500us, 250ms, 10s or 2m",
        ),
        (
            &["http://h", "--warm-up", "1"],
            "write 500us, 250ms, 10s or 2m",
        ),
        (
            &["http://h", "--rate", "5", "--think", "1s"],
            "cannot be used with",
        ),
        (&["http://h", "--rate", "0"], "more than 0"),
        (&["http://h", "--users", "0"], "users must be 1 to"),
        (&["http://h", "--streams", "2"], "--http2"),
        (
            &["http://h", "--http2", "--users", "4", "--streams", "5"],
            "streams must be 1 to 4, the load's users",
        ),
        (&["http://h", "--ca", "empty.pem"], "--ca is of TLS"),
        (
            &["https://h", "--ca", "nothing.pem"],
            "nothing.pem: No such file",
        ),
        (
            &["https://h", "--ca", "empty.pem"],
            "BEGIN CERTIFICATE is wanted",
        ),
        (&["http://h", "--insecure"], "--insecure is of TLS"),
        (
            &["https://h", "-k", "--ca", "empty.pem"],
            "cannot be used with",
        ),
        (&["http://h", "-n", "0"], "0 is not in 1.."),
        (
            &["http://h", "-n", "5", "--rate", "5"],
            "cannot be used with",
        ),
        (
            &["http://h", "--fail-over", "p95 > fast"],
            "--fail-over: `p95 > fast` is not a limit of a run",
        ),
    ];
    for (words, expected) in table {
        let line = place.refused(&[&["load"][..], words].concat());
        assert!(line.contains(expected), "{words:?}: {line}");
        assert!(!line.contains("s3cret"), "{words:?}: {line}");
    }
}

#[test]
fn a_server_that_speaks_http_1_1_only_is_not_measured_in_http_2() {
    let place = Place::new();
    let (address, _) = listen("400 Bad Request");
    let output = load(&place, &[&format!("http://{address}"), "--http2"]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let line = error_line(&output);
    assert!(line.contains("server does not speak HTTP/2"), "{line}");
}

#[test]
fn a_load_is_one_slice_by_the_second() {
    let place = Place::new();
    let (address, _) = listen("200 OK");
    let output = place.authlab(&["load", &address, "-c", "2", "-d", "5.5", "--warm-up", "1ms"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    // A log sees that it goes on.
    let said = stderr(&output);
    assert!(
        said.contains(" requests answered, 0 failed, service time p50 "),
        "{said}"
    );
    let run = place.run_json();
    let slices = run["slices"].as_array().unwrap();
    assert_eq!(slices.len(), 1);
    let intervals = slices[0]["intervals"].as_array().unwrap();
    let sum = |key: &str| -> u64 {
        let each = intervals
            .iter()
            .map(|interval| interval[key].as_u64().unwrap());
        each.sum()
    };
    assert!(intervals.len() >= 2, "{intervals:?}");
    assert_eq!(sum("ok"), slices[0]["ok"].as_u64().unwrap());
    assert_eq!(sum("failed"), 0);
    assert_eq!(sum("length_ns"), slices[0]["length_ns"].as_u64().unwrap());
    assert_eq!(intervals[0]["start_ns"], slices[0]["start_ns"]);
    let of_service = intervals[0]["figures"].as_array().unwrap().iter();
    let of_service = of_service.filter(|figure| figure["metric"] == "service");
    let counts: u64 = of_service
        .map(|figure| figure["count"].as_u64().unwrap())
        .sum();
    assert_eq!(counts, intervals[0]["ok"].as_u64().unwrap());
}

#[test]
fn a_rate_is_of_requests_however_many_paths_there_are() {
    let place = Place::new();
    let (address, read) = listen("200 OK");
    let words = [
        "load",
        &address,
        "--rate",
        "50",
        "-d",
        "1s",
        "--warm-up",
        "0s",
        "--get",
        "/a",
        "--get",
        "/b",
    ];
    let output = place.authlab(&words);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let slice = &place.run_json()["slices"][0];
    assert_eq!((&slice["planned"], &slice["ok"]), (&50.into(), &50.into()));
    // Without a warm-up nothing else is sent.
    let read = read.lock().unwrap();
    let of = |path: &str| read.matches(path).count();
    let (one, other) = (of("GET /a "), of("GET /b "));
    assert!(one > 0 && other > 0, "{one} and {other}");
    assert_eq!(one + other, 50);
}

#[test]
fn a_load_ends_after_the_requests_that_were_asked_for() {
    let place = Place::new();
    let (address, _) = listen("203 Other");
    let words = [
        "load",
        &address,
        "--connections",
        "3",
        "-n",
        "50",
        "--get",
        "/a",
        "--get",
        "/b",
    ];
    let output = place.authlab(&words);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let run = place.run_json();
    let slice = &run["slices"][0];
    assert_eq!(slice["ok"], 50, "{slice}");
    assert_eq!(slice["statuses"]["203"], 50, "{slice}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("Statuses: 203: 50\n"), "{said}");
    // Far less than the time that is planned where requests are counted.
    let answered = slice["answered_ns"].as_u64().unwrap();
    assert!(answered <= slice["length_ns"].as_u64().unwrap(), "{slice}");
    assert!(run["command"].to_string().contains("--requests"));
}

#[test]
fn a_limit_that_breaks_is_told_with_its_value_and_exits_with_one() {
    let (address, _) = listen("200 OK");
    // (limits, the exit code, what is said)
    let table = [
        (
            "p99 > 1m, rate < 1, errors > 0",
            0,
            "limit errors > 0: held, 0",
        ),
        ("p95 > 1ns", 1, "limit p95 > 1ns: broken, "),
        ("rate < 100000000/s", 1, "/s (server under load)"),
        ("max > 1m, mean > 1ns", 1, "limit mean > 1ns: broken, "),
    ];
    for (limits, code, said) in table {
        let place = Place::new();
        let output = load(&place, &[&address, "--fail-over", limits]);
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{limits}: {text}");
        assert!(text.contains(said), "{limits}: {text}");
    }
    let place = Place::new();
    let output = load(&place, &[&address, "--json", "--fail-over", "p95 > 1ns"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told = &lines[lines.len() - 2];
    assert_eq!(told["event"], "limits");
    assert_eq!(told["limits"][0]["broken"], true);
    assert_eq!(lines.last().unwrap()["event"], "end");
}

#[test]
fn exit_codes_tell_a_measured_server_from_one_that_failed() {
    // Answered, but with nothing that was expected; then nothing listens at all.
    let (address, _) = listen("500 Internal Server Error");
    let output = load(&Place::new(), &[&address]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let unused = gone.local_addr().unwrap().to_string();
    drop(gone);
    let line = Place::new().target_failed(&["load", &unused]);
    assert!(line.contains("Connection refused"), "{line}");
    // Measured, with a doubt: half of the requests fail.
    let (address, _) = listen("200 OK");
    let words = [&*address, "--get", "/a", "--get", "/b"];
    let output = load(&Place::new(), &words);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn an_interrupted_load_keeps_the_time_that_was_measured() {
    for rate in [None, Some("200")] {
        let place = Place::new();
        let (address, _) = listen("200 OK");
        let mut words = vec!["load", &address, "-d", "60", "--warm-up", "1ms"];
        words.extend(rate.into_iter().flat_map(|rate| ["--rate", rate]));
        let child = place.start(&words);
        let runs = place.path().join("reports/runs");
        assert!(command::eventually(|| runs
            .read_dir()
            .is_ok_and(|mut runs| runs.next().is_some())));
        let began = std::time::Instant::now();
        std::thread::sleep(std::time::Duration::from_millis(2_500));
        let sent = std::process::Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        let output = child.wait_with_output().unwrap();
        let lived = began.elapsed().as_secs_f64();
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        let run = place.run_json();
        let because = run["status"]["because"].as_str().unwrap();
        assert!(because.starts_with("interrupted: "), "{because}");
        assert!(because.ends_with(" of 60.0 s were measured"), "{because}");
        assert!(stderr(&output).contains(because), "{}", stderr(&output));
        let slice = &run["slices"][0];
        let seconds = slice["answered_ns"].as_f64().unwrap() / 1e9;
        assert!(seconds > 0.5 && seconds < lived, "{seconds} of {lived}");
        assert_eq!(slice["failed"], serde_json::json!({}));
        if rate.is_some() {
            // What was planned is what the rate asks for until the interrupt, and no more.
            let planned = slice["planned"].as_f64().unwrap();
            let until = slice["planned_ns"].as_f64().unwrap() / 1e9;
            assert!((planned - until * 200.0).abs() <= 2.0, "{slice}");
        }
    }
}

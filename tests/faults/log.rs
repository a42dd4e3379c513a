//! A log that is full, closed, or not read.

use std::fs::File;
use std::io::Read as _;
use std::process::{Command, Stdio};

use crate::shutdown::{end_within, send};
use crate::stand::{Server, ask, tally};
use rustix::process::Signal;

const REQUESTS: usize = 2_000;
const FLAGS: [&str; 5] = ["--password", "sha256", "--log", "requests", "--metrics"];

fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

/// Each request is answered, whatever becomes of its line.
fn answered(server: &Server) -> usize {
    let mut token = server.token("jane", "password456");
    let mut held = 0;
    for number in 0..REQUESTS {
        if number % 100 == 99 {
            token = server.token("jane", "password456");
        }
        held += usize::from(
            token
                .as_ref()
                .is_some_and(|token| server.status("/items/", token) == 200),
        );
    }
    held
}

fn dropped(server: &Server) -> u64 {
    let (status, text) = server.ask("GET /metrics HTTP/1.1", "").unwrap();
    assert_eq!(status, 200);
    let count = text
        .lines()
        .find_map(|line| line.strip_prefix("authlab_log_lines_dropped_total "));
    count.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
}

#[test]
fn a_full_disk_under_the_log_loses_lines_and_no_request() {
    let server = Server::start_with(&FLAGS, full().into());
    let held = answered(&server);
    // The writer is behind by its queue at most, which is far from full.
    assert!(dropped(&server) > 0);
    tally("log: full disk", REQUESTS, held);
}

#[test]
fn a_log_whose_reader_has_ended_loses_lines_and_no_request() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let server = Server::start_with(&FLAGS, writer.into());
    tally("log: closed pipe", REQUESTS, answered(&server));
}

#[test]
fn a_log_whose_reader_stops_holds_up_neither_a_request_nor_the_end() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut server = Server::start_with(&FLAGS, writer.into());
    let held = answered(&server);
    send(&server.child, Signal::TERM);
    assert_eq!(end_within(&mut server.child), Some(0));
    let mut log = String::new();
    reader.read_to_string(&mut log).unwrap();
    assert!(log.contains("route=/items"), "{log}");
    tally("log: reader that stops", REQUESTS, held);
}

#[test]
fn a_log_that_another_process_made_non_blocking_holds_up_no_request() {
    let (reader, writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    let server = Server::start_with(&FLAGS, writer.into());
    let held = answered(&server);
    drop(reader);
    tally("log: non-blocking pipe, not read", REQUESTS, held);
}

#[test]
fn a_start_whose_words_cannot_be_written_serves_all_the_same() {
    // The pipe that the pipeline and the warnings would go to is full already, and nobody reads it.
    let (stuck, writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    while rustix::io::write(&writer, &[b'x'; 4096]).is_ok() {}
    rustix::io::ioctl_fionbio(&writer, false).unwrap();
    let mut held = 0;
    let stuck_out = writer.try_clone().unwrap();
    let cases: [(&str, Stdio, Stdio); 4] = [
        ("", full().into(), full().into()),
        ("", stuck_out.into(), writer.into()),
        (">&-", Stdio::null(), Stdio::null()),
        ("2>&- >&-", Stdio::null(), Stdio::null()),
    ];
    let tried = cases.len();
    for (closes, stdout, stderr) in cases {
        // No ready line tells the port, so it is chosen here.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let mut child = Command::new("sh")
            .args(["-c", &format!("exec \"$0\" \"$@\" {closes}")])
            .args([env!("CARGO_BIN_EXE_authlab"), "serve", "--listen"])
            .arg(address.to_string())
            .args(FLAGS)
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .unwrap();
        let answers = || ask(address, "GET /healthz HTTP/1.1", "").is_some_and(|(s, _)| s == 200);
        for _ in 0..200 {
            if answers() {
                held += 1;
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
    drop(stuck);
    tally("log: full, stuck or closed at the start", tried, held);
}

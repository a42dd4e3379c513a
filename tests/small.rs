//! What is mistyped is named as it was typed, before anything starts; what fails is told by the run alone.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "lab/command.rs"]
#[allow(dead_code, reason = "other tests need more")]
mod command;

use std::process::{Child, Command, Stdio};

use command::{Place, eventually, stderr};

const URL: &str = "http://127.0.0.1:9";

#[test]
fn times_and_rates_are_refused_as_they_were_typed() {
    let place = Place::new();
    for (words, said) in [
        (&["load", URL, "-d", "0us"][..], "`0us` is not a duration"),
        (&["load", URL, "-d", "0"], "`0` is not a duration"),
        (&["load", URL, "-d", "nans"], "`nans` is not a duration"),
        (
            &["load", URL, "--rate", "nan"],
            "a rate is more than 0, at least 0.00001 and at most 10000000 requests a second",
        ),
        (
            &["load", URL, "--rate", "inf"],
            "a rate is more than 0, at least 0.00001 and at most 10000000 requests a second",
        ),
        (
            &["load", URL, "--rate", "1e400"],
            "a rate is more than 0, at least 0.00001 and at most 10000000 requests a second",
        ),
        (
            &["load", URL, "--rate", "0"],
            "a rate is more than 0, at least 0.00001 and at most 10000000 requests a second",
        ),
        (
            &["load", URL, "--rate=-0"],
            "a rate is more than 0, at least 0.00001 and at most 10000000 requests a second",
        ),
        (
            &["load", URL, "--rate=-1"],
            "a rate is more than 0, at least 0.00001 and at most 10000000 requests a second",
        ),
        (
            &["load", URL, "--rate", "5e-324"],
            "a rate is more than 0, at least 0.00001 and at most 10000000 requests a second",
        ),
        (
            &["load", URL, "--rate", "ten"],
            "a rate is more than 0, at least 0.00001 and at most 10000000 requests a second",
        ),
        (
            &["prove", "agree", "--rate", "nan"],
            "a rate is more than 0, at least 0.00001 and at most 10000000 requests a second",
        ),
        (
            &["prove", "agree", "--within", "nan"],
            "a share is a number from 0",
        ),
        (
            &["prove", "ceiling", "--at-least", "inf"],
            "a share is a number from 0",
        ),
    ] {
        let line = place.refused(words);
        assert!(line.contains(said), "{words:?}: {line}");
    }
}

#[test]
fn a_file_in_the_place_of_the_folder_of_runs_is_what_is_refused() {
    let place = Place::new();
    place.write("file", "text");
    place.write("s.toml", &format!("name = \"s\"\nquestion = \"?\"\n[[variant]]\nname = \"v\"\nurl = \"{URL}\"\n\
        [[step]]\nname = \"t\"\nrequest = \"GET /\"\n[[load]]\nname = \"l\"\nusers = 1\njourney = [\"t\"]\n\
        profile.quick = {{ blocks = 1, slice = \"1s\" }}\n"));
    for words in [
        &["load", URL][..],
        &["run", "s.toml"],
        &["duel", "--base", URL, "--head", URL],
        &["calibrate", "--smoke"],
        &["merge", "a", "b"],
    ] {
        for (runs, said) in [
            (
                "file",
                "--runs file: it is not a folder; name the one that run folders are made in",
            ),
            ("file/within", "--runs file/within: Not a directory"),
        ] {
            let line = place.refused(&[words, &["--runs", runs]].concat());
            assert!(
                line.contains(said) && !line.contains("calibration"),
                "{words:?}: {line}"
            );
        }
    }
}

/// A server of TLS whose certificate nobody has signed, on a free port.
struct Secured(Child, u16);

impl Secured {
    fn start(place: &Place) -> Self {
        let made = Command::new("openssl")
            .args([
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out",
                "cert.pem",
            ])
            .args([
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=DNS:localhost,IP:127.0.0.1",
            ])
            .current_dir(place.path())
            .stderr(Stdio::null())
            .status();
        assert!(made.unwrap().success());
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let server = Command::new("openssl")
            .args([
                "s_server", "-quiet", "-www", "-key", "key.pem", "-cert", "cert.pem",
            ])
            .args(["-accept", &format!("127.0.0.1:{port}")])
            .current_dir(place.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let server = Self(server.unwrap(), port);
        assert!(eventually(|| std::net::TcpStream::connect((
            "127.0.0.1",
            port
        ))
        .is_ok()));
        server
    }
}

impl Drop for Secured {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_handshake_that_fails_prints_no_lines_of_libraries() {
    let place = Place::new();
    let server = Secured::start(&place);
    let short = ["-d", "100ms", "--warm-up", "10ms", "--timeout", "2s"];
    // Its certificate is not believed; and a server that speaks no TLS.
    let plain = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let plain_port = plain.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in plain.incoming().flatten() {
            use std::io::Write;
            let mut stream = stream;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
        }
    });
    for port in [server.1, plain_port] {
        let url = format!("https://127.0.0.1:{port}");
        let output = place.authlab(&[&["load", url.as_str()][..], &short].concat());
        assert_ne!(output.status.code(), Some(0));
        for text in [
            stderr(&output),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        ] {
            assert!(
                !text.contains("[ERROR]") && !text.contains("[WARN]"),
                "{text}"
            );
        }
        assert!(
            stderr(&output).contains("TLS") || stderr(&output).contains("certificate"),
            "{}",
            stderr(&output)
        );
    }
}

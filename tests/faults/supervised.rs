//! No server outlives the tool, however the tool ends and however the server was started: behind a shell, with forked
//! workers, as a daemon in a session of its own, as a service that a variant depends on.

#[path = "../lab/command.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod command;

use std::net::TcpListener;
use std::process::{Child, Command};
use std::time::Duration;

use command::{Place, error_line, eventually, stderr};

/// Serves a port in the way that its second argument names. Its command line holds the place's path, which marks it.
const SERVER: &str = r#"
import http.server, os, signal, sys, time
port, kind, ports = int(sys.argv[1]), sys.argv[2], sys.argv[3]

class Ok(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *_):
        pass

def wait():
    while True:
        time.sleep(60)

with open(ports, "a") as out:
    out.write(f"{port}\n")
server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Ok)
if kind == "workers":
    for _ in range(3):
        if os.fork() == 0:
            os.setpgid(0, 0)
            server.serve_forever()
    wait()
if kind in ("daemon", "stubborn"):
    if os.fork() != 0:
        wait()
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    if kind == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
server.serve_forever()
"#;

const KINDS: [&str; 4] = ["shell", "workers", "daemon", "stubborn"];

/// A scenario of one variant with a service, both servers of this kind.
fn scenario(place: &Place, kind: &str) {
    place.write("server.py", SERVER);
    let path = |name: &str| place.path().join(name).display().to_string();
    let line = format!(
        "python3 {} {{port}} {kind} {}; true",
        path("server.py"),
        path("ports")
    );
    let command = format!("command = [\"sh\", \"-c\", \"{line}\"]");
    let text = format!(
        "name = \"s\"\nquestion = \"?\"\n[[beside]]\nname = \"service\"\n{command}\n\
         [[variant]]\nname = \"v\"\nbeside = [\"service\"]\n{command}\n\
         [[step]]\nname = \"get\"\nrequest = \"GET /\"\n\
         [[load]]\nname = \"load\"\nusers = 1\njourney = [\"get\"]\n\
         profile.quick = {{ blocks = 2000, slice = \"20ms\", warm_up = \"20ms\", restart_blocks = 4 }}\n\
         profile.short = {{ blocks = 1, slice = \"20ms\", warm_up = \"20ms\" }}\n"
    );
    place.write("s.toml", &text);
}

/// The ports that servers of this place were told to listen on.
fn ports(place: &Place) -> Vec<u16> {
    let text = std::fs::read_to_string(place.path().join("ports")).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

fn assert_nothing_left(place: &Place, what: &str) {
    place.assert_nothing_left();
    for port in ports(place) {
        // Another test may have been given it meanwhile, for as long as that one takes.
        let free = || TcpListener::bind(("127.0.0.1", port)).is_ok();
        assert!(eventually(free), "{what}: port {port}");
    }
}

/// A run whose server and service have been started.
fn begun(place: &Place) -> Child {
    let child = place.start(&["run", "s.toml", "--quiet"]);
    assert!(eventually(|| ports(place).len() >= 2));
    child
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// SIGKILL at moments that fall together with nothing: start, warm-up, slices, restart.
fn kill(times: u32) {
    for number in 0..times {
        let kind = KINDS[number as usize % KINDS.len()];
        let place = Place::new();
        scenario(&place, kind);
        let mut child = begun(&place);
        std::thread::sleep(Duration::from_micros(u64::from(number) * 47_119));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_nothing_left(&place, kind);
    }
    println!("killed {times} times: 0 processes, 0 ports left");
}

#[test]
fn a_tool_that_is_killed_leaves_no_process_and_no_port_whatever_its_servers_started() {
    kill(4);
}

#[test]
#[ignore = "takes a minute: make faults"]
fn a_tool_that_is_killed_twenty_times_leaves_no_process_and_no_port() {
    kill(20);
}

#[test]
fn a_tool_that_ends_by_itself_by_an_error_or_by_a_signal_leaves_no_process_and_no_port() {
    // What does not react to SIGTERM is waited for for some seconds.
    for kind in KINDS.into_iter().filter(|kind| *kind != "stubborn") {
        let place = Place::new();
        scenario(&place, kind);
        let output = place.authlab(&["run", "s.toml", "--profile", "short", "--quiet"]);
        let run = place.run_json();
        assert_eq!(run["status"]["is"], "complete", "{}", stderr(&output));
        assert_nothing_left(&place, kind);
        // What a daemon uses is the variant's, though another process started it.
        for slice in run["slices"].as_array().unwrap() {
            assert!(slice["cpu_ns"].as_u64().unwrap() > 0, "{kind}: {slice}");
        }
    }
    for (signals, kind) in [
        (&["INT"][..], "daemon"),
        (&["TERM"], "workers"),
        (&["HUP"], "shell"),
        (&["INT", "INT"], "daemon"),
        (&["TERM", "TERM"], "stubborn"),
    ] {
        let place = Place::new();
        scenario(&place, kind);
        let child = begun(&place);
        for name in signals {
            signal(&child, name);
            std::thread::sleep(Duration::from_millis(20));
        }
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        assert_nothing_left(&place, kind);
    }
}

/// SIGTERM reaches the program, and each of its descendants, before anything is killed.
#[test]
fn a_server_is_asked_to_end_before_it_is_killed() {
    let place = Place::new();
    let path = |name: &str| place.path().join(name).display().to_string();
    place.write(
        "front.sh",
        "trap 'echo asked >> $2; exit 0' TERM\npython3 $3 $1 workers $4 &\nwait\n",
    );
    place.write("server.py", SERVER);
    let text = format!(
        "name = \"s\"\nquestion = \"?\"\n[[variant]]\nname = \"v\"\n\
         command = [\"sh\", \"{}\", \"{{port}}\", \"{}\", \"{}\", \"{}\"]\n\
         [[step]]\nname = \"get\"\nrequest = \"GET /\"\n\
         [[load]]\nname = \"load\"\nusers = 1\njourney = [\"get\"]\n\
         profile.quick = {{ blocks = 1, slice = \"20ms\", warm_up = \"20ms\" }}\n",
        path("front.sh"),
        path("asked"),
        path("server.py"),
        path("ports")
    );
    place.write("s.toml", &text);
    let output = place.authlab(&["run", "s.toml", "--quiet"]);
    assert_eq!(
        place.run_json()["status"]["is"],
        "complete",
        "{}",
        stderr(&output)
    );
    assert_eq!(std::fs::read_to_string(path("asked")).unwrap(), "asked\n");
    assert_nothing_left(&place, "asked");
}

/// The program itself has ended: what it left is no server that can be measured, and does not stay.
#[test]
fn a_command_that_ends_and_leaves_a_daemon_is_an_error_and_the_daemon_ends_with_it() {
    let place = Place::new();
    place.write("server.py", SERVER);
    let path = |name: &str| place.path().join(name).display().to_string();
    let text = format!(
        "name = \"s\"\nquestion = \"?\"\n[[variant]]\nname = \"v\"\n\
         command = [\"sh\", \"-c\", \"setsid python3 {} {{port}} stubborn {} & sleep 0.3; exit 5\"]\n\
         [[step]]\nname = \"get\"\nrequest = \"GET /\"\n\
         [[load]]\nname = \"load\"\nusers = 1\njourney = [\"get\"]\n\
         profile.quick = {{ blocks = 2000, slice = \"20ms\", warm_up = \"20ms\" }}\n",
        path("server.py"),
        path("ports")
    );
    place.write("s.toml", &text);
    let output = place.authlab(&["run", "s.toml", "--quiet"]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let line = error_line(&output);
    assert!(line.contains("ended with exit status: 5"), "{line}");
    assert_nothing_left(&place, "left behind");
}

/// A server that was killed by a signal is reported with that signal, not with its supervisor's exit code.
#[test]
fn a_server_that_a_signal_ended_is_reported_with_that_signal() {
    for (name, words) in [
        ("KILL", "signal: 9 (SIGKILL)"),
        ("SEGV", "signal: 11 (SIGSEGV)"),
    ] {
        let place = Place::new();
        let text = format!(
            "name = \"s\"\nquestion = \"?\"\n[[variant]]\nname = \"v\"\n\
             command = [\"sh\", \"-c\", \"ulimit -c 0; : {} {{port}}; kill -{name} $$\"]\n\
             [[step]]\nname = \"get\"\nrequest = \"GET /\"\n\
             [[load]]\nname = \"load\"\nusers = 1\njourney = [\"get\"]\n\
             profile.quick = {{ blocks = 1, slice = \"20ms\" }}\n",
            place.path().display()
        );
        place.write("s.toml", &text);
        let output = place.authlab(&["run", "s.toml", "--quiet"]);
        assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
        assert!(error_line(&output).contains(words), "{}", stderr(&output));
    }
}

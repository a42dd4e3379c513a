//! Runs from the command line: how they end, well and badly, and what they leave behind.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "lab/command.rs"]
#[allow(dead_code, reason = "other tests need more")]
mod command;

use std::process::Command;
use std::time::Duration;

use command::{Place, error_line, eventually, stderr};

/// A scenario over servers of this binary; `{variants}` and `{profile}` are filled in.
fn scenario(place: &Place, variants: &str, profile: &str) {
    let users = place.path().join("users.json");
    place.write(
        "s.toml",
        &format!(
            r#"
name = "s"
question = "?"
[flags]
password = "sha256"
threads = 1
{variants}
[[step]]
name = "token"
request = "POST /token"
json = {{ username = "john", password = "password123" }}
save = {{ token = "json:/access_token" }}
[[step]]
name = "items"
request = "GET /items/"
headers = {{ authorization = "Bearer {{token}}" }}
expect = [200]
[[load]]
name = "one-user"
users = 1
prepare = ["token"]
journey = ["items"]
profile.quick = {{ {profile} }}
"#
        ),
    );
    // Named on each server's command line, it marks the processes of this test.
    place.write(
        "users.json",
        r#"{"john": {"password": "password123", "roles": ["admin"]}}"#,
    );
    assert!(users.exists());
}

fn two_variants(place: &Place) -> String {
    let users = place.path().join("users.json");
    format!(
        "[[variant]]\nname = \"sha256\"\nflags = {{ binding = \"sha256\", users = \"file:{0}\" }}\n\
         [[variant]]\nname = \"open\"\nflags = {{ policy = \"allow-all\", users = \"file:{0}\" }}\n",
        users.display()
    )
}

const SHORT: &str = r#"blocks = 2, slice = "30ms", warm_up = "20ms""#;
const LONG: &str = r#"blocks = 200, slice = "200ms", warm_up = "20ms""#;

#[test]
fn a_run_ends_with_its_ladder_its_report_and_no_process() {
    let place = Place::new();
    scenario(&place, &two_variants(&place), SHORT);
    let output = place.authlab(&["run", "s.toml"]);
    let ladder = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        ladder.starts_with("authlab · s · "),
        "{ladder}{}",
        stderr(&output)
    );
    assert!(
        ladder.contains("sha256") && ladder.contains("report: reports/runs/"),
        "{ladder}"
    );
    let run = place.run_json();
    assert_eq!(run["status"]["is"], "complete");
    assert_eq!(run["slices"].as_array().unwrap().len(), 2 * 2 * 2);
    for file in [
        "index.html",
        "summary.md",
        "sha256.hlog",
        "open.one-user.items.hgrm",
    ] {
        assert!(place.run().join(file).exists(), "{file}");
    }
    // The server's own word on what is given up reaches the run.
    let given_up = run["variants"][1]["gives_up"].to_string();
    assert!(given_up.contains("allow-all"), "{given_up}");
    place.assert_nothing_left();
}

#[test]
fn a_step_that_is_refused_while_preparing_is_named_with_variant_and_load() {
    let place = Place::new();
    scenario(&place, &two_variants(&place), SHORT);
    place.write(
        "users.json",
        r#"{"mary": {"password": "password123", "roles": ["admin"]}}"#,
    );
    let line = place.target_failed(&["run", "s.toml"]);
    assert!(
        line.contains("load `one-user`") && line.contains("step `token`: status 401"),
        "{line}"
    );
    place.assert_nothing_left();
}

#[test]
fn a_server_that_never_becomes_ready_ends_the_run_with_its_last_line() {
    let place = Place::new();
    let script = place.path().join("never.sh");
    place.write("never.sh", "echo still waking up; sleep 60");
    let variant = format!(
        "[[variant]]\nname = \"never\"\ncommand = [\"sh\", \"{}\", \"{{port}}\"]\nready_within = \"300ms\"\n",
        script.display()
    );
    scenario(&place, &variant, SHORT);
    let line = place.target_failed(&["run", "s.toml"]);
    assert!(line.contains("did not answer 2xx within 300ms"), "{line}");
    assert!(line.ends_with("it said: still waking up"), "{line}");
    place.assert_nothing_left();
}

#[test]
fn a_server_that_dies_in_the_middle_ends_the_run_and_keeps_what_was_measured() {
    let place = Place::new();
    let script = place.path().join("dies.sh");
    let users = place.path().join("users.json");
    place.write(
        "dies.sh",
        &format!(
            "{} serve --listen 127.0.0.1:$1 --password sha256 --users file:{} & server=$!\nsleep 1.5\nkill -9 $server\nexit 7\n",
            env!("CARGO_BIN_EXE_authlab"),
            users.display()
        ),
    );
    let variant = format!(
        "[[variant]]\nname = \"dies\"\ncommand = [\"sh\", \"{}\", \"{{port}}\"]\nready = \"/healthz\"\n",
        script.display()
    );
    scenario(&place, &variant, LONG);
    let line = place.target_failed(&["run", "s.toml"]);
    assert!(
        line.contains("variant `dies`") && line.contains("exit status: 7"),
        "{line}"
    );
    let run = place.run_json();
    assert_eq!(run["status"]["is"], "partial");
    assert!(run["slices"].as_array().unwrap().len() > 1);
    let shown = place.authlab(&["report", place.run().to_str().unwrap()]);
    assert!(shown.status.success(), "{}", stderr(&shown));
    assert!(String::from_utf8_lossy(&shown.stdout).contains("partial"));
    place.assert_nothing_left();
}

/// Starts a long run and waits until it has written some slices.
fn long_run(place: &Place) -> std::process::Child {
    scenario(place, &two_variants(place), LONG);
    let child = place.start(&["run", "s.toml"]);
    let measured = || {
        place.path().join("reports/runs").exists()
            && place.run_json()["slices"].as_array().unwrap().len() > 2
    };
    assert!(eventually(measured));
    child
}

fn interrupt(child: &std::process::Child) {
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[test]
fn one_interrupt_ends_with_a_report_of_what_was_measured() {
    let place = Place::new();
    let child = long_run(&place);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let run = place.run_json();
    assert_eq!(run["status"]["is"], "partial");
    assert_eq!(run["status"]["because"], "interrupted");
    assert!(String::from_utf8_lossy(&output.stdout).contains("report: "));
    assert!(place.run().join("index.html").exists());
    place.assert_nothing_left();
}

#[test]
fn two_interrupts_leave_no_process_no_busy_port_and_a_readable_run() {
    let place = Place::new();
    let child = long_run(&place);
    let ports: Vec<u16> = place
        .processes()
        .iter()
        .filter_map(|line| {
            line.split("127.0.0.1:")
                .nth(1)?
                .split(' ')
                .next()?
                .parse()
                .ok()
        })
        .collect();
    assert!(!ports.is_empty());
    interrupt(&child);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    place.assert_nothing_left();
    for port in ports {
        // Another test may have been given it meanwhile, for as long as that one takes.
        let free = || std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
        assert!(eventually(free), "{port}");
    }
    assert_eq!(place.run_json()["status"]["is"], "partial");
    let shown = place.authlab(&["report", place.run().to_str().unwrap()]);
    assert!(shown.status.success(), "{}", stderr(&shown));
}

/// Moments spread over what a run does: start, warm-up, slices, writing.
const KILLS: u32 = 20;

#[test]
fn a_run_killed_at_any_moment_leaves_no_server_and_a_readable_folder() {
    for kill in 0..KILLS {
        let place = Place::new();
        scenario(&place, &two_variants(&place), LONG);
        let mut child = place.start(&["run", "s.toml"]);
        let runs = place.path().join("reports/runs");
        let begun = || runs.read_dir().is_ok_and(|mut runs| runs.next().is_some());
        assert!(eventually(
            || begun() && place.run().join("run.json").exists()
        ));
        // From the first file on, in steps that fall together with nothing.
        std::thread::sleep(Duration::from_micros(u64::from(kill) * 47_119));
        child.kill().unwrap();
        child.wait().unwrap();
        place.assert_nothing_left();
        assert_eq!(place.run_json()["status"]["is"], "partial", "kill {kill}");
        let shown = place.authlab(&["report", place.run().to_str().unwrap()]);
        assert!(shown.status.success(), "kill {kill}: {}", stderr(&shown));
    }
}

#[test]
fn a_full_disk_ends_the_run_with_one_line_and_keeps_the_slices_before_it() {
    let place = Place::new();
    scenario(&place, &two_variants(&place), LONG);
    let runs = place.path().join("small");
    std::fs::create_dir(&runs).unwrap();
    // A mount of its own, seen by this run alone; read within it, since it ends with it.
    let script = format!(
        "mount -t tmpfs -o size=120k tmpfs {runs} || exit 99\n\
         {authlab} run s.toml --runs {runs}; code=$?\n\
         {authlab} report {runs}/*-s >/dev/null 2>&1; cp {runs}/*-s/run.json . ; exit $code",
        runs = runs.display(),
        authlab = env!("CARGO_BIN_EXE_authlab"),
    );
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", &script])
        .current_dir(place.path())
        .output();
    let Ok(output) = output else {
        assert!(std::env::var_os("CI").is_none(), "unshare is missing");
        eprintln!("skipped: no unshare on this machine");
        return;
    };
    if output.status.code() == Some(99) || stderr(&output).contains("unshare failed") {
        eprintln!("skipped: this machine allows no mount namespaces");
        return;
    }
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let line = error_line(&output);
    assert!(line.contains("No space left on device"), "{line}");
    let run: serde_json::Value =
        serde_json::from_slice(&std::fs::read(place.path().join("run.json")).unwrap()).unwrap();
    assert_eq!(run["status"]["is"], "partial");
    assert!(!run["slices"].as_array().unwrap().is_empty());
    place.assert_nothing_left();
}

#[test]
fn bad_words_are_one_line_and_exit_two() {
    let place = Place::new();
    scenario(&place, &two_variants(&place), SHORT);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let table: [(&[&str], &[&str]); 7] = [
        (&["serve", "--cahce", "none"], &["--cahce", "--cache"]),
        (
            &["serve", "--preset", "bound-token-quick"],
            &["bound-token-quick", "bound-token-slow"],
        ),
        (&["serve", "--listen", &address], &["--listen", &address]),
        (
            &["serve", "--users", "file:/nonexistent.json"],
            &["/nonexistent.json"],
        ),
        (&["run", "nothing.toml"], &["nothing.toml: no such file"]),
        (
            &["run", "s.toml", "--profile", "slow"],
            &["s.toml:", "no profile `slow`", "quick"],
        ),
        (&["report", "nothing"], &["nothing"]),
    ];
    for (words, expected) in table {
        let output = place.authlab(words);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{words:?}: {}",
            stderr(&output)
        );
        for word in expected {
            assert!(
                stderr(&output).contains(word),
                "{words:?}: {}",
                stderr(&output)
            );
        }
    }
}

#[test]
fn a_load_or_each_of_its_slices_has_servers_that_have_just_started_where_that_is_asked_for() {
    let place = Place::new();
    let starts = place.path().join("starts");
    let authlab = env!("CARGO_BIN_EXE_authlab");
    place.write(
        "s.toml",
        &format!(
            r#"
name = "s"
question = "?"
[[variant]]
name = "one"
command = ["sh", "-c", "echo started >> {}; exec {authlab} null --listen 127.0.0.1:{{port}}"]
[[step]]
name = "get"
request = "GET /"
[[load]]
name = "each-slice"
users = 1
journey = ["get"]
profile.quick = {{ blocks = 1, slice = "10ms", warm_up = "1ms", restart_slices = true }}
[[load]]
name = "anew"
fresh = true
users = 1
journey = ["get"]
profile.quick = {{ blocks = 1, slice = "10ms", warm_up = "1ms" }}
[[load]]
name = "goes-on"
users = 1
journey = ["get"]
profile.quick = {{ blocks = 1, slice = "10ms", warm_up = "1ms" }}
"#,
            starts.display()
        ),
    );
    let output = place.authlab(&["run", "s.toml"]);
    assert!(
        [Some(0), Some(3)].contains(&output.status.code()),
        "{}",
        stderr(&output)
    );
    // As the load begins and before each of two slices; for the second load; not for the third.
    let lines = std::fs::read_to_string(starts).unwrap().lines().count();
    assert_eq!(lines, 1 + 2 + 1);
}

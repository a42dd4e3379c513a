//! Credentials that a person typed do not leave the process: not into a run's files, not onto a terminal, not into what a CI
//! reads. The servers' own logs are theirs.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "lab/command.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod command;

use std::cell::RefCell;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Output;

use authlab_reports::withhold::looks::PUBLIC_CHOICES;
use command::{Place, error_line, stderr};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

const SHORT: [&str; 8] = [
    "--slice",
    "4ms",
    "--warm-up",
    "10ms",
    "--restart-blocks",
    "0",
    "--within",
    "2s",
];

/// A secret that no other text contains: what a person or a generator would choose, with the marks that a shell's single
/// quotes leave alone. Marks that end a URL's parts are escaped in a URL anyway.
fn secret(drawn: &mut Vec<String>) -> String {
    const MARKS: &[u8] = b"!%^*()_+=,.~-";
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let seed = RandomState::new().build_hasher().finish();
    let mut random = StdRng::seed_from_u64(seed);
    let length = random.random_range(8..30);
    let mut text: Vec<u8> = (0..length)
        .map(|_| LETTERS[random.random_range(0..LETTERS.len())])
        .collect();
    for _ in 0..3 {
        let at = random.random_range(1..text.len());
        text[at] = MARKS[random.random_range(0..MARKS.len())];
    }
    let text = String::from_utf8(text).unwrap();
    drawn.push(text.clone());
    text
}

/// A server that ignores what it is told beside its port, and prints all of it.
const IGNORES: &str = r#"
import http.server, os, sys
print("started with", sys.argv, dict(os.environ), flush=True)
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()
    do_POST = do_GET
    def log_message(self, *_):
        pass
port = [word for word in sys.argv if word.isdigit() and len(word) > 3][-1]
http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
"#;

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Looks for the secrets in every file but the servers' own logs, and in what was printed.
fn assert_kept(place: &Path, outputs: &[&Output], secrets: &[String]) {
    let found = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        secrets
            .iter()
            .find(|secret| text.contains(secret.as_str()))
            .cloned()
    };
    let mut looked = 0;
    for file in files(place) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let own = name.ends_with(".server.log") || name.contains(".beside-");
        if own
            || file.extension().is_some_and(|kind| kind == "py")
            || name == "typed.toml"
            || name == "GITHUB"
        {
            continue;
        }
        looked += 1;
        let secret = found(&std::fs::read(&file).unwrap());
        assert_eq!(secret, None, "in {}", file.display());
    }
    assert!(looked >= 10, "{looked} files");
    for output in outputs {
        assert_eq!(
            found(&output.stdout),
            None,
            "{}",
            String::from_utf8_lossy(&output.stdout)
        );
        assert_eq!(found(&output.stderr), None, "{}", stderr(output));
    }
}

#[test]
fn a_duel_gives_no_credential_away_and_asks_for_them_again() {
    let place = Place::new();
    place.write("srv.py", IGNORES);
    let srv = format!("python3 {}/srv.py", place.path().display());
    let mut drawn = Vec::new();
    let mut s = || secret(&mut drawn);
    let base = format!(
        "TOKEN='{}' other='{}' {srv} --key '{}' --api-key='{}' -u 'me:{}' --header 'X-Any: {}' 'Cookie: a={}' {{port}}",
        s(),
        s(),
        s(),
        s(),
        s(),
        s(),
        s()
    );
    let head = format!(
        "env any='{}' {srv} --db redis://:{}@127.0.0.1:1/0 --at 'http://h/p?x=1&signature={}' '{{\"secret\": \"{}\"}}' 'host=h password={}' {{port}}",
        s(),
        s(),
        s(),
        s(),
        s()
    );
    let get = format!("/things?token={}", s());
    let header = format!("authorization: Bearer {}", s());
    let data = s();
    let words = [
        "--base", &base, "--head", &head, "--get", &get, "-H", &header, "--data", &data,
    ];
    let typed = [&["duel"], &words[..], &SHORT, &["--out", "out"]].concat();
    let output = place.authlab(&typed);
    assert!(place.run().join("run.json").exists(), "{}", stderr(&output));
    let run = place.run().display().to_string();

    let target = place.run_json()["variants"][0]["target"].to_string();
    assert!(
        target.contains("srv.py --key … --api-key=… -u me:… --header X-Any: … Cookie: … "),
        "{target}"
    );
    let command = place.run_json()["command"].to_string();
    assert!(command.contains("TOKEN=… other=… python3"), "{command}");

    // Each of what was withheld is asked for again, by name; another command is another duel.
    let without = place.authlab(&["duel", "--replay", &run]);
    assert_eq!(without.status.code(), Some(2));
    assert!(
        error_line(&without).contains("give"),
        "{}",
        error_line(&without)
    );
    let asked = [
        "duel", "--replay", &run, "-H", &header, "--data", &data, "--get", &get,
    ];
    let half = place.authlab(&[&asked[..], &["--head", &head]].concat());
    assert_eq!(half.status.code(), Some(2));
    assert!(
        error_line(&half).contains("were not written down: give it again, with --base"),
        "{}",
        error_line(&half)
    );
    let other = format!("{head} --token {}", s());
    let another = place.authlab(&[&asked[..], &["--base", &base, "--head", &other]].concat());
    assert_eq!(another.status.code(), Some(2));
    assert!(
        error_line(&another).contains("is not that of the run, which is"),
        "{}",
        error_line(&another)
    );
    // With all of it the duel begins; it has no server any more.
    std::fs::remove_file(place.path().join("srv.py")).unwrap();
    let again = [
        &asked[..],
        &["--base", &base, "--head", &head, "--runs", "again"],
    ]
    .concat();
    let again = place.authlab(&again);
    assert!(
        error_line(&again).contains("variant `base`: "),
        "{}",
        stderr(&again)
    );

    let compared = place.authlab(&[
        "compare", &run, "--base", "base", "--head", "head", "--format", "markdown",
    ]);
    let reported = place.authlab(&["report", &run]);
    assert_kept(
        place.path(),
        &[
            &output, &without, &half, &another, &again, &compared, &reported,
        ],
        &drawn,
    );
    place.assert_nothing_left();
}

#[test]
fn a_server_that_ends_and_repeats_its_arguments_gives_none_of_them_away() {
    let place = Place::new();
    place.write(
        "refuses.py",
        "import os, sys\nsys.exit(f'no: {sys.argv} {os.environ[\"T\"]}')\n",
    );
    place.write("srv.py", IGNORES);
    let mut drawn = Vec::new();
    let refuses = format!(
        "T='{}' python3 {}/refuses.py --token '{}' redis://u:{}@h/0 {{port}}",
        secret(&mut drawn),
        place.path().display(),
        secret(&mut drawn),
        secret(&mut drawn)
    );
    let fine = format!("python3 {}/srv.py {{port}}", place.path().display());
    let output =
        place.authlab(&[&["duel", "--base", &refuses, "--head", &fine], &SHORT[..]].concat());
    assert_eq!(output.status.code(), Some(2));
    let said = error_line(&output);
    assert!(
        said.contains("refuses.py --token … redis://…@h/0") && said.contains("; it said: no: ["),
        "{said}"
    );
    let run = place.run_json()["status"].to_string();
    assert!(run.contains("it said: no: ["), "{run}");
    for secret in &drawn {
        assert!(!said.contains(secret) && !run.contains(secret), "{said}");
    }
}

#[test]
fn a_load_and_a_run_give_no_credential_away() {
    let place = Place::new();
    place.write("srv.py", IGNORES);
    let mut drawn = Vec::new();
    let mut s = || secret(&mut drawn);
    let text = format!(
        r#"
name = "typed"
question = "?"
[[beside]]
name = "store"
command = ["python3", "srv.py", "--requirepass", '{}', "{{port}}"]
env = {{ PASS = '{}' }}
ready = "/"
[[variant]]
name = "one"
command = ["python3", "srv.py", "--token", '{}', 'http://u:{}@{{store}}/', "{{port}}"]
env = {{ KEY = '{}' }}
beside = ["store"]
[[step]]
name = "get"
request = 'GET /x?api_key={}'
headers = {{ authorization = 'Bearer {}' }}
[[step]]
name = "form"
request = "POST /"
basic = ["me", '{}']
form = {{ password = '{}' }}
[[load]]
name = "load"
users = 1
journey = ["get", "form"]
profile.quick = {{ blocks = 1, slice = "20ms", warm_up = "10ms" }}
"#,
        s(),
        s(),
        s(),
        s(),
        s(),
        s(),
        s(),
        s(),
        s()
    );
    place.write("typed.toml", &text);
    let ran = place.authlab(&["run", "typed.toml"]);
    let target = place.run_json()["variants"][0].to_string();
    assert!(
        target.contains("srv.py --token … http://…@127.0.0.1:")
            && target.contains("--requirepass …"),
        "{target}"
    );

    let port = std::net::TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
        .to_string();
    let mut server = std::process::Command::new("python3")
        .args(["srv.py", &port])
        .current_dir(place.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    assert!(command::eventually(|| std::net::TcpStream::connect(
        format!("127.0.0.1:{port}")
    )
    .is_ok()));
    let url = format!("http://127.0.0.1:{port}/x?token={}&b=1", s());
    let header = format!("x-anything: {}", s());
    let data = s();
    let loaded = place.authlab(&[
        "load", &url, "-H", &header, "--data", &data, "-d", "40ms", "--runs", "loaded",
    ]);
    server.kill().unwrap();
    server.wait().unwrap();
    let run = std::fs::read_dir(place.path().join("loaded"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let command = std::fs::read_to_string(run.join("summary.md")).unwrap();
    assert!(command.contains("/x?token=…&b=1"), "{command}");
    assert_kept(place.path(), &[&ran, &loaded], &drawn);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of calls and files")]
fn no_verb_repeats_a_credential_in_what_it_refuses() {
    let place = Place::new();
    let drawn = RefCell::new(Vec::new());
    let s = || secret(&mut drawn.borrow_mut());
    let calls: Vec<Vec<String>> = [
        vec!["load".into(), format!("http://u:{}@127.0.0.1:1", s())],
        vec!["load".into(), format!("ftp://h/?token={}", s())],
        vec![
            "load".into(),
            "http://127.0.0.1:1".into(),
            format!("redis://:{}@h", s()),
        ],
        vec![
            "load".into(),
            "http://127.0.0.1:1".into(),
            "--get".into(),
            format!("x?key={}", s()),
        ],
        vec![
            "load".into(),
            format!("--header={}", s()),
            "http://127.0.0.1:1".into(),
        ],
        vec![
            "duel".into(),
            "--base".into(),
            format!("TOKEN={} ./srv", s()),
            "--head".into(),
            "x".into(),
        ],
        vec![
            "duel".into(),
            "--base".into(),
            format!("http://u:{}@h", s()),
            "--head".into(),
            "x".into(),
        ],
        vec![
            "duel".into(),
            "--base".into(),
            format!("./srv --key {} 'open {{port}}", s()),
            "--head".into(),
            "x".into(),
        ],
        vec![
            "duel".into(),
            "--bose".into(),
            format!("any={} ./srv {{port}}", s()),
        ],
        vec![
            "serve".into(),
            "--introspect-url".into(),
            format!("ftp://u:{}@h", s()),
        ],
        vec![
            "serve".into(),
            "--sessions".into(),
            format!("redis://:{}@127.0.0.1:1", s()),
            "--listen".into(),
            "nowhere".into(),
        ],
        vec![
            "serve".into(),
            "--sessions".into(),
            format!("radis://:{}@127.0.0.1:1", s()),
        ],
        vec![
            "serve".into(),
            "--cache-store".into(),
            format!("redis://u:{}@127.0.0.1:1/x", s()),
            "--listen".into(),
            "nowhere".into(),
        ],
        vec![
            "client".into(),
            "--token".into(),
            s(),
            format!("http://u:{}@127.0.0.1:1", s()),
        ],
        vec!["report".into(), format!("postgres://u:{}@h/none", s())],
        vec![
            "compare".into(),
            format!("http://h/run.json?secret={}", s()),
        ],
    ]
    .into();
    for words in calls {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = place.authlab(&words);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{words:?}: {}",
            stderr(&output)
        );
        let said = stderr(&output) + &String::from_utf8_lossy(&output.stdout);
        for secret in &*drawn.borrow() {
            assert!(!said.contains(secret.as_str()), "{words:?}: {said}");
        }
    }
    // Nor does a scenario's refusal.
    for line in [
        format!("env = '{}'", s()),
        format!("command = 'TOKEN={}'", s()),
        format!("url = 'http://u:{}@h'", s()),
        format!("url = 'ftp://h?token={}'", s()),
        format!(
            "flags = {{ introspect-url = 'ftp://u:{}@h', verify = 'introspect' }}",
            s()
        ),
        format!("flags = {{ sessions = 'radis://:{}@h' }}", s()),
    ] {
        place.write(
            "typed.toml",
            &format!(
                "name = \"a\"\nquestion = \"?\"\n[[variant]]\nname = \"v\"\n{line}\n[[step]]\nname = \"s\"\nrequest = \"GET /\"\n\
                 [[load]]\nname = \"l\"\nusers = 1\njourney = [\"s\"]\nprofile.quick = {{ blocks = 1, slice = \"1ms\" }}\n"
            ),
        );
        let output = place.authlab(&["run", "typed.toml"]);
        assert_eq!(output.status.code(), Some(2), "{line}");
        let said = stderr(&output);
        for secret in &*drawn.borrow() {
            assert!(!said.contains(secret.as_str()), "{line}: {said}");
        }
    }
}

#[test]
fn the_choices_of_the_reference_server_are_known_as_such() {
    let place = Place::new();
    let help = place.authlab(&["serve", "--help"]);
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    for (flag, values) in PUBLIC_CHOICES {
        let (_, after) = help.split_once(&format!("--{flag} <")).unwrap();
        let (choices, _) = after.split_once("\n      --").unwrap();
        let known: Vec<&str> = choices
            .lines()
            .filter_map(|line| line.trim().strip_prefix("- ")?.split_once(':'))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(known, *values, "--{flag}");
    }
}

#[test]
fn a_servers_log_keeps_its_beginning_and_its_end() {
    let place = Place::new();
    let talks = IGNORES.replace("pass\nport", "print('a' * 100_000, flush=True)\nport");
    place.write("talks.py", &talks);
    place.write(
        "talks.toml",
        r#"
name = "talks"
question = "?"
[[variant]]
name = "base"
command = ["python3", "talks.py", "{port}"]
[[step]]
name = "get"
request = "GET /"
[[load]]
name = "load"
users = 1
journey = ["get"]
profile.quick = { blocks = 1, slice = "100ms", min_samples = 60, warm_up = "10ms" }
"#,
    );
    let output = place.authlab(&["run", "talks.toml"]);
    let log = std::fs::read(place.run().join("base.server.log")).unwrap();
    assert!(log.starts_with(b"started with"), "{}", stderr(&output));
    assert!(log.len() < 2 * (1 << 20) + 100, "{}", log.len());
    let text = String::from_utf8_lossy(&log);
    assert!(
        text.contains("bytes of this log were left out here]"),
        "{}",
        log.len()
    );
    let mode = |path: PathBuf| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!(mode(place.run()), 0o700);
    assert_eq!(mode(place.run().join("base.server.log")), 0o600);
}

#[test]
fn a_database_is_made_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let path = place.path().join("u.db");
    let users = format!("sqlite:{}", path.display());
    let mut server = place.start(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--password",
        "sha256",
        "--users",
        &users,
    ]);
    let files = ["u.db", "u.db-wal", "u.db-shm"].map(|name| place.path().join(name));
    let mode = |file: &PathBuf| {
        let about = std::fs::metadata(file).ok();
        about.map(|about| about.permissions().mode() & 0o777)
    };
    // The log and its index are there while somebody reads: SQLite gives them the mode of the database.
    let are_private = command::eventually(|| {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
        rusqlite::Connection::open_with_flags(&path, flags).is_ok_and(|reader| {
            let counted = reader.query_row("SELECT count(*) FROM accounts", [], |_| Ok(()));
            counted.is_ok() && files.iter().all(|file| mode(file) == Some(0o600))
        })
    });
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(are_private, "{:?}", files.map(|file| mode(&file)));
}

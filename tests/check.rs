//! `authlab check` at real servers: the reference server keeps its contract in every cache mode, and does not where a flag trades
//! that away; and what is wrong with a contract is one line.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const AUTHLAB: &str = env!("CARGO_BIN_EXE_authlab");
const CONTRACT: &str = include_str!("../check/contracts/authlab.toml");

/// A server that ends with the test.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(flags: &[&str]) -> Self {
        let mut child = Command::new(AUTHLAB)
            .args(["serve", "--listen", "127.0.0.1:0", "--password", "sha256"])
            .args(flags)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("authlab listening on ").unwrap();
        Self {
            child,
            url: url.to_owned(),
        }
    }

    fn contract(&self) -> String {
        CONTRACT.replace("http://127.0.0.1:8080", &self.url)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn check(folder: &Path, words: &[&str]) -> Output {
    Command::new(AUTHLAB)
        .arg("check")
        .args(words)
        .args(["--rate", "5000", "--seed", "5"])
        .current_dir(folder)
        .output()
        .unwrap()
}

fn written(contract: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("contract.toml"), contract).unwrap();
    folder
}

fn said(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{out}{err}")
}

#[test]
fn the_reference_server_keeps_its_contract_in_every_cache_mode() {
    let bound = ["--binding", "sha256"];
    let modes: [&[&str]; 7] = [
        &["--cache", "none"],
        &["--cache", "token"],
        &["--cache", "decision"],
        &["--cache", "decision", "--cache-store", "moka"],
        &["--cache", "decision", "--cache-form", "digest"],
        &["--cache", "decision", "--freshness", "denylist"],
        &["--cache", "decision", "--credential", "opaque"],
    ];
    for mode in modes {
        let server = Server::start(&[&bound, mode].concat());
        let folder = written(&server.contract());
        let output = check(folder.path(), &["contract.toml", "--requests", "300"]);
        assert_eq!(output.status.code(), Some(0), "{mode:?}: {}", said(&output));
        let text = said(&output);
        assert!(
            text.contains("No violation was found in what was covered."),
            "{text}"
        );
        assert!(
            text.contains("  not covered: expiry: the contract has no [expiry]"),
            "{text}"
        );
    }
}

#[test]
fn decisions_by_authzen_are_judged_by_their_body() {
    let routes = concat!(env!("CARGO_MANIFEST_DIR"), "/check/contracts/routes.toml");
    let ready = include_str!("../check/contracts/authzen.toml");
    for (flags, code) in [
        (&["--cache", "none"][..], 0),
        (&["--cache", "decision"], 0),
        (&["--policy", "allow-all"], 1),
    ] {
        let server = Server::start(&[&["--routes", routes][..], flags].concat());
        let folder = written(&ready.replace("http://127.0.0.1:8080", &server.url));
        let output = check(folder.path(), &["contract.toml", "--requests", "500"]);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(code), "{flags:?}: {text}");
        assert!(
            !text.contains("eyJ") && !text.contains("demo-secret"),
            "{text}"
        );
    }
}

#[test]
fn a_stale_grant_is_right_within_its_promise_and_wrong_without_one() {
    let server = Server::start(&[
        "--binding",
        "sha256",
        "--cache",
        "decision",
        "--freshness",
        "ttl",
        "--cache-ttl",
        "200ms",
    ]);
    let promised = server
        .contract()
        .replace("within = \"0s\"", "within = \"200ms\"");
    let folder = written(&promised);
    let output = check(folder.path(), &["contract.toml", "--requests", "300"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));

    let folder = written(&server.contract());
    let output = check(folder.path(), &["contract.toml"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains(" was answered; the contract allows 0 ms"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_key_without_the_sender_is_found_told_in_every_form_and_replayed() {
    let server = Server::start(&[
        "--binding",
        "sha256",
        "--cache",
        "decision",
        "--cache-key",
        "article",
    ]);
    let folder = written(&server.contract());
    let files = [
        "--json", "c.json", "--junit", "c.xml", "--sarif", "c.sarif", "--replay", "found",
    ];
    let output = check(folder.path(), &[&["contract.toml"][..], &files].concat());
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let text = said(&output);
    assert!(
        text.contains("from another sender is permitted, with 20"),
        "{text}"
    );
    assert!(
        !text.contains("password456") && !text.contains("securePass"),
        "{text}"
    );

    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let json: Value = serde_json::from_str(&read("c.json")).unwrap();
    assert_eq!(json["verdict"], "violation");
    assert_eq!(json["violations"][0]["kind"], "permitted");
    assert!(
        json["violations"][0]["requests"].as_u64().unwrap() <= 4,
        "{json}"
    );
    let sarif: Value = serde_json::from_str(&read("c.sarif")).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "permitted");
    let line = &result["locations"][0]["physicalLocation"]["region"]["startLine"];
    assert_eq!(*line, json["violations"][0]["line"]);
    let junit = read("c.xml");
    assert!(
        junit.contains("failures=\"1\"") && junit.contains("from another sender"),
        "{junit}"
    );

    typed_by_hand(folder.path(), &json["violations"][0]["curl"]);

    let output = check(folder.path(), &["found-1.toml", "--json", "again.json"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let again: Value = serde_json::from_str(&read("again.json")).unwrap();
    assert_eq!(
        again["violations"][0]["history"],
        json["violations"][0]["history"]
    );
}

/// The commands of a violation, typed: the last answer is the wrong one.
fn typed_by_hand(folder: &Path, commands: &Value) {
    let mut lines: Vec<&str> = commands
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap())
        .collect();
    let unset = lines.remove(0);
    assert!(
        unset.starts_with("# Set first: ") && unset.ends_with("_PASSWORD"),
        "{unset}"
    );
    let shell = |script: &str| {
        let mut bash = Command::new("bash");
        let passwords = [
            ("ALICE_PASSWORD", "securePass"),
            ("JANE_PASSWORD", "password456"),
            ("JOHN_PASSWORD", "password123"),
        ];
        bash.args(["-c", script])
            .current_dir(folder)
            .envs(passwords)
            .output()
            .unwrap()
    };
    if !shell("command -v curl jq").status.success() {
        eprintln!("not tested: there is no curl, or no jq");
        return;
    }
    let output = shell(&lines.join("\n"));
    let text = said(&output);
    let statuses: Vec<_> = text.match_indices("HTTP/1.1 20").collect();
    assert_eq!(statuses.len(), 2, "{text}");
}

#[test]
fn a_gate_that_answers_nothing_or_errors_alone_is_not_judged() {
    let contract = |url: &str| {
        format!(
            "name = \"n\"\nbase = \"{url}\"\n[[principal]]\nname = \"ann\"\npresent = [{{ bearer = \"x\" }}]\n\
             [[route]]\nrequest = \"GET /\"\nmay = [\"ann\"]\n"
        )
    };
    let errors = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let failing = format!("http://{}", errors.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in errors.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4_096];
            let _ = stream.read(&mut head);
            let _ = stream
                .write_all(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nothing = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    for (url, part) in [
        (failing, "answers every request with an error (500)"),
        (nothing, "does not answer: "),
    ] {
        let folder = written(&contract(&url));
        let output = check(folder.path(), &["contract.toml"]);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(
            text.contains("contract.toml:2: ") && text.contains(part),
            "{text}"
        );
    }
}

#[test]
fn the_control_that_allows_everything_is_found() {
    let server = Server::start(&["--policy", "allow-all"]);
    let folder = written(&server.contract());
    let output = check(
        folder.path(),
        &["contract.toml", "--keep-going", "--requests", "300"],
    );
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
}

/// What is replaced in a contract, by what, the line that is told, and a part of what is said.
type Mistake<'a> = (&'a str, &'a str, usize, &'a str);

/// Mistakes in the contract of a server at `url`; at the other address nothing listens.
fn mistakes<'a>(right: &'a str, url: &'a str, unreachable: &'a str) -> Vec<Mistake<'a>> {
    let line = |text: &str| right.lines().position(|line| line.contains(text)).unwrap() + 1;
    let first = ("[[step]]", line("[[step]]"));
    vec![
        (
            "spare = true",
            "spared = true",
            line("spare = true"),
            "unknown field `spared`",
        ),
        (
            "within = \"0s\"",
            "within = 0",
            line("within = \"0s\""),
            "invalid type",
        ),
        (
            "within = \"0s\"",
            "within = \"soon\"",
            line("within = \"0s\""),
            "soon",
        ),
        (
            "may = [\"admin\"]",
            "may = [\"amdin\"]",
            line("may = [\"admin\"]"),
            "`amdin` is no principal and no role",
        ),
        (
            "sign_in = [\"sign-in\"]",
            "sign_in = [\"signin\"]",
            line("sign_in"),
            "no step is named `signin`",
        ),
        (
            "ends = \"credential\"",
            "ends = \"all\"",
            line("ends = \"credential\""),
            "use credential or principal",
        ),
        (
            "request = \"GET /todos\"",
            "request = \"GET /items\"",
            line("GET /todos"),
            "is already there",
        ),
        (
            "request = \"GET /todos\"",
            "request = \"GET todos\"",
            line("GET /todos"),
            "write it as `GET /path`",
        ),
        (
            url,
            "http://example.org",
            line("base ="),
            "name it in `hosts`",
        ),
        (
            url,
            unreachable,
            line("name = \"john\""),
            "`john` cannot sign in",
        ),
        (
            "password456",
            "password457",
            line("name = \"jane\""),
            "`jane` cannot sign in: step `sign-in`: status 401",
        ),
        (
            "bearer = \"{token}\", headers",
            "bearer = \"x{token}\", headers",
            line("name = \"john\""),
            "the credential of `john` never works",
        ),
        (
            first.0,
            "ignore = [\"heads\"]\n[[step]]",
            first.1,
            "no form is named `heads`",
        ),
        (
            "shows = \"\\\"username",
            "shows = \"\\\"user-name",
            line("GET /user"),
            "no answer to `GET /user` contains the text",
        ),
    ]
}

#[test]
fn what_is_wrong_with_a_contract_is_one_line_and_no_claim() {
    let server = Server::start(&[]);
    let right = server.contract();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let unreachable = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    for (from, to, line, part) in mistakes(&right, &server.url, &unreachable) {
        assert!(right.contains(from), "{from}");
        let folder =
            written(&right.replacen(from, to, if from.starts_with("http") { 9 } else { 1 }));
        let output = check(folder.path(), &["contract.toml"]);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(2), "{to}: {text}");
        assert_eq!(text.lines().count(), 1, "{to}: {text}");
        assert!(
            text.contains(&format!("contract.toml:{line}: ")) && text.contains(part),
            "{to} (line {line}): {text}"
        );
    }
}

/// nginx in front of the reference server; it ends with the test.
struct Nginx {
    child: Child,
    _folder: TempDir,
    contract: String,
}

impl Nginx {
    /// What it keeps of the server's answers is `cache`. None where there is no nginx.
    fn start(server: &Server, cache: &str) -> Option<Self> {
        let ports = [(); 2].map(|()| {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().port().to_string()
        });
        let address = server.url.strip_prefix("http://").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let conf = include_str!("../check/regressions/nginx.conf")
            .replace("127.0.0.1:GATE", &format!("127.0.0.1:{}", ports[0]))
            .replace("127.0.0.1:UPSTREAM", &format!("127.0.0.1:{}", ports[1]))
            .replace("http://AUTHLAB", &server.url)
            .replace("            CACHE\n", cache)
            .replace("            KEPT\n", "");
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, conf).unwrap();
        let mut nginx = Command::new("nginx");
        nginx.arg("-p").arg(folder.path()).arg("-c").arg(&file);
        let child = nginx.stderr(Stdio::null()).spawn().ok()?;
        let gate = format!("127.0.0.1:{}", ports[0]);
        let answers = || std::net::TcpStream::connect(&gate).is_ok();
        let waited = (0..200).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            answers()
        });
        assert!(waited, "nginx does not listen");
        let contract = include_str!("../check/regressions/contract.toml")
            .replace("127.0.0.1:8088", &gate)
            .replace("127.0.0.1:8080", address);
        Some(Self {
            child,
            _folder: folder,
            contract,
        })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

#[test]
fn nginx_keeps_the_contract_without_a_cache_and_breaks_it_with_a_key_that_lacks_something() {
    let routes = concat!(env!("CARGO_MANIFEST_DIR"), "/check/regressions/routes.toml");
    let flags = [
        "--binding",
        "sha256",
        "--trusted-proxy",
        "127.0.0.1",
        "--routes",
        routes,
    ];
    let server = Server::start(&flags);
    let cached = |key: &str| {
        format!(
            "proxy_cache answers; proxy_cache_valid 200 204 401 403 1m; proxy_cache_key \"{key}\";\n\
             proxy_ignore_headers Cache-Control Expires Vary;\n"
        )
    };
    let all = "$request_method $request_uri $http_user_agent";
    let table = [
        (String::new(), 0, ""),
        (cached("$http_authorization"), 1, "`jane` may not"),
        (
            cached("$http_authorization $request_method $http_user_agent"),
            1,
            "`jane` may not",
        ),
        (cached(all), 1, "`GET /"),
        // Keyed by all that matters, an answer still outlives the revocation.
        (
            cached(&format!("$http_authorization {all}")),
            1,
            "after `revoke` was answered",
        ),
    ];
    for (cache, code, part) in table {
        let Some(nginx) = Nginx::start(&server, &cache) else {
            eprintln!("not tested: there is no nginx");
            return;
        };
        let folder = written(&nginx.contract);
        let output = check(folder.path(), &["contract.toml", "--requests", "700"]);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(code), "{cache}: {text}");
        assert!(text.contains(part), "{cache}: {text}");
    }
}

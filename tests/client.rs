//! The client at a real server: as a script uses it, as a dialogue; and what the server's log says of that.

#![allow(clippy::unwrap_used, reason = "a test may end so")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use serde_json::Value;

const AUTHLAB: &str = env!("CARGO_BIN_EXE_authlab");

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
            .stderr(Stdio::piped())
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

    fn client(&self, words: &[&str]) -> Command {
        let mut client = Command::new(AUTHLAB);
        client
            .args(["client", &self.url])
            .args(words)
            .env_remove("AUTHLAB_TOKEN")
            .env_remove("AUTHLAB_CLIENT_PASSWORD")
            .stdin(Stdio::null());
        client
    }

    fn token(&self, user: &str, password: &str) -> String {
        let mut login = self.client(&["login", "--user", user]);
        stdout(
            &login
                .env("AUTHLAB_CLIENT_PASSWORD", password)
                .output()
                .unwrap(),
        )
    }

    /// Ends the server, which writes the rest of its log first, and answers what it wrote on stderr.
    fn told(mut self) -> String {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let mut text = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        text
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone())
        .unwrap()
        .trim_end()
        .to_owned()
}

fn with_input(mut command: Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_script_signs_in_and_goes_on_with_the_token_and_no_secret_is_logged() {
    let server = Server::start(&["--log", "requests", "--log-format", "json"]);
    let john = server.token("john", "password123");
    let jane = server.token("jane", "password456");
    let says = |token: &str, words: &[&str]| {
        let output = server
            .client(words)
            .env("AUTHLAB_TOKEN", token)
            .output()
            .unwrap();
        let error = String::from_utf8(output.stderr.clone()).unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
            error,
        )
    };
    assert_eq!(says(&john, &["items"]).1, "Admin Items\n");
    assert_eq!(
        says(&jane, &["items", "--json"]).1,
        "{\"items\":[\"User Items\"]}\n"
    );
    assert_eq!(says(&john, &["add", "A pen"]).1, "added: A pen\n");
    let (code, _, error) = says(&jane, &["add"]);
    assert_eq!(
        (code, &*error),
        (1, "authlab: Insufficient privileges (403)\n")
    );
    assert_eq!(says(&jane, &["account"]).1, "jane (user)\n");
    assert_eq!(says(&jane, &["logout"]).1, "signed out\n");
    assert_eq!(says(&jane, &["items"]).0, 1);
    assert_eq!(
        server.client(&["items"]).output().unwrap().status.code(),
        Some(2)
    );

    let wrong = with_input(
        server.client(&["login", "--user", "jane"]),
        "a wrong guess\n",
    );
    assert_eq!(wrong.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(wrong.stderr).unwrap(),
        "authlab: Incorrect username or password (401)\n"
    );

    let log = server.told();
    let lines: Vec<Value> = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let statuses = |route: &str| {
        let of_route = lines.iter().filter(|line| line["route"] == route);
        of_route
            .map(|line| line["status"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(statuses("/token"), [200, 200, 401], "{log}");
    assert_eq!(statuses("/items"), [200, 200, 201, 403, 401], "{log}");
    let ids: std::collections::HashSet<&str> = lines
        .iter()
        .map(|line| line["request_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), lines.len());
    for secret in [
        &*john,
        &jane,
        "password123",
        "password456",
        "a wrong guess",
        "$sha256$",
        "Bearer",
    ] {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
}

#[test]
fn a_dialogue_shows_what_each_account_may_until_quit() {
    let server = Server::start(&[]);
    let output = with_input(
        server.client(&[]),
        "jane\npassword456\n\njohn\nwrong\njohn\npassword123\nquit\nnobody\n",
    );
    let text = stdout(&output);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("token    ey"))
        .collect();
    assert_eq!(
        lines[1..],
        [
            "items    User Items",
            "add      Insufficient privileges (403)",
            "account  jane (user)",
            "Incorrect username or password (401)",
            "items    Admin Items",
            "add      added: Admin Item",
            "account  john (admin)",
        ]
    );
}

#[test]
fn devices_are_listed_and_signed_out_and_a_cookie_is_kept_as_well() {
    let server = Server::start(&["--preset", "device-sessions"]);
    let login = |device: &str| {
        let mut login = server.client(&["login", "--user", "user123", "--device", device]);
        stdout(
            &login
                .env("AUTHLAB_CLIENT_PASSWORD", "password123")
                .output()
                .unwrap(),
        )
    };
    let (phone, laptop) = (login("my phone"), login("laptop"));
    let says = |token: &str, words: &[&str]| {
        let output = server
            .client(words)
            .env("AUTHLAB_TOKEN", token)
            .output()
            .unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    assert_eq!(
        says(&laptop, &["devices"]).1,
        "my phone  authlab client  127.0.0.1\nlaptop  authlab client  127.0.0.1  (this one)\n"
    );
    assert_eq!(
        says(&laptop, &["sign-out", "my phone"]),
        (0, "signed out\n".to_owned())
    );
    assert_eq!(says(&phone, &["items"]).0, 1);
    assert_eq!(
        says(&laptop, &["account"]).1,
        "user123 (user), user123@example.com, Signs in from many devices\n"
    );
    let dialogue = with_input(
        server.client(&[]),
        "user124\npassword124\nnot there\n\nexit\n",
    );
    let text = stdout(&dialogue);
    assert!(
        text.contains("sign-out No such device is signed in (404)"),
        "{text}"
    );

    let server = Server::start(&["--preset", "cookie-session"]);
    let cookie = server.token("jane", "password456");
    let items = server
        .client(&["items"])
        .env("AUTHLAB_TOKEN", &cookie)
        .output()
        .unwrap();
    assert_eq!(stdout(&items), "User Items");
    let logout = server
        .client(&["logout"])
        .env("AUTHLAB_TOKEN", &cookie)
        .output()
        .unwrap();
    assert_eq!(stdout(&logout), "signed out");
    let again = server
        .client(&["items"])
        .env("AUTHLAB_TOKEN", &cookie)
        .output()
        .unwrap();
    assert_eq!(again.status.code(), Some(1));
}

#[test]
fn what_is_no_server_of_ours_is_said_in_a_line() {
    let bound = Server::start(&["--binding", "dpop"]);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    for (url, why) in [
        (&*bound.url, "binds tokens to keys"),
        (&address, "does not answer"),
        ("localhost:8080", "expected http://HOST:PORT"),
        ("ftp://localhost", "expected http://HOST:PORT"),
    ] {
        let output = Command::new(AUTHLAB)
            .args(["client", url, "items", "--token", "x"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{url}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(why) && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn api_keys_and_passwords_on_each_request_are_shown_as_the_server_wants_them() {
    for flags in [&["--credential", "api-key"][..], &["--credential", "basic"]] {
        let server = Server::start(flags);
        let token = server.token("john", "password123");
        let says = |words: &[&str]| {
            let output = server
                .client(words)
                .env("AUTHLAB_TOKEN", &token)
                .output()
                .unwrap();
            stdout(&output)
        };
        assert_eq!(says(&["items"]), "Admin Items", "{flags:?}");
        assert_eq!(says(&["add", "A pen"]), "added: A pen", "{flags:?}");
        assert_eq!(says(&["account"]), "john (admin)", "{flags:?}");
        let wrong = with_input(
            server.client(&["login", "--user", "jane"]),
            "a wrong guess\n",
        );
        assert_eq!(wrong.status.code(), Some(1), "{flags:?} {wrong:?}");
        let dialogue = with_input(server.client(&[]), "jane\npassword456\nquit\n");
        assert!(
            stdout(&dialogue).contains("items    User Items"),
            "{flags:?}"
        );
    }

    let server = Server::start(&["--credential", "api-key"]);
    let key = server.token("jane", "password456");
    let with_key = |words: &[&str]| {
        let mut client = server.client(words);
        client.env("AUTHLAB_TOKEN", &key).output().unwrap()
    };
    assert_eq!(stdout(&with_key(&["logout"])), "signed out");
    assert_eq!(with_key(&["items"]).status.code(), Some(1));

    let server = Server::start(&["--credential", "basic"]);
    let items = with_input(server.client(&["items", "--user", "jane"]), "password456\n");
    assert_eq!(stdout(&items), "User Items");
    let unnamed = server.client(&["items"]).output().unwrap();
    let error = String::from_utf8(unnamed.stderr).unwrap();
    assert!(
        unnamed.status.code() == Some(2) && error.contains("--user NAME"),
        "{error}"
    );
    let logout = server
        .client(&["logout", "--token", "amFuZTp4"])
        .output()
        .unwrap();
    let error = String::from_utf8(logout.stderr).unwrap();
    assert!(
        logout.status.code() == Some(2) && error.contains("no session to end"),
        "{error}"
    );
}

/// A client that asks for a password at a terminal of its own.
struct Asked {
    terminal: OwnedFd,
    client: Child,
}

impl Asked {
    fn start(server: &Server) -> Self {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let side = std::fs::File::options()
            .read(true)
            .write(true)
            .open(name.to_str().unwrap())
            .unwrap();
        let client = Command::new("setsid")
            .args(["--ctty", AUTHLAB, "client", &server.url])
            .args(["login", "--user", "jane"])
            .env_remove("AUTHLAB_CLIENT_PASSWORD")
            .stdin(side.try_clone().unwrap())
            .stdout(Stdio::piped())
            .stderr(side)
            .spawn()
            .unwrap();
        let asked = Self { terminal, client };
        wait_until("no question without echo", || !asked.echoes());
        asked
    }

    fn echoes(&self) -> bool {
        let modes = tcgetattr(&self.terminal).unwrap();
        modes.local_modes.contains(LocalModes::ECHO)
    }

    fn types(&self, keys: &[u8]) {
        rustix::io::write(&self.terminal, keys).unwrap();
    }

    fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.client), signal).unwrap();
    }

    /// As in proc(5): `T` is stopped.
    fn state(&self) -> String {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.client.id())).unwrap();
        let (_, rest) = stat.rsplit_once(") ").unwrap();
        rest[..1].to_owned()
    }
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let _ = self.client.kill();
        let _ = self.client.wait();
    }
}

#[test]
fn a_terminal_has_its_echo_again_whatever_ends_the_question_for_a_password() {
    type End = fn(&Asked);
    let server = Server::start(&[]);
    // What is done, the exit code, the signal that ended the client.
    let ends: [(&str, End, Option<i32>, Option<i32>); 6] = [
        (
            "an answer",
            |asked| asked.types(b"password456\n"),
            Some(0),
            None,
        ),
        (
            "a wrong answer",
            |asked| asked.types(b"wrong\n"),
            Some(1),
            None,
        ),
        ("Ctrl-D", |asked| asked.types(b"\x04"), Some(2), None),
        ("Ctrl-C", |asked| asked.types(b"\x03"), None, Some(2)),
        ("SIGTERM", |asked| asked.send(Signal::TERM), None, Some(15)),
        ("SIGHUP", |asked| asked.send(Signal::HUP), None, Some(1)),
    ];
    for (what, end, code, signal) in ends {
        let mut asked = Asked::start(&server);
        end(&asked);
        let status = asked.client.wait().unwrap();
        assert_eq!((status.code(), status.signal()), (code, signal), "{what}");
        assert!(asked.echoes(), "{what}");
    }
}

#[test]
fn a_client_that_is_stopped_while_it_asks_gives_the_echo_back_and_asks_again() {
    let server = Server::start(&[]);
    let mut asked = Asked::start(&server);
    asked.types(b"\x1a");
    wait_until("it is not stopped", || asked.state() == "T");
    assert!(asked.echoes());
    asked.send(Signal::CONT);
    wait_until("it does not ask again", || !asked.echoes());
    asked.types(b"password456\n");
    assert!(asked.client.wait().unwrap().success());
    assert!(asked.echoes());
}

/// A server may close a connection that it kept at the moment at which it is used again. Most requests of the client must not
/// be sent twice, so each has a connection of its own.
#[test]
fn a_server_that_closes_kept_connections_loses_no_request() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut line, mut length, mut more) = (String::new(), 0, String::new());
                reader.read_line(&mut line).unwrap();
                while reader.read_line(&mut more).unwrap() > 2 {
                    if let Some(value) = more.to_lowercase().strip_prefix("content-length: ") {
                        length = value.trim().parse().unwrap();
                    }
                    more.clear();
                }
                reader.read_exact(&mut vec![0; length]).unwrap();
                let body = match line.split(' ').nth(1) {
                    Some("/openapi.json") => r#"{"paths":{"/token":{"post":{}}}}"#,
                    _ => r#"{"access_token":"t0ken"}"#,
                };
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json";
                let length = body.len();
                let answer = format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}");
                stream.write_all(answer.as_bytes()).unwrap();
                // The next request is read and not answered.
                let _ = reader.read_line(&mut line);
            });
        }
    });
    let login = Command::new(AUTHLAB)
        .args(["client", &url, "login", "--user", "x"])
        .env("AUTHLAB_CLIENT_PASSWORD", "y")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&login.stderr).into_owned();
    assert!(login.status.success(), "{said}");
    assert_eq!(String::from_utf8_lossy(&login.stdout).trim(), "t0ken");
}

//! The client at a real server: as a script uses it, as a dialogue; and what the server's log says of that.

#![allow(clippy::unwrap_used, reason = "a test may end so")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Output, Stdio};

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

    /// Ends the server, and answers what it wrote on stderr.
    fn told(mut self) -> String {
        self.child.kill().unwrap();
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
        ("https://localhost", "expected http://HOST:PORT"),
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

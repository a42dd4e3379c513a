//! A server in a process of its own, plain requests to it, and the tally of a fault.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A server that ends with the test.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts with these flags, on a free port; stderr is discarded.
    pub(crate) fn start(flags: &[&str]) -> Self {
        Self::start_with(flags, Stdio::null())
    }

    /// Starts with these flags, and stderr where the test wants it.
    pub(crate) fn start_with(flags: &[&str], stderr: Stdio) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_authlab"));
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        command.args(flags).stderr(stderr);
        Self::spawn(command)
    }

    /// Starts a command that prints the ready line of `authlab serve` on stdout.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let address = line
            .trim()
            .strip_prefix("authlab listening on http://")
            .unwrap_or_else(|| panic!("no ready line, but {line:?}"));
        Self {
            child,
            address: address.parse().unwrap(),
        }
    }

    /// One request on a connection of its own: the status and the body; `None` when no answer came.
    pub(crate) fn ask(&self, head: &str, body: &str) -> Option<(u16, String)> {
        ask(self.address, head, body)
    }

    /// Signs in at `/token`; `None` when that was refused.
    pub(crate) fn token(&self, name: &str, password: &str) -> Option<String> {
        let body = format!(r#"{{"username":"{name}","password":"{password}"}}"#);
        let head = "POST /token HTTP/1.1\r\ncontent-type: application/json";
        let (status, body) = self.ask(head, &body)?;
        (status == 200).then(|| {
            let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
            answer["access_token"].as_str().unwrap().to_owned()
        })
    }

    /// The status of `GET path` with a bearer token; 0 when no answer came.
    pub(crate) fn status(&self, path: &str, token: &str) -> u16 {
        let head = format!("GET {path} HTTP/1.1\r\nauthorization: Bearer {token}");
        self.ask(&head, "").map_or(0, |(status, _)| status)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request on a connection of its own. `head` is the request line and further fields, without the empty line.
pub(crate) fn ask(address: SocketAddr, head: &str, body: &str) -> Option<(u16, String)> {
    const WAIT: Duration = Duration::from_secs(20);
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(WAIT)).ok()?;
    let length = body.len();
    let request = format!(
        "{head}\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.get(9..12)?.parse().ok()?;
    let body = answer
        .split_once("\r\n\r\n")
        .map_or("", |(_, body)| body)
        .to_owned();
    Some((status, body))
}

/// Prints a row of the table of `make faults`, and fails when anything was lost.
///
/// `tried` counts requests, `held` those that got what is promised under this fault (an answer, or a refusal that says
/// so), and the rest is lost.
pub(crate) fn tally(fault: &str, tried: usize, held: usize) {
    let lost = tried - held;
    println!("fault: {fault:<56} tried {tried:>7}  held {held:>7}  lost {lost:>5}");
    assert!(tried > 0 && lost == 0, "{fault}: {lost} of {tried} lost");
}

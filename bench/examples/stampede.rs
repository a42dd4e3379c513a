//! Five hundred first requests of one token, bound by bcrypt at cost 12, at the same moment, over connections of their own:
//! right ones, wrong ones, and right ones of which every other hangs up. `make stampede`.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use authlab_server::{BindingKind, CacheKind, Design, Lab, PasswordKind, Sender, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::task::JoinHandle;

const MANY: usize = 500;
/// Who hangs up does so when all are waiting, and long before anybody is answered.
const PATIENCE: Duration = Duration::from_millis(100);

#[tokio::main]
async fn main() {
    for (what, user_agent, hangs_up) in [
        ("right", "browser", false),
        ("wrong", "thief", false),
        ("right, every other hangs up", "browser", true),
    ] {
        let line = stampede(user_agent, hangs_up).await;
        let _ = writeln!(std::io::stdout(), "{what}: {line}");
    }
}

async fn stampede(user_agent: &'static str, hangs_up: bool) -> String {
    let server = Server::bind(([127, 0, 0, 1], 0).into()).await;
    let server = server.expect("a free port");
    let address = server.address();
    let lab = Lab::open(Design {
        listen: address,
        password: PasswordKind::Sha256,
        binding: BindingKind::Bcrypt,
        cache: CacheKind::Decision,
        ..Design::default()
    })
    .expect("the design opens");
    tokio::spawn(server.run(Arc::clone(&lab), std::future::pending()));
    let sender = Sender {
        user_agent: b"browser",
        ip: [127, 0, 0, 1].into(),
        proof: None,
    };
    let issued = lab.login("john", "password123", &sender).await;
    let token = issued.expect("the demo user signs in").access_token;
    let before = lab.hashes();
    let ready = Arc::new(Barrier::new(MANY));
    let asked: Vec<JoinHandle<Option<(Duration, String)>>> = (0..MANY)
        .map(|number| {
            let patience = (hangs_up && number % 2 == 0).then_some(PATIENCE);
            let (token, ready) = (token.clone(), Arc::clone(&ready));
            tokio::spawn(async move {
                let stream = TcpStream::connect(address).await;
                let stream = stream.expect("the server listens");
                // All are connected before anybody asks.
                ready.wait().await;
                let asked = ask(stream, user_agent, &token);
                match patience {
                    None => Some(asked.await),
                    Some(patience) => tokio::time::timeout(patience, asked).await.ok(),
                }
            })
        })
        .collect();
    let mut answers = Vec::new();
    for one in asked {
        answers.extend(one.await.expect("nobody panics"));
    }
    answers.sort();
    let statuses: std::collections::BTreeSet<&str> =
        answers.iter().map(|(_, status)| status.as_str()).collect();
    let (first, last) = (answers[0].0, answers[answers.len() - 1].0);
    format!(
        "{} answers of {MANY}, status {statuses:?}; first {:.1} ms, last {:.1} ms ({:.3} of the first); {} hashes (a verification takes one of the User-Agent and one of the address)",
        answers.len(),
        first.as_secs_f64() * 1e3,
        last.as_secs_f64() * 1e3,
        last.as_secs_f64() / first.as_secs_f64(),
        lab.hashes() - before,
    )
}

/// The time to the first byte of the answer, and its status.
async fn ask(mut stream: TcpStream, user_agent: &str, token: &str) -> (Duration, String) {
    let sent = Instant::now();
    let request = format!(
        "GET /items/ HTTP/1.1\r\nhost: x\r\nuser-agent: {user_agent}\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it reads");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.expect("it answers");
    let status = String::from_utf8_lossy(&answer[9..]).into_owned();
    (sent.elapsed(), status)
}

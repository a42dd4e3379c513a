//! What a link makes of each answer, against a Redis that says what a test wants.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// What a call is answered.
#[derive(Clone)]
enum Said {
    Good,
    Line(&'static str),
    Nothing,
    /// Longer than a call waits.
    Slowly,
    Closed,
}

/// A Redis of a test: it says `first` to the first calls, and `then` to all others.
#[derive(Clone)]
struct Stub {
    first: Arc<Mutex<VecDeque<Said>>>,
    then: Said,
    role: &'static str,
    connections: Arc<AtomicUsize>,
    calls: Arc<AtomicUsize>,
}

impl Stub {
    async fn start(role: &'static str, first: &[Said], then: Said) -> (Self, Link) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let link = Link::open(&format!("redis://{}", listener.local_addr().unwrap())).unwrap();
        let stub = Self {
            first: Arc::new(Mutex::new(first.to_vec().into())),
            then,
            role,
            connections: Arc::default(),
            calls: Arc::default(),
        };
        let serving = stub.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                serving.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        (stub, link)
    }

    async fn serve(self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        while let Some(words) = command(&mut stream).await {
            let answer = if words[0] == "ROLE" {
                format!(
                    "*3\r\n${}\r\n{}\r\n:0\r\n*0\r\n",
                    self.role.len(),
                    self.role
                )
            } else {
                self.calls.fetch_add(1, Ordering::SeqCst);
                let next = self.first.lock().unwrap().pop_front();
                match next.unwrap_or_else(|| self.then.clone()) {
                    Said::Good => "+good\r\n".to_owned(),
                    Said::Line(line) => format!("-{line}\r\n"),
                    Said::Nothing => continue,
                    Said::Slowly => {
                        tokio::time::sleep(MOST_WAIT + LEAST_LIFE).await;
                        "+good\r\n".to_owned()
                    }
                    Said::Closed => return,
                }
            };
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

/// The words of a command as clients send it.
async fn command(stream: &mut BufReader<TcpStream>) -> Option<Vec<String>> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let count: usize = line.trim().strip_prefix('*')?.parse().ok()?;
    let mut words = Vec::new();
    for _ in 0..count {
        line.clear();
        stream.read_line(&mut line).await.ok()?;
        let length: usize = line.trim().strip_prefix('$')?.parse().ok()?;
        let mut word = vec![0; length + 2];
        stream.read_exact(&mut word).await.ok()?;
        word.truncate(length);
        words.push(String::from_utf8(word).ok()?);
    }
    Some(words)
}

async fn asks(link: &Link) -> Result<String, Denied> {
    let command = redis::cmd("GET");
    let answer = link.answer::<String>(Call::Command(&command)).await?;
    Ok(answer.value)
}

/// Connects, and lets the connection live for as long as it must before another may take its place.
async fn lived(link: &Link) {
    assert_eq!(asks(link).await.as_deref(), Ok("good"));
    tokio::time::sleep(LEAST_LIFE).await;
}

/// What is done about an answer that comes once.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Done {
    /// Sent again on the same connection.
    SentAgain,
    /// Sent again on another.
    Reconnected,
    /// 503, and the same connection serves the next call.
    Refused,
    /// 503, and another connection serves the next call.
    RefusedAndReconnected,
}

const ANSWERS: &[(&str, Done)] = &[
    (
        "READONLY You can't write against a read only replica.",
        Done::Reconnected,
    ),
    ("MASTERDOWN Link with MASTER is down", Done::Reconnected),
    (
        "LOADING Redis is loading the dataset in memory",
        Done::SentAgain,
    ),
    (
        "TRYAGAIN Multiple keys request during rehashing of slot",
        Done::SentAgain,
    ),
    ("BUSY Redis is busy running a script.", Done::SentAgain),
    (
        "UNKILLABLE The script already executed write commands",
        Done::SentAgain,
    ),
    (
        "NOSCRIPT No matching script. Please use EVAL.",
        Done::SentAgain,
    ),
    ("ERR max number of clients reached", Done::Reconnected),
    ("NOAUTH Authentication required.", Done::Reconnected),
    (
        "WRONGPASS invalid username-password pair",
        Done::Reconnected,
    ),
    (
        "OOM command not allowed when used memory > 'maxmemory'.",
        Done::Refused,
    ),
    (
        "NOREPLICAS Not enough good replicas to write.",
        Done::Refused,
    ),
    (
        "MISCONF Redis is configured to save RDB snapshots",
        Done::Refused,
    ),
    ("MOVED 3999 127.0.0.1:6381", Done::Reconnected),
    ("ASK 3999 127.0.0.1:6381", Done::SentAgain),
    (
        "CROSSSLOT Keys in request don't hash to the same slot",
        Done::Refused,
    ),
    ("CLUSTERDOWN The cluster is down", Done::Reconnected),
    (
        "NOPERM this user has no permissions to run the 'get' command",
        Done::Refused,
    ),
    ("DENIED Redis is running in protected mode", Done::Refused),
    ("WRONGTYPE Operation against a key", Done::Refused),
    ("NEWKIND that no version of today knows", Done::Refused),
    ("ERR unknown command 'GET'", Done::RefusedAndReconnected),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_answer_is_remedied_as_it_is_meant_to_be() {
    for (line, expected) in ANSWERS {
        let first = [Said::Good, Said::Line(line)];
        let (stub, link) = Stub::start("master", &first, Said::Good).await;
        lived(&link).await;
        let answered = asks(&link).await;
        let calls = stub.calls.load(Ordering::SeqCst);
        // The next call finds the connection that it is to find.
        assert_eq!(asks(&link).await.as_deref(), Ok("good"), "{line}");
        let connections = stub.connections.load(Ordering::SeqCst);
        let done = match (answered.is_ok(), connections) {
            (true, 1) => Done::SentAgain,
            (true, _) => Done::Reconnected,
            (false, 1) => Done::Refused,
            (false, _) => Done::RefusedAndReconnected,
        };
        assert_eq!(done, *expected, "{line}");
        assert!(
            answered.is_ok() || answered == Err(Denied::Unavailable),
            "{line}"
        );
        assert_eq!(calls, if answered.is_ok() { 3 } else { 2 }, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_stays_the_same_is_503_and_never_another() {
    let mut asked = tokio::task::JoinSet::new();
    for (line, _) in ANSWERS {
        asked.spawn(async move {
            let (stub, link) = Stub::start("master", &[Said::Good], Said::Line(line)).await;
            lived(&link).await;
            for _ in 0..2 {
                assert_eq!(asks(&link).await, Err(Denied::Unavailable), "{line}");
            }
            // Neither calls nor connections without end.
            let calls = stub.calls.load(Ordering::SeqCst);
            assert!(calls <= 64, "{line}: {calls} calls");
            let connections = stub.connections.load(Ordering::SeqCst);
            assert!(connections <= 32, "{line}: {connections} connections");
        });
    }
    asked.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_lost_is_another_and_one_that_is_silent_is_given_up() {
    let first = [Said::Good, Said::Closed, Said::Closed];
    let (stub, link) = Stub::start("master", &first, Said::Good).await;
    lived(&link).await;
    assert_eq!(asks(&link).await.as_deref(), Ok("good"));
    assert_eq!(stub.connections.load(Ordering::SeqCst), 3);

    let (stub, link) = Stub::start("master", &[Said::Good, Said::Nothing], Said::Good).await;
    lived(&link).await;
    assert_eq!(asks(&link).await, Err(Denied::Unavailable));
    assert_eq!(asks(&link).await.as_deref(), Ok("good"));
    assert_eq!(stub.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_master_is_asked_nothing() {
    for role in ["slave", "sentinel", "anything"] {
        let (stub, link) = Stub::start(role, &[], Said::Good).await;
        for _ in 0..2 {
            assert_eq!(asks(&link).await, Err(Denied::Unavailable), "{role}");
        }
        assert_eq!(stub.calls.load(Ordering::SeqCst), 0, "{role}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_sent_twice_says_so() {
    let first = [Said::Good, Said::Closed];
    let (_, link) = Stub::start("master", &first, Said::Good).await;
    let command = redis::cmd("GET");
    let answer = link
        .answer::<String>(Call::Command(&command))
        .await
        .unwrap();
    assert!(!answer.repeated);
    let answer = link
        .answer::<String>(Call::Command(&command))
        .await
        .unwrap();
    assert!(answer.repeated);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_has_left_ends_a_call_and_keeps_the_connection() {
    let first = [Said::Good, Said::Slowly, Said::Slowly];
    let (stub, link) = Stub::start("master", &first, Said::Good).await;
    lived(&link).await;
    allowance::of_request(async {
        assert_eq!(asks(&link).await, Err(Denied::Unavailable));
        // Half of the time of another call is left.
        assert_eq!(asks(&link).await, Err(Denied::Unavailable));
    })
    .await;
    assert_eq!(asks(&link).await.as_deref(), Ok("good"));
    assert_eq!(stub.connections.load(Ordering::SeqCst), 2);
}

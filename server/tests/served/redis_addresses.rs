//! The addresses of Redis: over TLS, with a name and a password, at a socket, in a database of its own, and those that are
//! refused.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use authlab_server::{Design, Lab};
use tempfile::TempDir;

use crate::harness::{Served, quick};
use crate::installed::found;
use crate::postgres::certified;

const SECRET: &str = "hunter2";

/// A Redis that listens as a test says, and ends with it.
struct Redis {
    child: Child,
    folder: TempDir,
    port: u16,
}

impl Redis {
    /// `files` are written into a folder that is put for `{}` in the arguments, like the port for `{port}`. `None` where there
    /// is no Redis, which is said aloud.
    fn start(files: &[(&str, &str)], arguments: &[&str]) -> Option<Self> {
        if !found("redis-server", "redis-server", "addresses of Redis") {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let place = folder.path().display().to_string();
        let arguments = arguments.iter().map(|argument| {
            argument
                .replace("{}", &place)
                .replace("{port}", &port.to_string())
        });
        let socket = folder.path().join("redis.sock");
        let child = Command::new("redis-server")
            .args(["--save", "", "--appendonly", "no", "--bind", "127.0.0.1"])
            .args(["--dir", &place, "--unixsocket"])
            .arg(&socket)
            .args(arguments)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            let waited = begun.elapsed();
            assert!(waited < Duration::from_secs(20), "no redis-server");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Self {
            child,
            folder,
            port,
        })
    }

    fn at(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// By its socket.
    async fn run<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let url = format!("redis+unix://{}", self.at("redis.sock"));
        let client = redis::Client::open(url).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query_async(&mut connection).await.unwrap()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn over(url: &str) -> Design {
    Design {
        sessions: url.parse().unwrap(),
        ..quick()
    }
}

/// A token of a server with these sessions is good, and is not once it was revoked.
async fn serves(url: &str) {
    let server = Served::start(over(url)).await;
    let found = server.lab.check_sessions().await;
    assert!(found.is_ok(), "{found:?}");
    let client = server.client();
    let token = client.sign_in("jane").await;
    assert_eq!(client.status("/items/", &token).await, 200, "{url}");
    let revoked = client.ask("POST", "/token/revoke", &token).await;
    assert_eq!(revoked.status, 200, "{}", revoked.text);
    assert_eq!(client.status("/items/", &token).await, 401, "{url}");
}

/// What the check at start says of an address that will never do.
async fn refused(url: &str) -> String {
    let lab = Lab::open(over(url)).unwrap();
    let said = lab.check_sessions().await.unwrap_err().to_string();
    assert!(!said.contains(SECRET), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

/// What is said of an address that cannot be opened.
fn unopened(url: &str) -> String {
    let said = Lab::open(over(url)).unwrap_err().to_string();
    assert!(said.starts_with("--sessions: "), "{said}");
    assert!(!said.contains(SECRET), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_verified_by_the_authorities_of_the_system_or_of_a_file() {
    let (own, other) = (certified("127.0.0.1"), certified("127.0.0.1"));
    let files = [
        ("own.pem", own.authority.as_str()),
        ("other.pem", &other.authority),
        ("server.crt", &own.certificate),
        ("server.key", &own.key),
    ];
    let arguments = [
        "--port",
        "0",
        "--tls-port",
        "{port}",
        "--tls-cert-file",
        "{}/server.crt",
        "--tls-key-file",
        "{}/server.key",
        "--tls-ca-cert-file",
        "{}/own.pem",
        "--tls-auth-clients",
        "no",
    ];
    let Some(redis) = Redis::start(&files, &arguments) else {
        return;
    };
    let at = |host: &str, roots: &str| {
        let port = redis.port;
        format!("rediss://{host}:{port}?sslrootcert={roots}")
    };
    serves(&at("127.0.0.1", &redis.at("own.pem"))).await;
    let said = refused(&at("127.0.0.1", &redis.at("other.pem"))).await;
    assert!(said.contains("no TLS with the server: "), "{said}");
    let said = refused(&at("127.0.0.1", "system")).await;
    assert!(said.contains("no TLS with the server: "), "{said}");
    let said = refused(&at("localhost", &redis.at("own.pem"))).await;
    assert!(said.contains("not valid for name"), "{said}");
    let said = unopened(&at("127.0.0.1", "/nowhere"));
    assert!(said.contains("sslrootcert /nowhere: "), "{said}");
    // Without TLS nothing is answered there.
    let server = Served::start(over(&format!("redis://127.0.0.1:{}", redis.port))).await;
    let warned = server.lab.check_sessions().await.unwrap();
    assert!(
        warned[0].contains("does not answer as it should"),
        "{warned:?}"
    );
    let (status, _) = signs_in(&server).await;
    assert_eq!(status, 503);
    // And with TLS nothing where there is none.
    let Some(plain) = Redis::start(&[], &["--port", "{port}"]) else {
        return;
    };
    let url = format!("rediss://127.0.0.1:{}", plain.port);
    let lab = Lab::open(over(&url)).unwrap();
    let said = format!("{:?}", lab.check_sessions().await);
    assert!(said.contains(&url), "{said}");
    let server = Served::of(&lab).await;
    assert_eq!(signs_in(&server).await.0, 503);
}

async fn signs_in(server: &Served) -> (u16, String) {
    let answer = server.client().login("jane", "password456").await;
    (answer.status.as_u16(), answer.text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_and_a_password_sign_in_over_tcp_and_over_a_socket() {
    let Some(redis) = Redis::start(&[], &["--port", "{port}"]) else {
        return;
    };
    let password = format!(">{SECRET}@:/#%+?");
    let typed = format!("{SECRET}%40%3A%2F%23%25+%3F");
    let rules = [
        "ACL",
        "SETUSER",
        "la:b",
        "on",
        &password,
        "~{authlab}:*",
        "+@all",
    ];
    redis.run::<()>(&rules).await;
    redis
        .run::<()>(&["CONFIG", "SET", "requirepass", SECRET])
        .await;
    let (port, socket) = (redis.port, redis.at("redis.sock"));
    serves(&format!("redis://la%3Ab:{typed}@127.0.0.1:{port}/2")).await;
    serves(&format!("redis://:{SECRET}@127.0.0.1:{port}")).await;
    serves(&format!("redis+unix://{socket}?db=3&pass={SECRET}")).await;
    let query = format!("user=la%3Ab&pass={}", typed.replace('+', "%2B"));
    serves(&format!("unix://{socket}?{query}")).await;
    for wrong in [
        format!("redis://la%3Ab:{SECRET}@127.0.0.1:{port}"),
        format!("redis+unix://{socket}?user=nobody&pass={SECRET}"),
    ] {
        let said = refused(&wrong).await;
        assert!(said.contains("refuses the name or the password"), "{said}");
    }
    let said = refused(&format!("redis+unix://{socket}")).await;
    assert!(said.contains("NOAUTH"), "{said}");
    let said = refused(&format!("redis+unix://{socket}?db=99&pass={SECRET}")).await;
    assert!(said.contains("DB index is out of range"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_in_the_database_that_the_address_names() {
    let Some(redis) = Redis::start(&[], &["--port", "{port}"]) else {
        return;
    };
    let socket = redis.at("redis.sock");
    serves(&format!("redis://127.0.0.1:{}/7", redis.port)).await;
    serves(&format!("redis+unix://{socket}?db=9")).await;
    let used = redis.run::<String>(&["INFO", "keyspace"]).await;
    let databases: Vec<&str> = used
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(databases, ["db7", "db9"]);
}

#[tokio::test]
async fn an_address_that_cannot_be_read_is_refused_in_one_line_that_names_what_is_accepted() {
    for url in [
        "redis://me:hunter2@127.0.0.1:port",
        "redis://me:hunter2@one,two",
        "redis://me:hunter2@127.0.0.1/hunter2",
        "rediss://me:hunter2@127.0.0.1#insecure",
        "redis-sentinel://me:hunter2@127.0.0.1",
        "redis-cluster://me:hunter2@127.0.0.1/1",
        "unix://?pass=hunter2",
        "http://me:hunter2@127.0.0.1",
    ] {
        let said = unopened(url);
        for accepted in [
            "memory",
            "redis[s]://",
            "redis+unix://",
            "-sentinel://",
            "-cluster://",
        ] {
            assert!(said.contains(accepted), "{said}");
        }
    }
    let gone = Path::new("/nowhere/redis.sock");
    let server = Served::start(over(&format!("redis+unix://{}", gone.display()))).await;
    assert_eq!(signs_in(&server).await.0, 503);
    let warned = server.lab.check_sessions().await.unwrap();
    assert!(warned[0].contains("/nowhere/redis.sock"), "{warned:?}");
}

//! Sessions in a real Redis, which each test starts for itself: they outlive the server, and servers share them.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use authlab_server::{
    CacheKind, CredentialKind, Design, Period, RefreshKind, SecretFrom, SessionsFrom,
};
use rustix::process::{Pid, Signal, kill_process};

use crate::devices::{devices, listed, meet, sign_in, walk};
use crate::harness::{Answer, Served, quick};
use crate::installed::found;

/// A Redis of a test's own: it ends with the test.
pub(crate) struct Redis {
    port: u16,
    child: Child,
}

impl Redis {
    /// `None` where there is none, which is said aloud.
    pub(crate) async fn start() -> Option<Self> {
        if !found("redis-server", "redis-server", "sessions in Redis") {
            return None;
        }
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        Some(Self {
            port,
            child: serve(port).await,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    pub(crate) fn sessions(&self) -> SessionsFrom {
        format!("redis://{}", self.address()).parse().unwrap()
    }

    pub(crate) async fn keys(&self) -> Vec<String> {
        self.run(redis::cmd("KEYS").arg("*")).await
    }

    /// As if they had been evicted.
    pub(crate) async fn delete(&self, keys: &[&String]) {
        if !keys.is_empty() {
            self.run::<()>(redis::cmd("DEL").arg(keys)).await;
        }
    }

    pub(crate) async fn flush(&self) {
        self.run::<()>(&redis::cmd("FLUSHALL")).await;
    }

    /// Closes every other connection.
    pub(crate) async fn kill_clients(&self) {
        let mut kill = redis::cmd("CLIENT");
        kill.arg("KILL").arg("TYPE").arg("normal");
        self.run::<u64>(&kill).await;
    }

    async fn run<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> T {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port)).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        command.query_async(&mut connection).await.unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn end(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    async fn again(&mut self) {
        self.child = serve(self.port).await;
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn serve(port: u16) -> Child {
    let child = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no", "--dir", "/"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "redis-server did not start"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_sign_in_and_out_over_redis_as_they_do_in_memory() {
    for cache in [CacheKind::None, CacheKind::Decision] {
        let Some(redis) = Redis::start().await else {
            return;
        };
        let sessions = redis.sessions();
        walk(Design {
            sessions,
            cache,
            ..devices()
        })
        .await;
    }
    let Some(redis) = Redis::start().await else {
        return;
    };
    crate::devices::told_apart(Design {
        sessions: redis.sessions(),
        ..devices()
    })
    .await;
    crate::narrowed::narrowed_by_json(redis.sessions()).await;
    let Some(redis) = Redis::start().await else {
        return;
    };
    meet(Design {
        sessions: redis.sessions(),
        ..devices()
    })
    .await;
}

#[tokio::test]
async fn what_one_server_began_another_goes_on_with_and_ends() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "a secret of at least thirty-two bytes").unwrap();
    let design = |credential, refresh| Design {
        credential,
        refresh,
        sessions: redis.sessions(),
        secret_file: SecretFrom::File(secret.path().to_owned()),
        issuer: "https://auth.example".parse().unwrap(),
        ..quick()
    };
    for (credential, refresh) in [
        (CredentialKind::Opaque, RefreshKind::None),
        (CredentialKind::Jwt, RefreshKind::None),
        (CredentialKind::Jwt, RefreshKind::Rotate),
    ] {
        let first = Served::start(design(credential, refresh)).await;
        let issued = first.client().login("jane", "password456").await.body;
        drop(first.lab);
        let second = Served::start(design(credential, refresh)).await;
        let third = Served::start(design(credential, refresh)).await;
        let token = issued["access_token"].as_str().unwrap();
        let (there, elsewhere) = (second.client(), third.client());
        assert_eq!(there.status("/items/", token).await, 200, "{credential}");
        if let Some(refresh) = issued["refresh_token"].as_str() {
            let request = |client: &crate::harness::Client| {
                client
                    .request("POST", "/token/refresh")
                    .header("content-type", "application/json")
            };
            let body = serde_json::json!({ "refresh_token": refresh }).to_string();
            let next = there.send(request(&there), body.clone()).await;
            assert_eq!(next.status, 200, "{}", next.text);
            let again = elsewhere.send(request(&elsewhere), body).await;
            assert_eq!(again.status, 400, "{}", again.text);
            let next = next.body["access_token"].as_str().unwrap();
            assert_eq!(there.status("/items/", next).await, 401);
        } else {
            let revoked = there.ask("POST", "/token/revoke", token).await;
            assert_eq!(revoked.status, 200, "{}", revoked.text);
        }
        assert_eq!(
            elsewhere.status("/items/", token).await,
            401,
            "{credential}"
        );
        for key in redis.keys().await {
            assert!(!key.contains(token), "{key}");
        }
    }
}

/// Its own cache in front of the shared sessions bounds what it does not see: without that bound a token that another
/// server revoked passed until it ended, half an hour later.
#[tokio::test]
async fn what_another_server_revokes_passes_for_the_lease_at_most() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let design = || Design {
        credential: CredentialKind::Opaque,
        cache: CacheKind::Decision,
        lease: Period(Duration::from_secs(2)),
        sessions: redis.sessions(),
        ..quick()
    };
    let (here, there) = (Served::start(design()).await, Served::start(design()).await);
    let issued = here.client().login("jane", "password456").await.body;
    let token = issued["access_token"].as_str().unwrap();
    assert_eq!(here.client().status("/items/", token).await, 200);
    let revoked = there.client().ask("POST", "/token/revoke", token).await;
    assert_eq!(revoked.status, 200, "{}", revoked.text);
    // Far less than the token's half hour, and time enough on a busy machine.
    let end = Instant::now() + Duration::from_secs(60);
    while here.client().status("/items/", token).await == 200 {
        assert!(Instant::now() < end, "it still passes");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A store that does not answer grants nothing, keeps nobody waiting, and is asked again.
#[tokio::test]
async fn while_redis_is_away_nothing_is_granted_and_afterwards_all_goes_on() {
    /// Tests run on loaded machines: the bar itself, two seconds, is for a quiet one.
    const MOST_WAIT: Duration = Duration::from_secs(10);
    let Some(mut redis) = Redis::start().await else {
        return;
    };
    let server = Served::start(Design {
        sessions: redis.sessions(),
        ..devices()
    })
    .await;
    let client = server.client();
    let token = sign_in(&client, "user123", "phone").await;
    let away = |answer: Answer, begun: Instant| {
        assert_eq!(answer.status, 503, "{}", answer.text);
        assert_eq!(answer.header("retry-after"), Some("1"));
        println!("refused after {:?}", begun.elapsed());
        assert!(begun.elapsed() < MOST_WAIT);
    };
    let login = r#"{"username":"user123","password":"password123"}"#;
    let post = || {
        client
            .request("POST", "/login")
            .header("content-type", "application/json")
    };

    redis.signal(Signal::STOP);
    let begun = Instant::now();
    away(client.send(post(), login).await, begun);
    let begun = Instant::now();
    away(client.get("/items/", &token).await, begun);
    redis.signal(Signal::CONT);
    recovered(&server, &token).await;

    redis.end();
    let begun = Instant::now();
    away(client.send(post(), login).await, begun);
    let begun = Instant::now();
    away(client.get("/items/", &token).await, begun);
    redis.again().await;
    // Redis kept nothing: its sessions are over, and new ones begin.
    let begun = Instant::now();
    while client.send(post(), login).await.status != 200 {
        assert!(begun.elapsed() < MOST_WAIT, "it does not recover");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(client.status("/items/", &token).await, 401);
    let token = sign_in(&client, "user123", "phone").await;
    assert_eq!(listed(&client, &token).await.0.len(), 2);
}

async fn recovered(server: &Served, token: &str) {
    let begun = Instant::now();
    while server.client().status("/items/", token).await != 200 {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "it does not recover"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_server_starts_without_its_redis_and_waits_for_it() {
    let Some(mut redis) = Redis::start().await else {
        return;
    };
    redis.end();
    let server = Served::start(Design {
        sessions: redis.sessions(),
        ..devices()
    })
    .await;
    assert!(!server.lab.sessions_answer().await);
    redis.again().await;
    let begun = Instant::now();
    while !server.lab.sessions_answer().await {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "it does not recover"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    sign_in(&server.client(), "user123", "phone").await;
}

#[tokio::test]
async fn an_address_of_redis_is_shown_without_its_password() {
    let sessions: SessionsFrom = "redis://me:hunter2@127.0.0.1:6390/3".parse().unwrap();
    for text in [format!("{sessions}"), format!("{sessions:?}")] {
        assert_eq!(text, "redis://127.0.0.1:6390/3");
    }
    for wrong in ["", "redis", "redis:", "memory:x"] {
        let refused = wrong.parse::<SessionsFrom>();
        assert!(refused.is_err(), "{wrong}");
    }
}

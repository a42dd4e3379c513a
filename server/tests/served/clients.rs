//! Clients and proxies that people already have, unchanged.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use authlab_server::{
    BindingKind, CacheKind, CredentialKind, Design, JwtAlgorithm, RefreshKind, RoutesFrom,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::AUTHORIZATION;
use rustix::process::{Pid, Signal, kill_process};

use crate::devices::devices;
use crate::harness::{Client, HERE, Served, quick};
use crate::installed::{clients, found, script};

fn refreshed() -> Design {
    Design {
        refresh: RefreshKind::Rotate,
        ..quick()
    }
}

/// Runs a program to its end, beside the server.
async fn run(mut program: Command) -> Output {
    tokio::task::spawn_blocking(move || program.output().unwrap())
        .await
        .unwrap()
}

fn assert_ok(output: &Output) {
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success(), "{out}{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn authlib_and_requests_oauthlib_get_refresh_introspect_and_revoke_tokens() {
    let Some(installed) = clients("authlib, requests-oauthlib") else {
        return;
    };
    let server = Served::start(refreshed()).await;
    let mut python = Command::new(installed.join("venv/bin/python"));
    python
        .arg(script("python_clients.py"))
        .arg(format!("http://{}", server.address));
    assert_ok(&run(python).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn oauth4webapi_discovers_gets_introspects_and_revokes_tokens_bound_or_not() {
    let Some(installed) = clients("oauth4webapi") else {
        return;
    };
    // Where its library is.
    let program = installed.join("client.mjs");
    std::fs::copy(script("oauth4webapi.mjs"), &program).unwrap();
    for (binding, jwt) in [
        (BindingKind::None, JwtAlgorithm::ES256),
        (BindingKind::Dpop, JwtAlgorithm::HS256),
    ] {
        let server = Served::start(Design {
            binding,
            jwt,
            ..refreshed()
        })
        .await;
        let mut node = Command::new("node");
        node.arg(&program)
            .arg(format!("http://{}", server.address))
            .arg(binding.label());
        assert_ok(&run(node).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_people_s_cryptography_takes_every_signature_by_the_published_key() {
    let Some(installed) = clients("cryptography, dilithium-py") else {
        return;
    };
    let pairs = JwtAlgorithm::ALL.iter().copied();
    for jwt in pairs.filter(|jwt| *jwt != JwtAlgorithm::HS256) {
        let server = Served::start(Design { jwt, ..quick() }).await;
        let mut python = Command::new(installed.join("venv/bin/python"));
        python
            .arg(script("signatures.py"))
            .arg(format!("http://{}", server.address));
        assert_ok(&run(python).await);
    }
}

/// What the server says of itself is all that it does: at a fixed seed no answer is another than is documented, and
/// none is a failure of the server's.
#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_no_answer_that_is_not_documented() {
    let Some(installed) = clients("schemathesis") else {
        return;
    };
    let cookies = Design {
        credential: CredentialKind::Session,
        insecure_cookies: true,
        ..quick()
    };
    let by = |credential| Design {
        credential,
        ..quick()
    };
    let keys = by(CredentialKind::ApiKey);
    let basic = by(CredentialKind::Basic);
    for design in [refreshed(), cookies, devices(), keys, basic] {
        let server = Served::start(Design {
            metrics: true,
            ..design
        })
        .await;
        // What administrators change ends what the other requests are made with: it comes last.
        let rest = ("--exclude-path-regex", "^/admin");
        let admin = ("--include-path-regex", "^/admin");
        let shown = authorizations(&server).await;
        let first = shown.first().cloned();
        let passes = shown.into_iter().map(|shown| (shown, rest));
        for ((header, value), (which, paths)) in passes.chain(first.map(|shown| (shown, admin))) {
            let mut st = Command::new(installed.join("venv/bin/st"));
            st.arg("run")
                .arg(format!("http://{}/openapi.json", server.address))
                .args([which, paths])
                .args(["--seed", "7", "--max-examples", "15", "--workers", "1"])
                .args([
                    "--checks",
                    "not_a_server_error,status_code_conformance,response_schema_conformance",
                ])
                .args(["--request-timeout", "10", "--generation-database", "none"])
                .args(["-H", "sec-fetch-site: same-origin"])
                .args(["-H", &format!("{header}: {value}")])
                .current_dir(&installed);
            assert_ok(&run(st).await);
        }
        assert_eq!(server.client().status("/healthz", "").await, 200);
    }
}

/// The credentials that one server takes: of a user, and of whoever asks by HTTP Basic.
async fn authorizations(server: &Served) -> Vec<(&'static str, String)> {
    let client = server.client();
    match server.lab.design().credential {
        CredentialKind::Session => {
            let pair = format!("Basic {}", STANDARD.encode("john:password123"));
            let request = client
                .request("POST", "/login")
                .header(AUTHORIZATION, &pair);
            let answer = client.send(request, "").await;
            let cookie = answer
                .header("set-cookie")
                .unwrap()
                .split(';')
                .next()
                .unwrap();
            vec![("cookie", cookie.to_owned()), ("authorization", pair)]
        }
        CredentialKind::SessionJwt => {
            let token = crate::devices::sign_in(&client, "user123", "schemathesis").await;
            vec![("authorization", format!("Bearer {token}"))]
        }
        CredentialKind::ApiKey => vec![("x-api-key", server.token("john").await)],
        CredentialKind::Basic => {
            let pair = STANDARD.encode("john:password123");
            vec![("authorization", format!("Basic {pair}"))]
        }
        CredentialKind::Jwt | CredentialKind::Opaque => {
            let token = server.token("john").await;
            let pair = STANDARD.encode("demo-client:demo-secret");
            vec![
                ("authorization", format!("Bearer {token}")),
                ("authorization", format!("Basic {pair}")),
            ]
        }
    }
}

const ROUTES: &str = r#"
[[route]]
method = "GET"
path = "/page.txt"

[[route]]
method = "GET"
path = "/admin/{file}"
scope = "items:write"
"#;

/// nginx in front of a static site, until it is dropped.
pub(crate) struct Nginx {
    child: Child,
    /// A shared cache in front of the server.
    pub(crate) cache: SocketAddr,
}

impl Nginx {
    pub(crate) async fn start(place: &Path, server: SocketAddr) -> (Self, SocketAddr) {
        std::fs::create_dir_all(place.join("site/admin")).unwrap();
        std::fs::write(place.join("site/page.txt"), "a page").unwrap();
        std::fs::write(place.join("site/admin/page.txt"), "for admins").unwrap();
        // Another test may take a port between the look for a free one and nginx's start.
        for _ in 0..10 {
            let (listener, address) = crate::harness::taken_address().await;
            let (other, cache) = crate::harness::taken_address().await;
            drop((listener, other));
            let conf = std::fs::read_to_string(script("nginx.conf"))
                .unwrap()
                .replace("127.0.0.1:PORT", &address.to_string())
                .replace("127.0.0.1:CACHE", &cache.to_string())
                .replace("AUTHLAB", &server.to_string());
            std::fs::write(place.join("nginx.conf"), conf).unwrap();
            let mut child = Command::new("nginx")
                .arg("-p")
                .arg(place)
                .args(["-c", "nginx.conf", "-e", "stderr"])
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            let begun = Instant::now();
            while child.try_wait().unwrap().is_none() {
                if std::net::TcpStream::connect(address).is_ok() {
                    return (Self { child, cache }, address);
                }
                assert!(
                    begun.elapsed() < Duration::from_secs(20),
                    "nginx did not start"
                );
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        panic!("nginx ends at once");
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Not killed: its worker would outlive it.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_lets_in_whom_the_server_lets_in() {
    if !found("nginx", "nginx-light", "nginx auth_request") {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    // Its worker may be another user, who must reach the site.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(place.path(), open).unwrap();
    let routes = place.path().join("routes.toml");
    std::fs::write(&routes, ROUTES).unwrap();
    for cache in CacheKind::ALL.iter().copied() {
        let server = Served::start(Design {
            cache,
            trusted_proxy: "127.0.0.1".parse().unwrap(),
            routes: RoutesFrom::File(routes.clone()),
            ..quick()
        })
        .await;
        let (john, jane) = (server.token("john").await, server.token("jane").await);
        let (_nginx, address) = Nginx::start(place.path(), server.address).await;
        let site = Client::of(address, HERE);
        // Twice: from the cache as well.
        for _ in 0..2 {
            for (token, path, status) in [
                (&*john, "/page.txt", 200),
                (&jane, "/page.txt", 200),
                (&john, "/admin/page.txt", 200),
                (&jane, "/admin/page.txt", 403),
                ("", "/page.txt", 401),
                ("nonsense", "/page.txt", 401),
                (&john, "/unknown", 403),
                (&jane, "/admin/../page.txt", 403),
                (&jane, "/admin//page.txt", 403),
                (&jane, "/%61dmin/page.txt", 403),
            ] {
                let answer = site.get(path, token).await;
                assert_eq!(answer.status, status, "{path} ({cache})");
                if status == 200 {
                    let name = if token == john { "john" } else { "jane" };
                    assert_eq!(answer.header("x-seen"), Some(name));
                }
            }
        }
        // Who signs out is out here too.
        assert_eq!(
            server
                .client()
                .ask("POST", "/token/revoke", &jane)
                .await
                .status,
            200
        );
        assert_eq!(site.status("/page.txt", &jane).await, 401, "{cache}");
    }
}

//! Behind a real nginx: what its `auth_request` lets through, and what its shared cache gives to whom.

use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt;

use authlab_server::{BindingKind, CredentialKind, Design, PasswordKind, RoutesFrom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};

use crate::caching::shown;
use crate::clients::Nginx;
use crate::harness::{Client, HERE, Served, quick};
use crate::installed::found;

const ROUTES: &str = r#"
route = [
    { method = "*", path = "/b%C3%BCro/{id}", scope = "items:write" },
    { method = "*", path = "/admin/{*rest}", scope = "items:write" },
    { method = "GET", path = "/page.txt" },
    { method = "*", path = "/{*rest}" },
]
"#;

/// A folder with a site that nginx's worker, another user, may read, and the routes file.
fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    std::fs::set_permissions(place.path(), PermissionsExt::from_mode(0o755)).unwrap();
    for folder in ["site/b\u{fc}ro", "site/admin"] {
        std::fs::create_dir_all(place.path().join(folder)).unwrap();
    }
    for (file, text) in [
        ("site/b\u{fc}ro/7", "of an office"),
        ("site/admin/index.html", "for admins"),
        ("site/index.html", "for all"),
    ] {
        std::fs::write(place.path().join(file), text).unwrap();
    }
    std::fs::write(place.path().join("routes.toml"), ROUTES).unwrap();
    place
}

fn behind(place: &tempfile::TempDir, design: Design) -> Design {
    Design {
        trusted_proxy: "127.0.0.1".parse().unwrap(),
        routes: RoutesFrom::File(place.path().join("routes.toml")),
        ..design
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_a_protected_path_passes_nginx() {
    if !found(
        "nginx",
        "nginx-light",
        "nginx auth_request, spellings of a path",
    ) {
        return;
    }
    let place = place();
    let server = Served::start(behind(&place, quick())).await;
    let (john, jane) = (server.token("john").await, server.token("jane").await);
    let (_nginx, address) = Nginx::start(place.path(), server.address).await;
    let site = Client::of(address, HERE);
    for (path, as_john, as_jane) in [
        ("/", 200, 200),
        ("/page.txt", 200, 200),
        ("/b%C3%BCro/7", 200, 403),
        ("/b%c3%bcro/7", 200, 403),
        ("/b%C3%bcro/7?x", 200, 403),
        ("/admin/", 200, 403),
        ("/admin/?x", 200, 403),
        ("/admin/index.html", 200, 403),
        // nginx sends to the folder, once that is granted.
        ("/admin", 301, 403),
        ("/%62%C3%BCro/7", 403, 403),
        ("/%61dmin/", 403, 403),
        ("/admin/.", 403, 403),
        ("//admin/", 403, 403),
        ("/x/../admin/", 403, 403),
        ("/%c0%ae/admin/", 403, 403),
    ] {
        for method in ["GET", "HEAD"] {
            for (token, status) in [(&john, as_john), (&jane, as_jane)] {
                let answer = site.ask(method, path, token).await;
                assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
            }
            let nobody = site.send(site.request(method, path), "").await.status;
            assert!(nobody == 401 || nobody == 403, "{method} {path}: {nobody}");
        }
    }
}

/// nginx makes 500 of any refusal but 401 and 403.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_and_a_wrong_request_are_no_failure_behind_nginx() {
    if !found("nginx", "nginx-light", "nginx auth_request, refusals") {
        return;
    }
    let place = place();
    let busy = Served::start(behind(
        &place,
        Design {
            credential: CredentialKind::Basic,
            password: PasswordKind::Bcrypt,
            bcrypt_cost: 8,
            hash_threads: NonZeroUsize::MIN,
            hash_queue: NonZeroUsize::MIN,
            ..quick()
        },
    ))
    .await;
    let (nginx, address) = Nginx::start(place.path(), busy.address).await;
    let site = Client::of(address, HERE);
    let asked: Vec<_> = (0..24)
        .map(|i| {
            let site = site.clone();
            let pair = format!("Basic {}", STANDARD.encode(format!("jane:wrong{i}")));
            tokio::spawn(async move {
                let request = site.request("GET", "/page.txt").header(AUTHORIZATION, pair);
                site.send(request, "").await
            })
        })
        .collect();
    let mut told_to_come_back = 0;
    for answer in asked {
        let answer = answer.await.unwrap();
        match answer.status.as_u16() {
            401 => assert!(answer.header("www-authenticate").is_some()),
            403 => {
                assert_eq!(answer.header("retry-after"), Some("1"));
                told_to_come_back += 1;
            }
            status => panic!("{status}: {}", answer.text),
        }
    }
    assert!(told_to_come_back > 0);
    drop(nginx);

    // Two credentials are one too many.
    let server = Served::start(behind(&place, quick())).await;
    let jane = server.token("jane").await;
    let (nginx, address) = Nginx::start(place.path(), server.address).await;
    let site = Client::of(address, HERE);
    let twice = site
        .request("GET", "/page.txt")
        .header(AUTHORIZATION, format!("Bearer {jane}"))
        .header(AUTHORIZATION, format!("Bearer {jane}"));
    let status = site.send(twice, "").await.status.as_u16();
    // nginx itself may refuse the second field.
    assert!(status == 403 || status == 400, "{status}");
    drop(nginx);

    // A store that does not answer is a failure of the server's, and nginx says so.
    let away = Served::start(behind(
        &place,
        Design {
            credential: CredentialKind::Opaque,
            sessions: "redis://127.0.0.1:1".parse().unwrap(),
            ..quick()
        },
    ))
    .await;
    let (_nginx, address) = Nginx::start(place.path(), away.address).await;
    let site = Client::of(address, HERE);
    assert_eq!(site.status("/page.txt", &"a".repeat(43)).await, 500);
}

/// `proxy_cache_valid any 1m` keeps whatever says nothing of caching, and gives it to everybody.
#[tokio::test(flavor = "multi_thread")]
async fn a_shared_cache_gives_each_user_an_answer_of_their_own() {
    if !found("nginx", "nginx-light", "nginx proxy_cache") {
        return;
    }
    let place = place();
    for credential in CredentialKind::ALL.iter().copied() {
        let server = Served::start(behind(
            &place,
            Design {
                credential,
                insecure_cookies: true,
                ..quick()
            },
        ))
        .await;
        let (nginx, _) = Nginx::start(place.path(), server.address).await;
        let cached = Client::of(nginx.cache, HERE);
        let own = server.client();
        let mut accounts = Vec::new();
        for name in ["john", "jane"] {
            let (header, value) = shown(&own, credential, name).await;
            let request = own.request("GET", "/user").header(header, &value);
            let direct = own.send(request, "").await.body["username"].clone();
            assert!(direct.is_string(), "{credential}");
            accounts.push((header, value, direct));
        }
        // `/kept/` keeps what it is told not to keep; only `Vary` is left there.
        for path in ["/user", "/kept/user"] {
            for _ in 0..2 {
                for method in ["HEAD", "GET"] {
                    for (header, value, direct) in &accounts {
                        let request = cached.request(method, path).header(*header, value);
                        let answer = cached.send(request, "").await;
                        let case = format!("{method} {path} by {credential}");
                        assert_eq!(answer.status, 200, "{case}");
                        if method == "GET" {
                            assert_eq!(&answer.body["username"], direct, "{case}");
                        }
                        if path == "/user" {
                            assert_eq!(answer.header("x-cache"), Some("MISS"), "{case}");
                        }
                    }
                    let nobody = cached.send(cached.request(method, path), "").await;
                    assert_eq!(nobody.status, 401, "{method} {path} by {credential}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_forwarded_fields_that_nginx_passes_on_are_one_list() {
    if !found("nginx", "nginx-light", "nginx, two X-Forwarded-For fields") {
        return;
    }
    let place = place();
    let design = Design {
        binding: BindingKind::Sha256,
        ..quick()
    };
    let server = Served::start(behind(&place, design)).await;
    let (nginx, _) = Nginx::start(place.path(), server.address).await;
    let client = Client::of(nginx.cache, HERE);
    let send = async |method, path, token: &str, fields: &[&str], body: &'static str| {
        let mut request = client
            .request(method, path)
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, format!("Bearer {token}"));
        for field in fields {
            request = request.header("x-forwarded-for", *field);
        }
        client.send(request, body).await
    };
    let body = r#"{"username":"jane","password":"password456"}"#;
    let issued = send("POST", "/token", "", &["1.2.3.4", "203.0.113.9"], body).await;
    assert_eq!(issued.status, 200, "{}", issued.text);
    let token = issued.body["access_token"].as_str().unwrap();
    for (fields, status) in [
        (&["1.2.3.4", "203.0.113.9"][..], 200),
        (&["203.0.113.9", "127.0.0.1"], 200),
        (&["203.0.113.9", "1.2.3.4"], 401),
        (&["203.0.113.9", "unknown"], 400),
    ] {
        let answer = send("GET", "/user", token, fields, "").await;
        assert_eq!(answer.status, status, "{fields:?}: {}", answer.text);
    }
}

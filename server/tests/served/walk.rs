//! The published walk, and what the routes promise.

use authlab_server::{
    BindingKind, CacheKind, Design, PolicyKind, Preset, SecretFrom, ServeError, Server, Setup,
};

use crate::harness::{Served, quick, taken_address};

#[tokio::test]
async fn the_published_walk_works_under_every_preset() {
    // Those that sign in elsewhere: `cookies.rs`, `devices.rs`.
    let by_token = Preset::ALL
        .iter()
        .filter(|preset| !matches!(preset, Preset::CookieSession | Preset::DeviceSessions));
    for preset in by_token {
        let setup = Setup {
            preset: Some(*preset),
            bcrypt_cost: None,
            ..Setup::default()
        };
        let mut design = setup.resolve().unwrap();
        design.bcrypt_cost = 4;
        walk(&Served::start(design).await).await;
    }
}

async fn walk(server: &Served) {
    let client = server.client();
    let issued = client.login("john", "password123").await;
    assert_eq!(issued.status, 200);
    assert_eq!(issued.body["token_type"], "Bearer");
    assert_eq!(issued.body["expires_in"], 1800);
    assert_eq!(issued.header("cache-control"), Some("no-store"));
    let john = issued.body["access_token"].as_str().unwrap();
    let jane = server.token("jane").await;

    // Twice: once verified, once from a cache where there is one.
    for _ in 0..2 {
        assert_eq!(
            client.get("/items/", john).await.text,
            r#"{"items":["Admin Items"]}"#
        );
        assert_eq!(
            client.get("/items/", &jane).await.text,
            r#"{"items":["User Items"]}"#
        );
        assert_eq!(client.ask("POST", "/items/", john).await.status, 201);
        let refused = client.ask("POST", "/items/", &jane).await;
        assert_eq!(refused.status, 403);
        assert_eq!(refused.body["error_description"], "Insufficient privileges");
        let account = client.get("/user/", john).await;
        let expected = serde_json::json!({
            "username": "john", "roles": ["admin"], "scopes": ["items:read", "items:write"]
        });
        assert_eq!(account.body, expected);
    }
    assert_eq!(client.ask("POST", "/token/revoke", john).await.status, 200);
    assert_eq!(client.get("/healthz", "").await.status, 200);
}

#[tokio::test]
async fn a_path_is_one_route_however_it_is_spelt() {
    let server = Served::start(Design {
        cache: CacheKind::Decision,
        ..quick()
    })
    .await;
    let (client, token) = (server.client(), server.token("john").await);
    for path in [
        "/items",
        "/items/",
        "/items//",
        "//items",
        "/item%73",
        "/a/../items",
        "/./items?page=2",
        "/user",
        "/user/",
    ] {
        assert_eq!(client.status(path, &token).await, 200, "{path}");
    }
    assert_eq!(server.lab.cache_entries(), 2, "one for each route");
    assert_eq!(client.status("/Items", &token).await, 404);
}

/// Our own router takes each segment as it is in a path's one form, and decodes it once: every spelling of an account's name
/// is that account, and no other path.
#[tokio::test]
async fn an_account_is_the_same_in_every_spelling_of_its_name() {
    let server = Served::start(Design {
        credential: authlab_server::CredentialKind::Session,
        insecure_cookies: true,
        ..quick()
    })
    .await;
    let client = server.client();
    let kind = authlab_server::CredentialKind::Session;
    let (_, cookie) = crate::caching::shown(&client, kind, "john").await;
    let remove = async |path: &str| {
        let request = client
            .request("DELETE", path)
            .header("cookie", &cookie)
            .header("sec-fetch-site", "same-origin");
        client.send(request, "").await.status.as_u16()
    };
    for (name, spellings) in [
        (
            "b\u{fc}ro",
            &["b%C3%BCro", "b%c3%bcro", "%62%C3%bcro/", "./b%c3%BCro"][..],
        ),
        (
            "a {x}",
            &[
                "a%20%7Bx%7D",
                "%61%20%7bx%7d",
                "/a%20%7Bx%7d",
                "x/../a%20%7Bx%7D",
            ],
        ),
        (
            "*~u@h",
            &["*~u@h", "%2A%7Eu%40h", "%2a%7eu%40h/", "%2e/*~u%40h"],
        ),
    ] {
        for spelling in spellings {
            let body = serde_json::json!({ "username": name, "password": "password123" });
            let request = client
                .request("POST", "/signup")
                .header("content-type", "application/json");
            let made = client.send(request, body.to_string()).await;
            assert_eq!(made.status, 201, "{name}: {}", made.text);
            for other in [
                "b%C3%BC",
                "b%C3%BCrox",
                "b%fcro",
                "%c0%ae",
                "a%20",
                "*~u%40",
                "a%2fb",
            ] {
                let status = remove(&format!("/admin/accounts/{other}")).await;
                assert!(status == 404 || status == 400, "{other}: {status}");
            }
            let path = format!("/admin/accounts/{spelling}");
            assert_eq!(remove(&path).await, 200, "{path}");
            assert_eq!(remove(&path).await, 404, "{path}");
        }
    }
}

#[tokio::test]
async fn allow_all_answers_everything_and_authorizes_nothing() {
    let server = Served::start(Design {
        policy: PolicyKind::AllowAll,
        ..quick()
    })
    .await;
    let client = server.client();
    for token in ["", "no.such.token"] {
        assert_eq!(
            client.get("/items/", token).await.text,
            r#"{"items":["Admin Items"]}"#
        );
        assert_eq!(client.ask("POST", "/items/", token).await.status, 201);
        assert_eq!(client.get("/user/", token).await.body["username"], "anyone");
    }
}

#[tokio::test]
async fn server_timing_names_every_stage_in_milliseconds_and_is_absent_when_off() {
    let timed = Design {
        server_timing: true,
        cache: CacheKind::Decision,
        binding: BindingKind::Sha256,
        ..quick()
    };
    let server = Served::start(timed).await;
    let token = server.token("john").await;
    for (answer, verified) in [
        (server.client().get("/items/", &token).await, true),
        (server.client().get("/items/", &token).await, false),
    ] {
        let header = answer.header("server-timing").unwrap().to_owned();
        let stages: Vec<(&str, f64)> = header
            .split(", ")
            .map(|stage| stage.split_once(";dur=").unwrap())
            .map(|(name, ms)| (name, ms.parse().unwrap()))
            .collect();
        assert_eq!(
            stages.iter().map(|stage| stage.0).collect::<Vec<_>>(),
            [
                if verified { "cache" } else { "cache;desc=hit" },
                "verify",
                "binding",
                "policy",
                "total"
            ]
        );
        assert_eq!(stages[1].1 > 0.0, verified, "{header}");
        assert!(stages[4].1 > 0.0 && stages[4].1 < 1000.0, "{header}");
    }
    assert!(
        server
            .client()
            .get("/items/", "bad")
            .await
            .header("server-timing")
            .is_some()
    );

    let server = Served::start(quick()).await;
    let token = server.token("john").await;
    assert!(
        server
            .client()
            .get("/items/", &token)
            .await
            .header("server-timing")
            .is_none()
    );
}

#[tokio::test]
async fn a_port_in_use_is_one_clear_line() {
    let (_listener, address) = taken_address().await;
    let error = Server::bind(address).await.unwrap_err();
    assert!(matches!(error, ServeError::Listen { .. }));
    let line = error.to_string();
    assert!(
        line.starts_with(&format!("--listen {address}: ")) && line.contains("port 0"),
        "{line}"
    );
    assert!(!line.contains('\n'));
}

#[tokio::test]
async fn tokens_survive_a_restart_with_the_same_secret_file_and_not_otherwise() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "0123456789abcdef0123456789abcdef\n").unwrap();
    let kept = || Design {
        secret_file: SecretFrom::File(secret.path().to_owned()),
        issuer: "https://auth.example".parse().unwrap(),
        ..quick()
    };
    let (first, second) = (Served::start(kept()).await, Served::start(kept()).await);
    let other = Served::start(Design {
        secret_file: SecretFrom::Random,
        ..kept()
    })
    .await;
    let token = first.token("john").await;
    assert_eq!(second.client().status("/items/", &token).await, 200);
    assert_eq!(other.client().status("/items/", &token).await, 401);
}

#[test]
fn a_short_or_missing_secret_file_is_refused_with_its_path() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "0123456789abcdef0123456789abcde\n").unwrap();
    for path in [secret.path(), std::path::Path::new("/nowhere/secret")] {
        let design = Design {
            secret_file: SecretFrom::File(path.to_owned()),
            ..quick()
        };
        let line = authlab_server::Lab::open(design).unwrap_err().to_string();
        assert!(line.contains(&path.display().to_string()), "{line}");
    }
}

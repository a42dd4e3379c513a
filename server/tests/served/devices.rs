//! The third published design: one account on several devices.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use authlab_server::{CacheKind, CredentialKind, Design, Preset, Setup};
use hyper::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::harness::{Client, ELSEWHERE, Served, quick};

pub(crate) fn devices() -> Design {
    Design {
        credential: CredentialKind::SessionJwt,
        ..quick()
    }
}

/// Signs in from a device, and answers its token.
pub(crate) async fn sign_in(client: &Client, name: &str, device: &str) -> String {
    let body = json!({
        "username": name, "password": password(name), "device_id": device,
        "device_name": format!("{name}'s {device}"),
    });
    let request = client
        .request("POST", "/login")
        .header(CONTENT_TYPE, "application/json");
    let answer = client.send(request, body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.body["device_id"], device);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.body["access_token"].as_str().unwrap().to_owned()
}

fn password(name: &str) -> &'static str {
    match name {
        "user123" => "password123",
        _ => "password124",
    }
}

/// The devices' ids, in their order, and the one that asks.
pub(crate) async fn listed(client: &Client, token: &str) -> (Vec<String>, Option<String>) {
    let answer = client.get("/devices", token).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let devices = answer.body["devices"].as_array().unwrap().clone();
    let id = |device: &Value| device["device_id"].as_str().unwrap().to_owned();
    let current = devices.iter().find(|device| device["current"] == true);
    (devices.iter().map(id).collect(), current.map(id))
}

/// The whole published walk, wherever sessions are kept.
pub(crate) async fn walk(design: Design) {
    let server = Served::start(design).await;
    let client = server.client();
    assert_eq!(client.get("/", "").await.status, 200);
    let phone = sign_in(&client, "user123", "phone").await;
    let laptop = sign_in(&client, "user123", "laptop").await;
    let other = sign_in(&client, "user124", "phone").await;

    let mine = client.get("/user", &phone).await;
    assert_eq!(
        mine.body,
        json!({
            "username": "user123", "email": "user123@example.com",
            "bio": "Signs in from many devices", "roles": ["user"],
        })
    );
    let answer = client.get("/devices", &laptop).await;
    let first = &answer.body["devices"][0];
    assert_eq!(first["device_name"], "user123's phone");
    assert_eq!(first["ip"], "127.0.0.1");
    assert_eq!(first["current"], false);
    assert!(first["expires_at"].as_u64() > first["signed_in_at"].as_u64());
    assert_eq!(
        listed(&client, &laptop).await,
        (
            vec!["phone".to_owned(), "laptop".to_owned()],
            Some("laptop".to_owned())
        )
    );

    // Nobody else's device can be signed out, nor one that is not there.
    assert_eq!(
        client.ask("DELETE", "/devices/laptop", &other).await.status,
        404
    );
    assert_eq!(
        client
            .ask("DELETE", "/devices/tablet", &laptop)
            .await
            .status,
        404
    );
    assert_eq!(
        client.ask("DELETE", "/devices/phone", &laptop).await.status,
        200
    );
    for path in ["/items/", "/user", "/devices"] {
        assert_eq!(client.status(path, &phone).await, 401, "{path}");
        assert_eq!(client.status(path, &laptop).await, 200, "{path}");
    }
    assert_eq!(client.status("/items/", &other).await, 200);

    // Whoever signs in again from a device ends the session that it had.
    let again = sign_in(&client, "user123", "laptop").await;
    assert_eq!(client.status("/items/", &laptop).await, 401);
    assert_eq!(listed(&client, &again).await.0, ["laptop"]);

    assert_eq!(client.ask("POST", "/logout", &again).await.status, 200);
    assert_eq!(client.status("/items/", &again).await, 401);
    assert_eq!(client.ask("POST", "/logout", &again).await.status, 401);

    let (one, two) = (
        sign_in(&client, "user123", "one").await,
        sign_in(&client, "user123", "two").await,
    );
    let all = client.ask("POST", "/logout/all", &one).await;
    assert_eq!(all.body, json!({ "logged_out": true, "devices": 2 }));
    for token in [&one, &two] {
        assert_eq!(client.status("/items/", token).await, 401);
    }
    assert_eq!(client.status("/items/", &other).await, 200);
}

/// Signs in without an id, from a client that calls itself so, and answers its token.
async fn unnamed(client: &Client, user_agent: &str, name: Option<&str>) -> String {
    let client = client.clone().with_user_agent(user_agent);
    let mut body = json!({ "username": "user123", "password": "password123" });
    if let Some(name) = name {
        body["device_name"] = name.into();
    }
    let request = client
        .request("POST", "/login")
        .header(CONTENT_TYPE, "application/json");
    let answer = client.send(request, body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body["access_token"].as_str().unwrap().to_owned()
}

/// The devices' names and addresses, in their order.
async fn called(client: &Client, token: &str) -> Vec<String> {
    let answer = client.get("/devices", token).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let devices = answer.body["devices"].as_array().unwrap().clone();
    let name = |device: &Value| device["device_name"].as_str().unwrap().to_owned();
    devices.iter().map(name).collect()
}

/// What devices are called, how they are told apart, and which make room, wherever sessions are kept.
pub(crate) async fn told_apart(design: Design) {
    let server = Served::start(Design {
        max_sessions: NonZeroUsize::new(4).unwrap(),
        ..design
    })
    .await;
    let client = server.client();
    let phone = sign_in(&client, "user123", "phone").await;

    // A device that tells no name is called by its User-Agent, and a sign-in of the same takes the place of its last one.
    let first = unnamed(&client, "curl/8.5.0", None).await;
    let again = unnamed(&client, "curl/8.5.0", None).await;
    assert_eq!(client.status("/items/", &first).await, 401);
    assert_eq!(
        called(&client, &again).await,
        ["user123's phone", "curl/8.5.0"]
    );
    let elsewhere = unnamed(&client.clone().at(ELSEWHERE), "curl/8.5.0", None).await;
    assert_eq!(
        called(&client, &elsewhere).await,
        ["user123's phone", "curl/8.5.0", "curl/8.5.0"]
    );
    let ips = client.get("/devices", &elsewhere).await.body;
    assert_eq!(ips["devices"][1]["ip"], "127.0.0.1");
    assert_eq!(ips["devices"][2]["ip"], "127.0.0.2");

    // A name that was told wins, and tells devices apart that are otherwise the same.
    let mine = unnamed(&client, "curl/8.5.0", Some("My script")).await;
    let four = ["user123's phone", "curl/8.5.0", "curl/8.5.0", "My script"];
    assert_eq!(called(&client, &mine).await, four);
    let mine_again = unnamed(&client, "curl/8.5.0", Some("My script")).await;
    assert_eq!(client.status("/items/", &mine).await, 401);
    assert_eq!(called(&client, &mine_again).await, four);

    // However many scripts sign in: named devices stay.
    for number in 0..12 {
        let script = unnamed(&client, &format!("script/{number}"), None).await;
        assert_eq!(client.status("/items/", &script).await, 200);
    }
    for token in [&phone, &mine_again] {
        assert_eq!(client.status("/items/", token).await, 200);
    }
    for token in [&again, &elsewhere] {
        assert_eq!(client.status("/items/", token).await, 401);
    }
    assert_eq!(
        called(&client, &phone).await,
        ["user123's phone", "My script", "script/10", "script/11"]
    );

    // Named devices take the place of unnamed ones first, and only then of the oldest named one.
    for device in ["laptop", "tablet"] {
        sign_in(&client, "user123", device).await;
    }
    assert_eq!(client.status("/items/", &phone).await, 200);
    let tv = sign_in(&client, "user123", "tv").await;
    assert_eq!(client.status("/items/", &phone).await, 401);
    assert_eq!(
        called(&client, &tv).await,
        [
            "My script",
            "user123's laptop",
            "user123's tablet",
            "user123's tv"
        ]
    );
    // What a device without a name is called is bounded, and harmless.
    let odd = unnamed(&client, &"\u{e9}".repeat(100), None).await;
    let last = called(&client, &odd).await.pop().unwrap();
    assert_eq!(last, "\u{e9}".repeat(64));
    let silent = unnamed(&client, "", None).await;
    let last = called(&client, &silent).await.pop().unwrap();
    assert_eq!(last, "unnamed device");
}

#[tokio::test]
async fn a_device_is_called_by_its_user_agent_and_scripts_push_no_named_one_out() {
    for cache in CacheKind::ALL.iter().copied() {
        told_apart(Design { cache, ..devices() }).await;
    }
}

/// Sign-ins that meet lose none of each other's sessions, and beyond the most the oldest end.
pub(crate) async fn meet(design: Design) {
    const AT_ONCE: usize = 40;
    let most = design.max_sessions.get();
    let server = Served::start(design).await;
    let client = server.client();
    let signing_in = (0..AT_ONCE).map(|number| {
        let client = client.clone();
        tokio::spawn(async move { sign_in(&client, "user123", &format!("d{number}")).await })
    });
    let mut tokens = Vec::new();
    for token in signing_in.collect::<Vec<_>>() {
        tokens.push(token.await.unwrap());
    }
    let mut live = 0;
    for token in &tokens {
        live += usize::from(client.status("/items/", token).await == 200);
    }
    assert_eq!(live, most.min(AT_ONCE));
    let newest = sign_in(&client, "user123", "newest").await;
    let (devices, current) = listed(&client, &newest).await;
    assert_eq!(devices.len(), most.min(AT_ONCE + 1));
    assert_eq!(current.as_deref(), Some("newest"));
    assert_eq!(devices.last().map(String::as_str), Some("newest"));
}

#[tokio::test]
async fn an_account_is_signed_in_and_out_from_several_devices() {
    for cache in CacheKind::ALL.iter().copied() {
        walk(Design { cache, ..devices() }).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_that_meet_lose_nobodys_session() {
    for most in [100, 10, 1] {
        let max_sessions = NonZeroUsize::new(most).unwrap();
        meet(Design {
            max_sessions,
            ..devices()
        })
        .await;
    }
}

#[tokio::test]
async fn a_sign_in_may_be_a_form_and_what_is_wrong_in_one_is_said() {
    const FORM: &str = "application/x-www-form-urlencoded";
    let server = Served::start(devices()).await;
    let client = server.client();
    let cases = [
        ("username=user123&password=password123", 200),
        (
            "username=user123&password=password123&device_name=My+phone",
            200,
        ),
        ("username=user123&password=wrong", 401),
        ("username=nobody&password=password123", 401),
        ("username=user123", 422),
        ("username=user123&password=password123&password=x", 400),
        ("username=user123&password=%ff", 400),
        ("username=user123&password=password123&device_id=%00", 422),
        ("", 422),
    ];
    for (form, status) in cases {
        let request = client.request("POST", "/login").header(CONTENT_TYPE, FORM);
        let answer = client.send(request, form).await;
        assert_eq!(answer.status, status, "{form}: {}", answer.text);
        assert_eq!(answer.body["error"].is_string(), status != 200, "{form}");
    }
    let long = format!(
        "username=user123&password=password123&device_id={}",
        "x".repeat(129)
    );
    let request = client.request("POST", "/login").header(CONTENT_TYPE, FORM);
    assert_eq!(client.send(request, long).await.status, 422);
}

#[tokio::test]
async fn its_token_carries_no_more_than_whose_session_it_is() {
    use base64::Engine as _;
    let server = Served::start(devices()).await;
    let token = sign_in(&server.client(), "user123", "phone").await;
    let claims = token.split('.').nth(1).unwrap();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(claims)
        .unwrap();
    let claims: serde_json::Map<String, Value> = serde_json::from_slice(&claims).unwrap();
    let names: BTreeSet<&str> = claims.keys().map(String::as_str).collect();
    assert_eq!(
        names.into_iter().collect::<Vec<_>>(),
        ["aud", "exp", "iat", "iss", "sid", "sub"]
    );
}

/// A preset's refresh tokens are no matter of another credential: whoever signs out is out.
#[tokio::test]
async fn whoever_signs_out_is_out_whatever_the_preset_was() {
    for credential in [CredentialKind::SessionJwt, CredentialKind::Opaque] {
        let setup = Setup {
            preset: Some(Preset::Jwt),
            credential: Some(credential),
            password: Some(authlab_server::PasswordKind::Sha256),
            ..Setup::default()
        };
        let resolved = setup.resolve().unwrap();
        let direct = Design {
            credential,
            refresh: authlab_server::RefreshKind::Rotate,
            ..quick()
        };
        for design in [resolved, direct] {
            let server = Served::start(design).await;
            let client = server.client();
            let (token, path) = match credential {
                CredentialKind::SessionJwt => {
                    (sign_in(&client, "user123", "phone").await, "/logout")
                }
                _ => (server.token("john").await, "/token/revoke"),
            };
            assert_eq!(client.ask("POST", path, &token).await.status, 200);
            assert_eq!(client.status("/items/", &token).await, 401, "{credential}");
        }
    }
}

#[test]
fn the_preset_is_this_design() {
    let setup = Setup {
        preset: Some(Preset::DeviceSessions),
        ..Setup::default()
    };
    let design = setup.resolve().unwrap();
    assert_eq!(design.credential, CredentialKind::SessionJwt);
    assert_eq!(design.max_sessions.get(), 10);
}

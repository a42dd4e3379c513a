//! Stores have bounds, and one user or client that fills its share takes nothing from the others.

use std::num::NonZeroUsize;

use authlab_server::{CacheKind, CredentialKind, Design, FreshnessKind, RefreshKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::json;

use crate::harness::{Answer, Client, Served, quick};

const SHARE: usize = 5;

fn bounded(credential: CredentialKind) -> Design {
    Design {
        credential,
        max_tokens_per_subject: NonZeroUsize::new(SHARE).unwrap(),
        ..quick()
    }
}

async fn of_client(client: &Client) -> String {
    let demo = format!("Basic {}", STANDARD.encode("demo-client:demo-secret"));
    let request = client
        .request("POST", "/oauth/token")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(AUTHORIZATION, demo);
    let answer = client.send(request, "grant_type=client_credentials").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body["access_token"].as_str().unwrap().to_owned()
}

/// The oldest tokens of the same client end, cached decisions of them included, and nobody else's.
#[tokio::test]
async fn a_client_beyond_its_share_loses_its_own_oldest_tokens() {
    for (cache, freshness) in [
        (CacheKind::None, FreshnessKind::Epoch),
        (CacheKind::Token, FreshnessKind::Epoch),
        (CacheKind::Decision, FreshnessKind::Epoch),
        (CacheKind::Decision, FreshnessKind::Denylist),
    ] {
        let server = Served::start(Design {
            cache,
            freshness,
            ..bounded(CredentialKind::Opaque)
        })
        .await;
        let client = server.client();
        let john = server.token("john").await;
        assert_eq!(client.status("/items/", &john).await, 200);
        let mut tokens = Vec::new();
        for _ in 0..4 * SHARE {
            let token = of_client(&client).await;
            // Remembered from now on, where anything is.
            assert_eq!(client.status("/items/", &token).await, 200, "{cache}");
            tokens.push(token);
        }
        let (evicted, live) = tokens.split_at(3 * SHARE);
        for token in evicted {
            assert_eq!(client.status("/items/", token).await, 401, "{cache}");
        }
        for token in live {
            assert_eq!(client.status("/items/", token).await, 200, "{cache}");
        }
        assert_eq!(client.status("/items/", &john).await, 200, "{cache}");
        let jane = server.token("jane").await;
        assert_eq!(client.status("/items/", &jane).await, 200, "{cache}");
        // One that is signed out makes room.
        assert_eq!(
            client.ask("POST", "/token/revoke", &live[0]).await.status,
            200
        );
        let next = of_client(&client).await;
        for token in live[1..].iter().chain([&next]) {
            assert_eq!(client.status("/items/", token).await, 200, "{cache}");
        }
    }
}

/// The same of API keys and of cookies' sessions.
#[tokio::test]
async fn a_user_beyond_the_share_loses_the_oldest_key() {
    let server = Served::start(Design {
        cache: CacheKind::Decision,
        ..bounded(CredentialKind::ApiKey)
    })
    .await;
    let client = server.client();
    let ask = async |key: &str| {
        let request = client.request("GET", "/items/").header("x-api-key", key);
        client.send(request, "").await.status.as_u16()
    };
    let jane = server.token("jane").await;
    let mut keys = Vec::new();
    for _ in 0..SHARE + 2 {
        let key = server.token("john").await;
        assert_eq!(ask(&key).await, 200);
        keys.push(key);
    }
    for (number, key) in keys.iter().enumerate() {
        let status = if number < 2 { 401 } else { 200 };
        assert_eq!(ask(key).await, status, "{number}");
    }
    assert_eq!(ask(&jane).await, 200);
}

struct Pair {
    access: String,
    refresh: String,
}

async fn signed_in(client: &Client, name: &str, password: &str) -> Pair {
    let answer = client.login(name, password).await;
    pair(&answer)
}

fn pair(answer: &Answer) -> Pair {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let text = |member: &str| answer.body[member].as_str().unwrap().to_owned();
    Pair {
        access: text("access_token"),
        refresh: text("refresh_token"),
    }
}

async fn refresh(client: &Client, token: &str) -> Answer {
    let request = client
        .request("POST", "/token/refresh")
        .header(CONTENT_TYPE, "application/json");
    let body = json!({ "refresh_token": token }).to_string();
    client.send(request, body).await
}

/// A session that had to make room ends like one that was signed out: its access tokens with it.
#[tokio::test]
async fn a_session_that_makes_room_ends_with_its_access_tokens() {
    for cache in CacheKind::ALL.iter().copied() {
        let server = Served::start(Design {
            cache,
            refresh: RefreshKind::Rotate,
            ..bounded(CredentialKind::Jwt)
        })
        .await;
        let client = server.client();
        let jane = signed_in(&client, "jane", "password456").await;
        let mut all = Vec::new();
        for _ in 0..SHARE + 3 {
            let pair = signed_in(&client, "john", "password123").await;
            assert_eq!(client.status("/items/", &pair.access).await, 200, "{cache}");
            all.push(pair);
        }
        for (number, pair) in all.iter().enumerate() {
            let (status, refreshed) = if number < 3 { (401, 400) } else { (200, 200) };
            assert_eq!(
                client.status("/items/", &pair.access).await,
                status,
                "{cache} {number}"
            );
            let answer = refresh(&client, &pair.refresh).await;
            assert_eq!(
                answer.status, refreshed,
                "{cache} {number}: {}",
                answer.text
            );
        }
        assert_eq!(client.status("/items/", &jane.access).await, 200, "{cache}");
        assert_eq!(refresh(&client, &jane.refresh).await.status, 200, "{cache}");
    }
}

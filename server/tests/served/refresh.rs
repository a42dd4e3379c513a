//! The second published design: JWTs that end soon, refresh tokens that turn, a denylist, roles.

use std::time::Duration;

use authlab_server::{
    BindingKind, CacheKind, Clock, Controlled, Design, PasswordKind, Period, Preset, RefreshKind,
    Setup, UsersFrom,
};
use hyper::header::CONTENT_TYPE;
use serde_json::json;

use crate::harness::{Answer, Client, Served, quick};

const NOW: u64 = 1_800_000_000;

fn refreshed() -> Design {
    Design {
        refresh: RefreshKind::Rotate,
        ..quick()
    }
}

/// An access token and the refresh token beside it.
#[derive(Clone)]
struct Pair {
    access: String,
    refresh: String,
}

impl Pair {
    fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.text);
        let text = |key: &str| answer.body[key].as_str().unwrap().to_owned();
        Self {
            access: text("access_token"),
            refresh: text("refresh_token"),
        }
    }
}

async fn sign_in(client: &Client) -> Pair {
    Pair::of(&client.login("john", "password123").await)
}

async fn refresh(client: &Client, token: &str) -> Answer {
    let request = client
        .request("POST", "/token/refresh")
        .header(CONTENT_TYPE, "application/json");
    let body = json!({ "refresh_token": token }).to_string();
    client.send(request, body).await
}

async fn refused(client: &Client, token: &str) {
    let answer = refresh(client, token).await;
    // RFC 6749 §5.2.
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert_eq!(answer.body["error"], "invalid_grant");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn the_published_walk() {
    let setup = Setup {
        preset: Some(Preset::Jwt),
        password: Some(PasswordKind::Sha256),
        ..Setup::default()
    };
    let server = Served::start(setup.resolve().unwrap()).await;
    let client = server.client();
    let user = Pair::of(&client.login("testuser", "testpassword").await);
    let admin = sign_in(&client).await;

    let todos = client.get("/todos/", &user.access).await;
    let expected = json!(["Buy Vegetables", "Read a book", "Learn FastAPI"]);
    assert_eq!((todos.status.as_u16(), todos.body), (200, expected));
    let todos = client.get("/todos/", &admin.access).await;
    assert_eq!(todos.body, json!(["Manage Todos"]));
    let data = client.get("/secure-data/", &user.access).await;
    assert_eq!(data.body["username"], "testuser");
    for path in ["/todos/", "/secure-data/"] {
        assert_eq!(client.status(path, "").await, 401);
        // What refreshes is no access token.
        assert_eq!(client.status(path, &user.refresh).await, 401);
    }

    let next = Pair::of(&refresh(&client, &user.refresh).await);
    assert_eq!(client.status("/todos/", &next.access).await, 200);
    assert_eq!(
        client
            .ask("POST", "/token/revoke", &next.access)
            .await
            .status,
        200
    );
    assert_eq!(client.status("/todos/", &next.access).await, 401);
    assert_eq!(client.status("/todos/", &admin.access).await, 200);
}

#[tokio::test]
async fn an_old_refresh_token_ends_its_session_and_no_other() {
    for cache in CacheKind::ALL.iter().copied() {
        let server = Served::start(Design {
            cache,
            ..refreshed()
        })
        .await;
        let client = server.client();
        let (first, other) = (sign_in(&client).await, sign_in(&client).await);
        let second = Pair::of(&refresh(&client, &first.refresh).await);
        let third = Pair::of(&refresh(&client, &second.refresh).await);
        for token in [&first.access, &second.access, &third.access, &other.access] {
            // Once verified, once from a cache where there is one.
            assert_eq!(client.status("/items/", token).await, 200);
            assert_eq!(client.status("/items/", token).await, 200);
        }
        refused(&client, &first.refresh).await;
        for token in [&first.access, &second.access, &third.access] {
            assert_eq!(client.status("/items/", token).await, 401, "{cache}");
        }
        refused(&client, &third.refresh).await;
        assert_eq!(client.status("/items/", &other.access).await, 200);
        Pair::of(&refresh(&client, &other.refresh).await);
    }
}

#[tokio::test]
async fn of_many_at_once_with_one_token_one_is_answered_at_most_and_the_session_ends() {
    let server = Served::start(refreshed()).await;
    let client = server.client();
    let pair = sign_in(&client).await;
    let asked: Vec<_> = (0..16)
        .map(|_| {
            let (client, token) = (client.clone(), pair.refresh.clone());
            tokio::spawn(async move { refresh(&client, &token).await })
        })
        .collect();
    let mut answered = Vec::new();
    for one in asked {
        let answer = one.await.unwrap();
        if answer.status == 200 {
            answered.push(Pair::of(&answer));
        }
    }
    assert!(answered.len() <= 1);
    for pair in &answered {
        assert_eq!(client.status("/items/", &pair.access).await, 401);
        refused(&client, &pair.refresh).await;
    }
}

#[tokio::test]
async fn revoking_an_access_token_ends_the_session_behind_it() {
    let server = Served::start(refreshed()).await;
    let client = server.client();
    let first = sign_in(&client).await;
    let second = Pair::of(&refresh(&client, &first.refresh).await);
    assert_eq!(
        client
            .ask("POST", "/token/revoke", &first.access)
            .await
            .status,
        200
    );
    assert_eq!(client.status("/items/", &second.access).await, 401);
    refused(&client, &second.refresh).await;
}

#[tokio::test]
async fn a_session_ends_when_it_may_no_longer_be_refreshed_and_takes_its_tokens_along() {
    let clock = Controlled::at_seconds(NOW);
    let design = Design {
        token_ttl: Period(Duration::from_secs(60)),
        refresh_ttl: Period(Duration::from_secs(100)),
        ..refreshed()
    };
    let server = Served::start_at(design, Clock::Controlled(clock.clone())).await;
    let client = server.client();
    let first = sign_in(&client).await;
    clock.advance(Duration::from_secs(60));
    assert_eq!(client.status("/items/", &first.access).await, 401);
    let answer = refresh(&client, &first.refresh).await;
    assert_eq!(answer.body["expires_in"], 40);
    let second = Pair::of(&answer);
    clock.advance(Duration::from_secs(39));
    assert_eq!(client.status("/items/", &second.access).await, 200);
    clock.advance(Duration::from_secs(1));
    assert_eq!(client.status("/items/", &second.access).await, 401);
    refused(&client, &second.refresh).await;
}

#[tokio::test]
async fn what_is_no_refresh_token_of_ours_is_refused_and_ends_nothing() {
    let server = Served::start(refreshed()).await;
    let (client, pair) = (server.client(), sign_in(&server.client()).await);
    let elsewhere = sign_in(&Served::start(refreshed()).await.client()).await;
    let padded = format!("{}=", pair.refresh);
    for wrong in [
        "",
        "x",
        &pair.access,
        &pair.refresh[..63],
        &padded,
        &elsewhere.refresh,
    ] {
        refused(&client, wrong).await;
    }
    let request = client
        .request("POST", "/token/refresh")
        .header(CONTENT_TYPE, "application/json");
    assert_eq!(client.send(request, "{}").await.status, 422);
    Pair::of(&refresh(&client, &pair.refresh).await);
}

#[tokio::test]
async fn only_the_sender_that_signed_in_goes_on_and_a_thief_ends_nothing() {
    let server = Served::start(Design {
        binding: BindingKind::Sha256,
        ..refreshed()
    })
    .await;
    let client = server.client();
    let pair = sign_in(&client).await;
    let thief = server.client().with_user_agent("thief");
    assert_eq!(refresh(&thief, &pair.refresh).await.status, 401);
    let next = Pair::of(&refresh(&client, &pair.refresh).await);
    assert_eq!(client.status("/items/", &next.access).await, 200);
    assert_eq!(thief.status("/items/", &next.access).await, 401);
}

#[tokio::test]
async fn roles_are_read_again_and_a_deleted_account_ends_its_sessions() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let write = |accounts: &str| std::fs::write(file.path(), accounts).unwrap();
    write(r#"{"john": {"password": "password123", "roles": ["admin"]}}"#);
    let server = Served::start(Design {
        users: UsersFrom::File(file.path().to_owned()),
        ..refreshed()
    })
    .await;
    let client = server.client();
    let admin = sign_in(&client).await;
    assert_eq!(
        client.ask("POST", "/items/", &admin.access).await.status,
        201
    );
    write(r#"{"john": {"password": "password123", "roles": ["user"]}}"#);
    let user = Pair::of(&refresh(&client, &admin.refresh).await);
    assert_eq!(
        client.ask("POST", "/items/", &user.access).await.status,
        403
    );
    write("{}");
    refused(&client, &user.refresh).await;
    assert_eq!(client.status("/items/", &user.access).await, 401);
}

#[tokio::test]
async fn without_refresh_there_is_no_refresh_token_and_none_is_taken() {
    let server = Served::start(quick()).await;
    let client = server.client();
    let answer = client.login("john", "password123").await;
    assert!(answer.body.get("refresh_token").is_none());
    let elsewhere = sign_in(&Served::start(refreshed()).await.client()).await;
    refused(&client, &elsewhere.refresh).await;
}

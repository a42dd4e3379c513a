//! A token whose scope a refresh narrowed has less authority than its subject (RFC 6749 §3.3, §6): what a role alone
//! permits needs a token that was not narrowed.

use authlab_server::{
    Action, Authorized, CacheKind, CredentialKind, Design, FreshnessKind, RefreshKind, Scope,
    SessionsFrom, VerifyKind, layer,
};
use axum::Router;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};

use crate::harness::{Answer, Client, Served, quick};
use crate::redis::Redis;

const ADMIN: &str = r#"{"items":["Admin Items"]}"#;
const USER: &str = r#"{"items":["User Items"]}"#;

fn refreshed() -> Design {
    Design {
        refresh: RefreshKind::Rotate,
        ..quick()
    }
}

fn member(answer: &Answer, member: &str) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body[member].as_str().unwrap().to_owned()
}

/// The next tokens of a session, by the OAuth endpoint or the JSON one.
async fn refresh(client: &Client, token: &str, scope: &str, is_oauth: bool) -> Answer {
    if is_oauth {
        let demo = format!("Basic {}", STANDARD.encode("demo-client:demo-secret"));
        let form = format!("grant_type=refresh_token&refresh_token={token}&scope={scope}");
        let request = client
            .request("POST", "/oauth/token")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(AUTHORIZATION, demo);
        return client.send(request, form).await;
    }
    let body = json!({ "refresh_token": token, "scope": scope.replace('+', " ") });
    let request = client
        .request("POST", "/token/refresh")
        .header(CONTENT_TYPE, "application/json");
    client.send(request, body.to_string()).await
}

async fn change(
    client: &Client,
    method: &str,
    path: &str,
    token: &str,
    body: Option<Value>,
) -> u16 {
    let mut request = client
        .request(method, path)
        .header(AUTHORIZATION, format!("Bearer {token}"));
    if body.is_some() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    let body = body.map_or(String::new(), |body| body.to_string());
    client.send(request, body).await.status.as_u16()
}

/// What an administrator may by the role alone: each is refused to the token.
async fn administers_nothing(client: &Client, token: &str) {
    let roles = Some(json!({ "roles": ["admin"] }));
    let policy = Some(json!({ "user": ["items:read", "items:write"] }));
    // Twice: once decided, once from the cache.
    for _ in 0..2 {
        for (method, path, body) in [
            ("DELETE", "/admin/accounts/alice", None),
            ("POST", "/admin/accounts/jane/roles", roles.clone()),
            ("POST", "/admin/policy", policy.clone()),
            ("POST", "/admin/keys", None),
        ] {
            let status = change(client, method, path, token, body).await;
            assert_eq!(status, 403, "{method} {path}");
        }
        let items = client.get("/items/", token).await;
        assert_eq!((items.status.as_u16(), &*items.text), (200, USER));
        assert_eq!(client.ask("POST", "/items", token).await.status, 403);
        let own = client.get("/user", token).await;
        assert_eq!(own.body["username"], "john");
        assert_eq!(own.body["roles"], json!([]));
        assert_eq!(own.body["scopes"], json!(["items:read"]));
    }
}

#[tokio::test]
async fn a_narrowed_token_grants_nothing_by_its_subjects_role() {
    let redis = Redis::start().await;
    let mut stores = vec![SessionsFrom::Memory];
    stores.extend(redis.as_ref().map(Redis::sessions));
    for sessions in stores {
        for (cache, freshness) in [
            (CacheKind::None, FreshnessKind::Epoch),
            (CacheKind::Token, FreshnessKind::Epoch),
            (CacheKind::Decision, FreshnessKind::Epoch),
            (CacheKind::Decision, FreshnessKind::Denylist),
        ] {
            for is_oauth in [true, false] {
                let server = Served::start(Design {
                    cache,
                    freshness,
                    sessions: sessions.clone(),
                    ..refreshed()
                })
                .await;
                let client = server.client();
                let signed = client.login("john", "password123").await;
                let next = member(&signed, "refresh_token");
                let narrowed = refresh(&client, &next, "items:read", is_oauth).await;
                assert_eq!(narrowed.body["scope"], "items:read");
                administers_nothing(&client, &member(&narrowed, "access_token")).await;
                // A session keeps all of its authority, and a refresh for all scopes narrows nothing.
                let mut next = member(&narrowed, "refresh_token");
                for scope in ["", "items:read+items:write"] {
                    let whole = refresh(&client, &next, scope, is_oauth).await;
                    let token = member(&whole, "access_token");
                    assert_eq!(client.get("/items/", &token).await.text, ADMIN);
                    let roles = Some(json!({ "roles": ["user"] }));
                    let path = "/admin/accounts/jane/roles";
                    assert_eq!(change(&client, "POST", path, &token, roles).await, 200);
                    next = member(&whole, "refresh_token");
                }
            }
        }
    }
}

/// Another server must not grant by a role either, whether it reads the token or asks about it.
#[tokio::test]
async fn a_narrowed_token_grants_nothing_by_a_role_at_another_server() {
    let central = Served::start(refreshed()).await;
    let client = central.client();
    let signed = client.login("john", "password123").await;
    let narrowed = refresh(
        &client,
        &member(&signed, "refresh_token"),
        "items:read",
        true,
    )
    .await;
    let token = member(&narrowed, "access_token");
    let claims = token.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["roles"], json!([]), "{claims}");
    assert_eq!(claims["narrowed_from"], json!(["admin"]), "{claims}");
    let demo = format!("Basic {}", STANDARD.encode("demo-client:demo-secret"));
    let request = client
        .request("POST", "/oauth/introspect")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(AUTHORIZATION, demo);
    let told = client.send(request, format!("token={token}")).await.body;
    assert_eq!(told["active"], true, "{told}");
    assert_eq!(told["scope"], "items:read", "{told}");
    assert_eq!(told["roles"], json!([]), "{told}");
    for cache in CacheKind::ALL.iter().copied() {
        let server = Served::start(Design {
            verify: VerifyKind::Introspect,
            introspect_url: format!("http://{}", central.address).parse().unwrap(),
            credential: CredentialKind::Jwt,
            cache,
            ..quick()
        })
        .await;
        let asking = server.client();
        for _ in 0..2 {
            assert_eq!(asking.get("/items/", &token).await.text, USER, "{cache}");
            let policy = Some(json!({ "admin": [] }));
            let status = change(&asking, "POST", "/admin/policy", &token, policy).await;
            assert_eq!(status, 403, "{cache}");
        }
        // The policy of the server that asks limits it as it limits the subject's other tokens.
        let whole = central.token("john").await;
        let policy = Some(json!({ "user": ["items:read"] }));
        let status = change(&asking, "POST", "/admin/policy", &whole, policy).await;
        assert_eq!(status, 200, "{cache}");
        assert_eq!(asking.status("/items/", &token).await, 403, "{cache}");
    }
}

/// A policy that is changed counts for a narrowed token too, and never widens it.
#[tokio::test]
async fn a_narrowed_token_follows_the_policy_and_stays_narrowed() {
    for cache in CacheKind::ALL.iter().copied() {
        let server = Served::start(Design {
            cache,
            ..refreshed()
        })
        .await;
        let client = server.client();
        let john = server.token("john").await;
        let signed = client.login("john", "password123").await;
        let next = member(&signed, "refresh_token");
        let narrowed = refresh(&client, &next, "items:read", false).await;
        let narrowed = member(&narrowed, "access_token");
        assert_eq!(client.status("/items/", &narrowed).await, 200);
        let set = async |policy: Value| {
            let status = change(&client, "POST", "/admin/policy", &john, Some(policy)).await;
            assert_eq!(status, 200, "{cache}");
        };
        set(json!({ "admin": ["items:write"], "user": ["items:read"] })).await;
        assert_eq!(client.status("/items/", &narrowed).await, 403, "{cache}");
        set(json!({ "admin": ["items:read"] })).await;
        // Now its scopes are all that its subject's roles carry; it was narrowed all the same.
        administers_nothing(&client, &narrowed).await;
    }
}

/// The layer for other services: whom it lets through, and what it tells them.
#[tokio::test]
async fn the_layer_lets_no_narrowed_token_administer_and_tells_of_no_role() {
    let server = Served::start(Design {
        cache: CacheKind::Decision,
        ..refreshed()
    })
    .await;
    let client = server.client();
    let signed = client.login("john", "password123").await;
    let whole = member(&signed, "access_token");
    let next = member(&signed, "refresh_token");
    let narrowed = refresh(&client, &next, "items:read", false).await;
    let narrowed = member(&narrowed, "access_token");
    let roles = async |who: Authorized| format!("{}", who.roles().iter().count());
    let lab = || std::sync::Arc::clone(&server.lab);
    let app: Router = Router::new()
        .route("/admin", get(roles))
        .route_layer(layer(lab()).administering())
        .route(
            "/read",
            get(roles).route_layer(layer(lab()).needing(Scope::ItemsRead)),
        );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = app.into_make_service_with_connect_info::<std::net::SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    let app = Client::of(address, crate::harness::HERE);
    for _ in 0..2 {
        for (token, admin, roles) in [(&whole, 200, "1"), (&narrowed, 403, "0")] {
            assert_eq!(app.status("/admin", token).await, admin);
            let read = app.get("/read", token).await;
            assert_eq!((read.status.as_u16(), &*read.text), (200, roles));
        }
    }
    assert_eq!(Action::Administer.scope(), None);
}

//! Scopes that are asked for when tokens are issued (RFC 6749 §3.3, §4.4.2, §6).

use authlab_server::{BindingKind, CredentialKind, Design, RefreshKind, SessionsFrom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};

use crate::harness::{Answer, Client, Served, quick};

const FORM: &str = "application/x-www-form-urlencoded";
const ALL: &str = "items:read items:write";

fn refreshed() -> Design {
    Design {
        refresh: RefreshKind::Rotate,
        ..quick()
    }
}

async fn post(client: &Client, form: &str) -> Answer {
    let demo = format!("Basic {}", STANDARD.encode("demo-client:demo-secret"));
    let request = client
        .request("POST", "/oauth/token")
        .header(CONTENT_TYPE, FORM)
        .header(AUTHORIZATION, demo);
    client.send(request, form.to_owned()).await
}

async fn refresh_json(client: &Client, body: &Value) -> Answer {
    let request = client
        .request("POST", "/token/refresh")
        .header(CONTENT_TYPE, "application/json");
    client.send(request, body.to_string()).await
}

fn text(answer: &Answer, member: &str) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body[member].as_str().unwrap().to_owned()
}

/// How a client may ask for scopes, and what it gets: the scopes, or an error.
const ASKED: &[(&str, Result<&str, &str>)] = &[
    ("", Ok(ALL)),
    ("&scope=", Ok(ALL)),
    ("&scope=items:read", Ok("items:read")),
    ("&scope=items%3Aread", Ok("items:read")),
    ("&scope=items:write", Ok("items:write")),
    ("&scope=items:write+items:read", Ok(ALL)),
    ("&scope=items:read+items:read", Ok("items:read")),
    ("&scope=nonsense", Err("invalid_scope")),
    ("&scope=items:read+nonsense", Err("invalid_scope")),
    ("&scope=nonsense+items:read", Err("invalid_scope")),
    ("&scope=ITEMS:READ", Err("invalid_scope")),
    ("&scope=+", Err("invalid_scope")),
    ("&scope=items:read+", Err("invalid_scope")),
    ("&scope=items:read%09items:write", Err("invalid_scope")),
    ("&scope=items:read,items:write", Err("invalid_scope")),
    ("&scope=items:read&scope=items:read", Err("invalid_request")),
    ("&scope=&scope=items:read", Err("invalid_request")),
    ("&scope=%ff", Err("invalid_request")),
];

#[tokio::test]
async fn a_scope_is_narrowed_or_refused_for_each_grant_and_a_refused_one_uses_nothing_up() {
    let server = Served::start(refreshed()).await;
    let client = server.client();
    let mut token = text(&client.login("john", "password123").await, "refresh_token");
    for (asked, expected) in ASKED {
        let refresh = format!("grant_type=refresh_token&refresh_token={token}{asked}");
        let own = format!("grant_type=client_credentials{asked}");
        for (form, is_refresh) in [(refresh, true), (own, false)] {
            let answer = post(&client, &form).await;
            match expected {
                Ok(scopes) => {
                    assert_eq!(answer.status, 200, "{form}: {}", answer.text);
                    assert_eq!(answer.body["scope"], *scopes, "{form}");
                    let access = text(&answer, "access_token");
                    let may_read = scopes.contains("read");
                    let may_write = scopes.contains("write");
                    let read = client.status("/items/", &access).await;
                    assert_eq!(read == 200, may_read, "{form}");
                    let write = client.ask("POST", "/items", &access).await.status;
                    assert_eq!(write != 403, may_write, "{form}: {write}");
                    if is_refresh {
                        // The next turn begins with all scopes again.
                        token = text(&answer, "refresh_token");
                    }
                }
                Err(error) => {
                    assert_eq!(answer.status, 400, "{form}: {}", answer.text);
                    assert_eq!(answer.body["error"], *error, "{form}");
                }
            }
        }
    }
    // Each refused scope left the turn as it was.
    let last = post(
        &client,
        &format!("grant_type=refresh_token&refresh_token={token}"),
    )
    .await;
    assert_eq!(last.body["scope"], ALL, "{}", last.text);
}

#[tokio::test]
async fn a_scope_beyond_what_was_granted_is_refused() {
    let server = Served::start(refreshed()).await;
    let client = server.client();
    // An account that may only read.
    let token = text(&client.login("jane", "password456").await, "refresh_token");
    for wanted in [
        "items:write",
        "items:read+items:write",
        "items:write+items:read",
    ] {
        let form = format!("grant_type=refresh_token&refresh_token={token}&scope={wanted}");
        let answer = post(&client, &form).await;
        assert_eq!(answer.status, 400, "{wanted}: {}", answer.text);
        assert_eq!(answer.body["error"], "invalid_scope", "{wanted}");
    }
    let form = format!("grant_type=refresh_token&refresh_token={token}&scope=items:read");
    let answer = post(&client, &form).await;
    assert_eq!(answer.body["scope"], "items:read", "{}", answer.text);
    // An old turn's token ends the session, whatever scope came with it.
    let form = format!("grant_type=refresh_token&refresh_token={token}&scope=nonsense");
    let again = post(&client, &form).await;
    assert_eq!(again.body["error"], "invalid_grant", "{}", again.text);
    let next = text(&answer, "refresh_token");
    let form = format!("grant_type=refresh_token&refresh_token={next}");
    let over = post(&client, &form).await;
    assert_eq!(over.body["error"], "invalid_grant", "{}", over.text);
    let access = text(&answer, "access_token");
    assert_eq!(client.status("/items/", &access).await, 401);
}

/// The same of the JSON form, wherever sessions are kept.
pub(crate) async fn narrowed_by_json(sessions: SessionsFrom) {
    let server = Served::start(Design {
        sessions,
        ..refreshed()
    })
    .await;
    let client = server.client();
    let mut token = text(&client.login("john", "password123").await, "refresh_token");
    for (scope, expected) in [
        (json!("items:read"), Ok("items:read")),
        (json!(""), Ok(ALL)),
        (Value::Null, Ok(ALL)),
        (json!("nonsense"), Err((400, "invalid_scope"))),
        (json!("items:read nonsense"), Err((400, "invalid_scope"))),
        (json!(" "), Err((400, "invalid_scope"))),
        (json!(["items:read"]), Err((422, "invalid_request"))),
        (json!(7), Err((422, "invalid_request"))),
        (json!("items:write items:read"), Ok(ALL)),
    ] {
        let body = json!({ "refresh_token": token, "scope": scope });
        let answer = refresh_json(&client, &body).await;
        match expected {
            Ok(scopes) => {
                assert_eq!(answer.status, 200, "{body}: {}", answer.text);
                assert_eq!(answer.body["scope"], scopes, "{body}");
                token = text(&answer, "refresh_token");
            }
            Err((status, error)) => {
                assert_eq!(answer.status, status, "{body}: {}", answer.text);
                assert_eq!(answer.body["error"], error, "{body}");
            }
        }
    }
    let twice =
        format!(r#"{{"refresh_token":"{token}","scope":"items:read","scope":"items:read"}}"#);
    let request = client
        .request("POST", "/token/refresh")
        .header(CONTENT_TYPE, "application/json");
    assert_eq!(client.send(request, twice).await.status, 422);
    let last = refresh_json(&client, &json!({ "refresh_token": token })).await;
    assert_eq!(last.body["scope"], ALL, "{}", last.text);
}

#[tokio::test]
async fn the_json_form_narrows_as_well() {
    narrowed_by_json(SessionsFrom::Memory).await;
}

/// Whatever a client's tokens are, and whatever they are bound to.
#[tokio::test]
async fn a_clients_scopes_are_narrowed_whatever_its_tokens_are() {
    for (credential, binding) in [
        (CredentialKind::Opaque, BindingKind::None),
        (CredentialKind::Jwt, BindingKind::Md5),
    ] {
        let server = Served::start(Design {
            credential,
            binding,
            ..quick()
        })
        .await;
        let client = server.client();
        for (asked, expected) in ASKED {
            let answer = post(&client, &format!("grant_type=client_credentials{asked}")).await;
            match expected {
                Ok(scopes) => assert_eq!(answer.body["scope"], *scopes, "{credential} {asked}"),
                Err(error) => assert_eq!(answer.body["error"], *error, "{credential} {asked}"),
            }
        }
    }
}

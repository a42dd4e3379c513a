//! What other servers ask, by the standards.

use authlab_server::{
    ClientsFrom, Clock, Controlled, CredentialKind, Design, JwtAlgorithm, RefreshKind,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::json;

use crate::harness::{Answer, Client, Served, quick};

const FORM: &str = "application/x-www-form-urlencoded";

fn refreshed() -> Design {
    Design {
        refresh: RefreshKind::Rotate,
        ..quick()
    }
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

async fn post(client: &Client, path: &str, form: &str) -> Answer {
    let request = client
        .request("POST", path)
        .header(CONTENT_TYPE, FORM)
        .header(AUTHORIZATION, basic("demo-client", "demo-secret"));
    client.send(request, form.to_owned()).await
}

/// All that a token's answer says when it is not active.
async fn is_active(client: &Client, token: &str) -> bool {
    let answer = post(client, "/oauth/introspect", &format!("token={token}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let active = answer.body["active"] == true;
    assert!(
        active || answer.text == r#"{"active":false}"#,
        "{}",
        answer.text
    );
    active
}

#[tokio::test]
async fn a_client_gets_a_token_of_its_own_within_its_scopes() {
    for credential in [CredentialKind::Jwt, CredentialKind::Opaque] {
        let server = Served::start(Design {
            credential,
            ..quick()
        })
        .await;
        let client = server.client();
        let answer = post(
            &client,
            "/oauth/token",
            "grant_type=client_credentials&scope=items:read",
        )
        .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.body["token_type"], "Bearer");
        assert_eq!(answer.body["scope"], "items:read");
        assert!(answer.body.get("refresh_token").is_none());
        let token = answer.body["access_token"].as_str().unwrap();
        assert_eq!(client.status("/items/", token).await, 200);
        assert_eq!(client.ask("POST", "/items/", token).await.status, 403);

        let said = post(&client, "/oauth/introspect", &format!("token={token}")).await;
        let mut said = said.body;
        assert_eq!(said["jti"].as_str().map(str::len), Some(32));
        assert!(said["exp"].is_u64());
        for changing in ["jti", "exp"] {
            said.as_object_mut().unwrap().remove(changing);
        }
        let issuer = format!("http://{}", server.address);
        assert_eq!(
            said,
            json!({
                "active": true, "scope": "items:read", "client_id": "demo-client", "token_type": "Bearer",
                "sub": "client:demo-client", "aud": issuer, "iss": issuer, "roles": [],
            })
        );
        // All of its scopes, where it names none.
        let all = post(&client, "/oauth/token", "grant_type=client_credentials").await;
        assert_eq!(all.body["scope"], "items:read items:write");
    }
}

#[tokio::test]
async fn a_refresh_token_is_changed_here_too_and_its_reuse_ends_the_session() {
    let server = Served::start(refreshed()).await;
    let client = server.client();
    let signed_in = client.login("jane", "password456").await.body;
    let (access, refresh) = (
        signed_in["access_token"].as_str().unwrap(),
        signed_in["refresh_token"].as_str().unwrap(),
    );
    assert!(is_active(&client, access).await);
    let form = format!("grant_type=refresh_token&refresh_token={refresh}");
    let next = post(&client, "/oauth/token", &form).await;
    assert_eq!(next.status, 200, "{}", next.text);
    let next = next.body["access_token"].as_str().unwrap().to_owned();
    assert!(is_active(&client, &next).await);
    let again = post(&client, "/oauth/token", &form).await;
    assert_eq!(
        (again.status.as_u16(), &again.body["error"]),
        (400, &json!("invalid_grant"))
    );
    for token in [access, &next] {
        assert!(!is_active(&client, token).await);
        assert_eq!(client.status("/items/", token).await, 401);
    }
}

#[tokio::test]
async fn a_revoked_token_of_either_kind_is_over() {
    for kind in ["access_token", "refresh_token"] {
        let server = Served::start(refreshed()).await;
        let client = server.client();
        let signed_in = client.login("jane", "password456").await.body;
        let access = signed_in["access_token"].as_str().unwrap();
        let revoked = signed_in[kind].as_str().unwrap();
        let form = format!("token={revoked}&token_type_hint={kind}");
        assert_eq!(
            post(&client, "/oauth/revoke", &form).await.status,
            200,
            "{kind}"
        );
        assert!(!is_active(&client, access).await, "{kind}");
        assert_eq!(client.status("/items/", access).await, 401, "{kind}");
        let refresh = signed_in["refresh_token"].as_str().unwrap();
        let form = format!("grant_type=refresh_token&refresh_token={refresh}");
        assert_eq!(
            post(&client, "/oauth/token", &form).await.status,
            400,
            "{kind}"
        );
        // Again, or one that never was: it is over already (RFC 7009 §2.2).
        for token in [revoked, "nonsense"] {
            let form = format!("token={token}");
            assert_eq!(
                post(&client, "/oauth/revoke", &form).await.status,
                200,
                "{kind}"
            );
        }
    }
}

#[tokio::test]
async fn an_expired_token_is_not_active() {
    let controlled = Controlled::at_seconds(1_800_000_000);
    let server = Served::start_at(quick(), Clock::Controlled(controlled.clone())).await;
    let (client, token) = (server.client(), server.token("jane").await);
    assert!(is_active(&client, &token).await);
    controlled.advance(std::time::Duration::from_secs(30 * 60));
    assert!(!is_active(&client, &token).await);
}

/// The header of the demo client.
const OURS: Option<&str> = Some("Basic ZGVtby1jbGllbnQ6ZGVtby1zZWNyZXQ=");

/// Path, header, form, and the status and error that answer them.
type Wrong = (
    &'static str,
    Option<&'static str>,
    &'static str,
    u16,
    &'static str,
);

const WRONG: &[Wrong] = &[
    ("/oauth/token", OURS, "", 400, "invalid_request"),
    ("/oauth/token", OURS, "grant_type=", 400, "invalid_request"),
    (
        "/oauth/token",
        OURS,
        "grant_type=password",
        400,
        "unsupported_grant_type",
    ),
    (
        "/oauth/token",
        OURS,
        "grant_type=refresh_token&refresh_token=x",
        400,
        "unsupported_grant_type",
    ),
    (
        "/oauth/token",
        OURS,
        "grant_type=client_credentials&scope=all",
        400,
        "invalid_scope",
    ),
    (
        "/oauth/token",
        OURS,
        "grant_type=client_credentials&grant_type=client_credentials",
        400,
        "invalid_request",
    ),
    (
        "/oauth/token",
        OURS,
        "grant_type=client_credentials&x=%ff",
        400,
        "invalid_request",
    ),
    (
        "/oauth/token",
        OURS,
        "grant_type=client_credentials&client_id=demo-client&client_secret=demo-secret",
        400,
        "invalid_request",
    ),
    (
        "/oauth/token",
        OURS,
        "grant_type=client_credentials&client_id=other",
        400,
        "invalid_request",
    ),
    (
        "/oauth/token",
        None,
        "grant_type=client_credentials",
        401,
        "invalid_client",
    ),
    (
        "/oauth/token",
        None,
        "grant_type=client_credentials&client_id=demo-client&client_secret=wrong",
        401,
        "invalid_client",
    ),
    (
        "/oauth/token",
        None,
        "grant_type=client_credentials&client_id=nobody&client_secret=demo-secret",
        401,
        "invalid_client",
    ),
    (
        "/oauth/token",
        Some("Basic !"),
        "grant_type=client_credentials",
        401,
        "invalid_client",
    ),
    (
        "/oauth/token",
        Some("Bearer x"),
        "grant_type=client_credentials",
        401,
        "invalid_client",
    ),
    ("/oauth/introspect", OURS, "", 400, "invalid_request"),
    ("/oauth/introspect", None, "token=x", 401, "invalid_client"),
    (
        "/oauth/revoke",
        OURS,
        "token_type_hint=access_token",
        400,
        "invalid_request",
    ),
    ("/oauth/revoke", None, "token=x", 401, "invalid_client"),
];

#[tokio::test]
async fn what_is_wrong_is_answered_in_the_words_of_the_standard() {
    let server = Served::start(quick()).await;
    let client = server.client();
    assert_eq!(OURS, Some(&*basic("demo-client", "demo-secret")));
    for (path, authorization, form, status, error) in WRONG {
        let mut request = client.request("POST", path).header(CONTENT_TYPE, FORM);
        if let Some(text) = authorization {
            request = request.header(AUTHORIZATION, *text);
        }
        let answer = client.send(request, (*form).to_owned()).await;
        assert_eq!(
            answer.status.as_u16(),
            *status,
            "{path} {form}: {}",
            answer.text
        );
        assert_eq!(answer.body["error"], *error, "{path} {form}");
        let challenge = answer.header("www-authenticate").is_some();
        assert_eq!(challenge, *status == 401, "{path} {form}");
    }
    let json = client
        .request("POST", "/oauth/token")
        .header(CONTENT_TYPE, "application/json");
    let answer = client.send(json, "{}").await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["error"]),
        (400, &json!("invalid_request"))
    );
    let long = client
        .request("POST", "/oauth/token")
        .header(CONTENT_TYPE, FORM);
    let answer = client.send(long, "x".repeat(17 * 1024)).await;
    assert_eq!(answer.status, 413);
    let ours = post(&client, "/oauth/token", "grant_type=client_credentials").await;
    assert_eq!(ours.status, 200);
}

#[tokio::test]
async fn a_client_of_the_file_may_what_the_file_says() {
    use std::fmt::Write as _;

    use sha2::Digest as _;
    const SECRET: &str = "s:e%c ret&";
    let file = tempfile::NamedTempFile::new().unwrap();
    let digest = sha2::Sha256::digest(SECRET);
    let hex = digest.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    });
    // Beside accounts of its own a server has no client whose secret everybody knows.
    let users = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(users.path(), "{}").unwrap();
    let real = Served::start(Design {
        users: authlab_server::UsersFrom::File(users.path().to_owned()),
        ..quick()
    })
    .await;
    let demo = post(
        &real.client(),
        "/oauth/token",
        "grant_type=client_credentials",
    )
    .await;
    assert_eq!(demo.status, 401);
    let clients = json!({
        "reader": { "secret_sha256": hex, "scopes": ["items:read"], "grants": ["client_credentials"] },
        "other": { "secret_sha256": hex, "scopes": [], "grants": [] },
    });
    std::fs::write(file.path(), clients.to_string()).unwrap();
    let server = Served::start(Design {
        clients: ClientsFrom::File(file.path().to_owned()),
        ..refreshed()
    })
    .await;
    let client = server.client();
    let ask = async |authorization: String, form: &'static str| {
        let request = client
            .request("POST", "/oauth/token")
            .header(CONTENT_TYPE, FORM)
            .header(AUTHORIZATION, authorization);
        let answer = client.send(request, form).await;
        (
            answer.status.as_u16(),
            answer.body["error"].as_str().map(ToOwned::to_owned),
        )
    };
    // Id and secret are form-encoded inside the header (RFC 6749 §2.3.1).
    let reader = || basic("reader", "s%3Ae%25c+ret%26");
    assert_eq!(
        ask(reader(), "grant_type=client_credentials").await,
        (200, None)
    );
    let refused = |error: &str| (400, Some(error.to_owned()));
    assert_eq!(
        ask(reader(), "grant_type=client_credentials&scope=items:write").await,
        refused("invalid_scope")
    );
    assert_eq!(
        ask(reader(), "grant_type=refresh_token&refresh_token=x").await,
        refused("unauthorized_client")
    );
    // Another client's token is not its to end (RFC 7009 §2.1).
    let issued = client
        .request("POST", "/oauth/token")
        .header(CONTENT_TYPE, FORM)
        .header(AUTHORIZATION, reader());
    let issued = client.send(issued, "grant_type=client_credentials").await;
    let token = issued.body["access_token"].as_str().unwrap();
    for (id, status) in [("other", 400), ("reader", 200)] {
        let secret = basic(id, "s%3Ae%25c+ret%26");
        let request = client
            .request("POST", "/oauth/revoke")
            .header(CONTENT_TYPE, FORM)
            .header(AUTHORIZATION, secret);
        let answer = client.send(request, format!("token={token}")).await;
        assert_eq!(answer.status, status, "{id}: {}", answer.text);
    }
    assert_eq!(client.status("/items/", token).await, 401);
    // The demo client is no client of the file.
    let demo = ask(
        basic("demo-client", "demo-secret"),
        "grant_type=client_credentials",
    )
    .await;
    assert_eq!(demo, (401, Some("invalid_client".to_owned())));
}

#[tokio::test]
async fn keys_and_addresses_are_found_where_the_standard_says() {
    let server = Served::start(Design {
        jwt: JwtAlgorithm::ES256,
        ..refreshed()
    })
    .await;
    let client = server.client();
    let found = client
        .get("/.well-known/oauth-authorization-server", "")
        .await;
    let issuer = format!("http://{}", server.address);
    assert_eq!(found.body["issuer"], issuer);
    assert_eq!(
        found.body["token_endpoint"],
        format!("{issuer}/oauth/token")
    );
    assert_eq!(
        found.body["grant_types_supported"],
        json!(["client_credentials", "refresh_token"])
    );
    let keys = client.get("/.well-known/jwks.json", "").await.body;
    let key = &keys["keys"][0];
    assert_eq!(
        (&key["kty"], &key["alg"], &key["use"]),
        (&json!("EC"), &json!("ES256"), &json!("sig"))
    );
    assert!(key.get("d").is_none());
    let token = server.token("john").await;
    let header = jsonwebtoken::decode_header(&token).unwrap();
    assert_eq!(header.kid.as_deref(), key["kid"].as_str());

    // A secret is nobody's to see.
    let secret = Served::start(quick()).await;
    let keys = secret.client().get("/.well-known/jwks.json", "").await;
    assert_eq!(keys.body, json!({ "keys": [] }));
}

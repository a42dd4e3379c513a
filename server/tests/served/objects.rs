//! Where an object is expected, an array of its members is none, and `null` is treated in one way.

use authlab_server::{ClientsFrom, Design, Lab, RefreshKind, UsersFrom};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};

use crate::devices::devices;
use crate::harness::{Served, quick};

#[tokio::test]
async fn the_members_of_a_body_in_an_array_are_no_body() {
    let server = Served::start(Design {
        refresh: RefreshKind::Rotate,
        ..quick()
    })
    .await;
    let client = server.client();
    let signed = client.login("john", "password123").await;
    let john = signed.body["access_token"].as_str().unwrap();
    let refresh = signed.body["refresh_token"].as_str().unwrap();
    let refresh = format!(r#"["{refresh}",null]"#);
    for (path, body) in [
        ("/token", r#"["john","password123"]"#),
        ("/token/refresh", &refresh),
        ("/admin/policy", r#"[["items:read"],["items:read"]]"#),
        ("/admin/policy", "[]"),
        ("/admin/accounts/jane/roles", r#"[["admin"]]"#),
        ("/password", r#"["password123","another-one"]"#),
        ("/items", r#"["an item"]"#),
    ] {
        let request = client
            .request("POST", path)
            .header(AUTHORIZATION, format!("Bearer {john}"))
            .header(CONTENT_TYPE, "application/json");
        let answer = client.send(request, body.to_owned()).await;
        assert_eq!(answer.status, 422, "{path} {body}: {}", answer.text);
        assert_eq!(answer.body["error"], "invalid_request", "{path}");
        let reason = answer.body["error_description"].as_str().unwrap();
        assert!(reason.contains("expected an object"), "{path}: {reason}");
    }
    // None of them was made.
    assert_eq!(client.login("john", "password123").await.status, 200);
    assert_eq!(client.ask("POST", "/items", john).await.status, 201);
    let server = Served::start(devices()).await;
    let client = server.client();
    let request = client
        .request("POST", "/login")
        .header(CONTENT_TYPE, "application/json");
    let body = r#"["user124","password124",null,null]"#;
    assert_eq!(client.send(request, body).await.status, 422);
}

#[tokio::test]
async fn a_sign_up_in_an_array_is_none() {
    let server = Served::start(Design {
        credential: authlab_server::CredentialKind::Basic,
        ..quick()
    })
    .await;
    let client = server.client();
    let request = client
        .request("POST", "/signup")
        .header(CONTENT_TYPE, "application/json");
    let answer = client.send(request, r#"["mary","a password"]"#).await;
    assert_eq!(answer.status, 422, "{}", answer.text);
}

#[test]
fn an_entry_of_a_file_is_an_object() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("file.json");
    let opened = |text: &str, is_users: bool| {
        std::fs::write(&file, text).unwrap();
        let design = if is_users {
            Design {
                users: UsersFrom::File(file.clone()),
                ..quick()
            }
        } else {
            Design {
                clients: ClientsFrom::File(file.clone()),
                ..quick()
            }
        };
        Lab::open(design)
            .map(drop)
            .map_err(|error| error.to_string())
    };
    let digest = "0".repeat(64);
    for (text, is_users) in [
        (r#"{"john":[null,"password123"]}"#.to_owned(), true),
        (
            r#"{"john":[null,"password123",["admin"],null,null,"",""]}"#.to_owned(),
            true,
        ),
        (r#"[{"john":{"password":"password123"}}]"#.to_owned(), true),
        (format!(r#"{{"id":["{digest}",[],[]]}}"#), false),
        ("[]".to_owned(), false),
    ] {
        let error = opened(&text, is_users).unwrap_err();
        assert!(error.contains("expected "), "{text}: {error}");
        assert!(!error.contains("password123"), "{text}: {error}");
    }
    let whole = format!(r#"{{"id":{{"secret_sha256":"{digest}","scopes":[],"grants":[]}}}}"#);
    assert_eq!(opened(&whole, false), Ok(()));
}

/// `null` counts as absent, for each member alike.
#[test]
fn a_member_of_an_account_that_is_null_counts_as_absent() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("users.json");
    let opens = |members: &str| {
        let text = format!(r#"{{"john":{{{members}}}}}"#);
        std::fs::write(&file, text).unwrap();
        let users = UsersFrom::File(file.clone());
        Lab::open(Design { users, ..quick() })
            .map(drop)
            .map_err(|error| error.to_string())
    };
    for member in ["password_hash", "roles", "role", "username", "email", "bio"] {
        let members = format!(r#""password":"password123","{member}":null"#);
        assert_eq!(opens(&members), Ok(()), "{member}");
    }
    let error = opens(r#""password":null,"password_hash":null"#).unwrap_err();
    assert!(error.contains("neither"), "{error}");
}

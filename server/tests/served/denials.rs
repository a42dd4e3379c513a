//! Refusals: status, challenge and body, as RFC 6750 has them.

use authlab_server::{CacheKind, Design};
use hyper::header::AUTHORIZATION;

use crate::harness::{Served, quick};

const INVALID: &str = "Bearer error=\"invalid_token\"";
const INSUFFICIENT: &str = "Bearer error=\"insufficient_scope\", scope=\"items:write\"";

#[tokio::test]
async fn each_refusal_has_its_status_challenge_and_code() {
    let server = Served::start(Design {
        cache: CacheKind::Decision,
        ..quick()
    })
    .await;
    let client = server.client();
    let jane = server.token("jane").await;
    let mut forged = jane.clone();
    forged.replace_range(
        forged.len() - 4..,
        if forged.ends_with("AAAA") {
            "BBBB"
        } else {
            "AAAA"
        },
    );
    let bearer = |token: &str| Some(format!("Bearer {token}"));
    let (invalid, nothing) = (
        (401, INVALID, "invalid_token"),
        (401, "Bearer", "no_credentials"),
    );
    let table = [
        ("GET", "/items/", None, nothing),
        (
            "GET",
            "/items/",
            Some("Basic am9objpwYXNz".to_owned()),
            nothing,
        ),
        ("GET", "/items/", bearer(""), nothing),
        ("GET", "/items/", bearer("x"), invalid),
        ("GET", "/items/", bearer(&forged), invalid),
        ("GET", "/user/", bearer(&forged), invalid),
        ("POST", "/token/revoke", bearer(&forged), invalid),
        ("POST", "/token/revoke", None, nothing),
        (
            "POST",
            "/items/",
            bearer(&jane),
            (403, INSUFFICIENT, "insufficient_scope"),
        ),
    ];
    for (method, path, authorization, (status, challenge, code)) in table {
        let mut request = client.request(method, path);
        if let Some(authorization) = &authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let answer = client.send(request, "").await;
        let case = format!("{method} {path} {authorization:?}: {}", answer.text);
        assert_eq!(answer.status, status, "{case}");
        assert_eq!(answer.header("www-authenticate"), Some(challenge), "{case}");
        assert_eq!(answer.body["error"], code, "{case}");
        assert!(answer.body["error_description"].is_string(), "{case}");
    }
}

#[tokio::test]
async fn the_scheme_is_read_without_case_and_two_headers_are_refused() {
    let server = Served::start(quick()).await;
    let (client, token) = (server.client(), server.token("john").await);
    let lower = client
        .request("GET", "/items/")
        .header(AUTHORIZATION, format!("bearer {token}"));
    assert_eq!(client.send(lower, "").await.status, 200);
    let twice = client
        .request("GET", "/items/")
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header(AUTHORIZATION, "Bearer other");
    let answer = client.send(twice, "").await;
    assert_eq!(
        (answer.status.as_u16(), answer.body["error"].as_str()),
        (400, Some("invalid_request"))
    );
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_are_told_apart_by_nothing() {
    let server = Served::start(quick()).await;
    let client = server.client();
    let before = server.lab.hashes();
    let unknown = client.login("nobody", "password123").await;
    assert_eq!(
        server.lab.hashes(),
        before + 1,
        "an unknown user costs one hash"
    );
    let wrong = client.login("john", "password124").await;
    assert_eq!(server.lab.hashes(), before + 2, "a known one too");
    assert_eq!((unknown.status, &unknown.text), (wrong.status, &wrong.text));
    assert_eq!(unknown.status, 401);
    assert_eq!(unknown.header("www-authenticate"), Some("Bearer"));
    assert_eq!(unknown.header("cache-control"), Some("no-store"));
}

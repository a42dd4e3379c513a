//! Malformed input: an answer that says what is wrong, never a failure, and the server serves on.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use authlab_server::{CredentialKind, Design, RefreshKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};

use crate::harness::{Served, quick};

/// Method, path, content type and body of a request, and the status of its answer.
type Case<'a> = (&'a str, &'a str, Option<&'a str>, &'a [u8], u16);

#[tokio::test]
async fn wrong_requests_get_a_reason_in_json() {
    let server = Served::start(quick()).await;
    let (client, john) = (server.client(), server.token("john").await);
    let json = Some("application/json");
    let long = format!(
        r#"{{"username":"john","password":"{}"}}"#,
        "x".repeat(17 * 1024)
    );
    let table: [Case; 20] = [
        ("POST", "/token", json, b"", 400),
        ("POST", "/token", json, b"{", 400),
        ("POST", "/token", json, b"\xff\xfe", 400),
        (
            "POST",
            "/token",
            json,
            b"{\"username\":\"john\",\"password\":\"password123\",\"note\":\"\xc0\"}",
            400,
        ),
        ("POST", "/token", json, b"[]", 422),
        ("POST", "/token", json, b"null", 422),
        ("POST", "/token", json, br#"{"username":"john"}"#, 422),
        (
            "POST",
            "/token",
            json,
            br#"{"username":5,"password":"x"}"#,
            422,
        ),
        (
            "POST",
            "/token",
            json,
            br#"{"username":"a","username":"b","password":"x"}"#,
            422,
        ),
        (
            "POST",
            "/token",
            None,
            br#"{"username":"john","password":"password123"}"#,
            415,
        ),
        ("POST", "/token", Some("text/plain"), b"john", 415),
        ("POST", "/token/", json, long.as_bytes(), 413),
        ("GET", "/token", None, b"", 405),
        ("DELETE", "/items/", None, b"", 405),
        ("GET", "/nowhere", None, b"", 404),
        ("GET", "/items%2f", None, b"", 400),
        ("GET", "/items;x=1", None, b"", 400),
        ("GET", "/items/%00", None, b"", 400),
        ("POST", "/items/", json, br#"{"nam":1}"#, 422),
        ("POST", "/items/", Some("text/plain"), b"x", 415),
    ];
    for (method, path, content_type, body, status) in table {
        let mut request = client
            .request(method, path)
            .header("authorization", format!("Bearer {john}"));
        if let Some(content_type) = content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        let answer = client.send(request, body.to_vec()).await;
        let case = format!(
            "{method} {path} {:?}: {}",
            String::from_utf8_lossy(&body[..body.len().min(60)]),
            answer.text
        );
        assert_eq!(answer.status, status, "{case}");
        assert!(
            answer.body["error_description"]
                .as_str()
                .is_some_and(|reason| !reason.is_empty()),
            "{case}"
        );
        if status == 405 {
            assert!(answer.header("allow").is_some(), "{case}");
        }
    }
    assert_eq!(client.status("/items/", &john).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_http_gets_400_or_a_closed_connection_and_the_server_serves_on() {
    let server = Served::start(quick()).await;
    let token = server.token("john").await;
    let address = server.address;
    let long_uri = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(100_000));
    let long_header = format!(
        "GET /items/ HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n",
        "a".repeat(100_000)
    );
    let many = format!(
        "GET /items/ HTTP/1.1\r\nhost: x\r\n{}\r\n",
        "x: y\r\n".repeat(500)
    );
    let table: [(&[u8], &[&str]); 8] = [
        (b"\x16\x03\x01\x02\x00\x01\x00", &["400"]),
        (b"GET\r\n\r\n", &["400"]),
        (b"GET /items/ HTTP/9.9\r\n\r\n", &["400"]),
        (
            b"GET /items/ HTTP/1.1\r\nauthorization: Bearer \xff\xfe\r\nhost: x\r\n\r\n",
            &["401"],
        ),
        (
            b"POST /token HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
            &["400"],
        ),
        (long_uri.as_bytes(), &["414", "431"]),
        (long_header.as_bytes(), &["431"]),
        (many.as_bytes(), &["431"]),
    ];
    for (sent, accepted) in table {
        let sent_start = String::from_utf8_lossy(&sent[..sent.len().min(40)]).into_owned();
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        // The server may close before it has read everything.
        let _ = stream.write_all(sent);
        let mut answer = [0; 12];
        let read = stream.read(&mut answer).unwrap_or(0);
        let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
        let status = answer.split(' ').nth(1).unwrap_or("");
        assert!(
            accepted.contains(&status) || read == 0,
            "{sent_start:?}: {answer:?}"
        );
        assert_eq!(
            server.client().status("/items/", &token).await,
            200,
            "after {sent_start:?}"
        );
    }
}

/// Whatever takes a body, in every dialect, as the server itself says it: what is no such body is refused with a reason.
#[tokio::test]
async fn every_route_refuses_what_is_none_of_its_bodies() {
    const FORM: &str = "application/x-www-form-urlencoded";
    let long = "x".repeat(17 * 1024);
    for credential in CredentialKind::ALL.iter().copied() {
        let refresh = match credential {
            CredentialKind::Jwt => RefreshKind::Rotate,
            _ => RefreshKind::None,
        };
        let server = Served::start(Design {
            credential,
            refresh,
            insecure_cookies: true,
            ..quick()
        })
        .await;
        let client = server.client();
        let api = client.get("/openapi.json", "").await.body;
        let mut asked = 0;
        for (path, methods) in api["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let Some(kinds) = operation["requestBody"]["content"].as_object() else {
                    continue;
                };
                let method = method.to_uppercase();
                let form = kinds.contains_key(FORM);
                let right = if form { FORM } else { "application/json" };
                let bodies: [(&str, &[u8]); 6] = [
                    ("text/plain", b"username=john"),
                    ("application/json; charset=latin1; x", b"{"),
                    (right, b"\xff\xfe=\xff"),
                    (right, b"username=a&username=b&token=a&token=b"),
                    (right, b"[]"),
                    (right, long.as_bytes()),
                ];
                for (content_type, body) in bodies {
                    let request = client
                        .request(&method, path)
                        .header(CONTENT_TYPE, content_type);
                    let answer = client.send(request, body.to_vec()).await;
                    let status = answer.status.as_u16();
                    let case = format!("{method} {path} {content_type}: {status} {}", answer.text);
                    assert!([400, 401, 413, 415, 422].contains(&status), "{case}");
                    assert!(answer.body["error"].is_string(), "{case}");
                    let documented = &operation["responses"][status.to_string()];
                    assert!(documented.is_object(), "not documented: {case}");
                    asked += 1;
                }
            }
        }
        assert!(asked >= 6, "{credential}");
        assert_eq!(client.status("/healthz", "").await, 200);
    }
}

#[tokio::test]
async fn a_password_of_ten_kilobytes_is_a_wrong_one() {
    let password = "x".repeat(10 * 1024);
    let token = Served::start(quick()).await;
    assert_eq!(token.client().login("john", &password).await.status, 401);
    let server = Served::start(Design {
        credential: CredentialKind::Session,
        ..quick()
    })
    .await;
    let client = server.client();
    let pair = STANDARD.encode(format!("john:{password}"));
    let request = client
        .request("POST", "/login")
        .header(AUTHORIZATION, format!("Basic {pair}"));
    assert_eq!(client.send(request, "").await.status, 401);
    let body = serde_json::json!({ "username": "grace", "password": password });
    let request = client
        .request("POST", "/signup")
        .header(CONTENT_TYPE, "application/json");
    assert_eq!(client.send(request, body.to_string()).await.status, 422);
}

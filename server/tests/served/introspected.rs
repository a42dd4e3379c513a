//! Introspection answers as other servers write them (RFC 7662 §2.2): every member but `active` is optional.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use authlab_server::{BindingKind, CacheKind, Clock, Controlled, Design, VerifyKind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::harness::{Served, quick};

const NOW: u64 = 1_800_000_000;

/// A server of another make. It is asked about `t0`, `t1`, … and gives the answer of that number.
async fn other(answers: Vec<(&'static str, String)>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answers = Arc::new(answers);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let answers = Arc::clone(&answers);
            tokio::spawn(async move {
                let mut asked = Vec::new();
                // The form ends with the sender's User-Agent; its length is told before it.
                while !is_whole(&asked) {
                    let mut some = [0; 4096];
                    let read = stream.read(&mut some).await.unwrap();
                    if read == 0 {
                        return;
                    }
                    asked.extend_from_slice(&some[..read]);
                }
                let asked = String::from_utf8(asked).unwrap();
                let number = asked.split("\r\n\r\ntoken=t").nth(1).unwrap();
                let number: usize = number.split('&').next().unwrap().parse().unwrap();
                let (content_type, body) = &answers[number];
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                stream.write_all(head.as_bytes()).await.unwrap();
                // A large answer is not read to its end.
                let _ = stream.write_all(body.as_bytes()).await;
            });
        }
    });
    address
}

fn is_whole(asked: &[u8]) -> bool {
    let text = String::from_utf8_lossy(asked).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.split("content-length: ").nth(1).unwrap();
    let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
    body.len() >= length
}

async fn asking(answers: Vec<(&'static str, String)>, design: Design) -> Served {
    let address = other(answers).await;
    let clock = Clock::Controlled(Controlled::at_seconds(NOW));
    let introspect_url = format!("http://{address}/introspect").parse().unwrap();
    Served::start_at(
        Design {
            verify: VerifyKind::Introspect,
            introspect_url,
            ..design
        },
        clock,
    )
    .await
}

/// Members beside `"active":true`, and the status of a request that needs `items:read`.
const TOLD: &[(&str, u16)] = &[
    (r#""sub":"a","scope":"items:read""#, 200),
    // Absent and null are the same.
    (r#""sub":"a","scope":"items:read","nbf":null"#, 200),
    (
        r#""sub":"a","scope":"items:read","exp":null,"iat":null"#,
        200,
    ),
    (
        r#""sub":"a","scope":"items:read","aud":null,"cnf":null,"roles":null"#,
        200,
    ),
    (
        r#""sub":"a","scope":"items:read","sid":null,"jti":null,"gen":null"#,
        200,
    ),
    (
        r#""sub":"a","scope":"items:read","username":null,"client_id":null"#,
        200,
    ),
    (
        r#""sub":"a","scope":"items:read","iss":null,"token_type":null"#,
        200,
    ),
    (r#""sub":"a","scope":null"#, 403),
    (r#""sub":"a""#, 403),
    // Whose it is.
    (r#""username":"a","scope":"items:read""#, 200),
    (r#""client_id":"a","scope":"items:read""#, 200),
    (r#""sub":null,"username":"a","scope":"items:read""#, 200),
    (r#""sub":"","client_id":"a","scope":"items:read""#, 200),
    (r#""scope":"items:read""#, 401),
    (r#""sub":"","scope":"items:read""#, 401),
    (r#""sub":7,"scope":"items:read""#, 503),
    // Times.
    (r#""sub":"a","scope":"items:read","exp":1800000000.5"#, 401),
    (r#""sub":"a","scope":"items:read","exp":1800000001.5"#, 200),
    (r#""sub":"a","scope":"items:read","exp":1.9e9"#, 200),
    (r#""sub":"a","scope":"items:read","exp":1e300"#, 200),
    (
        r#""sub":"a","scope":"items:read","exp":99999999999999999999999"#,
        200,
    ),
    (r#""sub":"a","scope":"items:read","exp":-1"#, 401),
    (r#""sub":"a","scope":"items:read","exp":-1.5e300"#, 401),
    (r#""sub":"a","scope":"items:read","exp":0"#, 401),
    (r#""sub":"a","scope":"items:read","exp":"1900000000""#, 503),
    (r#""sub":"a","scope":"items:read","exp":true"#, 503),
    (r#""sub":"a","scope":"items:read","nbf":1800000000.0"#, 200),
    (r#""sub":"a","scope":"items:read","nbf":1799999999.5"#, 200),
    (r#""sub":"a","scope":"items:read","nbf":1800000000.5"#, 401),
    (r#""sub":"a","scope":"items:read","nbf":-5.5"#, 200),
    (r#""sub":"a","scope":"items:read","nbf":1e300"#, 401),
    (r#""sub":"a","scope":"items:read","iat":"yesterday""#, 200),
    // Scopes.
    (r#""sub":"a","scope":"openid items:read profile""#, 200),
    (r#""sub":"a","scope":"openid profile""#, 403),
    (r#""sub":"a","scope":["openid","items:read"]"#, 200),
    (r#""sub":"a","scope":["openid items:read"]"#, 200),
    (r#""sub":"a","scope":["openid",7,null]"#, 403),
    (r#""sub":"a","scope":[]"#, 403),
    (r#""sub":"a","scope":"""#, 403),
    (r#""sub":"a","scope":7"#, 403),
    (r#""sub":"a","scope":{"items:read":true}"#, 403),
    // A binding that cannot be checked here is refused.
    (
        r#""sub":"a","scope":"items:read","cnf":{"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}"#,
        401,
    ),
    (
        r#""sub":"a","scope":"items:read","cnf":{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}"#,
        401,
    ),
    (
        r#""sub":"a","scope":"items:read","cnf":{"jkt":"a","x5t#S256":"b"}"#,
        401,
    ),
    (r#""sub":"a","scope":"items:read","cnf":{"jkt":null}"#, 401),
    (r#""sub":"a","scope":"items:read","cnf":{}"#, 401),
    (r#""sub":"a","scope":"items:read","cnf":"a""#, 401),
    (r#""sub":"a","scope":"items:read","cnf":[]"#, 401),
    (r#""sub":"a","scope":"items:read","cnf":["a"]"#, 401),
    (r#""sub":"a","scope":"items:read","cnf":false"#, 401),
    // Audiences, where none was asked for.
    (r#""sub":"a","scope":"items:read","aud":["x","y"]"#, 200),
    (r#""sub":"a","scope":"items:read","aud":[]"#, 200),
    (r#""sub":"a","scope":"items:read","aud":[7,null,"x"]"#, 200),
    (r#""sub":"a","scope":"items:read","aud":{"x":1}"#, 200),
    // What other servers tell besides.
    (
        r#""sub":"a","scope":"items:read","token_type":"N_A","ext":{"a":[1]},"x":1e5,"y":null"#,
        200,
    ),
    (
        r#""sub":"a","scope":"items:read","roles":{"admin":true},"gen":"x","sid":7,"jti":[1]"#,
        200,
    ),
    (
        r#""sub":"a","scope":"items:read","realm_access":{"roles":["admin"]}"#,
        200,
    ),
    // A member that is there twice.
    (r#""sub":"a","sub":"b","scope":"items:read""#, 503),
    (
        r#""sub":"a","scope":"items:read","scope":"items:read""#,
        503,
    ),
    (r#""sub":"a","scope":"items:read","active":true"#, 503),
    (
        r#""sub":"a","scope":"items:read","cnf":null,"cnf":null"#,
        503,
    ),
];

#[tokio::test]
async fn every_member_but_active_is_optional_and_nothing_is_granted_beyond_what_is_told() {
    let wrap = |members: &&str| format!(r#"{{"active":true,{members}}}"#);
    let mut cases: Vec<(&str, String, u16)> = Vec::new();
    for (members, status) in TOLD {
        cases.push(("application/json", wrap(members), *status));
    }
    let good = wrap(&TOLD[0].0);
    for content_type in [
        "application/json; charset=utf-8",
        "Application/JSON;charset=UTF-8",
        "application/json;v=\"1;2\"",
    ] {
        cases.push((content_type, good.clone(), 200));
    }
    for (body, status) in [
        (r#"{"active":false}"#, 401),
        (r#"{"active":false,"sub":"a","scope":"items:read"}"#, 401),
        (r#"{"active":"true","sub":"a","scope":"items:read"}"#, 503),
        (r#"{"active":1,"sub":"a","scope":"items:read"}"#, 503),
        (r#"{"active":null,"sub":"a","scope":"items:read"}"#, 503),
        (r#"{"sub":"a","scope":"items:read"}"#, 503),
        ("[true]", 503),
        ("", 503),
        ("{}{}", 503),
    ] {
        cases.push(("application/json", body.to_owned(), status));
    }
    // Up to 64 KiB is read.
    for (bytes, status) in [(60 << 10, 200), (65 << 10, 503), (4 << 20, 503)] {
        let filled = format!(
            r#"{},"x":"{}"}}"#,
            good.trim_end_matches('}'),
            "x".repeat(bytes)
        );
        cases.push(("application/json", filled, status));
    }
    let long = "x".repeat(1025);
    let named = format!(r#"{{"active":true,"sub":"{long}","scope":"items:read"}}"#);
    cases.push(("application/json", named, 401));

    for cache in [CacheKind::None, CacheKind::Decision] {
        let answers = cases
            .iter()
            .map(|(content_type, body, _)| (*content_type, body.clone()));
        let server = asking(answers.collect(), Design { cache, ..quick() }).await;
        let client = server.client();
        for (number, (_, body, status)) in cases.iter().enumerate() {
            let shown: String = body.chars().take(200).collect();
            // Twice: what was remembered of the first time must not help the second.
            for _ in 0..2 {
                let answer = client.get("/items/", &format!("t{number}")).await;
                assert_eq!(answer.status, *status, "{shown} ({cache}): {}", answer.text);
            }
            // No scope of these covers writing.
            let write = client.ask("POST", "/items", &format!("t{number}")).await;
            assert!(!write.status.is_success(), "{shown} ({cache})");
        }
    }
}

/// An audience that was asked for has to be named, in whatever form.
#[tokio::test]
async fn a_token_for_others_is_refused_where_an_audience_was_set() {
    let cases = [
        (r#""aud":"us""#, 200),
        (r#""aud":["them","us"]"#, 200),
        (r#""aud":[7,"us"]"#, 200),
        (r#""aud":"them""#, 401),
        (r#""aud":["them"]"#, 401),
        (r#""aud":[]"#, 401),
        (r#""aud":null"#, 401),
        (r#""aud":{"us":1}"#, 401),
        (r#""aud":7"#, 401),
        (r#""x":1"#, 401),
    ];
    let body = |aud: &str| format!(r#"{{"active":true,"sub":"a","scope":"items:read",{aud}}}"#);
    let answers = cases.iter().map(|(aud, _)| ("application/json", body(aud)));
    let design = Design {
        audience: "us".parse().unwrap(),
        introspect_timeout: authlab_server::Period(Duration::from_secs(10)),
        ..quick()
    };
    let server = asking(answers.collect(), design).await;
    for (number, (aud, status)) in cases.iter().enumerate() {
        let answer = server.client().get("/items/", &format!("t{number}")).await;
        assert_eq!(answer.status, *status, "{aud}: {}", answer.text);
    }
}

/// Beside proofs, a token that names no key is refused as well.
#[tokio::test]
async fn a_binding_of_another_kind_is_refused_beside_proofs_too() {
    let members = [
        r#""cnf":{"x5t#S256":"a"}"#,
        r#""cnf":{"jkt":"a","x5t#S256":"b"}"#,
        r#""cnf":{}"#,
        r#""cnf":null"#,
    ];
    let body = |cnf: &str| format!(r#"{{"active":true,"sub":"a","scope":"items:read",{cnf}}}"#);
    let answers = members.map(|cnf| ("application/json", body(cnf)));
    let design = Design {
        binding: BindingKind::Dpop,
        ..quick()
    };
    let server = asking(answers.to_vec(), design).await;
    let client = server.client();
    for (number, members) in members.iter().enumerate() {
        let request = client
            .request("GET", "/items/")
            .header("authorization", format!("DPoP t{number}"));
        assert_eq!(client.send(request, "").await.status, 401, "{members}");
    }
}

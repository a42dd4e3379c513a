//! The fifth published design: sign up, sign in by HTTP Basic, go on by a cookie.

use std::time::Duration;

use authlab_server::{
    CacheKind, Clock, Controlled, CredentialKind, Design, PasswordKind, Preset, Setup, UsersFrom,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE};
use serde_json::json;

use crate::harness::{Answer, Client, Served, quick};

fn by_cookie() -> Design {
    Design {
        credential: CredentialKind::Session,
        ..quick()
    }
}

async fn sign_up(client: &Client, name: &str, password: &str) -> Answer {
    let body = json!({ "username": name, "password": password }).to_string();
    let request = client
        .request("POST", "/signup")
        .header(CONTENT_TYPE, "application/json");
    client.send(request, body).await
}

async fn login(client: &Client, authorization: &str, cookie: Option<&str>) -> Answer {
    let mut request = client
        .request("POST", "/login")
        .header(AUTHORIZATION, authorization)
        .header("sec-fetch-site", "same-origin");
    if let Some(id) = cookie {
        request = request.header(COOKIE, format!("session_id={id}"));
    }
    client.send(request, "").await
}

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

/// The id of a sign-in's cookie.
fn id(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let cookie = answer.header("set-cookie").unwrap();
    let id = cookie.strip_prefix("session_id=").unwrap();
    id.split(';').next().unwrap().to_owned()
}

async fn john(client: &Client) -> String {
    id(&login(client, &basic("john", "password123"), None).await)
}

/// A request with a cookie, and what a browser says of where it comes from.
async fn ask(
    client: &Client,
    method: &str,
    path: &str,
    cookie: &str,
    origin: &[(&str, &str)],
) -> Answer {
    let mut request = client.request(method, path).header(COOKIE, cookie);
    for (name, value) in origin {
        request = request.header(*name, *value);
    }
    client.send(request, "").await
}

async fn get(client: &Client, path: &str, id: &str) -> Answer {
    ask(client, "GET", path, &format!("session_id={id}"), &[]).await
}

const HERE: [(&str, &str); 1] = [("sec-fetch-site", "same-origin")];

#[tokio::test]
async fn the_published_walk() {
    let setup = Setup {
        preset: Some(Preset::CookieSession),
        password: Some(PasswordKind::Sha256),
        ..Setup::default()
    };
    let server = Served::start(setup.resolve().unwrap()).await;
    let client = server.client();
    let made = sign_up(&client, "mary", "a password").await;
    assert_eq!(
        (made.status.as_u16(), made.text.as_str()),
        (201, r#"{"username":"mary"}"#)
    );
    let taken = sign_up(&client, "mary", "another one").await;
    assert_eq!(
        (taken.status.as_u16(), taken.body["error"].as_str()),
        (409, Some("taken"))
    );

    let signed_in = login(&client, &basic("mary", "a password"), None).await;
    assert_eq!(signed_in.header("cache-control"), Some("no-store"));
    let cookie = signed_in.header("set-cookie").unwrap();
    for part in [
        "; Path=/",
        "; Max-Age=1800",
        "; HttpOnly",
        "; SameSite=Lax",
        "; Secure",
    ] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let mary = id(&signed_in);
    // 256 random bits, where 128 are asked for.
    assert_eq!(mary.len(), 43);

    let me = get(&client, "/getusers/me", &mary).await;
    let expected = json!({ "username": "mary", "roles": ["user"], "scopes": ["items:read"] });
    assert_eq!((me.status.as_u16(), me.body), (200, expected));
    assert_eq!(
        get(&client, "/protected", &mary).await.body["username"],
        "mary"
    );
    for path in ["/getusers/me", "/protected", "/items/"] {
        let refused = client.get(path, &mary).await;
        assert_eq!(refused.status, 401, "a cookie's id is no bearer token");
        let challenge = refused.header("www-authenticate");
        assert_eq!(challenge, Some("Cookie cookie-name=\"session_id\""));
    }

    let cookie = format!("session_id={mary}");
    let out = ask(&client, "POST", "/logout", &cookie, &HERE).await;
    assert_eq!(out.status, 200);
    assert!(
        out.header("set-cookie")
            .unwrap()
            .starts_with("session_id=; Path=/; Max-Age=0;")
    );
    assert_eq!(get(&client, "/protected", &mary).await.status, 401);
    assert_eq!(
        ask(&client, "POST", "/logout", &cookie, &HERE).await.status,
        401
    );
}

#[tokio::test]
async fn each_sign_in_has_a_new_id_and_ends_the_one_that_came_along() {
    for cache in CacheKind::ALL.iter().copied() {
        let server = Served::start(Design {
            cache,
            ..by_cookie()
        })
        .await;
        let client = server.client();
        let (first, other) = (john(&client).await, john(&client).await);
        assert_eq!(get(&client, "/protected", &first).await.status, 200);
        let second = id(&login(&client, &basic("john", "password123"), Some(&first)).await);
        assert_ne!(first, second);
        assert_eq!(
            get(&client, "/protected", &first).await.status,
            401,
            "{cache}"
        );
        for id in [&second, &other] {
            assert_eq!(get(&client, "/protected", id).await.status, 200);
        }
        // An id that somebody else chose is never taken up.
        let fixed = login(&client, &basic("john", "password123"), Some("chosen")).await;
        assert_ne!(id(&fixed), "chosen");
        assert_eq!(get(&client, "/protected", "chosen").await.status, 401);
    }
}

#[tokio::test]
async fn what_changes_something_needs_proof_of_the_same_origin() {
    let server = Served::start(by_cookie()).await;
    let client = server.client();
    let cookie = format!("session_id={}", john(&client).await);
    let table: [(&[(&str, &str)], u16); 9] = [
        (&[], 403),
        (&[("sec-fetch-site", "cross-site")], 403),
        (&[("sec-fetch-site", "same-site")], 403),
        (
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "http://authlab"),
            ],
            403,
        ),
        (&[("origin", "http://evil.example")], 403),
        (&[("origin", "null")], 403),
        (&[("origin", "http://authlab")], 201),
        (&[("sec-fetch-site", "none")], 201),
        (&[("sec-fetch-site", "same-origin")], 201),
    ];
    for (origin, status) in table {
        let answer = ask(&client, "POST", "/items/", &cookie, origin).await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{origin:?}: {}",
            answer.text
        );
        let read = ask(&client, "GET", "/items/", &cookie, origin).await;
        assert_eq!(read.status, 200, "{origin:?}");
    }
    let out = ask(&client, "POST", "/logout", &cookie, &[]).await;
    assert_eq!(out.body["error"], "cross_site");
    assert_eq!(
        ask(&client, "GET", "/protected", &cookie, &[]).await.status,
        200
    );
}

#[tokio::test]
async fn basic_is_read_as_rfc_7617_has_it() {
    let server = Served::start(by_cookie()).await;
    let client = server.client();
    for (name, password) in [
        ("jos\u{e9}", "p\u{e4}ssw\u{f6}rd"),
        ("ann", "with:colons:in it"),
    ] {
        assert_eq!(sign_up(&client, name, password).await.status, 201);
        id(&login(&client, &basic(name, password), None).await);
    }
    let bare = STANDARD.encode("john:password123");
    id(&login(&client, &format!("bAsIc {bare}"), None).await);
    let broken = [
        "Basic !".to_owned(),
        format!("Basic {}", STANDARD.encode("no colon")),
        format!("Basic {}", STANDARD.encode(b"\xff\xfe:\xff")),
    ];
    for authorization in &broken {
        let answer = login(&client, authorization, None).await;
        assert_eq!(answer.status, 400, "{authorization}");
        assert_eq!(answer.body["error"], "invalid_request");
    }
    let long = basic("john", &"x".repeat(10_000));
    let refused = [
        basic("john", "wrong"),
        basic("nobody", "password123"),
        basic("", ""),
        long,
        "Bearer x".to_owned(),
        "Basic".to_owned(),
    ];
    for authorization in &refused {
        let answer = login(&client, authorization, None).await;
        assert_eq!(answer.status, 401, "{authorization}");
        let challenge = answer.header("www-authenticate").unwrap();
        assert_eq!(challenge, r#"Basic realm="authlab", charset="UTF-8""#);
        assert!(answer.header("set-cookie").is_none());
    }
    let unknown = login(&client, &refused[1], None).await;
    let wrong = login(&client, &refused[0], None).await;
    assert_eq!(
        unknown.text, wrong.text,
        "which of the two was wrong is not told"
    );
    // The server serves on.
    john(&client).await;
}

#[tokio::test]
async fn who_cannot_sign_up_is_told_why() {
    let server = Served::start(by_cookie()).await;
    let client = server.client();
    let (long, nul) = ("x".repeat(73), "1234567\0");
    let table = [
        ("john", "password123", 409),
        ("", "password123", 422),
        ("a:b", "password123", 422),
        ("a\nb", "password123", 422),
        (&"n".repeat(65), "password123", 422),
        ("short", "1234567", 422),
        ("long", &long, 422),
        ("nul", nul, 422),
        ("fits", &long[..72], 201),
    ];
    for (name, password, status) in table {
        let answer = sign_up(&client, name, password).await;
        assert_eq!(answer.status.as_u16(), status, "{name:?}: {}", answer.text);
        assert!(!answer.text.contains(password));
    }
    let of_many: Vec<_> = (0..16)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { sign_up(&client, "racer", "password123").await.status })
        })
        .collect();
    let mut made = 0;
    for one in of_many {
        made += usize::from(one.await.unwrap() == 201);
    }
    assert_eq!(made, 1);

    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "{}").unwrap();
    let users = UsersFrom::File(file.path().to_owned());
    let server = Served::start(Design {
        users,
        ..by_cookie()
    })
    .await;
    assert_eq!(
        sign_up(&server.client(), "mary", "a password").await.status,
        403
    );
}

#[tokio::test]
async fn cookies_are_told_apart_by_name_and_two_of_it_are_none() {
    let server = Served::start(by_cookie()).await;
    let client = server.client();
    let id = john(&client).await;
    let table = [
        (format!("session_id={id}"), 200),
        (format!("a=b; session_id={id}; c=d"), 200),
        (format!("session_id={id}; session_id={id}"), 400),
        (format!("Session_Id={id}"), 401),
        (format!("xsession_id={id}"), 401),
        (format!("session_id=\"{id}\""), 401),
        ("session_id=".to_owned(), 401),
        ("session_id".to_owned(), 401),
    ];
    for (cookie, status) in table {
        let answer = ask(&client, "GET", "/protected", &cookie, &[]).await;
        assert_eq!(answer.status.as_u16(), status, "{cookie}");
    }
}

#[tokio::test]
async fn a_session_ends_by_time_and_insecure_cookies_are_the_users_choice() {
    let clock = Controlled::at_seconds(1_800_000_000);
    let server = Served::start_at(
        Design {
            insecure_cookies: true,
            ..by_cookie()
        },
        Clock::Controlled(clock.clone()),
    )
    .await;
    let client = server.client();
    let answer = login(&client, &basic("john", "password123"), None).await;
    assert!(!answer.header("set-cookie").unwrap().contains("Secure"));
    let id = id(&answer);
    clock.advance(Duration::from_secs(1799));
    assert_eq!(get(&client, "/protected", &id).await.status, 200);
    clock.advance(Duration::from_secs(1));
    assert_eq!(get(&client, "/protected", &id).await.status, 401);
}

#[tokio::test]
async fn each_way_to_sign_in_has_routes_of_its_own() {
    let server = Served::start(by_cookie()).await;
    assert_eq!(
        server.client().login("john", "password123").await.status,
        404
    );
    let server = Served::start(quick()).await;
    let answer = login(&server.client(), &basic("john", "password123"), None).await;
    assert_eq!(answer.status, 404);
}

//! Headers are octets (RFC 9110 §5.5): one beyond ASCII makes no header look absent or single, opens nothing, and takes
//! nothing from a credential beside it.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use authlab_server::{App, BindingKind, CredentialKind, Design, Lab, RoutesFrom};
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt as _;
use hyper::Request;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::caching::shown;
use crate::harness::{BROWSER, Client, HERE, Served, quick};

fn by(credential: CredentialKind) -> Design {
    Design {
        credential,
        insecure_cookies: true,
        ..quick()
    }
}

/// A header's name and octets.
type Field<'a> = (&'a str, &'a [u8]);

/// The statuses of `GET /user` and `POST /items` with these fields.
async fn statuses(client: &Client, fields: &[Field<'_>]) -> (u16, u16) {
    let ask = async |method, path| {
        let mut request = client.request(method, path);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        client.send(request, "").await.status.as_u16()
    };
    (ask("GET", "/user").await, ask("POST", "/items").await)
}

/// The report's case, and its neighbours.
#[tokio::test]
async fn a_foreign_cookie_signs_nobody_out_and_hides_no_second_one() {
    let server = Served::start(by(CredentialKind::Session)).await;
    let client = server.client();
    let (_, cookie) = shown(&client, CredentialKind::Session, "jane").await;
    let cookie = cookie.as_bytes();
    let join = |parts: &[&[u8]]| parts.concat();
    let protected = async |fields: &[Vec<u8>]| {
        let mut request = client.request("GET", "/protected");
        for field in fields {
            request = request.header("cookie", &**field);
        }
        client.send(request, "").await.status.as_u16()
    };
    let granted = [
        vec![join(&[b"p=\xc3\xbc; ", cookie])],
        vec![join(&[b"p=\xfc; ", cookie])],
        vec![join(&[cookie, b"; p=\xff"])],
        vec![join(&[b"\xff\xfe;", cookie, b";;\xff"])],
        vec![b"p=\xfc".to_vec(), cookie.to_vec()],
        vec![cookie.to_vec(), b"\xfc".to_vec()],
        vec![join(&[b"p=1;\t", cookie])],
    ];
    for fields in granted {
        assert_eq!(protected(&fields).await, 200, "{fields:?}");
    }
    let twice = [
        vec![join(&[cookie, b"; session_id=\xfc"])],
        vec![join(&[b"session_id=\xfc; ", cookie])],
        vec![cookie.to_vec(), join(&[b"p=\xfc; ", cookie])],
        vec![join(&[b"p=\xfc; ", cookie]), cookie.to_vec()],
        vec![cookie.to_vec(), b"p=\xff; session_id=".to_vec()],
    ];
    for fields in twice {
        assert_eq!(protected(&fields).await, 400, "{fields:?}");
    }
    for broken in [
        join(&[cookie, b"\xfc"]),
        join(&[b"\xfc", cookie]),
        join(&[cookie, b"\xc2\xa0"]),
    ] {
        assert_eq!(
            protected(std::slice::from_ref(&broken)).await,
            401,
            "{broken:?}"
        );
    }
    // Signing out works as well, and signs out.
    let request = client
        .request("POST", "/logout")
        .header("sec-fetch-site", "same-origin")
        .header("cookie", join(&[b"p=\xfc; ", cookie]));
    assert_eq!(client.send(request, "").await.status, 200);
    assert_eq!(protected(&[cookie.to_vec()]).await, 401);
}

#[tokio::test]
async fn a_header_that_is_there_twice_or_is_no_text_is_no_proof_of_the_same_origin() {
    let server = Served::start(by(CredentialKind::Session)).await;
    let client = server.client();
    let (_, cookie) = shown(&client, CredentialKind::Session, "john").await;
    let cookie = ("cookie", cookie.as_bytes());
    // The harness sends `Host: authlab`.
    let origin = ("origin", &b"http://authlab"[..]);
    let table: [(&[Field<'_>], u16); 11] = [
        (&[origin], 201),
        (&[("sec-fetch-site", b"same-origin")], 201),
        (&[("sec-fetch-site", b"same-origin\xfc"), origin], 403),
        (&[("sec-fetch-site", b"cross-site\xfc"), origin], 403),
        (&[("sec-fetch-site", b"\xfc"), origin], 403),
        (
            &[
                ("sec-fetch-site", b"cross-site"),
                ("sec-fetch-site", b"none"),
                origin,
            ],
            403,
        ),
        (
            &[
                ("sec-fetch-site", b"none"),
                ("sec-fetch-site", b"\xfc"),
                origin,
            ],
            403,
        ),
        (&[origin, origin], 403),
        (&[origin, ("origin", b"\xfc")], 403),
        (&[("origin", b"http://authlab\xfc")], 403),
        (&[("origin", b"http://\xfc@authlab")], 403),
    ];
    for (fields, status) in table {
        let mut all = vec![cookie];
        all.extend_from_slice(fields);
        assert_eq!(statuses(&client, &all).await.1, status, "{fields:?}");
    }
    // The authority of an absolute target is what the request is for, not its Host.
    for (target, origin, status) in [
        ("http://other.example/items", "http://authlab", 403),
        ("http://other.example/items", "http://other.example", 201),
        ("http://authlab/items", "http://authlab", 201),
    ] {
        let head = format!(
            "POST {target} HTTP/1.1\r\nhost: authlab\r\norigin: {origin}\r\ncookie: {}\r\nuser-agent: {BROWSER}\r\n",
            String::from_utf8_lossy(cookie.1)
        );
        assert_eq!(
            status_of(server.address, head.as_bytes()).await,
            status,
            "{target} {origin}"
        );
    }
}

#[tokio::test]
async fn a_media_types_parameters_may_hold_any_octets_and_two_types_are_refused() {
    let server = Served::start(by(CredentialKind::SessionJwt)).await;
    let client = server.client();
    let json = r#"{"username":"user123","password":"password123"}"#;
    let form = "username=user123&password=password123";
    let ask = async |kinds: &[&[u8]], body: &'static str| {
        let mut request = client.request("POST", "/login");
        for kind in kinds {
            request = request.header(CONTENT_TYPE, *kind);
        }
        client.send(request, body).await.status.as_u16()
    };
    let urlencoded = &b"application/x-www-form-urlencoded"[..];
    assert_eq!(ask(&[b"application/json; x=\"\xfc\""], json).await, 200);
    assert_eq!(ask(&[b"Application/JSON ;charset=utf-8"], json).await, 200);
    assert_eq!(ask(&[b"application/merge+json"], json).await, 200);
    assert_eq!(
        ask(&[&[urlencoded, b"; x=\"\xfc\""].concat()], form).await,
        200
    );
    assert_eq!(ask(&[&[urlencoded, b"\xfc"].concat()], form).await, 415);
    assert_eq!(ask(&[b"application/json\xfc"], json).await, 415);
    assert_eq!(ask(&[b"text/json"], json).await, 415);
    assert_eq!(ask(&[], json).await, 415);
    assert_eq!(ask(&[b"application/json", urlencoded], json).await, 400);
    assert_eq!(ask(&[b"application/json", b"\xfc"], json).await, 400);
}

#[tokio::test]
async fn a_credential_with_other_octets_is_malformed_and_one_of_another_scheme_is_none() {
    for (kind, header, value, error) in [
        (
            CredentialKind::Jwt,
            "authorization",
            &b"Bearer \xfc"[..],
            "invalid_token",
        ),
        (
            CredentialKind::Jwt,
            "authorization",
            b"Basic \xfc",
            "no_credentials",
        ),
        (
            CredentialKind::Jwt,
            "authorization",
            b"\xfc",
            "no_credentials",
        ),
        (
            CredentialKind::Jwt,
            "authorization",
            b"Bearer\xc2\xa0x",
            "no_credentials",
        ),
        (
            CredentialKind::Basic,
            "authorization",
            b"Basic \xfc",
            "invalid_token",
        ),
        (
            CredentialKind::Basic,
            "authorization",
            b"Bearer \xfc",
            "no_credentials",
        ),
        (
            CredentialKind::ApiKey,
            "x-api-key",
            b"\xfc",
            "invalid_token",
        ),
        (
            CredentialKind::ApiKey,
            "x-api-key",
            b"key\xc3\xbc",
            "invalid_token",
        ),
        (
            CredentialKind::Session,
            "cookie",
            b"session_id=\xfc",
            "invalid_token",
        ),
        (
            CredentialKind::Session,
            "cookie",
            b"session=\xfc",
            "no_credentials",
        ),
    ] {
        let server = Served::start(by(kind)).await;
        let client = server.client();
        let request = client.request("GET", "/user").header(header, value);
        let answer = client.send(request, "").await;
        assert_eq!(answer.status, 401, "{kind} {value:?}");
        assert_eq!(answer.body["error"], error, "{kind} {value:?}");
    }
    // At a sign-in by HTTP Basic: what is of another scheme is no broken one.
    let server = Served::start(by(CredentialKind::Session)).await;
    for (value, status) in [(&b"Bearer \xfc"[..], 401), (b"Basic \xfc", 400)] {
        let client = server.client();
        let request = client
            .request("POST", "/login")
            .header(AUTHORIZATION, value);
        assert_eq!(client.send(request, "").await.status, status, "{value:?}");
    }
}

/// Sends a head that may be anything, and reads the status; 0 when no answer came.
pub(crate) async fn status_of(address: SocketAddr, head: &[u8]) -> u16 {
    let head = [head, b"connection: close\r\n\r\n"].concat();
    let asked = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream.write_all(&head).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        answer
            .get(9..12)
            .and_then(|status| status.parse().ok())
            .unwrap_or(0)
    });
    asked.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_names_no_server_or_two_is_refused() {
    let server = Served::start(quick()).await;
    let table: [(&[u8], u16); 17] = [
        (b"GET /healthz HTTP/1.1\r\nhost: x\r\n", 200),
        (b"GET /healthz HTTP/1.1\r\nhost: [::1]:80\r\n", 200),
        (b"GET http://x:1/healthz HTTP/1.1\r\nhost: y\r\n", 200),
        (b"GET /healthz HTTP/1.0\r\n", 200),
        (b"GET /healthz HTTP/1.0\r\nhost: x\r\n", 200),
        (b"GET /healthz HTTP/1.1\r\n", 400),
        (b"GET http://x/healthz HTTP/1.1\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nhost: x\r\nhost: x\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nhost: x\r\nHost: \xfc\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nhost: \xfc\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nhost:\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nhost: a b\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nhost: a/b\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nhost: u@a\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nhost: a:99999\r\n", 400),
        (b"GET /healthz HTTP/1.0\r\nhost: x\r\nhost: y\r\n", 400),
        (b"GET http://u@x/healthz HTTP/1.1\r\nhost: x\r\n", 400),
    ];
    for (head, status) in table {
        let text = String::from_utf8_lossy(head);
        assert_eq!(status_of(server.address, head).await, status, "{text}");
    }
}

#[tokio::test]
async fn two_forwarded_fields_are_one_list_and_a_list_that_is_none_is_a_wrong_request() {
    let server = Served::start(Design {
        binding: BindingKind::Sha256,
        trusted_proxy: "::ffff:127.0.0.1".parse().unwrap(),
        ..quick()
    })
    .await;
    let client = server.client();
    let send = async |method, path, token: &str, fields: &[&[u8]]| {
        let mut request = client
            .request(method, path)
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header(CONTENT_TYPE, "application/json");
        for field in fields {
            request = request.header("x-forwarded-for", *field);
        }
        let body = match method {
            "POST" => r#"{"username":"jane","password":"password456"}"#,
            _ => "",
        };
        client.send(request, body).await
    };
    let issued = send("POST", "/token", "", &[b"1.2.3.4, 203.0.113.9"]).await;
    let token = issued.body["access_token"].as_str().unwrap();
    let table: [(&[&[u8]], u16); 10] = [
        (&[b"203.0.113.9"], 200),
        (&[b"1.2.3.4", b"203.0.113.9"], 200),
        (&[b"203.0.113.9", b"127.0.0.1"], 200),
        (&[b"\xfc", b" 203.0.113.9 ,, ", b""], 200),
        (&[b"::ffff:203.0.113.9"], 200),
        (&[b"203.0.113.9", b"1.2.3.4"], 401),
        (&[], 401),
        (&[b"203.0.113.9", b"unknown"], 400),
        (&[b"203.0.113.9", b"\xfc"], 400),
        (&[b""], 400),
    ];
    for (fields, status) in table {
        let answer = send("GET", "/user", token, fields).await;
        assert_eq!(answer.status, status, "{fields:?}: {}", answer.text);
        let signed_in = send("POST", "/token", "", fields).await.status;
        let expected = if status == 400 { 400 } else { 200 };
        assert_eq!(signed_in, expected, "{fields:?}");
    }
}

/// Every header that the server reads, and one that it does not.
const READ: [&str; 15] = [
    "authorization",
    "cookie",
    "x-api-key",
    "dpop",
    "x-forwarded-for",
    "x-original-method",
    "x-original-uri",
    "x-forwarded-method",
    "x-forwarded-uri",
    "origin",
    "sec-fetch-site",
    "host",
    "content-type",
    "user-agent",
    "accept",
];

/// A request, and what it is answered.
#[derive(Clone, Debug)]
struct Asked {
    path: &'static str,
    method: &'static str,
    fields: Vec<(&'static str, Vec<u8>)>,
}

impl Asked {
    fn with(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.fields.retain(|(known, _)| *known != name);
        self.fields.push((name, value.into()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(known, _)| *known != name);
        self
    }
}

/// What is done to one header.
#[derive(Clone, Debug)]
enum Change {
    /// Octets go in at this place of each value, counted around.
    Insert(usize, Vec<u8>),
    Append(Vec<u8>),
    Prepend(Vec<u8>),
}

impl Change {
    fn made(&self, mut asked: Asked, header: &'static str) -> Asked {
        match self {
            Self::Insert(place, octets) => {
                for (name, value) in &mut asked.fields {
                    if *name == header {
                        let at = place % (value.len() + 1);
                        value.splice(at..at, octets.iter().copied());
                    }
                }
            }
            Self::Append(value) => asked.fields.push((header, value.clone())),
            Self::Prepend(value) => asked.fields.insert(0, (header, value.clone())),
        }
        asked
    }
}

fn change() -> impl Strategy<Value = Change> {
    let octets = || prop::collection::vec(0x80_u8..=0xFF, 1..4);
    // As a browser, a proxy or an attacker might write it: octets around something that is read.
    let value = (octets(), 0..8_usize).prop_map(|(octets, around)| {
        let (before, after) = [
            ("", ""),
            ("Bearer ", ""),
            ("Basic ", ""),
            ("p=", "; q=1"),
            ("session_id=", ""),
            ("same-origin", ""),
            ("application/json; x=\"", "\""),
            ("/", "/7"),
        ][around];
        [before.as_bytes(), &octets, after.as_bytes()].concat()
    });
    prop_oneof![
        (any::<usize>(), octets()).prop_map(|(place, octets)| Change::Insert(place, octets)),
        value.clone().prop_map(Change::Append),
        value.prop_map(Change::Prepend),
    ]
}

struct Stand {
    app: App,
    runtime: tokio::runtime::Runtime,
    _routes: tempfile::NamedTempFile,
}

impl Stand {
    /// Bound to the sender, so that who that is decides, behind a proxy.
    fn open(credential: CredentialKind) -> Self {
        let routes = tempfile::NamedTempFile::new().unwrap();
        let text = "[[route]]\nmethod = '*'\npath = '/{*rest}'\n[[route]]\nmethod = '*'\npath = '/w/{*rest}'\nscope = 'items:write'\n";
        std::fs::write(routes.path(), text).unwrap();
        let design = Design {
            binding: match credential {
                CredentialKind::Jwt | CredentialKind::SessionJwt => BindingKind::Sha256,
                _ => BindingKind::None,
            },
            trusted_proxy: "127.0.0.1".parse().unwrap(),
            routes: RoutesFrom::File(routes.path().to_owned()),
            ..by(credential)
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let app = runtime.block_on(async { App::new(Lab::open(design).unwrap()) });
        Self {
            app,
            runtime,
            _routes: routes,
        }
    }

    /// The status, and the account that the answer names.
    fn ask(&self, asked: &Asked, body: &str) -> (u16, Option<String>, hyper::HeaderMap) {
        let mut request = Request::builder().method(asked.method).uri(asked.path);
        for (name, value) in &asked.fields {
            request = request.header(*name, &**value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let (parts, body) = self.runtime.block_on(async {
            let (parts, body) = self.app.answer(request, HERE).await.into_parts();
            (parts, body.collect().await.unwrap().to_bytes())
        });
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let subject = parts.headers.get("x-auth-subject");
        let name = match body["access_token"].as_str().or(body["username"].as_str()) {
            Some(name) => Some(name.to_owned()),
            None => subject.map(|name| name.to_str().unwrap().to_owned()),
        };
        (parts.status.as_u16(), name, parts.headers)
    }

    /// A request that shows `name`'s credential, which it signed in for from `ip`.
    fn signed_in(&self, kind: CredentialKind, name: &str, ip: IpAddr) -> Asked {
        let (name, password) = match (kind, name) {
            (CredentialKind::SessionJwt, "john") => ("user123", "password123"),
            (CredentialKind::SessionJwt, _) => ("user124", "password124"),
            (_, "john") => ("john", "password123"),
            _ => ("jane", "password456"),
        };
        let pair = STANDARD.encode(format!("{name}:{password}"));
        let plain = Asked {
            path: "/user",
            method: "GET",
            fields: Vec::new(),
        }
        .with("user-agent", BROWSER)
        .with("host", "authlab")
        .with("accept", "*/*")
        .with("sec-fetch-site", "same-origin")
        .with("x-forwarded-for", ip.to_string());
        let path = match kind {
            CredentialKind::Session | CredentialKind::SessionJwt => "/login",
            _ => "/token",
        };
        let sign_in = Asked {
            path,
            method: "POST",
            ..plain.clone()
        };
        let body = serde_json::json!({ "username": name, "password": password }).to_string();
        match kind {
            CredentialKind::Basic => plain.with("authorization", format!("Basic {pair}")),
            CredentialKind::Session => {
                let sign_in = sign_in.with("authorization", format!("Basic {pair}"));
                let (_, _, headers) = self.ask(&sign_in, "");
                let cookie = headers["set-cookie"].to_str().unwrap();
                let session = cookie.split(';').next().unwrap();
                plain.with("cookie", format!("theme=dark; {session}; lang=en"))
            }
            _ => {
                let sign_in = sign_in.with("content-type", "application/json");
                let (_, token, _) = self.ask(&sign_in, &body);
                let token = token.unwrap();
                match kind {
                    CredentialKind::ApiKey => plain.with("x-api-key", token),
                    _ => plain.with("authorization", format!("Bearer {token}")),
                }
            }
        }
    }
}

/// Whether a design leaves this header of a request unread.
fn is_unread(kind: CredentialKind, header: &str, asked: &Asked) -> bool {
    match header {
        "accept" | "dpop" => true,
        "authorization" => matches!(kind, CredentialKind::Session | CredentialKind::ApiKey),
        "cookie" => kind != CredentialKind::Session,
        "x-api-key" => kind != CredentialKind::ApiKey,
        "x-original-method" | "x-original-uri" | "x-forwarded-method" | "x-forwarded-uri" => {
            asked.path != "/authorize"
        }
        "sec-fetch-site" | "origin" | "host" => {
            kind != CredentialKind::Session || asked.method == "GET"
        }
        "user-agent" => !matches!(kind, CredentialKind::Jwt | CredentialKind::SessionJwt),
        "content-type" => asked.method == "GET",
        _ => false,
    }
}

/// Requests of an account: granted ones, and ones that are refused for all kinds of reasons.
fn bases(stand: &Stand, kind: CredentialKind, header: &'static str) -> [Asked; 13] {
    const HOME: [u8; 4] = [203, 0, 113, 7];
    let jane = stand.signed_in(kind, "jane", HOME.into());
    let away = jane.clone().with("x-forwarded-for", "203.0.113.9");
    let about = |asked: Asked, method: &str, path: &str| {
        Asked {
            path: "/authorize",
            ..asked
        }
        .with("x-original-method", method)
        .with("x-original-uri", path)
    };
    let add = Asked {
        path: "/items",
        method: "POST",
        ..jane.clone()
    };
    let twice = {
        let mut twice = jane.clone();
        let field = twice
            .fields
            .iter()
            .find(|(name, _)| *name == header)
            .cloned();
        twice.fields.extend(field);
        twice
    };
    [
        jane.clone(),
        Asked {
            path: "/items",
            ..jane.clone()
        },
        add.clone(),
        add.without("sec-fetch-site")
            .with("origin", "http://authlab"),
        away.clone(),
        jane.clone().without(header),
        jane.clone().with(header, "Bearer nonsense"),
        twice,
        about(jane.clone(), "GET", "/open/7?x=1"),
        about(jane.clone(), "GET", "/w/7"),
        about(jane.clone(), "POST", "/w"),
        about(away, "GET", "/open/7"),
        about(jane.clone().without(header), "GET", "/open/7"),
    ]
}

/// Octets beyond ASCII in any header, or another field with such octets, turn no refusal into a grant and make nobody another,
/// and those in what is not read of a request, or is somebody else's, take nothing from its credential.
#[test]
fn no_octet_of_any_header_opens_anything_or_makes_anybody_another() {
    for kind in CredentialKind::ALL.iter().copied() {
        let stand = Stand::open(kind);
        let header = match kind {
            CredentialKind::Session => "cookie",
            CredentialKind::ApiKey => "x-api-key",
            _ => "authorization",
        };
        let bases = bases(&stand, kind, header);
        let answers: Vec<_> = bases.iter().map(|base| stand.ask(base, "")).collect();
        assert_eq!(answers[0].0, 200, "{kind}");
        assert_eq!(answers[8].0, 204, "{kind}");
        assert!(
            answers[9].0 == 403 && answers[5].0 == 401 && answers[7].0 == 400,
            "{kind}"
        );
        let inputs = (
            0..bases.len(),
            prop::sample::select(READ.to_vec()),
            change(),
        );
        let mut runner = TestRunner::new(ProptestConfig::with_cases(1500));
        let checked = runner.run(&inputs, |(base, header, change)| {
            let (before, name, _) = &answers[base];
            let base = &bases[base];
            let asked = change.made(base.clone(), header);
            let (after, named, _) = stand.ask(&asked, "");
            let granted = |status: u16| (200..300).contains(&status);
            prop_assert!(after < 500, "{:?}: {}", &asked, after);
            if granted(*before) {
                prop_assert!(
                    granted(after) || (400..500).contains(&after),
                    "{:?}: {}",
                    &asked,
                    after
                );
                if granted(after) {
                    prop_assert_eq!(&named, name, "{:?}", &asked);
                }
                if is_unread(kind, header, base) {
                    prop_assert_eq!(after, *before, "{:?}", &asked);
                }
            } else {
                prop_assert!(!granted(after), "{:?}: {} became {}", &asked, before, after);
            }
            Ok(())
        });
        checked.unwrap_or_else(|wrong| panic!("{kind}: {wrong}"));
    }
}

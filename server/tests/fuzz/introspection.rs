//! Answers of a central server. The model grants what RFC 7662 §2.2 calls an active token, in time and with the scope
//! that the route asks for. 503 is right where the answer is no introspection response at all: another status, broken
//! framing, no JSON object, no `active`, or a member of another type than the standard gives it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use authlab_server::{AudienceFrom, CacheKind, CredentialKind, Design, Period, VerifyKind};
use http_body_util::Full;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::choices::Choices;
use crate::engine::{Fault, Seen, Target, fault};
use crate::json::Json;
use crate::stand::{HERE, NOW, Stand, get, quick, shown, with_json};

pub(crate) struct Answers {
    servers: Vec<(Stand, Kind)>,
    central: Arc<Central>,
    number: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Anybody's server, by its whole address.
    Foreign,
    /// The same, and tokens have to be for this audience.
    Addressed,
    /// Another authlab.
    Ours,
}

/// Answers each request with these bytes, and closes.
#[derive(Default)]
struct Central {
    answer: Mutex<Vec<u8>>,
    open: Mutex<usize>,
}

const AUDIENCE: &str = "the audience";

/// What the model says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Model {
    Granted,
    /// Granted or refused, and no 5xx.
    Either,
    /// Granted, refused or 503.
    Lenient,
    /// Refused, and no 5xx.
    Refused,
    /// Refused or 503.
    Broken,
}

impl Target for Answers {
    const NAME: &'static str = "introspection";

    async fn open() -> Self {
        let central = Arc::new(Central::default());
        let listener = TcpListener::bind((HERE, 0)).await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, Arc::clone(&central)));
        let mut servers = Vec::new();
        for cache in [CacheKind::None, CacheKind::Decision] {
            for (kind, path) in [
                (Kind::Foreign, "/introspect"),
                (Kind::Addressed, "/introspect"),
                (Kind::Ours, ""),
            ] {
                let stand = Stand::open(Design {
                    credential: CredentialKind::Opaque,
                    verify: VerifyKind::Introspect,
                    introspect_url: format!("http://{at}{path}").parse().unwrap(),
                    // The central server always closes: this only ends a hang.
                    introspect_timeout: Period(Duration::from_secs(60)),
                    audience: match kind {
                        Kind::Addressed => AudienceFrom::Named(AUDIENCE.into()),
                        _ => AudienceFrom::Issuer,
                    },
                    cache,
                    ..quick()
                });
                servers.push((stand, kind));
            }
        }
        Self {
            servers,
            central,
            number: 0,
        }
    }

    async fn play(&mut self, choices: &mut Choices<'_>, seen: &mut Seen) -> Result<(), Fault> {
        self.number += 1;
        let (stand, kind) = &self.servers[choices.below(self.servers.len())];
        let (method, path) = *choices.pick(&[
            ("GET", "/items/"),
            ("GET", "/user"),
            ("POST", "/items/"),
            ("POST", "/admin/policy"),
        ]);
        let (whole, body, is_framed) = response(choices);
        let model = judge(&body, *kind, method, path);
        let model = match (is_framed, model) {
            (false, Model::Granted | Model::Either) => Model::Lenient,
            (false, Model::Refused) => Model::Broken,
            (_, model) => model,
        };
        self.central.answer.lock().unwrap().clone_from(&whole);
        // Of its own, so that no decision is remembered of it.
        let token = format!("token-{}", self.number);
        let request = get(method, path).header("authorization", format!("Bearer {token}"));
        let request = match (method, path) {
            ("POST", "/items/") => with_json(request, r#"{"name":"x"}"#),
            // A policy that is none, so that it changes nothing.
            ("POST", _) => with_json(request, "[]"),
            _ => request.body(Full::default()),
        };
        let answer = stand.ask_or_503(request.unwrap()).await;
        seen.note(
            &answer,
            match model {
                Model::Granted => "granted",
                Model::Either => "either",
                Model::Lenient => "lenient",
                Model::Refused => "refused",
                Model::Broken => "broken",
            },
        );
        seen.hint((method, path, is_framed));
        self.central.quiet().await;
        let is_granted = !matches!(answer.status, 401 | 403 | 429 | 500..);
        let what = || {
            format!(
                "the answer {} to {method} {path} was answered {} {}, the model says {model:?}",
                shown(&whole),
                answer.status,
                answer.text()
            )
        };
        match model {
            _ if answer.status >= 500 && answer.status != 503 => {
                fault("a 5xx that is no 503", what())
            }
            Model::Granted | Model::Either | Model::Refused if answer.status == 503 => fault(
                format!("a 503 for a valid response: {}", unusual(&body)),
                what(),
            ),
            Model::Refused | Model::Broken if is_granted => {
                fault("a grant that is refused", what())
            }
            Model::Granted if !is_granted => fault("a refusal of an active token", what()),
            Model::Granted if path == "/user" => match user(&body) {
                Some(user) if answer.text().contains(&user) => Ok(()),
                _ => fault("a grant to another", what()),
            },
            _ => Ok(()),
        }
    }
}

impl Central {
    /// Waits until no connection is left that the next request could be sent over while it closes.
    async fn quiet(&self) {
        while *self.open.lock().unwrap() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

async fn serve(listener: TcpListener, central: Arc<Central>) {
    while let Ok((stream, _)) = listener.accept().await {
        *central.open.lock().unwrap() += 1;
        let central = Arc::clone(&central);
        tokio::spawn(async move {
            let _ = once(stream, &central).await;
            *central.open.lock().unwrap() -= 1;
        });
    }
}

async fn once(mut stream: TcpStream, central: &Central) -> std::io::Result<()> {
    let mut request = Vec::new();
    // What is asked is a form whose end is known by its length; whatever is unread would reset the connection.
    while !is_whole(&request) {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let answer = central.answer.lock().unwrap().clone();
    stream.write_all(&answer).await?;
    stream.shutdown().await?;
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.map(|_| ())
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.to_ascii_lowercase();
    let length = length
        .split("content-length: ")
        .nth(1)
        .and_then(|rest| rest.split("\r\n").next()?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

/// A response, the body that its framing gives, and whether status and framing are beyond doubt.
#[expect(clippy::too_many_lines, reason = "a table of responses")]
fn response(choices: &mut Choices<'_>) -> (Vec<u8>, Vec<u8>, bool) {
    let mut json = Json::object([
        ("active", Json::Bool(true)),
        ("scope", Json::text("items:read items:write")),
        ("client_id", Json::text("client")),
        ("username", Json::text("jane")),
        ("token_type", Json::text("Bearer")),
        ("exp", Json::Number((NOW + 3600) as f64)),
        ("iat", Json::Number(NOW as f64)),
        ("nbf", Json::Number(NOW as f64)),
        ("sub", Json::text("jane")),
        ("aud", Json::text(AUDIENCE)),
        ("iss", Json::text("http://127.0.0.1")),
        ("jti", Json::text("an id")),
    ]);
    for _ in 0..choices.below(4) {
        json.edit(choices, &more());
    }
    let mut body = json.write(choices).into_bytes();
    match choices.below(16) {
        13 => choices.edit(&mut body),
        14 => body = [&b"\xef\xbb\xbf"[..], &body].concat(),
        15 => {
            let odd: [&[u8]; 6] = [b"", b"null", b"true", b"[]", b"{}", b"[{\"active\":true}]"];
            body = choices.pick(&odd).to_vec();
        }
        _ => {}
    }
    if choices.once_in(32) {
        // More than is read.
        body.resize(70_000, b' ');
        let whole = [
            format!(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                body.len()
            )
            .as_bytes(),
            &body,
        ]
        .concat();
        return (whole, body, false);
    }
    let (status, mut is_framed) = *choices.pick(&[
        ("200 OK", true),
        ("200 OK", true),
        ("200 OK", true),
        ("200 OK", true),
        ("200 ", true),
        ("201 Created", false),
        ("204 No Content", false),
        ("302 Found", false),
        ("401 Unauthorized", false),
        ("404 Not Found", false),
        ("429 Too Many Requests", false),
        ("500 Error", false),
        ("503 Error", false),
    ]);
    let is_200 = is_framed;
    let media = *choices.pick(&[
        "application/json",
        "application/json; charset=utf-8",
        "text/html",
        "",
        "application/jwt",
    ]);
    is_framed &= media.starts_with("application/json");
    let mut head =
        format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: {media}\r\n").into_bytes();
    let (length, all) = (body.len(), body.clone());
    let mut sent = body.clone();
    let framing = match choices.below(10) {
        6 => {
            // Nothing says where it ends but the connection's end.
            String::new()
        }
        7 => {
            sent = format!("{length:x}\r\n").into_bytes();
            sent.extend(&all);
            sent.extend(b"\r\n0\r\n\r\n");
            "Transfer-Encoding: chunked\r\n".to_owned()
        }
        8 => {
            let less = choices.below(length + 1);
            body.truncate(less);
            is_framed = false;
            format!("Content-Length: {less}\r\n")
        }
        9 => {
            is_framed = false;
            let odd = [
                "Content-Length: 1\r\nContent-Length: 2\r\n",
                "Content-Length: 99999\r\n",
                "Content-Length: -1\r\n",
                "Transfer-Encoding: chunked\r\n",
                "Content-Length: 5, 5\r\n",
                "Transfer-Encoding: gzip\r\n",
            ];
            (*choices.pick(&odd)).to_owned()
        }
        _ => format!("Content-Length: {length}\r\n"),
    };
    head.extend(framing.as_bytes());
    head.extend(b"\r\n");
    if choices.once_in(12) {
        is_framed = false;
        // The length may be lost, and then the whole is read.
        body = all;
        for _ in 0..=choices.below(3) {
            choices.edit(&mut head);
        }
    } else if !is_200 {
        // By its status nothing may be granted, whatever its body says.
        body = Vec::new();
    }
    ([head, sent].concat(), body, is_framed)
}

fn more() -> Vec<(&'static str, Json)> {
    let now = NOW as f64;
    vec![
        ("active", Json::Bool(false)),
        ("active", Json::text("true")),
        ("active", Json::Number(1.0)),
        ("active", Json::Null),
        ("exp", Json::Null),
        ("exp", Json::Number(now)),
        ("exp", Json::Number(now + 0.5)),
        ("exp", Json::Number(now - 0.5)),
        ("exp", Json::Raw("1e30")),
        ("exp", Json::Raw("-5")),
        ("exp", Json::text("1900000000")),
        ("nbf", Json::Null),
        ("nbf", Json::Number(now + 0.5)),
        ("nbf", Json::Number(now + 10.0)),
        ("nbf", Json::Raw("1e30")),
        ("iat", Json::Null),
        ("scope", Json::Null),
        ("scope", Json::text("items:read")),
        ("scope", Json::text("items:write")),
        ("scope", Json::text("items:reader xitems:read ITEMS:READ")),
        ("scope", Json::text("")),
        ("scope", Json::texts(&["items:read", "items:write"])),
        ("aud", Json::texts(&["other", AUDIENCE])),
        ("aud", Json::texts(&["other"])),
        ("aud", Json::Null),
        ("sub", Json::Null),
        ("username", Json::Null),
        ("client_id", Json::Null),
        ("cnf", Json::Null),
        (
            "cnf",
            Json::object([(
                "x5t#S256",
                Json::text("bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"),
            )]),
        ),
        (
            "cnf",
            Json::object([(
                "jkt",
                Json::text("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"),
            )]),
        ),
        ("roles", Json::texts(&["admin"])),
        ("roles", Json::text("admin")),
        ("gen", Json::Number(1.0)),
        ("sid", Json::text("00000000000000000000000000000000")),
        ("extension", Json::object([("active", Json::Bool(false))])),
    ]
}

fn judge(body: &[u8], kind: Kind, method: &str, path: &str) -> Model {
    let Some(json) = Json::read(body) else {
        return Model::Broken;
    };
    let Some(Json::Bool(active)) = json.get("active") else {
        return Model::Broken;
    };
    let texts = [
        "scope",
        "client_id",
        "username",
        "token_type",
        "sub",
        "iss",
        "jti",
    ];
    let is_text = |name: &&str| {
        json.given(name)
            .is_none_or(|value| value.as_text().is_some())
    };
    let is_time = |name: &&str| {
        json.given(name)
            .is_none_or(|value| value.as_number().is_some())
    };
    let has_audience = json.given("aud").is_none_or(|value| match value {
        Json::List(all) => all.iter().all(|one| one.as_text().is_some()),
        other => other.as_text().is_some(),
    });
    // What only another authlab says has no standard.
    let is_known = ["roles", "gen", "sid"]
        .iter()
        .all(|name| json.get(name).is_none());
    // RFC 8259 §6: a reader may have no numbers this large.
    let is_readable = !body.windows(5).any(|text| text == b"1e999");
    let is_valid = is_readable
        && json.is_unique()
        && texts.iter().all(is_text)
        && ["exp", "nbf", "iat"].iter().all(is_time)
        && has_audience
        && (is_known || kind != Kind::Ours)
        && json
            .given("cnf")
            .is_none_or(|cnf| matches!(cnf, Json::Object(_)));
    let now = NOW as f64;
    let wanted = match (method, path) {
        ("GET", "/items/") => Some("items:read"),
        ("POST", "/items/") => Some("items:write"),
        _ => None,
    };
    let is_current = json
        .given("exp")
        .is_none_or(|exp| exp.as_number().is_some_and(|exp| exp > now))
        && json
            .given("nbf")
            .is_none_or(|nbf| nbf.as_number().is_some_and(|nbf| nbf <= now));
    // A text by RFC 7662; some servers write a list.
    let has_scope = wanted.is_none_or(|wanted| match json.given("scope") {
        Some(Json::Text(scopes)) => scopes.split_ascii_whitespace().any(|one| one == wanted),
        Some(scopes) => scopes.names(wanted),
        None => false,
    });
    let is_for_us =
        kind != Kind::Addressed || json.get("aud").is_some_and(|aud| aud.names(AUDIENCE));
    // Whoever tells of another server's administrators makes none here.
    let may_administer =
        path != "/admin/policy" || kind == Kind::Ours && json.get("roles").is_some();
    let is_bound = json
        .given("cnf")
        .is_some_and(|cnf| !cnf.members().is_empty());
    let repeats = json.members().iter().enumerate().any(|(at, (name, _))| {
        matches!(
            &**name,
            "active" | "exp" | "nbf" | "scope" | "sub" | "username" | "client_id" | "aud" | "cnf"
        ) && json.members()[..at].iter().any(|(known, _)| known == name)
    });
    let may_pass =
        *active && is_current && has_scope && is_for_us && may_administer && !is_bound && !repeats;
    let is_plain = user(body).is_some_and(|user| user.bytes().all(|c| c.is_ascii_alphabetic()))
        && ["exp", "nbf"].iter().all(|name| {
            json.given(name).is_none_or(|time| {
                time.as_number().is_some_and(|time| {
                    (0.0..1e12).contains(&time)
                        && (time.fract() == 0.0 || (time - now).abs() >= 1.0)
                })
            })
        })
        && json.get("cnf").is_none()
        && path != "/admin/policy";
    match (may_pass, is_valid) {
        (true, true) if is_plain => Model::Granted,
        (true, true) => Model::Either,
        (true, false) => Model::Lenient,
        (false, true) => Model::Refused,
        (false, false) => Model::Broken,
    }
}

/// What of a valid response is written seldom.
fn unusual(body: &[u8]) -> String {
    let json = Json::read(body).unwrap_or(Json::Null);
    let seldom = |(_, value): &&(String, Json)| match value {
        Json::Number(number) => number.fract() != 0.0 || !(0.0..1e15).contains(number),
        Json::Text(text) => text.is_empty(),
        Json::Bool(_) => false,
        _ => true,
    };
    let names = json
        .members()
        .iter()
        .filter(seldom)
        .map(|(name, value)| format!("{name} {} ", word(value)));
    let whose = if user(body).is_some() { "" } else { "nobody's" };
    names.chain([whose.to_owned()]).collect()
}

fn word(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Number(number) if number.fract() != 0.0 => "with a fraction",
        Json::Number(_) => "out of range",
        Json::List(_) => "as a list",
        Json::Object(_) => "as an object",
        Json::Text(_) => "empty",
        Json::Bool(_) | Json::Raw(_) => "otherwise",
    }
}

/// Whose token it is.
fn user(body: &[u8]) -> Option<String> {
    let json = Json::read(body)?;
    let name = json.given("sub").or_else(|| json.given("username"));
    let name = name.and_then(|name| name.as_text().map(ToOwned::to_owned));
    let client = || Some(format!("client:{}", json.given("client_id")?.as_text()?));
    name.or_else(client).filter(|name| !name.is_empty())
}

//! A small gate with a cache of decisions: right by itself, and wrong in one of twelve ways.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Planted {
    Nothing,
    MethodNotInKey,
    QueryNotInKey,
    PathReadTwice,
    HexCase,
    TokenPrefix,
    RefusalCached,
    CachedBeyondExpiry,
    RoleUnseen,
    TenantNotInKey,
    CookieKeyedByHeader,
    HeadAsGet,
    CaseFolded,
    /// It fails where a request carries two credentials, which is none of the twelve.
    FailsOnTwo,
}

impl Planted {
    pub(crate) const FAULTS: [Self; 12] = [
        Self::MethodNotInKey,
        Self::QueryNotInKey,
        Self::PathReadTwice,
        Self::HexCase,
        Self::TokenPrefix,
        Self::RefusalCached,
        Self::CachedBeyondExpiry,
        Self::RoleUnseen,
        Self::TenantNotInKey,
        Self::CookieKeyedByHeader,
        Self::HeadAsGet,
        Self::CaseFolded,
    ];
}

/// Tokens agree in so many octets, as those of one issuer and algorithm do.
const AGREED: &str =
    "eyJhbGciOiJFZERTQSIsImtpZCI6ImF1dGhsYWItY2hlY2stdGVzdHMiLCJ0eXAiOiJhdCtqd3QifQ.";
/// A credential of `root` that was there before, and that stays.
pub(crate) const FIXED: &str = "a-key-that-root-has-for-ever";
pub(crate) const LIFE: Duration = Duration::from_millis(400);

#[derive(Clone)]
struct Credential {
    user: String,
    expires: Instant,
}

/// A decision, and for whom: none for a refusal.
#[derive(Clone)]
struct Decision {
    user: Option<String>,
    status: StatusCode,
    expires: Instant,
}

struct Gate {
    planted: Planted,
    lives: Duration,
    world: Mutex<World>,
}

#[derive(Default)]
struct World {
    issued: u64,
    tokens: HashMap<String, Credential>,
    roles: HashMap<String, String>,
    decisions: HashMap<String, Decision>,
    refusals: HashSet<String>,
}

/// Starts a gate whose credentials live for `lives`; it ends with the process.
pub(crate) fn start(planted: Planted, lives: Duration) -> SocketAddr {
    let roles = [
        ("john", "reader"),
        ("jane", "reader"),
        ("mary", "admin"),
        ("root", "admin"),
    ];
    let fixed = Credential {
        user: "root".to_owned(),
        expires: Instant::now() + Duration::from_secs(1_000_000),
    };
    let gate = Arc::new(Gate {
        planted,
        lives,
        world: Mutex::new(World {
            roles: roles
                .map(|(user, role)| (user.to_owned(), role.to_owned()))
                .into(),
            tokens: [(FIXED.to_owned(), fixed)].into(),
            ..World::default()
        }),
    });
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, Router::new().fallback(answer).with_state(gate))
                .await
                .unwrap();
        });
    });
    address
}

async fn answer(State(gate): State<Arc<Gate>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let (method, path) = (head.method.as_str(), head.uri.path());
    match (method, path) {
        ("POST", "/login") => gate.login(&body_of(body).await),
        ("POST", "/revoke") => gate.revoke(&head.headers),
        ("POST", "/role") => gate.role(&head.headers, &body_of(body).await),
        _ => gate.guarded(
            method,
            path,
            head.uri.query().unwrap_or_default(),
            &head.headers,
        ),
    }
}

async fn body_of(body: Body) -> Value {
    let octets = to_bytes(body, 10_000).await.unwrap_or_default();
    serde_json::from_slice(&octets).unwrap_or_default()
}

/// The query without what the check adds to keep its histories apart.
fn meant(query: &str) -> String {
    let pairs = query.split('&').filter(|pair| !pair.starts_with("authlab"));
    pairs.collect::<Vec<_>>().join("&")
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ").map(str::to_owned)
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::COOKIE)?.to_str().ok()?;
    value
        .split("; ")
        .find_map(|pair| pair.strip_prefix("session="))
        .map(str::to_owned)
}

fn token(headers: &HeaderMap) -> Option<String> {
    if headers.get_all(header::AUTHORIZATION).iter().count() > 1 {
        return None;
    }
    bearer(headers).or_else(|| cookie(headers))
}

/// Percent-decoded once.
fn decoded(path: &str) -> String {
    let mut octets = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| *first == b'%');
        let value = digits.and_then(|two| u8::from_str_radix(str::from_utf8(two).ok()?, 16).ok());
        if let Some(value) = value {
            octets.push(value);
            rest = &after[2..];
        } else {
            octets.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&octets).into_owned()
}

impl Gate {
    fn login(&self, body: &Value) -> Response {
        let user = body["user"].as_str().unwrap_or_default();
        let mut world = self.world.lock().unwrap();
        if !world.roles.contains_key(user) || body["password"] != format!("{user}-password") {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        world.issued += 1;
        let token = format!(
            "{AGREED}{:032x}{user}",
            u128::from(world.issued).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
        );
        let credential = Credential {
            user: user.to_owned(),
            expires: Instant::now() + self.lives,
        };
        world.tokens.insert(token.clone(), credential);
        let cookie = format!("session={token}; Path=/; HttpOnly");
        (
            [(header::SET_COOKIE, cookie)],
            serde_json::json!({ "token": token }).to_string(),
        )
            .into_response()
    }

    fn revoke(&self, headers: &HeaderMap) -> Response {
        let mut world = self.world.lock().unwrap();
        let known = token(headers).and_then(|token| world.tokens.remove(&token));
        world.decisions.clear();
        if known.is_some() {
            StatusCode::OK
        } else {
            StatusCode::UNAUTHORIZED
        }
        .into_response()
    }

    fn role(&self, headers: &HeaderMap, body: &Value) -> Response {
        let mut world = self.world.lock().unwrap();
        let by = token(headers).and_then(|token| world.tokens.get(&token).cloned());
        if by.is_none_or(|by| by.user != "root") {
            return StatusCode::FORBIDDEN.into_response();
        }
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        world.roles.insert(text("user"), text("role"));
        if self.planted != Planted::RoleUnseen {
            world.decisions.clear();
        }
        StatusCode::OK.into_response()
    }

    fn guarded(&self, method: &str, raw: &str, query: &str, headers: &HeaderMap) -> Response {
        let credentials = headers.get_all(header::AUTHORIZATION).iter().count();
        if self.planted == Planted::FailsOnTwo && credentials > 1 {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        let mut world = self.world.lock().unwrap();
        let target = format!("{method} {raw}?{query}");
        if world.refusals.contains(&target) {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        let key = self.key(method, raw, query, headers);
        let now = Instant::now();
        let cached = world.decisions.get(&key).cloned();
        let beyond = self.planted == Planted::CachedBeyondExpiry;
        let cached = cached.filter(|decision| beyond || now < decision.expires);
        let decision = cached.unwrap_or_else(|| {
            let decision = self.decide(&world, method, raw, &meant(query), headers);
            if decision.user.is_some() || decision.status == StatusCode::FORBIDDEN {
                world.decisions.insert(key, decision.clone());
            }
            decision
        });
        if let Some(user) = decision.user {
            return served(method, &decoded(raw), &meant(query), &user);
        }
        if self.planted == Planted::RefusalCached && decision.status == StatusCode::UNAUTHORIZED {
            world.refusals.insert(target);
        }
        (decision.status, "refused").into_response()
    }

    fn key(&self, method: &str, raw: &str, query: &str, headers: &HeaderMap) -> String {
        let planted = |fault: Planted| self.planted == fault;
        let method = match method {
            _ if planted(Planted::MethodNotInKey) => "",
            "HEAD" if planted(Planted::HeadAsGet) => "GET",
            method => method,
        };
        let path = if planted(Planted::CaseFolded) {
            raw.to_lowercase()
        } else {
            raw.to_owned()
        };
        let query = if planted(Planted::QueryNotInKey) {
            ""
        } else {
            query
        };
        let tenant = headers
            .get("x-tenant")
            .filter(|_| !planted(Planted::TenantNotInKey));
        let all: Vec<_> = headers.get_all(header::AUTHORIZATION).iter().collect();
        let mut bearer = format!("{all:?}");
        if planted(Planted::TokenPrefix) {
            bearer.truncate(64);
        }
        let mut cookie = cookie(headers).filter(|_| !planted(Planted::CookieKeyedByHeader));
        if planted(Planted::TokenPrefix)
            && let Some(cookie) = &mut cookie
        {
            cookie.truncate(64);
        }
        format!("{method}\n{path}\n{query}\n{tenant:?}\n{bearer}\n{cookie:?}")
    }

    fn decide(
        &self,
        world: &World,
        method: &str,
        raw: &str,
        query: &str,
        headers: &HeaderMap,
    ) -> Decision {
        let now = Instant::now();
        let refused = |status: StatusCode| Decision {
            user: None,
            status,
            expires: now + Duration::from_secs(60),
        };
        let known = token(headers).and_then(|token| world.tokens.get(&token));
        let Some(credential) = known.filter(|credential| now < credential.expires) else {
            return refused(StatusCode::UNAUTHORIZED);
        };
        if headers.get("x-tenant").is_none_or(|tenant| tenant != "a") {
            return refused(StatusCode::FORBIDDEN);
        }
        let is_admin = world
            .roles
            .get(&credential.user)
            .is_some_and(|role| role == "admin");
        // The rules are for the path as upstream reads it; two planted faults compare the path as it was sent.
        let path = match self.planted {
            Planted::PathReadTwice => raw.to_owned(),
            Planted::HexCase => raw.replace("%2F", "/"),
            _ => decoded(raw),
        };
        let may = match (method, path.as_str(), query) {
            ("DELETE", "/notes", _)
            | ("HEAD", "/stats", _)
            | (_, "/admin" | "/Docs" | "/files/a/b", _)
            | (_, "/report", "part=secret") => is_admin,
            _ => true,
        };
        if may {
            Decision {
                user: Some(credential.user.clone()),
                status: StatusCode::OK,
                expires: credential.expires,
            }
        } else {
            refused(StatusCode::FORBIDDEN)
        }
    }
}

/// What upstream answers.
fn served(method: &str, path: &str, query: &str, user: &str) -> Response {
    let text = match (method, path, query) {
        ("GET", "/notes", _) => format!("the notes of {user}"),
        ("DELETE", "/notes", _) => "deleted".to_owned(),
        ("GET" | "HEAD", "/stats", _) => "forty-two".to_owned(),
        ("GET", "/admin", _) => "what only administrators read".to_owned(),
        ("GET", "/Docs", _) => "documents in capitals".to_owned(),
        ("GET", "/docs", _) => "documents".to_owned(),
        ("GET", "/files/a/b", _) => "a file in a folder".to_owned(),
        ("GET", "/report", "part=open") => "the open part".to_owned(),
        ("GET", "/report", "part=secret") => "the secret part".to_owned(),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    text.into_response()
}

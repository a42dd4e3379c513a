//! Paths. Of forward authorization the model reads each target as different servers do (decoded once or twice, before
//! or after it is split, with or without parameters, backslashes, runs of slashes) and grants it only where every
//! reading leads to a route that the client may use. Of the server's own routes it knows which are public.

use std::cmp::Ordering;
use std::fmt::Write as _;

use authlab_server::{CacheKey, CacheKind, CredentialKind, Design, RoutesFrom};
use http_body_util::Full;
use tempfile::NamedTempFile;

use crate::choices::Choices;
use crate::engine::{Fault, Seen, Target, fault};
use crate::proofs::unescaped;
use crate::stand::{Stand, get, quick, shown, with_field, with_json};

pub(crate) struct Paths {
    /// Of the sets of routes that are always there.
    fixed: Vec<Option<Proxied>>,
    own: Vec<Own>,
}

/// A server that a proxy asks.
struct Proxied {
    stand: Stand,
    routes: Vec<Route>,
    /// Jane's, who may read, and john's, who may read and write.
    tokens: [String; 2],
}

/// A server with its own routes.
struct Own {
    stand: Stand,
    jane: String,
}

const SCOPES: [&[&str]; 2] = [&["items:read"], &["items:read", "items:write"]];

type Entry = (&'static str, String, Option<&'static str>);

struct Route {
    method: &'static str,
    pattern: Vec<Segment>,
    scope: Option<&'static str>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Segment {
    Text(Vec<u8>),
    /// After this text.
    Any(Vec<u8>),
    Rest,
}

/// The sets of the issue and of the documentation, and one in which both spellings of an empty rest are there.
fn fixed() -> Vec<Vec<Entry>> {
    let (read, write) = (Some("items:read"), Some("items:write"));
    let of = |method, path: &str, scope| (method, path.to_owned(), scope);
    vec![
        vec![
            of("GET", "/reports/{id}", read),
            of("*", "/reports/{id}", write),
            of("GET", "/me", None),
        ],
        vec![
            of("*", "/b%C3%BCro/{id}", write),
            of("*", "/admin/{*rest}", write),
            of("*", "/{*rest}", None),
        ],
        vec![
            of("*", "/admin", write),
            of("*", "/admin/{*rest}", write),
            of("*", "/", None),
            of("*", "/{*rest}", None),
        ],
        vec![
            of("GET", "/reports/{id}", read),
            of("GET", "/reports/all", write),
            of("POST", "/reports/{id}/x", write),
        ],
    ]
}

impl Target for Paths {
    const NAME: &'static str = "paths";

    async fn open() -> Self {
        let mut open = Vec::new();
        for entries in fixed() {
            open.push(Proxied::open(&entries, CacheKind::Decision).await);
        }
        let mut own = Vec::new();
        for (credential, cache) in [
            (CredentialKind::Jwt, CacheKind::None),
            (CredentialKind::Jwt, CacheKind::Decision),
            (CredentialKind::Opaque, CacheKind::Token),
            (CredentialKind::SessionJwt, CacheKind::Decision),
        ] {
            let stand = Stand::open(Design {
                credential,
                cache,
                cache_key: CacheKey::Sender,
                ..quick()
            });
            let jane = stand.sign_in("jane", "password456").await;
            own.push(Own { stand, jane });
        }
        Self { fixed: open, own }
    }

    async fn play(&mut self, choices: &mut Choices<'_>, seen: &mut Seen) -> Result<(), Fault> {
        match choices.below(32) {
            // Seldom: opening a server costs as much as many requests.
            31 => {
                let entries = entries(choices);
                let opened = Proxied::open(&entries, *choices.pick(CacheKind::ALL)).await;
                let Some(proxied) = opened else {
                    seen.hint("refused routes");
                    return Ok(());
                };
                if let Some(why) = must_be_refused(&entries) {
                    return fault("routes that open", format!("{why}: {}", file(&entries)));
                }
                for _ in 0..8 {
                    proxied.play(choices, seen).await?;
                }
                Ok(())
            }
            27..=30 => {
                let at = choices.below(self.own.len());
                self.own[at].play(choices, seen).await
            }
            at => match &self.fixed[at % self.fixed.len()] {
                Some(proxied) => proxied.play(choices, seen).await,
                None => Ok(()),
            },
        }
    }
}

impl Proxied {
    /// `None` where the server refuses these routes.
    async fn open(entries: &[Entry], cache: CacheKind) -> Option<Self> {
        let at = NamedTempFile::new().unwrap();
        std::fs::write(at.path(), file(entries)).unwrap();
        let stand = Stand::try_open(Design {
            trusted_proxy: "127.0.0.1".parse().unwrap(),
            routes: RoutesFrom::File(at.path().to_owned()),
            cache,
            ..quick()
        })
        .ok()?;
        let jane = stand.sign_in("jane", "password456").await;
        let john = stand.sign_in("john", "password123").await;
        Some(Self {
            stand,
            routes: entries.iter().map(Route::of).collect(),
            tokens: [jane, john],
        })
    }

    #[expect(
        clippy::too_many_lines,
        reason = "a request, its answer and what may be wrong with it"
    )]
    async fn play(&self, choices: &mut Choices<'_>, seen: &mut Seen) -> Result<(), Fault> {
        let mut method = choices
            .pick(&["GET", "POST", "HEAD", "get", "DELETE", "*", "OPTIONS"])
            .as_bytes()
            .to_vec();
        let route = choices.pick(&self.routes);
        let mut target = example(choices, &route.pattern);
        let plain = target.clone();
        for _ in 0..choices.below(4) {
            spell(choices, &mut target);
        }
        if choices.once_in(40) {
            choices.edit(&mut method);
        }
        let fields = if choices.once_in(3) {
            ["x-forwarded-method", "x-forwarded-uri"]
        } else {
            ["x-original-method", "x-original-uri"]
        };
        let is_odd = choices.once_in(16);
        let addresses = addresses(choices);
        // john first, so that what is remembered of him is there when jane asks.
        for user in [1, 0] {
            let ask = get("GET", "/authorize")
                .header("authorization", format!("Bearer {}", self.tokens[user]));
            let ask = with_field(ask, fields[0], &method)
                .and_then(|ask| with_field(ask, fields[1], &target));
            let Some(mut ask) = ask else {
                return Ok(());
            };
            if is_odd {
                // A second field of the same meaning.
                ask = with_field(
                    ask,
                    choices.pick::<&str>(&[
                        "x-original-uri",
                        "x-forwarded-uri",
                        "x-original-method",
                    ]),
                    b"/me",
                )
                .unwrap();
            }
            for address in &addresses {
                ask = with_field(ask, "x-forwarded-for", address).unwrap();
            }
            let request = ask.body(Full::default()).unwrap();
            let answer = if addresses.iter().all(|address| is_list(address)) {
                self.stand.ask(request).await?
            } else {
                // A trusted proxy that is not understood may be refused so.
                self.stand.ask_or_503(request).await
            };
            let (needs, is_one) = self.needs(&method, &target);
            let may = needs.as_ref().is_ok_and(|needs| {
                needs.iter().all(|any| {
                    any.iter()
                        .any(|need| need.is_none_or(|need| SCOPES[user].contains(&need)))
                })
            });
            seen.note(
                &answer,
                match &needs {
                    Ok(_) if may => "may",
                    Ok(_) => "needs more",
                    Err(why) => why,
                },
            );
            let what = || {
                format!(
                    "{} {} of a client with {:?} was answered {}; the model says {needs:?}; routes: {}",
                    shown(&method),
                    shown(&target),
                    SCOPES[user],
                    answer.status,
                    self.routes.iter().map(Route::text).collect::<String>()
                )
            };
            if answer.is_granted() && is_odd {
                return fault("a grant of two targets", what());
            }
            if answer.is_granted() && !may {
                let kind = match needs {
                    Err("invalid UTF-8") => "a grant of invalid UTF-8",
                    _ if is_one => "a grant through a weaker route",
                    _ => "a grant of what servers read differently",
                };
                return fault(kind, what());
            }
            let is_plain = !is_odd
                && addresses.is_empty()
                && target == plain
                && route.is_plain()
                && method.iter().all(u8::is_ascii_uppercase);
            if may && !answer.is_granted() && is_plain {
                let kind = if method == b"HEAD" {
                    "a refusal of HEAD where GET is listed"
                } else {
                    "a refusal of a plain path"
                };
                return fault(kind, what());
            }
            if !answer.is_granted() && !matches!(answer.status, 401 | 403 | 503) {
                return fault("a refusal that a proxy turns into 500", what());
            }
        }
        Ok(())
    }

    /// What each reading of a target needs: one of these scopes, `None` being signed in alone. And whether all read it alike.
    #[expect(clippy::type_complexity, reason = "only here")]
    fn needs(
        &self,
        method: &[u8],
        target: &[u8],
    ) -> (Result<Vec<Vec<Option<&'static str>>>, &'static str>, bool) {
        // A method has at least one character (RFC 9110 §9.1, §5.6.2).
        if method.is_empty() {
            return (Err("no method"), true);
        }
        let readings = match readings(target) {
            Ok(readings) => readings,
            Err(why) => return (Err(why), true),
        };
        let needs = readings.iter().map(|segments| {
            let best = self
                .routes
                .iter()
                .filter(|route| matches(&route.pattern, segments));
            let best = best
                .max_by(|one, other| specific(&one.pattern, &other.pattern))
                .map(|route| &route.pattern);
            let of = |wanted: &[u8]| {
                let mut routes = self
                    .routes
                    .iter()
                    .filter(|route| Some(&route.pattern) == best);
                routes
                    .find(|route| route.method.as_bytes() == wanted)
                    .map(|route| route.scope)
            };
            let any = || of(b"*").into_iter().collect();
            let allowed: Vec<_> = match (of(method).filter(|_| method != b"*"), method) {
                (Some(named), _) => vec![named],
                // HEAD is a GET without its content (RFC 9110 §9.3.2): that entry is nearer than one for all methods.
                (None, b"HEAD") => of(b"GET").or_else(|| of(b"*")).into_iter().collect(),
                (None, _) => any(),
            };
            if allowed.is_empty() {
                Err("no route")
            } else {
                Ok(allowed)
            }
        });
        (needs.collect(), readings.len() == 1)
    }
}

impl Own {
    /// A request of nobody, or of jane, who may read.
    async fn play(&self, choices: &mut Choices<'_>, seen: &mut Seen) -> Result<(), Fault> {
        const PATHS: [&str; 14] = [
            "/items/",
            "/items",
            "/user",
            "/todos",
            "/secure-data",
            "/healthz",
            "/authorize",
            "/admin/policy",
            "/admin/keys",
            "/admin/accounts/john/roles",
            "/admin/accounts/john",
            "/devices",
            "/openapi.json",
            "/docs/",
        ];
        let (method, path) = (
            *choices.pick(&["GET", "POST", "HEAD", "DELETE", "PUT"]),
            *choices.pick(&PATHS),
        );
        let mut target = path.as_bytes().to_vec();
        for _ in 0..choices.below(4) {
            spell(choices, &mut target);
        }
        let Ok(target) = String::from_utf8(target) else {
            return Ok(());
        };
        let Ok(uri) = hyper::Uri::try_from(&*target) else {
            return Ok(());
        };
        let is_jane = !choices.once_in(2);
        let request = get(method, &target);
        let request = if is_jane {
            request.header("authorization", format!("Bearer {}", self.jane))
        } else {
            request
        };
        let body = match path {
            "/admin/policy" => r#"{"user":["items:read"],"admin":["items:read","items:write"]}"#,
            "/items/" | "/items" => r#"{"name":"x"}"#,
            _ => r#"{"roles":["admin"]}"#,
        };
        let request = if method == "POST" {
            with_json(request, body)
        } else {
            request.body(Full::default())
        };
        let answer = self.stand.ask(request.unwrap()).await?;
        let public = readings(uri.path().as_bytes()).is_ok_and(|readings| {
            readings.iter().any(|segments| {
                let first = segments.first().map(|segment| &**segment);
                matches!(
                    first,
                    None | Some(b"healthz" | b"docs" | b"openapi.json" | b".well-known")
                )
            })
        });
        let is_read = matches!(method, "GET" | "HEAD");
        let may = is_read && (is_jane || public);
        seen.note(&answer, if may { "may" } else { "may not" });
        let what = || {
            format!(
                "{method} {} of {} was answered {}",
                shown(target.as_bytes()),
                if is_jane { "jane" } else { "nobody" },
                answer.status
            )
        };
        if answer.is_granted() && !may {
            return fault("a grant of an own route", what());
        }
        if !answer.is_granted() && is_jane && method == "GET" && target == "/items/" {
            return fault("a refusal of a plain path", what());
        }
        Ok(())
    }
}

impl Route {
    fn of((method, path, scope): &Entry) -> Self {
        Self {
            method,
            pattern: pattern(path),
            scope: *scope,
        }
    }

    /// Whether its plain spelling is beyond doubt.
    fn is_plain(&self) -> bool {
        self.pattern.iter().all(|segment| match segment {
            Segment::Text(text) => !text.is_empty() && text.iter().all(u8::is_ascii_alphanumeric),
            Segment::Any(text) => text.is_empty(),
            Segment::Rest => true,
        })
    }

    fn text(&self) -> String {
        format!("[{} {:?} {:?}] ", self.method, self.pattern, self.scope)
    }
}

/// A pattern's segments, without escapes and without the slash at its end.
fn pattern(path: &str) -> Vec<Segment> {
    let inner = path.strip_prefix('/').unwrap_or(path);
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    let segments = inner.split('/').filter(|_| !inner.is_empty());
    segments
        .map(|segment| match segment.split_once('{') {
            Some((_, rest)) if rest.starts_with('*') => Segment::Rest,
            Some((before, _)) => Segment::Any(unescaped(before)),
            None => Segment::Text(unescaped(segment)),
        })
        .collect()
}

/// Whether a pattern is the path's. A catch-all covers an empty rest too.
fn matches(pattern: &[Segment], path: &[Vec<u8>]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) | (Some((Segment::Rest, _)), _) => true,
        (Some((Segment::Text(text), pattern)), Some((segment, path))) => {
            text == segment && matches(pattern, path)
        }
        (Some((Segment::Any(before), pattern)), Some((segment, path))) => {
            segment.starts_with(before) && segment.len() > before.len() && matches(pattern, path)
        }
        _ => false,
    }
}

/// Which of two patterns of a path says more of it: a text before a part of one, that before a catch-all.
fn specific(one: &[Segment], other: &[Segment]) -> Ordering {
    let rank = |segment: Option<&Segment>| match segment {
        None | Some(Segment::Text(_)) => (2, 0),
        Some(Segment::Any(before)) => (1, before.len()),
        Some(Segment::Rest) => (0, 0),
    };
    let longest = one.len().max(other.len());
    let ranks = (0..longest).map(|at| rank(one.get(at)).cmp(&rank(other.get(at))));
    ranks
        .into_iter()
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// The paths that servers may take a target for.
fn readings(target: &[u8]) -> Result<Vec<Vec<Vec<u8>>>, &'static str> {
    let mut all: Vec<Vec<Vec<u8>>> = Vec::new();
    let path = target
        .split(|byte| *byte == b'?')
        .next()
        .unwrap_or_default();
    let text = std::str::from_utf8(path).map_err(|_| "invalid UTF-8")?;
    if !text.starts_with('/') {
        return Err("no path");
    }
    // Bits: decoded twice, parameters cut, backslashes are slashes, split after decoding, runs of slashes kept, cut at `#`.
    // Only those that this text gives a meaning.
    let has = |found: bool, bits: u8| if found { bits } else { 0 };
    let is_escaped = text.contains('%');
    let ways = has(is_escaped, 0b1111)
        | has(text.contains(';'), 0b10)
        | has(text.contains('\\'), 0b100)
        | has(
            text.contains("//") || text.contains("/.") || is_escaped,
            0b1_0000,
        )
        | has(text.contains('#'), 0b10_0000);
    for way in (0..64_u8).filter(|way| way & !ways == 0) {
        let is = |bit: u8| way & 1 << bit != 0;
        let text = if is(5) {
            text.split('#').next().unwrap_or_default()
        } else {
            text
        };
        let decode = |bytes: &[u8]| {
            let once = unescaped(&String::from_utf8_lossy(bytes));
            if is(0) {
                unescaped(&String::from_utf8_lossy(&once))
            } else {
                once
            }
        };
        let mut path = text.as_bytes().to_vec();
        if is(3) {
            path = decode(&path);
        }
        let segments = path.split(|byte| *byte == b'/' || *byte == b'\\' && is(2));
        let mut kept: Vec<Vec<u8>> = Vec::new();
        let mut segments = segments.skip(1).peekable();
        while let Some(segment) = segments.next() {
            let segment = if is(3) {
                segment.to_vec()
            } else {
                decode(segment)
            };
            let cut = segment
                .split(|byte| *byte == b';')
                .next()
                .filter(|_| is(1))
                .map(<[u8]>::to_vec);
            let segment = cut.unwrap_or(segment);
            let is_last = segments.peek().is_none();
            match &*segment {
                b"." => {}
                b".." => {
                    kept.pop();
                }
                b"" if !is(4) || is_last => {}
                _ => kept.push(segment),
            }
        }
        if kept
            .iter()
            .any(|segment| std::str::from_utf8(segment).is_err())
        {
            return Err("invalid UTF-8");
        }
        if !all.contains(&kept) {
            all.push(kept);
        }
    }
    Ok(all)
}

/// A path of a pattern.
fn example(choices: &mut Choices<'_>, pattern: &[Segment]) -> Vec<u8> {
    const PARTS: [&str; 8] = [
        "7", "x", "all", "a%20b", "%C3%BC", "a@b", "admin", ".hidden",
    ];
    let mut path = Vec::new();
    for segment in pattern {
        path.push(b'/');
        match segment {
            Segment::Text(text) => escape(text, &mut path),
            Segment::Any(before) => {
                escape(before, &mut path);
                path.extend(choices.pick(&PARTS).bytes());
            }
            Segment::Rest => {
                path.extend(choices.pick(&PARTS).bytes());
                if choices.once_in(4) {
                    path.extend(b"/y");
                }
            }
        }
    }
    if path.is_empty() {
        path.push(b'/');
    }
    path
}

fn escape(text: &[u8], into: &mut Vec<u8>) {
    for byte in text {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            into.push(*byte);
        } else {
            let mut escaped = String::new();
            let _ = write!(escaped, "%{byte:02X}");
            into.extend(escaped.bytes());
        }
    }
}

/// Another spelling of a target, or a text that some server may take for one.
fn spell(choices: &mut Choices<'_>, target: &mut Vec<u8>) {
    const INSIDE: [&[u8]; 22] = [
        b"/", b"/.", b"/..", b"/x/..", b"/%2e%2E", b"/%2e", b"//", b"\\", b"%2f", b"%5C", b";x=1",
        b";", b"%3b", b"%00", b"%c0%ae", b"%ff", b"%252e", b"%25", b"#", b"?", b"%0a", b"%20",
    ];
    let slashes: Vec<usize> = (0..=target.len())
        .filter(|at| target.get(*at).is_none_or(|byte| *byte == b'/'))
        .collect();
    match choices.below(8) {
        0 => match target.last() {
            Some(b'/') => {
                // The plainest other spelling, and what it may leave.
                target.pop();
            }
            _ => target.push(b'/'),
        },
        1 => {
            // Escapes in the other case.
            let mut at = 0;
            while at + 2 < target.len() {
                if target[at] == b'%' {
                    for digit in &mut target[at + 1..at + 3] {
                        *digit = if digit.is_ascii_uppercase() {
                            digit.to_ascii_lowercase()
                        } else {
                            digit.to_ascii_uppercase()
                        };
                    }
                    at += 2;
                }
                at += 1;
            }
        }
        2 if !target.is_empty() => {
            let at = choices.below(target.len());
            let escaped = match choices.below(3) {
                0 => format!("%{:02x}", target[at]),
                1 => format!("%{:02X}", target[at]),
                _ => format!("%25{:02x}", target[at]),
            };
            target.splice(at..=at, escaped.bytes());
        }
        3 | 4 => {
            let at = *choices.pick(&slashes);
            target.splice(at..at, choices.pick(&INSIDE).iter().copied());
        }
        5 => {
            // The rest goes, up to a slash.
            let at = *choices.pick(&slashes);
            target.truncate(at + 1);
        }
        6 => {
            let before: [&[u8]; 4] = [b"http://authlab", b"/admin/..", b"//evil", b"/%2e"];
            target.splice(0..0, choices.pick(&before).iter().copied());
        }
        _ => choices.edit(target),
    }
}

/// Routes of random patterns.
fn entries(choices: &mut Choices<'_>) -> Vec<Entry> {
    const SEGMENTS: [&str; 12] = [
        "admin",
        "reports",
        "b%C3%BCro",
        "b%c3%bcro",
        "%61dmin",
        "{id}",
        "{*rest}",
        "{other}",
        "x{id}",
        "a%2fb",
        "%ff",
        "",
    ];
    const METHODS: [&str; 5] = ["GET", "*", "POST", "", "HEAD"];
    const NEEDS: [Option<&str>; 3] = [None, Some("items:read"), Some("items:write")];
    let mut entries = Vec::new();
    for _ in 0..=choices.below(5) {
        let mut path = String::new();
        for _ in 0..=choices.below(3) {
            path.push('/');
            let segment = *choices.pick(&SEGMENTS);
            path.push_str(segment);
            if segment.starts_with("{*") {
                break;
            }
        }
        entries.push((*choices.pick(&METHODS), path, *choices.pick(&NEEDS)));
    }
    entries
}

fn file(entries: &[Entry]) -> String {
    entries
        .iter()
        .fold(String::new(), |mut text, (method, path, scope)| {
            let _ = writeln!(text, "[[route]]\nmethod = \"{method}\"\npath = \"{path}\"");
            if let Some(scope) = scope {
                let _ = writeln!(text, "scope = \"{scope}\"");
            }
            text
        })
}

/// What no server may take for routes: two that are equal, no method, a path that is none.
fn must_be_refused(entries: &[Entry]) -> Option<&'static str> {
    let mut known: Vec<(&str, Vec<Segment>)> = Vec::new();
    for (method, path, _) in entries {
        if method.is_empty() {
            return Some("an empty method");
        }
        let inner = path.trim_end_matches('/');
        if inner.contains("//") || path.contains("%2f") {
            return Some("a path that servers read differently");
        }
        if path.contains("%ff") {
            return Some("invalid UTF-8");
        }
        let pattern = pattern(path);
        if known.contains(&(method, pattern.clone())) {
            return Some("two equal patterns");
        }
        known.push((method, pattern));
    }
    None
}

/// Fields of a proxy's `X-Forwarded-For`: mostly none.
fn addresses(choices: &mut Choices<'_>) -> Vec<Vec<u8>> {
    const LISTS: [&[u8]; 6] = [
        b"203.0.113.9",
        b"203.0.113.9, 127.0.0.1",
        b"::1",
        b"203.0.113.9:80",
        b"unknown",
        b"\xff",
    ];
    if choices.below(6) < 4 {
        return Vec::new();
    }
    (0..=choices.below(3))
        .map(|_| choices.pick(&LISTS).to_vec())
        .collect()
}

fn is_list(field: &[u8]) -> bool {
    field
        .iter()
        .all(|byte| byte.is_ascii_digit() || b".:, ".contains(byte))
}

//! DPoP proofs. The test signs them itself, so it knows what is signed by which key; the model says by RFC 9449 §4.3
//! whether header and claims are right, and that no proof counts twice.

use std::time::Duration;

use authlab_server::{BindingKind, CacheKind, CredentialKind, Design, Period};
use http_body_util::Full;

use crate::choices::Choices;
use crate::engine::{Fault, Seen, Target, fault};
use crate::json::Json;
use crate::jws::{self, Key, base64url, sha256};
use crate::stand::{NOW, Stand, get, quick, shown, with_field, with_json};

pub(crate) struct Proofs {
    servers: Vec<Server>,
    /// The bound ones, and one of somebody else.
    keys: Vec<Key>,
    number: u64,
    now: u64,
}

struct Server {
    stand: Stand,
    /// Of each key.
    tokens: Vec<String>,
    /// Revoked, of the first key.
    ended: String,
}

/// What the model says of a proof.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Model {
    Granted,
    /// Servers may differ.
    Either,
    /// With the rule that it breaks.
    Refused(&'static str),
}
use Model::{Either, Granted, Refused};

const ORIGIN: &str = "http://127.0.0.1:8080";
/// How old a proof may be, and how far ahead (the server's documentation: a minute).
const WINDOW: f64 = 60.0;

impl Target for Proofs {
    const NAME: &'static str = "proofs";

    async fn open() -> Self {
        let keys = vec![Key::ec(), Key::ed(), Key::ec()];
        let mut servers = Vec::new();
        let mut number = 0;
        for (credential, cache) in [
            (CredentialKind::Jwt, CacheKind::None),
            (CredentialKind::Jwt, CacheKind::Token),
            (CredentialKind::Opaque, CacheKind::None),
            (CredentialKind::SessionJwt, CacheKind::Token),
        ] {
            let stand = Stand::open(Design {
                credential,
                cache,
                binding: BindingKind::Dpop,
                token_ttl: Period(Duration::from_secs(365 * 24 * 3600)),
                ..quick()
            });
            let path = if credential == CredentialKind::SessionJwt {
                "/login"
            } else {
                "/token"
            };
            let mut tokens = Vec::new();
            for key in [&keys[0], &keys[1], &keys[2], &keys[0]] {
                number += 1;
                let proof = key.seal(
                    &plain(&header(key)),
                    &plain(&claims(number, NOW, "POST", path, None)),
                );
                let request = get("POST", path).header("dpop", proof);
                // Each from a device of its own: one more sign-in of a device ends its last one.
                let body = format!(
                    r#"{{"username":"john","password":"password123","device_id":"{number}"}}"#
                );
                let answer = stand.ask_or_503(with_json(request, body).unwrap()).await;
                assert_eq!(answer.status, 200, "{}", answer.text());
                tokens.push(answer.field("access_token").unwrap());
            }
            let ended = tokens.pop().unwrap();
            number += 1;
            let path = if credential == CredentialKind::SessionJwt {
                "/logout"
            } else {
                "/token/revoke"
            };
            let proof = keys[0].seal(
                &plain(&header(&keys[0])),
                &plain(&claims(number, NOW, "POST", path, Some(&ended))),
            );
            let request = get("POST", path)
                .header("dpop", proof)
                .header("authorization", format!("DPoP {ended}"));
            let answer = stand
                .ask_or_503(request.body(Full::default()).unwrap())
                .await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            servers.push(Server {
                stand,
                tokens,
                ended,
            });
        }
        Self {
            servers,
            keys,
            number,
            now: NOW,
        }
    }

    #[expect(
        clippy::too_many_lines,
        reason = "a request, its replay and what may be wrong with them"
    )]
    async fn play(&mut self, choices: &mut Choices<'_>, seen: &mut Seen) -> Result<(), Fault> {
        self.number += 1;
        self.now += 1;
        for server in &self.servers {
            // So that what is remembered of earlier inputs ends.
            server.stand.clock.advance(Duration::from_secs(1));
        }
        let server = &self.servers[choices.below(self.servers.len())];
        let is_sign_in = choices.once_in(8);
        let credential = server.stand.lab.design().credential;
        let (method, path) = match (is_sign_in, credential) {
            (true, CredentialKind::SessionJwt) => ("POST", "/login"),
            (true, _) => ("POST", "/token"),
            (false, _) => *choices.pick(&[
                ("GET", "/user"),
                ("GET", "/items/"),
                ("POST", "/admin/accounts/nobody%40example.com/roles"),
                ("GET", "/%75ser"),
            ]),
        };
        let owner = choices.below(2);
        let token = match choices.below(16) {
            15 => &server.ended,
            _ => &server.tokens[owner],
        };
        let is_live = is_sign_in || *token != server.ended;
        let signer = if choices.once_in(10) { 2 } else { owner };
        let (proof, model) = self.proof(
            choices,
            signer,
            method,
            path,
            (!is_sign_in).then_some(token),
        );
        let model = match model {
            _ if !is_live => Refused("a token that is revoked"),
            _ if signer != owner && !is_sign_in => Refused("a key that is not bound"),
            other => other,
        };
        let is_doubled = choices.once_in(24);
        let (scheme, is_dpop) = *choices.pick(&[
            ("DPoP", true),
            ("DPoP", true),
            ("DPoP", true),
            ("DPoP", true),
            ("DPoP", true),
            ("DPoP", true),
            ("dpop", true),
            ("Bearer", false),
        ]);
        let model = match model {
            _ if is_doubled => Refused("two proofs"),
            _ if !is_dpop && !is_sign_in => Refused("a bearer token"),
            other => other,
        };
        let mut first = None;
        // The second time it is a replay.
        for turn in 0..2 {
            let model = match (turn, first) {
                (0, _) => model,
                (_, Some(true)) => Refused("a proof that was used"),
                _ => break,
            };
            let request = get(method, path);
            let request = if is_sign_in {
                request
            } else {
                request.header("authorization", format!("{scheme} {token}"))
            };
            let Some(mut request) = with_field(request, "dpop", &proof) else {
                return Ok(());
            };
            if is_doubled {
                request = with_field(request, "dpop", &proof).unwrap();
            }
            let body = match method {
                // Not john, whose first sessions would have to make room.
                "POST" if is_sign_in => r#"{"username":"jane","password":"password456"}"#,
                // Of an account that there is not: granted is what finds that out.
                "POST" => r#"{"roles":["user"]}"#,
                _ => "",
            };
            let request = if body.is_empty() {
                request.body(Full::default())
            } else {
                with_json(request, body)
            };
            let answer = server.stand.ask(request.unwrap()).await?;
            let is_granted = answer.is_granted() || answer.status == 404;
            seen.note(
                &answer,
                match model {
                    Granted => "granted",
                    Either => "either",
                    Refused(rule) => rule,
                },
            );
            let what = || {
                format!(
                    "{method} {path} with the proof {} (header {}, claims {}; the clock shows {}) was answered {}, the model says {model:?}",
                    shown(&proof),
                    decoded(&proof, 0),
                    decoded(&proof, 1),
                    self.now,
                    answer.status
                )
            };
            match model {
                Refused(rule) if is_granted => {
                    return fault(format!("a grant that is refused: {rule}"), what());
                }
                Granted if !is_granted && decoded(&proof, 1).contains("nobody%40") => {
                    return fault("a refusal of an htu with equal escapes", what());
                }
                Granted if !is_granted => return fault("a refusal of a right proof", what()),
                _ => {}
            }
            first = Some(is_granted);
        }
        Ok(())
    }
}

impl Proofs {
    /// A proof, and what the model says of it where the key is the right one.
    fn proof(
        &self,
        choices: &mut Choices<'_>,
        signer: usize,
        method: &str,
        path: &str,
        token: Option<&str>,
    ) -> (Vec<u8>, Model) {
        if choices.once_in(24) {
            let claims = claims(self.number, self.now, method, path, token).write(choices);
            return (small_order(choices, &claims).into(), Refused("a small key"));
        }
        let key = &self.keys[signer];
        let mut header = header(key);
        let mut claims = claims(self.number, self.now, method, path, token);
        for _ in 0..choices.below(3) {
            header.edit(choices, &self.more_header(signer));
        }
        for _ in 0..choices.below(3) {
            claims.edit(choices, &self.more_claims(method, path));
        }
        let (header, claims) = (header.write(choices), claims.write(choices));
        let whole = key.seal(&header, &claims).into_bytes();
        let mut proof = whole.clone();
        if choices.once_in(4) {
            jws::edit(choices, &mut proof);
        }
        let model = match (Json::read(header.as_bytes()), Json::read(claims.as_bytes())) {
            _ if proof != whole => Refused("a text that nobody signed"),
            (Some(header), Some(claims)) => self.judge(key, &header, &claims, method, path, token),
            _ => Refused("no JSON"),
        };
        (proof, model)
    }

    /// RFC 9449 §4.3, in its order.
    fn judge(
        &self,
        key: &Key,
        header: &Json,
        claims: &Json,
        method: &str,
        path: &str,
        token: Option<&str>,
    ) -> Model {
        let text = |of: &Json, name: &str| Some(of.get(name)?.as_text()?.to_owned());
        let typ = text(header, "typ").unwrap_or_default().to_ascii_lowercase();
        if typ != "dpop+jwt" && typ != "application/dpop+jwt" {
            return Refused("typ");
        }
        if header.get("crit").is_some() {
            return Refused("crit");
        }
        if text(header, "alg").as_deref() != Some(key.algorithm()) {
            return Refused("alg");
        }
        // The members by which a key is named (RFC 7638 §3.2) have to be the signer's, to the letter.
        let Some(jwk) = header.get("jwk") else {
            return Refused("jwk");
        };
        if key
            .jwk()
            .members()
            .iter()
            .any(|(name, value)| jwk.get(name) != Some(value))
        {
            return Refused("jwk");
        }
        if ["d", "k"].iter().any(|name| jwk.given(name).is_some()) {
            return Refused("a private key");
        }
        if text(claims, "jti").is_none_or(|id| id.is_empty()) {
            return Refused("jti");
        }
        if text(claims, "htm").as_deref() != Some(method) {
            return Refused("htm");
        }
        let htu = text(claims, "htu").unwrap_or_default();
        if comparable(&htu) != comparable(&format!("{ORIGIN}{path}")) {
            return Refused("htu");
        }
        let Some(issued) = claims.get("iat").and_then(Json::as_number) else {
            return Refused("iat");
        };
        let age = (self.now as f64 - issued).abs();
        if age > WINDOW + 1.0 {
            return Refused("iat");
        }
        if let Some(token) = token
            && text(claims, "ath") != Some(sha256(token))
        {
            return Refused("ath");
        }
        let all_known = header.is_unique()
            && claims.is_unique()
            && header
                .members()
                .iter()
                .all(|(name, _)| matches!(&**name, "typ" | "alg" | "jwk"))
            && jwk.members().len() == key.jwk().members().len()
            && claims
                .members()
                .iter()
                .all(|(name, _)| matches!(&**name, "jti" | "htm" | "htu" | "iat" | "ath"));
        // Any other id may be one that an earlier input used.
        let is_first = text(claims, "jti") == Some(format!("proof {}", self.number));
        let is_plain =
            typ == "dpop+jwt" && age < WINDOW - 1.0 && htu == format!("{ORIGIN}{path}") && is_first;
        if all_known && is_plain {
            Granted
        } else {
            Either
        }
    }

    fn more_header(&self, signer: usize) -> Vec<(&'static str, Json)> {
        let other = &self.keys[(signer + 1) % 2];
        let with = |name: &str, value: Json| {
            let mut jwk = self.keys[signer].jwk();
            jwk.set(name, Some(value));
            jwk
        };
        vec![
            ("crit", Json::Null),
            ("crit", Json::List(Vec::new())),
            ("crit", Json::texts(&["b64"])),
            ("alg", Json::text("none")),
            ("alg", Json::text("HS256")),
            ("alg", Json::text(other.algorithm())),
            ("typ", Json::text("JWT")),
            ("typ", Json::text("DPoP+JWT")),
            ("typ", Json::text("application/dpop+jwt")),
            ("jwk", other.jwk()),
            ("jwk", with("d", Json::text("AAAA"))),
            ("jwk", with("k", Json::text("AAAA"))),
            ("jwk", with("kid", Json::text("1"))),
            ("jwk", with("alg", Json::text("none"))),
            ("jwk", with("x", Json::text(""))),
            ("jwk", with("x", Json::text(base64url([0; 33])))),
            ("kid", Json::text("1")),
            ("x5c", Json::texts(&["AAAA"])),
        ]
    }

    fn more_claims(&self, method: &str, path: &str) -> Vec<(&'static str, Json)> {
        let now = self.now as f64;
        let at = |url: String| ("htu", Json::Text(url));
        let other = if method == "GET" { "POST" } else { "GET" };
        vec![
            ("iat", Json::Number(now - 59.0)),
            ("iat", Json::Number(now - 62.0)),
            ("iat", Json::Number(now + 62.0)),
            ("iat", Json::Number(now + 0.25)),
            ("iat", Json::Number(now - 1.75)),
            ("iat", Json::text(self.now.to_string())),
            ("iat", Json::Raw("-1")),
            ("htm", Json::text(method.to_lowercase())),
            ("htm", Json::text(other)),
            ("htm", Json::text("*")),
            at(format!("{ORIGIN}/other")),
            at(format!("{ORIGIN}{path}?x=1")),
            at(format!("{ORIGIN}{path}#x")),
            at(format!("HTTP://127.0.0.1:08080{path}")),
            at(format!("http://127.0.0.1{path}")),
            at(format!("http://127.1:8080{path}")),
            at(format!("https://127.0.0.1:8080{path}")),
            at(format!("http://john@127.0.0.1:8080{path}")),
            at(format!("http://127.0.0.1:8080@evil{path}")),
            at(format!("{ORIGIN}/x/..{path}")),
            at(format!("{ORIGIN}{}", path.replace("%40", "@"))),
            at(format!("{ORIGIN}{}", path.replace("user", "%75ser"))),
            at(format!("{ORIGIN}{path}/")),
            at(format!("{ORIGIN}{path}%00")),
            at(path.to_owned()),
            ("ath", Json::text(sha256("another token"))),
            ("ath", Json::text(format!("{}=", sha256("another token")))),
            ("jti", Json::text("")),
            ("nonce", Json::text("n")),
            ("exp", Json::Number(1.0)),
        ]
    }
}

fn header(key: &Key) -> Json {
    Json::object([
        ("typ", Json::text("dpop+jwt")),
        ("alg", Json::text(key.algorithm())),
        ("jwk", key.jwk()),
    ])
}

fn claims(number: u64, now: u64, method: &str, path: &str, token: Option<&str>) -> Json {
    let mut claims = Json::object([
        ("jti", Json::text(format!("proof {number}"))),
        ("htm", Json::text(method)),
        ("htu", Json::text(format!("{ORIGIN}{path}"))),
        ("iat", Json::Number(now as f64)),
    ]);
    claims.set("ath", token.map(|token| Json::text(sha256(token))));
    claims
}

fn plain(json: &Json) -> String {
    json.write(&mut Choices::of(&[]))
}

/// A proof by a key that makes signatures of anybody verify: each point of small order, and the signature that needs
/// no secret.
fn small_order(choices: &mut Choices<'_>, claims: &str) -> String {
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut minus_one = [0xff; 32];
    (minus_one[0], minus_one[31]) = (0xec, 0x7f);
    let mut over_identity = [0xff; 32];
    (over_identity[0], over_identity[31]) = (0xee, 0x7f);
    let of_eight = [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ];
    let of_eight_too = [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ];
    let points = [
        identity,
        [0; 32],
        minus_one,
        over_identity,
        of_eight,
        of_eight_too,
    ];
    let signed = |mut point: [u8; 32], choices: &mut Choices<'_>| {
        point[31] |= if choices.once_in(4) { 0x80 } else { 0 };
        point
    };
    let point = *choices.pick(&points);
    let key = signed(point, choices);
    let point = *choices.pick(&points);
    let commitment = signed(point, choices);
    let jwk = Json::object([
        ("kty", Json::text("OKP")),
        ("crv", Json::text("Ed25519")),
        ("x", Json::text(base64url(key))),
    ]);
    let header = Json::object([
        ("typ", Json::text("dpop+jwt")),
        ("alg", Json::text("EdDSA")),
        ("jwk", jwk),
    ]);
    let signature = base64url([commitment, [0; 32]].concat());
    format!(
        "{}.{}.{signature}",
        base64url(plain(&header)),
        base64url(claims)
    )
}

/// An address so far that two which differ in it are two for every server: scheme, host, port and path without case,
/// escapes, dot segments, doubled slashes, query and fragment, and without what the URL standard passes over.
fn comparable(url: &str) -> Option<(String, Vec<u32>, Vec<u8>)> {
    let url = url
        .trim_matches(|c: char| c <= ' ')
        .replace(['\t', '\r', '\n'], "")
        .replace('\\', "/");
    let (scheme, rest) = url.split_once(':')?;
    let rest = rest.trim_start_matches('/').split(['?', '#']).next()?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next()?;
    let host = String::from_utf8(unescaped(host)).ok()?;
    let (host, port) = host.split_once(':').unwrap_or((&host, "80"));
    // An IPv4 address may be written in fewer, octal or hexadecimal numbers.
    let number = |text: &str| match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some("") => Some(0),
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None if text.len() > 1 && text.starts_with('0') => u32::from_str_radix(text, 8).ok(),
        None => text.parse().ok(),
    };
    let mut numbers = host
        .trim_end_matches('.')
        .split('.')
        .map(number)
        .collect::<Option<Vec<u32>>>()?;
    let last = numbers.pop()?;
    let places = 4 - numbers.len().min(3);
    let bytes = last.to_be_bytes();
    numbers.extend(bytes[4 - places..].iter().map(|byte| u32::from(*byte)));
    numbers.push(port.parse().ok()?);
    let mut segments: Vec<Vec<u8>> = Vec::new();
    for segment in path.split('/') {
        match &*unescaped(segment) {
            b"" | b"." => {}
            b".." => {
                segments.pop();
            }
            other => segments.push(other.to_vec()),
        }
    }
    Some((scheme.to_ascii_lowercase(), numbers, segments.join(&b'/')))
}

/// Without escapes that are whole.
pub(crate) fn unescaped(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let (mut plain, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let digit = |at: usize| Some((*bytes.get(at)? as char).to_digit(16)? as u8);
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                plain.push(high << 4 | low);
                at += 3;
            }
            (other, ..) => {
                plain.push(other);
                at += 1;
            }
        }
    }
    plain
}

fn decoded(proof: &[u8], part: usize) -> String {
    use base64::Engine as _;
    let part = proof
        .split(|byte| *byte == b'.')
        .nth(part)
        .unwrap_or_default();
    let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part);
    text.map_or_else(|_| "?".to_owned(), |text| text.escape_ascii().to_string())
}

//! Credentials that were issued, and changed. The model grants the bytes that were issued and still count, and, where
//! the test holds the secret, a JWT that says what RFC 7519 and RFC 9068 ask for.

use std::time::Duration;

use authlab_server::{BindingKind, CacheKind, CredentialKind, Design, JwtAlgorithm, SecretFrom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use tempfile::NamedTempFile;

use crate::choices::Choices;
use crate::engine::{Fault, Seen, Target, fault};
use crate::json::Json;
use crate::jws::{self, Key};
use crate::stand::{NOW, Stand, base64, get, quick, shown, with_field};

pub(crate) struct Tokens {
    servers: Vec<Server>,
    _secret: NamedTempFile,
}

struct Server {
    stand: Stand,
    /// Each with its user.
    live: Vec<(String, &'static str)>,
    /// Revoked, expired, of another server of the same design.
    dead: Vec<String>,
    /// What signs its tokens, where the test knows it.
    key: Option<Key>,
    /// What a forger may take for the key: what everybody can read.
    public: Vec<Vec<u8>>,
}

const SECRET: &str = "a secret of the fuzz target that has more than 256 bits";
const ISSUER: &str = "http://127.0.0.1:8080";
/// The clock is moved past what expires before the first input.
const LATER: u64 = 7200;

fn designs(secret: &NamedTempFile) -> Vec<Design> {
    let signed = |jwt| Design { jwt, ..quick() };
    let of = |credential| Design {
        credential,
        ..quick()
    };
    let with_secret = |credential| Design {
        secret_file: SecretFrom::File(secret.path().to_owned()),
        ..of(credential)
    };
    let mut designs = Vec::new();
    for cache in [CacheKind::None, CacheKind::Token, CacheKind::Decision] {
        let all = [
            with_secret(CredentialKind::Jwt),
            with_secret(CredentialKind::SessionJwt),
            signed(JwtAlgorithm::ES256),
            signed(JwtAlgorithm::EdDSA),
            of(CredentialKind::Opaque),
            of(CredentialKind::ApiKey),
            of(CredentialKind::Basic),
        ];
        designs.extend(all.into_iter().map(|design| Design { cache, ..design }));
    }
    designs.push(signed(JwtAlgorithm::RS256));
    designs.push(signed(JwtAlgorithm::MlDsa44));
    designs.push(Design {
        negative_capacity: 1000,
        ..with_secret(CredentialKind::Jwt)
    });
    designs.push(Design {
        binding: BindingKind::Sha256,
        ..with_secret(CredentialKind::Jwt)
    });
    designs
}

impl Target for Tokens {
    const NAME: &'static str = "tokens";

    async fn open() -> Self {
        let secret = NamedTempFile::new().unwrap();
        std::fs::write(secret.path(), SECRET).unwrap();
        let mut servers = Vec::new();
        for design in designs(&secret) {
            servers.push(Server::open(design).await);
        }
        Self {
            servers,
            _secret: secret,
        }
    }

    async fn play(&mut self, choices: &mut Choices<'_>, seen: &mut Seen) -> Result<(), Fault> {
        let at = choices.below(self.servers.len());
        let server = &self.servers[at];
        let kind = server.stand.lab.design().credential;
        let (text, forged) = server.text(choices);
        let user = forged.clone().or_else(|| {
            let issued = server
                .live
                .iter()
                .find(|(issued, _)| issued.as_bytes() == text);
            issued.map(|(_, user)| (*user).to_owned())
        });
        let Some((request, is_shown)) = request(choices, kind, &text) else {
            return Ok(());
        };
        let is_introspection = request.uri().path() == "/oauth/introspect";
        let answer = server.stand.ask(request).await?;
        let what = |model: &str| {
            format!(
                "{kind} #{at} {} was answered {} {}, the model says: {model}",
                shown(&text),
                answer.status,
                answer.text()
            )
        };
        if is_introspection {
            let says =
                serde_json::from_slice::<serde_json::Value>(&answer.body).unwrap_or_default();
            let active = says["active"] == true;
            seen.note(&answer, if active { "active" } else { "inactive" });
            if active && user.is_none() {
                return fault("an introspection that says active", what("inactive"));
            }
            return Ok(());
        }
        let model = match (&user, is_shown) {
            (Some(_), true) => "granted",
            (Some(_), false) => "shown wrongly",
            (None, _) => "no credential",
        };
        seen.note(&answer, model);
        match &user {
            Some(user) if is_shown => {
                if answer.is_granted() && answer.field("username").as_ref() != Some(user) {
                    return fault("a grant to another", what(user));
                }
                if !answer.is_granted() && forged.is_none() {
                    return fault("a refusal of what was issued", what(model));
                }
            }
            _ if answer.is_granted() => {
                let kind = if forged.is_some() || is_shown {
                    "a grant that is refused"
                } else {
                    "a grant of what is shown wrongly"
                };
                return fault(kind, what(model));
            }
            _ if !matches!(answer.status, 400 | 401 | 403) => {
                return fault("another refusal", what(model));
            }
            _ => {}
        }
        Ok(())
    }
}

impl Server {
    async fn open(design: Design) -> Self {
        let kind = design.credential;
        let key =
            matches!(design.secret_file, SecretFrom::File(_)).then(|| Key::Hmac(SECRET.into()));
        let mut dead = Vec::new();
        let other = Stand::open(Design {
            secret_file: SecretFrom::Random,
            ..design.clone()
        });
        let stand = Stand::open(design);
        for (name, password) in [("john", "password123"), ("jane", "password456")] {
            if kind != CredentialKind::Basic {
                dead.push(other.sign_in(name, password).await);
                // Expires before the first input.
                dead.push(stand.sign_in(name, password).await);
            }
        }
        for stand in [&stand, &other] {
            stand.clock.advance(Duration::from_secs(LATER));
        }
        let mut live = Vec::new();
        for (name, password) in [("john", "password123"), ("jane", "password456")] {
            if kind == CredentialKind::Basic {
                live.push((base64(format!("{name}:{password}")), name));
                for wrong in ["", "password", "\u{200b}password123", "PASSWORD123"] {
                    dead.push(base64(format!("{name}:{wrong}")));
                    dead.push(base64(format!("\u{200b}{name}:{password}")));
                }
                continue;
            }
            let revoked = stand.sign_in(name, password).await;
            let path = if kind == CredentialKind::SessionJwt {
                "/logout"
            } else {
                "/token/revoke"
            };
            let (request, _) = show(kind, get("POST", path), revoked.as_bytes()).unwrap();
            let answer = stand
                .ask_or_503(request.body(Full::default()).unwrap())
                .await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            dead.push(revoked);
            live.push((stand.sign_in(name, password).await, name));
        }
        let jwks = get("GET", "/.well-known/jwks.json")
            .body(Full::default())
            .unwrap();
        let jwks = stand.ask_or_503(jwks).await.body.to_vec();
        let public = vec![Vec::new(), vec![0], jwks, ISSUER.into(), b"secret".to_vec()];
        Self {
            stand,
            live,
            dead,
            key,
            public,
        }
    }

    /// A credential, and whose it is by the model where that is not told by its bytes.
    fn text(&self, choices: &mut Choices<'_>) -> (Vec<u8>, Option<String>) {
        let (mut text, user) = match choices.below(6) {
            4 => (choices.pick(&self.dead).clone().into_bytes(), None),
            5 => self.forged(choices),
            _ => (choices.pick(&self.live).0.clone().into_bytes(), None),
        };
        let before = text.clone();
        for _ in 0..choices.below(4) {
            jws::edit(choices, &mut text);
        }
        if choices.once_in(12) {
            // The parts of one with those of another.
            let other = choices.pick(&self.live).0.as_bytes();
            let cut = text
                .iter()
                .position(|byte| *byte == b'.')
                .unwrap_or(text.len() / 2);
            let end = other
                .iter()
                .rposition(|byte| *byte == b'.')
                .unwrap_or(other.len() / 2);
            text.truncate(cut.max(text.len().saturating_sub(44)));
            text.extend(&other[end..]);
        }
        let user = user.filter(|_| text == before);
        (text, user)
    }

    /// A JWT of an issued one's header and claims, both changed, signed by some key.
    fn forged(&self, choices: &mut Choices<'_>) -> (Vec<u8>, Option<String>) {
        let (dead, live) = (
            choices.pick(&self.dead).as_str(),
            choices.pick(&self.live).0.as_str(),
        );
        let from = if choices.once_in(4) { dead } else { live };
        let part = |at| {
            let part = from.split('.').nth(at)?;
            Json::read(&URL_SAFE_NO_PAD.decode(part).ok()?)
        };
        let (Some(mut header), Some(mut claims)) = (part(0), part(1)) else {
            return (from.as_bytes().to_vec(), None);
        };
        for _ in 0..choices.below(3) {
            header.edit(choices, &more_header());
        }
        for _ in 0..choices.below(4) {
            claims.edit(choices, &more_claims());
        }
        let (header, claims) = (header.write(choices), claims.write(choices));
        let with_own_key = self.key.as_ref().filter(|_| choices.below(4) < 3);
        let Some(key) = with_own_key else {
            if choices.once_in(4) {
                return (
                    format!("{}.{}.", jws::base64url(&header), jws::base64url(&claims)).into(),
                    None,
                );
            }
            let public = Key::Hmac(choices.pick(&self.public).clone());
            return (public.seal(&header, &claims).into(), None);
        };
        let read = |text: &str| Json::read(text.as_bytes());
        let user = match (read(&header), read(&claims)) {
            (Some(header), Some(claims)) => self.user_of(&header, &claims),
            _ => None,
        };
        (key.seal(&header, &claims).into(), user)
    }

    /// Whose a JWT is that is signed by the right key; `None` where it must be refused.
    fn user_of(&self, header: &Json, claims: &Json) -> Option<String> {
        let is_session = self.stand.lab.design().credential == CredentialKind::SessionJwt;
        let typ = header.get("typ")?.as_text()?.to_ascii_lowercase();
        let bare = typ.strip_prefix("application/").unwrap_or(&typ);
        let wanted = if is_session { "session+jwt" } else { "at+jwt" };
        let now = (NOW + LATER) as f64;
        let is_right = header.get("alg")?.as_text()? == "HS256"
            && bare == wanted
            && header.get("crit").is_none()
            && claims.get("iss")?.as_text()? == ISSUER
            && claims.get("aud")?.names(ISSUER)
            && claims.get("exp")?.as_number()? > now
            && claims
                .given("nbf")
                .is_none_or(|from| from.as_number().is_some_and(|from| from <= now));
        if !is_right {
            return None;
        }
        let user = claims.get("sub")?.as_text()?.to_owned();
        let id = claims
            .get(if is_session { "sid" } else { "jti" })?
            .as_text()?;
        let of = |text: &str| {
            let part = URL_SAFE_NO_PAD.decode(text.split('.').nth(1)?).ok()?;
            let claims = Json::read(&part)?;
            let of = claims
                .get(if is_session { "sid" } else { "jti" })?
                .as_text()?
                .to_owned();
            Some((of, claims.get("sub")?.as_text()?.to_owned()))
        };
        if is_session {
            let live = self.live.iter().filter_map(|(text, _)| of(text));
            return live
                .into_iter()
                .any(|(sid, sub)| sid == id && sub == user)
                .then_some(user);
        }
        // A server that binds to no sender takes what is bound to one, and nothing that is bound to a key.
        let binds = self.stand.lab.design().binding != BindingKind::None;
        let bound = claims.given("cnf").is_none() && (claims.given("bnd").is_some() || !binds);
        let ended = self
            .dead
            .iter()
            .filter_map(|text| of(text))
            .any(|(jti, _)| jti.eq_ignore_ascii_case(id));
        (!ended && bound).then_some(user)
    }
}

fn more_header() -> Vec<(&'static str, Json)> {
    let own = Key::Hmac(b"own".to_vec()).jwk();
    vec![
        ("crit", Json::Null),
        ("crit", Json::List(Vec::new())),
        ("crit", Json::texts(&["exp"])),
        ("alg", Json::text("none")),
        ("alg", Json::text("hs256")),
        ("alg", Json::text("HS512")),
        ("alg", Json::text("RS256")),
        ("typ", Json::text("JWT")),
        ("typ", Json::text("application/at+jwt")),
        ("typ", Json::text("AT+JWT")),
        ("typ", Json::text("session+jwt")),
        ("kid", Json::text("../../dev/null")),
        ("jku", Json::text("http://127.0.0.1:1/")),
        ("jwk", own),
        ("b64", Json::Bool(false)),
        ("zip", Json::text("DEF")),
        ("cty", Json::text("JWT")),
    ]
}

fn more_claims() -> Vec<(&'static str, Json)> {
    let now = (NOW + LATER) as f64;
    vec![
        ("exp", Json::Number(now)),
        ("exp", Json::Number(now - 1.0)),
        ("exp", Json::Number(now + 0.5)),
        ("exp", Json::Raw("1e999")),
        ("exp", Json::text((NOW + 2 * LATER).to_string())),
        ("nbf", Json::Number(now + 1.0)),
        ("nbf", Json::Number(now - 0.5)),
        ("iat", Json::Number(now + 1e6)),
        ("aud", Json::texts(&["other", ISSUER])),
        ("aud", Json::texts(&["other"])),
        ("iss", Json::text(format!("{ISSUER}/"))),
        ("iss", Json::texts(&[ISSUER])),
        ("sub", Json::text("jane")),
        ("sub", Json::text("client:demo-client")),
        ("roles", Json::texts(&["admin"])),
        ("scope", Json::text("items:read items:write")),
        ("cnf", Json::Object(Vec::new())),
        ("bnd", Json::Object(Vec::new())),
        ("gen", Json::Number(1.0)),
        ("sid", Json::text("00000000000000000000000000000000")),
    ]
}

type Asked = Request<Full<Bytes>>;

/// A request with this credential, and whether it is shown as it has to be; `None` where no header can hold it.
fn request(choices: &mut Choices<'_>, kind: CredentialKind, text: &[u8]) -> Option<(Asked, bool)> {
    let is_asked_about = matches!(
        kind,
        CredentialKind::Jwt | CredentialKind::Opaque | CredentialKind::ApiKey
    );
    if is_asked_about && choices.once_in(8) {
        let token: String = url::form_urlencoded::byte_serialize(text).collect();
        let request = get("POST", "/oauth/introspect")
            .header(
                "authorization",
                format!("Basic {}", base64("demo-client:demo-secret")),
            )
            .header("content-type", "application/x-www-form-urlencoded");
        let body = Full::new(format!("token={token}").into());
        return Some((request.body(body).unwrap(), true));
    }
    let path = "/user";
    // The network's parser takes spaces around a value away (RFC 9110 §5.5).
    let is_space = |byte: Option<&u8>| byte.is_some_and(|byte| matches!(byte, b' ' | b'\t'));
    if is_space(text.first()) || is_space(text.last()) {
        return None;
    }
    let way = choices.below(16);
    let (request, is_shown) = match way {
        8 => {
            let query = std::str::from_utf8(text).ok()?;
            (
                get(
                    "GET",
                    &format!(
                        "{path}?access_token={}",
                        url::form_urlencoded::byte_serialize(query.as_bytes()).collect::<String>()
                    ),
                ),
                false,
            )
        }
        9 => (
            with_field(get("GET", path), "cookie", &[b"session_id=", text].concat())?,
            false,
        ),
        10 => (with_field(get("GET", path), "authorization", text)?, false),
        11 if kind != CredentialKind::ApiKey => {
            (with_field(get("GET", path), "x-api-key", text)?, false)
        }
        12 => {
            let (request, _) = show(kind, get("GET", path), text)?;
            (show(kind, request, text)?.0, false)
        }
        13 if kind != CredentialKind::ApiKey => {
            const SCHEMES: [&[u8]; 6] = [
                b"Token ",
                b"DPoP ",
                b"Bearer\t",
                b"Bearer:",
                b"",
                b"Negotiate ",
            ];
            let scheme = *choices.pick(&SCHEMES);
            (
                with_field(get("GET", path), "authorization", &[scheme, text].concat())?,
                false,
            )
        }
        14 if kind != CredentialKind::ApiKey => {
            // A scheme has no case, and more than one space may follow it (RFC 9110 §11.4).
            let scheme: &[u8] = match kind {
                CredentialKind::Basic => b"bAsIc  ",
                _ => b"bEaReR  ",
            };
            (
                with_field(get("GET", path), "authorization", &[scheme, text].concat())?,
                true,
            )
        }
        _ => show(kind, get("GET", path), text)?,
    };
    Some((request.body(Full::default()).unwrap(), is_shown))
}

/// The header of this credential.
fn show(
    kind: CredentialKind,
    request: hyper::http::request::Builder,
    text: &[u8],
) -> Option<(hyper::http::request::Builder, bool)> {
    let (name, scheme): (_, &[u8]) = match kind {
        CredentialKind::ApiKey => ("x-api-key", b""),
        CredentialKind::Basic => ("authorization", b"Basic "),
        _ => ("authorization", b"Bearer "),
    };
    Some((with_field(request, name, &[scheme, text].concat())?, true))
}

//! Where a credential is verified: here, or at a central authorization server that is asked over HTTP about each token that is
//! not remembered (RFC 7662), as in the article.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use url::form_urlencoded::{Serializer, byte_serialize};
use url::{Host, Url};

use crate::axis::axis;
use crate::bound::{Bound, Confirmation};
use crate::cause::{self, Source};
use crate::clients::{CLIENT, DEMO};
use crate::credential::id_of_text;
use crate::denied::Denied;
use crate::files;
use crate::grant::{Generation, Mark, TokenId, Verified};
use crate::members::{NumericDate, object, read_object};
use crate::policy::{Roles, Scopes};
use crate::request::Sender;
use crate::shares::{Origin, Shares};
use crate::subjects::Subjects;

axis! {
    /// Where a credential is verified.
    pub enum VerifyKind opens Verification: "verify" {
        /// here
        Local = "local",
        /// at a central authorization server, by token introspection (RFC 7662)
        Introspect(Box<Introspection>) = "introspect",
    }
}

/// Where the central server is. Shown without the query of its address.
#[derive(Clone, PartialEq, Eq)]
pub enum IntrospectUrl {
    /// Nowhere.
    Nowhere,
    /// Its introspection endpoint; of an address without a path, `/oauth/introspect` there.
    Url(Box<Url>),
}

/// As whom it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntrospectClient {
    /// `demo-client`, which another authlab has beside its demo accounts.
    Demo,
    /// Who a file says: `ID:SECRET`.
    File(PathBuf),
}

/// Why the central server cannot be asked, in one line.
#[derive(Debug, thiserror::Error)]
pub enum IntrospectError {
    /// The file of the client is wrong.
    #[error("introspect-client {path}: {problem}")]
    Client {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// No client for HTTP could be made.
    #[error("introspection cannot be made ready: {0}")]
    Http(#[from] reqwest::Error),
}

/// How many tokens are asked about at once; who comes beyond is told to come back.
const MOST_AT_ONCE: usize = 1024;

/// The largest answer that is read.
const MOST_ANSWER_BYTES: usize = 64 * 1024;

/// The longest name of a subject: names are kept for as long as the server runs.
const MOST_NAME_BYTES: usize = 1024;

/// How long a connection that nobody needs is kept.
const IDLE: Duration = Duration::from_secs(60);

/// A central server, and how it is asked.
pub(crate) struct Introspection {
    http: Client,
    /// Keeps no connections, so that each request has a new one.
    anew: Client,
    within: Duration,
    introspect: Url,
    /// Where tokens are ended there, if it is known.
    revoke: Option<Url>,
    /// Whether it is another authlab: of those an address without a path is enough.
    is_ours: bool,
    authorization: HeaderValue,
    /// For whom a token has to be, where that was said.
    audience: Option<Box<str>>,
    at_once: Arc<Shares>,
}

/// Whether a token is active. Of one that is not, nothing else is judged.
#[derive(Deserialize)]
struct Standing {
    active: bool,
}

/// What it answers of an active token (RFC 7662 §2.2). Every member is optional, and `null` counts as absent. Members that
/// are not used here may be of any type.
#[derive(Deserialize)]
struct Answer {
    #[serde(default, deserialize_with = "scopes")]
    scope: Scopes,
    #[serde(default)]
    sub: Told<String>,
    #[serde(default)]
    username: Told<String>,
    #[serde(default)]
    client_id: Told<String>,
    #[serde(default)]
    exp: Told<NumericDate>,
    #[serde(default)]
    nbf: Told<NumericDate>,
    #[serde(default, deserialize_with = "audience")]
    aud: Vec<String>,
    #[serde(default, deserialize_with = "confirmation")]
    cnf: Confirmed,
    /// What follows only another authlab tells, and of another server it does not count: what is called a role there is none
    /// here.
    #[serde(default, deserialize_with = "own")]
    roles: Roles,
    #[serde(default, deserialize_with = "own")]
    narrowed_from: Option<Roles>,
    #[serde(default, deserialize_with = "own")]
    sid: Option<String>,
    #[serde(default, deserialize_with = "own")]
    jti: Option<String>,
    #[serde(default, deserialize_with = "own", rename = "gen")]
    generation: Generation,
}

/// A member that is judged when it is used.
#[derive(Default)]
enum Told<T> {
    #[default]
    Nothing,
    This(T),
    /// A value of another type.
    Other,
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Told<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let typed = Value::deserialize(deserializer)?;
        if typed.is_null() {
            return Ok(Self::Nothing);
        }
        Ok(serde_json::from_value(typed).map_or(Self::Other, Self::This))
    }
}

impl<T> Told<T> {
    /// The value, if there is one.
    fn used(self, name: &'static str) -> Result<Option<T>, Misfit> {
        match self {
            Self::Nothing => Ok(None),
            Self::This(value) => Ok(Some(value)),
            Self::Other => Err(Misfit(name)),
        }
    }
}

/// A member of an answer that is needed and is of another type. The value is not shown.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the member {0} of an answer has another type than RFC 7662 says")]
struct Misfit(&'static str);

/// What a token is bound to, as another server tells.
#[derive(Clone, Copy, Default)]
enum Confirmed {
    #[default]
    Nothing,
    Key(Confirmation),
    /// Something that cannot be checked here.
    Unknown,
}

/// A member as we write it; whatever else goes by that name says nothing.
fn own<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    let typed = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(typed).unwrap_or_default())
}

/// A list in one text, as the standard has it, or an array, as some servers write it. Scopes that are not known here grant
/// nothing, nor does anything else.
fn scopes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Scopes, D::Error> {
    let typed = Value::deserialize(deserializer)?;
    let known = |text: &str| Scopes::known(text).iter().collect::<Vec<_>>();
    Ok(match &typed {
        Value::String(text) => Scopes::known(text),
        Value::Array(names) => {
            let names = names.iter().filter_map(Value::as_str);
            names.flat_map(known).collect()
        }
        _ => Scopes::default(),
    })
}

/// One name or several (RFC 7519 §4.1.3).
fn audience<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let typed = Value::deserialize(deserializer)?;
    let names = match typed {
        Value::String(name) => vec![Value::String(name)],
        Value::Array(names) => names,
        _ => Vec::new(),
    };
    let names = names.into_iter().filter_map(|name| match name {
        Value::String(name) => Some(name),
        _ => None,
    });
    Ok(names.collect())
}

fn confirmation<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Confirmed, D::Error> {
    let typed = Value::deserialize(deserializer)?;
    if typed.is_null() {
        return Ok(Confirmed::Nothing);
    }
    Ok(object(typed).map_or(Confirmed::Unknown, Confirmed::Key))
}

impl IntrospectUrl {
    /// Whether it is another authlab: of those an address without a path is enough.
    pub(crate) fn is_ours(&self) -> bool {
        match self {
            Self::Nowhere => false,
            Self::Url(url) => url.path() == "/",
        }
    }

    /// Whether what is sent there can be read on the way.
    pub(crate) fn is_in_the_clear(&self) -> bool {
        match self {
            Self::Nowhere => false,
            Self::Url(url) => url.scheme() == "http" && !is_loopback(url),
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

impl Introspection {
    /// The central server at this address, asked as this client and for an answer within this time; tokens have to be for
    /// `audience`, where one is given.
    pub(crate) fn open(
        url: &Url,
        client: &IntrospectClient,
        within: Duration,
        audience: Option<&str>,
    ) -> Result<Self, IntrospectError> {
        let whole = url.path() != "/";
        let at = |path: &str| {
            let mut url = url.clone();
            url.set_path(path);
            url
        };
        let authorization = authorization(client)?;
        let client = |kept: usize| {
            Client::builder()
                .timeout(within)
                .redirect(reqwest::redirect::Policy::none())
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(kept)
                .tcp_nodelay(true)
                .no_proxy()
                .build()
        };
        Ok(Self {
            http: client(MOST_AT_ONCE)?,
            anew: client(0)?,
            within,
            introspect: if whole {
                url.clone()
            } else {
                at("/oauth/introspect")
            },
            revoke: (!whole).then(|| at("/oauth/revoke")),
            is_ours: !whole,
            authorization,
            audience: audience.map(Box::from),
            at_once: Shares::of(MOST_AT_ONCE),
        })
    }

    /// What the central server says of a token, which this sender shows where it is to judge that. It judges whom the token is bound to, as it was told
    /// who shows it (RFC 7662 §2.1 leaves room for that); a key's proof is ours to check.
    pub(crate) async fn ask(
        &self,
        token: &str,
        sender: Option<&Sender<'_>>,
        subjects: &Subjects,
    ) -> Result<Verified, Denied> {
        let form = question(token, sender);
        let by = sender.map_or(Origin::UNKNOWN, |sender| Origin::of(sender.ip));
        let answer = self.post(&self.introspect, form, by).await?;
        let unreadable = || self.failed(&"an answer is not one to an introspection");
        let standing: Standing = read_object(&answer).ok_or_else(unreadable)?;
        if !standing.active {
            return Err(Denied::Unknown);
        }
        let mut answer: Answer = read_object(&answer).ok_or_else(unreadable)?;
        if let Some(audience) = &self.audience
            && !answer.aud.iter().any(|name| **name == **audience)
        {
            return Err(Denied::Malformed);
        }
        let bound = match answer.cnf {
            Confirmed::Nothing => Bound::Nobody,
            Confirmed::Key(key) => Bound::of_claims(None, Some(key)).ok_or(Denied::WrongSender)?,
            // A binding that cannot be checked must not be passed over.
            Confirmed::Unknown => return Err(Denied::WrongSender),
        };
        // A token that is nobody's must not become somebody's.
        // A member that is needed and cannot be read is a fault of the server, not of the client's token.
        let misfit = |misfit: Misfit| self.failed(&misfit);
        let name = answer.name().map_err(misfit)?.ok_or(Denied::Malformed)?;
        let not_before = std::mem::take(&mut answer.nbf)
            .used("nbf")
            .map_err(misfit)?;
        let expires_at = std::mem::take(&mut answer.exp)
            .used("exp")
            .map_err(misfit)?;
        let id = answer.id().filter(|_| self.is_ours);
        let narrowed_from = answer.narrowed_from.filter(|_| self.is_ours);
        let roles = if self.is_ours {
            narrowed_from.unwrap_or(answer.roles)
        } else {
            Roles::default()
        };
        Ok(Verified {
            mark: Mark {
                number: 0,
                id: id.unwrap_or_else(|| id_of_text(token)),
                subject: subjects.intern(&name),
                generation: if self.is_ours { answer.generation } else { 0 },
            },
            roles,
            scopes: answer.scope,
            narrowed: narrowed_from.is_some(),
            not_before: not_before.map_or(0, NumericDate::rounded_up),
            expires_at: expires_at.map_or(u64::MAX, NumericDate::rounded_down),
            bound,
        })
    }

    /// Ends a token there.
    pub(crate) async fn revoke(&self, token: &str) -> Result<(), Denied> {
        let revoke = self.revoke.as_ref().ok_or(Denied::UnsupportedGrant)?;
        let form = Serializer::new(String::new())
            .append_pair("token", token)
            .finish();
        self.post(revoke, form, Origin::UNKNOWN).await.map(|_| ())
    }

    /// The body of the answer, if it is one: whatever else happens, nothing is granted.
    async fn post(&self, url: &Url, form: String, by: Origin) -> Result<Vec<u8>, Denied> {
        let _place = self.at_once.enter(by).ok_or(Denied::Busy)?;
        let answer = self
            .send(url, form)
            .await
            .map_err(|error| self.failed(&root(&error)))?;
        match answer.status() {
            StatusCode::OK => body(answer)
                .await
                .ok_or_else(|| self.failed(&"an answer is too long or was cut short")),
            StatusCode::TOO_MANY_REQUESTS => Err(Denied::Busy),
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Err(self.failed(
                &format!("{status}: it refuses the client of --introspect-client"),
            )),
            status => Err(self.failed(&status)),
        }
    }

    /// Sends a request, and once more on a new connection where the first one was lost without an answer: a server may
    /// close a kept connection at the moment at which it is used again, and cannot tell that from an idle one (RFC 9112
    /// §9.5). To ask twice, or to revoke twice, changes nothing (RFC 9110 §9.2.2). Both share the time of one.
    async fn send(&self, url: &Url, form: String) -> Result<Response, reqwest::Error> {
        let started = Instant::now();
        let request = self
            .http
            .post(url.clone())
            .header(AUTHORIZATION, self.authorization.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form)
            .build()?;
        let again = request.try_clone();
        match (self.http.execute(request).await, again) {
            (Err(error), Some(mut again)) if !error.is_timeout() && !error.is_connect() => {
                *again.timeout_mut() = Some(self.within.saturating_sub(started.elapsed()));
                self.anew.execute(again).await
            }
            (answer, _) => answer,
        }
    }

    /// The refusal of what the central server failed to answer. Of its address only host and port are printed: the rest may
    /// hold a secret.
    fn failed(&self, problem: &dyn fmt::Display) -> Denied {
        let host = self.introspect.host_str().unwrap_or_default();
        let port = self.introspect.port_or_known_default().unwrap_or_default();
        cause::unavailable(Source::Introspection, &format!("{host}:{port}: {problem}"))
    }
}

/// What lies behind an error of the HTTP client, without the address that it was for.
fn root(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer within --introspect-timeout".to_owned();
    }
    let mut source = std::error::Error::source(error);
    let mut text = "no answer".to_owned();
    while let Some(error) = source {
        text = error.to_string();
        source = error.source();
    }
    text
}

impl Answer {
    /// Whose the token is: the first of three members that says so. Those behind it are not judged.
    fn name(&mut self) -> Result<Option<String>, Misfit> {
        let told = |member: &mut Told<String>, name| {
            let text = std::mem::take(member).used(name)?;
            Ok(text.filter(|text| !text.is_empty()))
        };
        let name = if let Some(subject) = told(&mut self.sub, "sub")? {
            Some(subject)
        } else if let Some(username) = told(&mut self.username, "username")? {
            Some(username)
        } else {
            told(&mut self.client_id, "client_id")?.map(|id| format!("{CLIENT}{id}"))
        };
        Ok(name.filter(|name| name.len() <= MOST_NAME_BYTES))
    }

    /// What another authlab revokes: the session or the token, by its id.
    fn id(&self) -> Option<TokenId> {
        let text = self.sid.as_ref().or(self.jti.as_ref())?;
        let ours = text.len() == 32 && text.bytes().all(|c| c.is_ascii_hexdigit());
        let number = u128::from_str_radix(text, 16).ok()?;
        ours.then(|| TokenId::of(number))
    }
}

/// A token, and who shows it.
fn question(token: &str, sender: Option<&Sender<'_>>) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("token", token)
        .append_pair("token_type_hint", "access_token");
    if let Some(sender) = sender {
        // A header's bytes need not be UTF-8, as a form's have to.
        let user_agent = URL_SAFE_NO_PAD.encode(sender.user_agent);
        form.append_pair("sender_ip", &sender.canonical_ip().to_string())
            .append_pair("sender_user_agent", &user_agent);
    }
    form.finish()
}

async fn body(mut answer: Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.ok()? {
        if body.len() + chunk.len() > MOST_ANSWER_BYTES {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body)
}

/// Id and secret, each form-encoded inside the header (RFC 6749 §2.3.1).
fn authorization(client: &IntrospectClient) -> Result<HeaderValue, IntrospectError> {
    let (id, secret, path) = match client {
        IntrospectClient::Demo => (DEMO.0.to_owned(), DEMO.1.to_owned(), PathBuf::new()),
        IntrospectClient::File(path) => {
            let refuse = |problem: String| IntrospectError::Client {
                path: path.clone(),
                problem,
            };
            let text = files::read_text(path).map_err(|error| refuse(error.to_string()))?;
            let pair = text.trim_end_matches(['\n', '\r']).split_once(':');
            let pair = pair.filter(|(id, secret)| !id.is_empty() && !secret.is_empty());
            let (id, secret) = pair.ok_or_else(|| refuse("expected ID:SECRET".to_owned()))?;
            (id.to_owned(), secret.to_owned(), path.clone())
        }
    };
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = STANDARD.encode(format!("{}:{}", encoded(&id), encoded(&secret)));
    let mut value =
        HeaderValue::try_from(format!("Basic {pair}")).map_err(|_| IntrospectError::Client {
            path,
            problem: "is too long for a header".to_owned(),
        })?;
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Debug for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspection")
            .field("introspect", &without_query(&self.introspect))
            .finish_non_exhaustive()
    }
}

/// A text that is no address of a central server. The message does not repeat it: an address may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not the address of an authorization server; accepted: http:// or https://, a host, maybe a port, maybe the path of its introspection endpoint, no name or password"
)]
pub struct NotIntrospectUrl;

impl FromStr for IntrospectUrl {
    type Err = NotIntrospectUrl;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(typed).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.fragment().is_none()
        });
        url.map(|url| Self::Url(Box::new(url)))
            .ok_or(NotIntrospectUrl)
    }
}

impl fmt::Display for IntrospectUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => f.write_str("nowhere"),
            Self::Url(url) => f.write_str(&without_query(url)),
        }
    }
}

impl fmt::Debug for IntrospectUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// An address as logs show it: the query may hold a key, as in `?api_key=…`.
fn without_query(url: &Url) -> String {
    let text = url.as_str();
    match text.split_once('?') {
        Some((address, _)) => format!("{address}?…"),
        None => text.trim_end_matches('/').to_owned(),
    }
}

impl<'de> Deserialize<'de> for IntrospectUrl {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let typed = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        typed.parse().map_err(serde::de::Error::custom)
    }
}

impl FromStr for IntrospectClient {
    type Err = std::convert::Infallible;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        Ok(Self::File(path.into()))
    }
}

impl<'de> Deserialize<'de> for IntrospectClient {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        PathBuf::deserialize(deserializer).map(Self::File)
    }
}

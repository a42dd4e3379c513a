//! Where a credential is verified: here, or at a central authorization server that is asked over HTTP about each token that is
//! not remembered (RFC 7662), as in the article.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;
use tokio::sync::Semaphore;
use url::form_urlencoded::{Serializer, byte_serialize};
use url::{Host, Url};

use crate::axis::axis;
use crate::binding::{Bound, Confirmation};
use crate::clients::{CLIENT, DEMO};
use crate::credential::id_of_text;
use crate::denied::Denied;
use crate::policy::{Roles, Scopes};
use crate::request::{Generation, Mark, Sender, TokenId, Verified};
use crate::setup::Design;
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

/// Where the central server is.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// How long a connection that nobody needs is kept.
const IDLE: Duration = Duration::from_secs(60);

/// A central server, and how it is asked.
pub(crate) struct Introspection {
    http: Client,
    introspect: Url,
    /// Where tokens are ended there, if it is known.
    revoke: Option<Url>,
    /// Whether it is another authlab: of those an address without a path is enough.
    is_ours: bool,
    authorization: HeaderValue,
    /// For whom a token has to be, where that was said.
    audience: Option<Box<str>>,
    at_once: Semaphore,
}

/// What it answers (RFC 7662 §2.2); what we do not know is passed over.
#[derive(Deserialize)]
struct Answer {
    active: bool,
    #[serde(default)]
    scope: Scopes,
    sub: Option<String>,
    username: Option<String>,
    client_id: Option<String>,
    exp: Option<u64>,
    #[serde(default)]
    nbf: u64,
    /// As another authlab tells them. Of anybody else's subjects scopes alone count: what is called a role there is none
    /// here.
    #[serde(default, deserialize_with = "roles")]
    roles: Roles,
    #[serde(default)]
    aud: Audience,
    cnf: Option<Confirmation>,
    sid: Option<String>,
    jti: Option<String>,
    #[serde(default, rename = "gen")]
    generation: Generation,
}

/// Roles as we write them; whatever else goes by that name grants nothing.
fn roles<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Roles, D::Error> {
    let typed = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(typed).unwrap_or_default())
}

#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Audience {
    #[default]
    Nobody,
    One(String),
    Several(Vec<String>),
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

impl Verification {
    pub(crate) fn open(design: &Design) -> Result<Self, IntrospectError> {
        match (design.verify, &design.introspect_url) {
            (VerifyKind::Introspect, IntrospectUrl::Url(url)) => Ok(Self::Introspect(Box::new(
                Introspection::open(url, design)?,
            ))),
            _ => Ok(Self::Local),
        }
    }
}

impl Introspection {
    fn open(url: &Url, design: &Design) -> Result<Self, IntrospectError> {
        let whole = url.path() != "/";
        let at = |path: &str| {
            let mut url = url.clone();
            url.set_path(path);
            url
        };
        let http = Client::builder()
            .timeout(design.introspect_timeout.0)
            .redirect(reqwest::redirect::Policy::none())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MOST_AT_ONCE)
            .tcp_nodelay(true)
            .no_proxy()
            .build()?;
        Ok(Self {
            http,
            introspect: if whole {
                url.clone()
            } else {
                at("/oauth/introspect")
            },
            revoke: (!whole).then(|| at("/oauth/revoke")),
            is_ours: !whole,
            authorization: authorization(&design.introspect_client)?,
            audience: design.named_audience().map(Box::from),
            at_once: Semaphore::new(MOST_AT_ONCE),
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
        let answer = self.post(&self.introspect, form).await?;
        let answer: Answer = serde_json::from_slice(&answer).map_err(|_| Denied::Unavailable)?;
        if !answer.active {
            return Err(Denied::Unknown);
        }
        if let Some(audience) = &self.audience
            && !answer.aud.names(audience)
        {
            return Err(Denied::Malformed);
        }
        // A token that is nobody's must not become somebody's.
        let name = answer.name().ok_or(Denied::Unavailable)?;
        let id = answer.id().filter(|_| self.is_ours);
        Ok(Verified {
            mark: Mark {
                number: 0,
                id: id.unwrap_or_else(|| id_of_text(token)),
                subject: subjects.intern(&name),
                generation: if self.is_ours { answer.generation } else { 0 },
            },
            roles: if self.is_ours {
                answer.roles
            } else {
                Roles::default()
            },
            scopes: answer.scope,
            not_before: answer.nbf,
            expires_at: answer.exp.unwrap_or(u64::MAX),
            bound: Bound::of_claims(None, answer.cnf).ok_or(Denied::Unavailable)?,
        })
    }

    /// Ends a token there.
    pub(crate) async fn revoke(&self, token: &str) -> Result<(), Denied> {
        let revoke = self.revoke.as_ref().ok_or(Denied::UnsupportedGrant)?;
        let form = Serializer::new(String::new())
            .append_pair("token", token)
            .finish();
        self.post(revoke, form).await.map(|_| ())
    }

    /// The body of the answer, if it is one: whatever else happens, nothing is granted.
    async fn post(&self, url: &Url, form: String) -> Result<Vec<u8>, Denied> {
        let _place = self.at_once.try_acquire().map_err(|_| Denied::Busy)?;
        let answer = self
            .http
            .post(url.clone())
            .header(AUTHORIZATION, self.authorization.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await
            .map_err(|_| Denied::Unavailable)?;
        match answer.status() {
            StatusCode::OK => body(answer).await.ok_or(Denied::Unavailable),
            StatusCode::TOO_MANY_REQUESTS => Err(Denied::Busy),
            _ => Err(Denied::Unavailable),
        }
    }
}

impl Answer {
    fn name(&self) -> Option<String> {
        let user = self.sub.as_ref().or(self.username.as_ref());
        user.cloned()
            .or_else(|| Some(format!("{CLIENT}{}", self.client_id.as_ref()?)))
            .filter(|name| !name.is_empty())
    }

    /// What another authlab revokes: the session or the token, by its id.
    fn id(&self) -> Option<TokenId> {
        let text = self.sid.as_ref().or(self.jti.as_ref())?;
        let ours = text.len() == 32 && text.bytes().all(|c| c.is_ascii_hexdigit());
        let number = u128::from_str_radix(text, 16).ok()?;
        ours.then(|| TokenId::of(number))
    }
}

impl Audience {
    fn names(&self, wanted: &str) -> bool {
        match self {
            Self::Nobody => false,
            Self::One(name) => name == wanted,
            Self::Several(names) => names.iter().any(|name| name == wanted),
        }
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
            let text = std::fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
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
            .field("introspect", &self.introspect.as_str())
            .finish_non_exhaustive()
    }
}

/// A text that is no address of a central server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not the address of an authorization server; accepted: http:// or https://, a host, maybe a port, maybe the path of its introspection endpoint, no name or password"
)]
pub struct NotIntrospectUrl(String);

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
        // Without what may be a password in it.
        let shown = || typed.split('@').next_back().unwrap_or_default().to_owned();
        url.map(|url| Self::Url(Box::new(url)))
            .ok_or_else(|| NotIntrospectUrl(shown()))
    }
}

impl fmt::Display for IntrospectUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => f.write_str("nowhere"),
            Self::Url(url) => f.write_str(url.as_str().trim_end_matches('/')),
        }
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

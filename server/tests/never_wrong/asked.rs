//! What a history asks: a resource, however its path is spelled, by a sender, with a credential.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use authlab_server::{App, CredentialKind};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, USER_AGENT, WWW_AUTHENTICATE};
use hyper::http::request::Builder;
use hyper::{Request, Response};

/// The proxy that may ask for others.
pub(crate) const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 9, 8, 7));

/// What is asked, with the credential that so many came after.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    pub(crate) what: Resource,
    pub(crate) spelled: Spelling,
    pub(crate) from: Sender,
    pub(crate) with: Nth,
    pub(crate) shown: Shown,
}

/// The credential that so many came after; from the latest on again where there are not as many.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Nth(pub(crate) u8);

impl fmt::Debug for Nth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Something that is protected. None of these requests changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Resource {
    Items,
    ItemsByHead,
    AddItem,
    Todos,
    SecureData,
    Account,
    Devices,
    /// A policy that is none: whoever may replace it is told so.
    PolicyThatIsNone,
    /// The next password is too short: whoever may change theirs is told so.
    PasswordThatIsNone,
    /// Through a proxy: reading needs `items:read` there.
    ReadReport,
    /// Through a proxy: `items:write`.
    WriteReport,
    /// Through a proxy: for whoever is signed in.
    OwnReports,
}

/// How its path is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Spelling {
    Plain,
    TrailingSlash,
    Query(u8),
    DotSegments,
    Encoded,
    DoubledSlash,
    EncodedSlash,
}

/// Who sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Sender {
    Home,
    /// The same address over an IPv6 socket.
    HomeOverV6,
    OtherAddress,
    OtherAgent,
    NoAgent,
    /// Too long for its decisions to be kept.
    LongAgent,
}

/// How the credential is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Shown {
    AsItIs,
    Forged,
    Twice,
    NotAtAll,
}

/// What came back: all of it that a decision makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    /// What a proxy is told, and what a refusal asks for.
    pub(crate) headers: Vec<String>,
    /// `Set-Cookie`, which is of no decision.
    cookie: Option<String>,
}

impl fmt::Debug for Question {
    /// In a line, without what is as usual.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} with {:?}", self.what, self.with)?;
        if self.shown != Shown::AsItIs {
            write!(f, " {:?}", self.shown)?;
        }
        if self.spelled != Spelling::Plain {
            write!(f, " {:?}", self.spelled)?;
        }
        if self.from != Sender::Home {
            write!(f, " from {:?}", self.from)?;
        }
        Ok(())
    }
}

impl Question {
    /// The request, with the credential's text.
    pub(crate) fn request(
        self,
        kind: CredentialKind,
        text: &str,
    ) -> (Request<Full<Bytes>>, IpAddr) {
        let (method, path) = self.what.place();
        let (path, body) = (self.spelled.path(path), self.what.body());
        let (builder, from) = if self.what.is_behind_a_proxy() {
            let asked = Request::get("/authorize")
                .header("x-original-method", method)
                .header("x-original-uri", path)
                .header("x-forwarded-for", self.from.ip().to_string());
            (asked, PROXY)
        } else {
            (Request::builder().method(method).uri(path), self.from.ip())
        };
        let text = self.text(text);
        let builder = match self.shown {
            Shown::NotAtAll => self.from.named(builder),
            Shown::AsItIs | Shown::Forged => shown(self.from.named(builder), kind, &text),
            Shown::Twice => shown(shown(self.from.named(builder), kind, &text), kind, &text),
        };
        (with_body(builder, body), from)
    }

    /// The credential's text as it is shown.
    pub(crate) fn text(self, text: &str) -> String {
        match self.shown {
            Shown::Forged => forged(text),
            Shown::AsItIs | Shown::Twice | Shown::NotAtAll => text.to_owned(),
        }
    }

    /// Whether the answer says that the request was authorized.
    pub(crate) fn is_granted(self, answer: &Answer) -> bool {
        match answer.status {
            200 | 201 | 204 => true,
            422 => matches!(
                self.what,
                Resource::PolicyThatIsNone | Resource::PasswordThatIsNone
            ),
            _ => false,
        }
    }
}

impl Resource {
    fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::Items => ("GET", "/items"),
            Self::ItemsByHead => ("HEAD", "/items"),
            Self::AddItem => ("POST", "/items"),
            Self::Todos => ("GET", "/todos"),
            Self::SecureData => ("GET", "/secure-data"),
            Self::Account => ("GET", "/user"),
            Self::Devices => ("GET", "/devices"),
            Self::PolicyThatIsNone => ("POST", "/admin/policy"),
            Self::PasswordThatIsNone => ("POST", "/password"),
            Self::ReadReport => ("GET", "/reports/7"),
            Self::WriteReport => ("PUT", "/reports/7"),
            Self::OwnReports => ("GET", "/mine"),
        }
    }

    fn body(self) -> &'static str {
        match self {
            Self::PolicyThatIsNone => r#"{"nobody":[]}"#,
            Self::PasswordThatIsNone => r#"{"password":"any","new_password":"short"}"#,
            _ => "",
        }
    }

    fn is_behind_a_proxy(self) -> bool {
        matches!(
            self,
            Self::ReadReport | Self::WriteReport | Self::OwnReports
        )
    }
}

/// What the paths behind the proxy need: a file for `--routes`.
pub(crate) const ROUTES: &str = r#"
[[route]]
method = "GET"
path = "/reports/{id}"
scope = "items:read"
[[route]]
method = "*"
path = "/reports/{id}"
scope = "items:write"
[[route]]
method = "*"
path = "/mine"
"#;

impl Spelling {
    fn path(self, path: &str) -> String {
        match self {
            Self::Plain => path.to_owned(),
            Self::TrailingSlash => format!("{path}/"),
            Self::Query(page) => format!("{path}?page={page}"),
            Self::DotSegments => format!("/./elsewhere/..{path}"),
            Self::Encoded => format!("/%{:02x}{}", path.as_bytes()[1], &path[2..]),
            Self::DoubledSlash => format!("/{path}"),
            Self::EncodedSlash => format!("/%2F{}", &path[1..]),
        }
    }

    /// The spelling that the server takes it for.
    pub(crate) fn one_form(self) -> Self {
        match self {
            Self::DotSegments | Self::Encoded | Self::DoubledSlash => Self::Plain,
            other => other,
        }
    }
}

impl Sender {
    pub(crate) fn ip(self) -> IpAddr {
        let home = Ipv4Addr::new(192, 0, 2, 1);
        match self {
            Self::OtherAddress => Ipv4Addr::new(192, 0, 2, 2).into(),
            Self::HomeOverV6 => home.to_ipv6_mapped().into(),
            _ => home.into(),
        }
    }

    pub(crate) fn user_agent(self) -> Option<String> {
        match self {
            Self::Home | Self::HomeOverV6 | Self::OtherAddress => Some("curl/8.5.0".to_owned()),
            Self::OtherAgent => Some("curl/8.5.1".to_owned()),
            Self::NoAgent => None,
            Self::LongAgent => Some("x".repeat(3000)),
        }
    }

    /// The sender that the server takes it for.
    pub(crate) fn one_form(self) -> Self {
        match self {
            Self::HomeOverV6 => Self::Home,
            other => other,
        }
    }

    pub(crate) fn named(self, builder: Builder) -> Builder {
        match self.user_agent() {
            Some(user_agent) => builder.header(USER_AGENT, user_agent),
            None => builder,
        }
    }
}

/// The request with the credential, as its dialect shows it.
pub(crate) fn shown(builder: Builder, kind: CredentialKind, text: &str) -> Builder {
    match kind {
        CredentialKind::Session => builder
            .header(COOKIE, format!("session_id={text}"))
            .header("sec-fetch-site", "same-origin"),
        CredentialKind::ApiKey => builder.header("x-api-key", text),
        CredentialKind::Basic => builder.header(AUTHORIZATION, format!("Basic {text}")),
        _ => builder.header(AUTHORIZATION, format!("Bearer {text}")),
    }
}

/// The request with a JSON body, or without one.
pub(crate) fn with_body(builder: Builder, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let body = body.into();
    let builder = if body.is_empty() {
        builder
    } else {
        builder.header(CONTENT_TYPE, "application/json")
    };
    builder.body(Full::new(body)).unwrap()
}

/// Another text of the same form: one character near its end is another.
fn forged(text: &str) -> String {
    let at = text.len().saturating_sub(10);
    let other = if text[at..].starts_with('A') {
        "B"
    } else {
        "A"
    };
    format!("{}{other}{}", &text[..at], &text[at + 1..])
}

impl Answer {
    pub(crate) async fn of(app: &App, (request, from): (Request<Full<Bytes>>, IpAddr)) -> Self {
        let (parts, body) = Response::into_parts(app.answer(request, from).await);
        let body = body.collect().await.unwrap().to_bytes();
        let header = |name: &str| {
            let value = parts.headers.get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let told = ["x-auth-subject", "x-auth-scope", WWW_AUTHENTICATE.as_str()];
        Self {
            status: parts.status.as_u16(),
            body: String::from_utf8(body.to_vec()).unwrap(),
            headers: told.into_iter().filter_map(header).collect(),
            cookie: header("set-cookie"),
        }
    }

    /// A text of its JSON body.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let body: serde_json::Value = serde_json::from_str(&self.body).ok()?;
        body[name].as_str().map(ToOwned::to_owned)
    }

    /// The session that a cookie begins.
    pub(crate) fn session(&self) -> Option<String> {
        let (_, rest) = self.cookie.as_ref()?.split_once("session_id=")?;
        rest.split(';').next().map(ToOwned::to_owned)
    }
}

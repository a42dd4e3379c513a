//! What a history asks: a resource, however its path is spelled, by a sender, with a credential.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use authlab_server::CredentialKind;
use hyper::Request;
use hyper::header::USER_AGENT;
use hyper::http::request::Builder;

use crate::sent::{Answer, Sent, shown, with_body};

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
    pub(crate) fn request(self, kind: CredentialKind, text: &str) -> Sent {
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

//! A server in this process, and what it answers.

use std::net::IpAddr;
use std::sync::Arc;

use authlab_server::{
    App, Clock, Controlled, CredentialKind, Design, Lab, OpenError, PasswordKind,
};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::http::request::Builder;
use hyper::{HeaderMap, Request};

use crate::engine::{Fault, fault};

/// When every input is sent.
pub(crate) const NOW: u64 = 1_800_000_000;

/// Where it comes from.
pub(crate) const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// A small design whose passwords cost nothing.
pub(crate) fn quick() -> Design {
    Design {
        password: PasswordKind::Sha256,
        cache_capacity: 1000.try_into().unwrap(),
        ..Design::default()
    }
}

pub(crate) struct Stand {
    pub(crate) app: App,
    pub(crate) lab: Arc<Lab>,
    pub(crate) clock: Controlled,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Stand {
    pub(crate) fn open(design: Design) -> Self {
        Self::try_open(design).unwrap()
    }

    pub(crate) fn try_open(design: Design) -> Result<Self, OpenError> {
        let clock = Controlled::at_seconds(NOW);
        let lab = Lab::open_at(design, Clock::Controlled(clock.clone()))?;
        Ok(Self {
            app: App::new(Arc::clone(&lab)),
            lab,
            clock,
        })
    }

    /// Sends a request; any 5xx is a failure.
    pub(crate) async fn ask(&self, request: Request<Full<Bytes>>) -> Result<Answer, Fault> {
        let shown = format!(
            "{} {} {:?}",
            request.method(),
            request.uri(),
            request.headers()
        );
        let answer = self.ask_or_503(request).await;
        if answer.status >= 500 {
            let what = format!(
                "{} {} was answered to {shown}",
                answer.status,
                answer.text()
            );
            return fault("a 5xx", what);
        }
        Ok(answer)
    }

    /// Sends a request where 503 has a reason.
    pub(crate) async fn ask_or_503(&self, request: Request<Full<Bytes>>) -> Answer {
        let (parts, body) = self.app.answer(request, HERE).await.into_parts();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    /// Signs in, by what this design has for that: the credential that is shown from then on.
    pub(crate) async fn sign_in(&self, name: &str, password: &str) -> String {
        let kind = self.lab.design().credential;
        let json = serde_json::json!({ "username": name, "password": password });
        let basic = base64(format!("{name}:{password}"));
        let request = match kind {
            CredentialKind::Basic => return basic,
            CredentialKind::Session => get("POST", "/login")
                .header("authorization", format!("Basic {basic}"))
                .body(Full::default()),
            CredentialKind::SessionJwt => with_json(get("POST", "/login"), json.to_string()),
            _ => with_json(get("POST", "/token"), json.to_string()),
        };
        let answer = self.ask_or_503(request.unwrap()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        if kind == CredentialKind::Session {
            let cookie = answer.headers["set-cookie"].to_str().unwrap();
            let (_, rest) = cookie.split_once('=').unwrap();
            return rest.split(';').next().unwrap().to_owned();
        }
        answer.field("access_token").unwrap()
    }
}

impl Answer {
    pub(crate) fn is_granted(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A text of its JSON body.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let body: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        body[name].as_str().map(ToOwned::to_owned)
    }
}

/// The head of a request.
pub(crate) fn get(method: &str, target: &str) -> Builder {
    let request = Request::builder().method(method).uri(target);
    request
        .header("host", "authlab")
        .header("user-agent", "fuzz")
}

pub(crate) fn with_json(
    request: Builder,
    body: impl Into<Bytes>,
) -> hyper::http::Result<Request<Full<Bytes>>> {
    request
        .header("content-type", "application/json")
        .body(Full::new(body.into()))
}

/// Adds a field whose value may be any octets that a header can hold; `None` for others, which the network's parser
/// refuses.
pub(crate) fn with_field(request: Builder, name: &'static str, value: &[u8]) -> Option<Builder> {
    let value = HeaderValue::from_bytes(value).ok()?;
    Some(request.header(HeaderName::from_static(name), value))
}

/// Octets as they are shown to people.
pub(crate) fn shown(bytes: &[u8]) -> String {
    format!("`{}`", bytes.escape_ascii())
}

pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

//! Requests as their dialects have them, and what comes back.

use std::net::IpAddr;

use authlab_server::{App, CredentialKind};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, WWW_AUTHENTICATE};
use hyper::http::request::Builder;
use hyper::{Request, Response};

use crate::asked::Sender;

/// A request, and the address that it comes from.
pub(crate) type Sent = (Request<Full<Bytes>>, IpAddr);

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

/// A form that the demo client sends.
pub(crate) fn client(path: &str, form: &str) -> Sent {
    const ID_AND_SECRET: &str = "ZGVtby1jbGllbnQ6ZGVtby1zZWNyZXQ=";
    let builder = Sender::Home.named(Request::post(path));
    let builder = shown(builder, CredentialKind::Basic, ID_AND_SECRET)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let request = builder.body(Full::new(form.to_owned().into())).unwrap();
    (request, Sender::Home.ip())
}

impl Answer {
    pub(crate) async fn of(app: &App, (request, from): Sent) -> Self {
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

    /// For how long a token of it is good.
    pub(crate) fn expires_in(&self) -> Option<u64> {
        let body: serde_json::Value = serde_json::from_str(&self.body).ok()?;
        body["expires_in"].as_u64()
    }

    /// The session that a cookie begins.
    pub(crate) fn session(&self) -> Option<String> {
        let (_, rest) = self.cookie.as_ref()?.split_once("session_id=")?;
        rest.split(';').next().map(ToOwned::to_owned)
    }
}

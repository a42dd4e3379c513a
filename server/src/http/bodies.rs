//! JSON bodies. A wrong one is answered with what is wrong with it, and one that does not come with 408.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, JsonRejection};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::http::{Extensions, HeaderMap, HeaderValue};
use axum::response::Response;
use serde::de::DeserializeOwned;

use super::answers::problem;
use crate::members::Object;

/// How long a body may take, from the end of its head: otherwise a client that announces one and sends none holds its
/// connection, and with it the server's end.
#[derive(Clone, Copy)]
pub(super) struct Within(pub(super) Duration);

/// A JSON body of this shape: an object. `serde` would also read its members from an array, by their order.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        if !media(request.headers())?.is_some_and(is_json) {
            let reason = "Expected request with `Content-Type: application/json`";
            return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason));
        }
        let limit = limit(request.extensions());
        let bytes = within(limit, Bytes::from_request(request, state))
            .await?
            .map_err(|wrong: BytesRejection| refuse(wrong.status(), &wrong.body_text()))?;
        if std::str::from_utf8(&bytes).is_err() {
            // serde_json does not look at the members that nobody asked for.
            return Err(refuse(StatusCode::BAD_REQUEST, "The body is not UTF-8"));
        }
        let Json(Object(body)) = Json::from_bytes(&bytes)
            .map_err(|wrong: JsonRejection| refuse(wrong.status(), &wrong.body_text()))?;
        Ok(Self(body))
    }
}

/// A JSON body of this shape, or no body.
pub(super) struct MaybeBody<T>(pub(super) Option<T>);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for MaybeBody<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let typed = parts.headers.contains_key(CONTENT_TYPE);
        let whole = Request::from_parts(parts.clone(), body);
        let bytes = within(limit(&parts.extensions), Bytes::from_request(whole, state))
            .await?
            .map_err(|wrong: BytesRejection| refuse(wrong.status(), &wrong.body_text()))?;
        if bytes.is_empty() && !typed {
            return Ok(Self(None));
        }
        let Body(body) =
            Body::from_request(Request::from_parts(parts, bytes.into()), state).await?;
        Ok(Self(Some(body)))
    }
}

/// More than any form here has: each is compared with each.
const MOST_FIELDS: usize = 32;

/// The fields of a form (`application/x-www-form-urlencoded`), each there once.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// A field's text; an empty one is as good as none (RFC 6749 §3.1).
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.0.iter().filter(|(known, _)| known == name);
        fields
            .next()
            .map(|(_, text)| text.as_str())
            .filter(|text| !text.is_empty())
    }

    fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(bytes).map_err(|_| "The form is not UTF-8")?;
        let fields: Vec<(String, String)> = url::form_urlencoded::parse(text.as_bytes())
            .into_owned()
            .take(MOST_FIELDS + 1)
            .collect();
        if fields.len() > MOST_FIELDS {
            return Err("A form has at most 32 fields here");
        }
        let mangled = |text: &str| text.contains(char::REPLACEMENT_CHARACTER);
        if fields
            .iter()
            .any(|(name, text)| mangled(name) || mangled(text))
        {
            return Err("The form is not UTF-8");
        }
        let twice = |(i, (name, _)): (usize, &(String, String))| {
            fields[..i].iter().any(|(known, _)| known == name)
        };
        if fields.iter().enumerate().any(twice) {
            return Err("A parameter is there more than once");
        }
        Ok(Self(fields))
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        if !media(request.headers())?.is_some_and(is_form) {
            let reason = "Expected request with `Content-Type: application/x-www-form-urlencoded`";
            return Err(refuse(StatusCode::BAD_REQUEST, reason));
        }
        let limit = limit(request.extensions());
        let bytes = within(limit, Bytes::from_request(request, state))
            .await?
            .map_err(|wrong: BytesRejection| refuse(wrong.status(), &wrong.body_text()))?;
        Self::read(&bytes).map_err(|reason| refuse(StatusCode::BAD_REQUEST, reason))
    }
}

/// A body of this shape, JSON or a form.
pub(super) struct JsonOrForm<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonOrForm<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        if !media(request.headers())?.is_some_and(is_form) {
            let Body(body) = Body::from_request(request, state).await?;
            return Ok(Self(body));
        }
        let Form(fields) = Form::from_request(request, state).await?;
        let fields = fields
            .into_iter()
            .map(|(name, text)| (name, serde_json::Value::String(text)))
            .collect();
        serde_json::from_value(serde_json::Value::Object(fields))
            .map(Self)
            .map_err(|error| refuse(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string()))
    }
}

/// There is more than one media type.
struct Ambiguous;

impl From<Ambiguous> for Response {
    fn from(_: Ambiguous) -> Self {
        let reason = "There is more than one Content-Type header";
        refuse(StatusCode::BAD_REQUEST, reason)
    }
}

/// The media type of a body without its parameters, which may hold octets beyond ASCII (RFC 9110 §5.6.4). Two are refused:
/// they would be two readings of one body.
fn media(headers: &HeaderMap) -> Result<Option<&[u8]>, Ambiguous> {
    let mut fields = headers.get_all(CONTENT_TYPE).iter();
    match (fields.next(), fields.next()) {
        (Some(_), Some(_)) => Err(Ambiguous),
        (field, None) => Ok(field.map(|field| {
            let value = field.as_bytes();
            let end = value.iter().position(|byte| *byte == b';');
            value[..end.unwrap_or(value.len())].trim_ascii()
        })),
        (None, Some(_)) => Ok(None),
    }
}

fn is_form(media: &[u8]) -> bool {
    media.eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

/// `application/json`, or a type that is JSON by its suffix (RFC 6839 §3.1).
fn is_json(media: &[u8]) -> bool {
    let Some((before, kind)) = media.split_at_checked(b"application/".len()) else {
        return false;
    };
    let ends = |suffix: &[u8]| {
        kind.len()
            .checked_sub(suffix.len())
            .is_some_and(|at| kind[at..].eq_ignore_ascii_case(suffix))
    };
    before.eq_ignore_ascii_case(b"application/")
        && (kind.eq_ignore_ascii_case(b"json") || ends(b"+json"))
}

/// A route whose bodies have no limit has no time for them.
fn limit(extensions: &Extensions) -> Duration {
    extensions
        .get()
        .map_or(Duration::ZERO, |Within(limit)| *limit)
}

async fn within<T>(limit: Duration, body: impl Future<Output = T>) -> Result<T, Response> {
    tokio::time::timeout(limit, body).await.map_err(|_late| {
        let mut response = refuse(StatusCode::REQUEST_TIMEOUT, "The body did not come in time");
        // RFC 9110 §15.5.9: whatever still comes of the body is not the next request.
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        response
    })
}

fn refuse(status: StatusCode, reason: &str) -> Response {
    problem(status, "invalid_request", reason)
}

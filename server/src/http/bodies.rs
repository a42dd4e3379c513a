//! JSON bodies. A wrong one is answered with what is wrong with it, and one that does not come with 408.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, JsonRejection};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::http::{Extensions, HeaderValue};
use axum::response::Response;
use serde::de::DeserializeOwned;

use super::answers::problem;

/// How long a body may take, from the end of its head: otherwise a client that announces one and sends none holds its
/// connection, and with it the server's end.
#[derive(Clone, Copy)]
pub(super) struct Within(pub(super) Duration);

/// A JSON body of this shape.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let limit = limit(request.extensions());
        let Json(body) = within(limit, Json::from_request(request, state))
            .await?
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

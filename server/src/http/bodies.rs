//! JSON bodies. A wrong one is answered with what is wrong with it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, JsonRejection};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use serde::de::DeserializeOwned;

use super::answers::problem;

/// A JSON body of this shape.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let Json(body) = Json::from_request(request, state)
            .await
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
        let bytes = Bytes::from_request(Request::from_parts(parts.clone(), body), state)
            .await
            .map_err(|wrong: BytesRejection| refuse(wrong.status(), &wrong.body_text()))?;
        if bytes.is_empty() && !typed {
            return Ok(Self(None));
        }
        let Body(body) =
            Body::from_request(Request::from_parts(parts, bytes.into()), state).await?;
        Ok(Self(Some(body)))
    }
}

fn refuse(status: StatusCode, reason: &str) -> Response {
    problem(status, "invalid_request", reason)
}

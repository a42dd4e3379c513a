//! Answers: JSON bodies, refusals with their headers.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::credential::CredentialKind;
use crate::denied::{Denied, RETRY_AFTER_SECONDS};
use crate::lab::Lab;
use crate::stages::StageTimes;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// A body that is known when the server is built.
pub(super) fn fixed(body: &'static str) -> Response {
    ([(CONTENT_TYPE, JSON)], body).into_response()
}

/// A body made for this answer.
pub(super) fn json<T: Serialize>(body: &T) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => ([(CONTENT_TYPE, JSON)], body).into_response(),
        Err(_) => denied(Denied::Unavailable, Challenge::Bearer),
    }
}

/// As it is, but never kept by anybody on the way (RFC 6749 §5.1).
pub(super) fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    response
}

/// With what each stage took, where that was asked for.
pub(super) fn timed(mut response: Response, times: Option<StageTimes>) -> Response {
    if let Some(value) = times.and_then(|times| HeaderValue::try_from(times.to_string()).ok()) {
        response.headers_mut().insert(SERVER_TIMING, value);
    }
    response
}

/// A request that was wrong in itself.
pub(super) fn problem(status: StatusCode, error: &str, error_description: &str) -> Response {
    #[derive(Serialize)]
    struct Problem<'a> {
        error: &'a str,
        error_description: &'a str,
    }
    (
        status,
        json(&Problem {
            error,
            error_description,
        }),
    )
        .into_response()
}

/// What a 401 asks for (RFC 9110 §15.5.2).
#[derive(Clone, Copy)]
pub(super) enum Challenge {
    /// As RFC 6750 §3 has it.
    Bearer,
    /// A session's cookie. There is no registered scheme for it, and one that is known would make a browser ask.
    Cookie,
    /// A name and a password (RFC 7617 §2).
    Basic,
}

impl Challenge {
    /// Of what a server takes on each request.
    pub(super) fn of(lab: &Lab) -> Self {
        match lab.design().credential {
            CredentialKind::Jwt | CredentialKind::Opaque => Self::Bearer,
            CredentialKind::Session => Self::Cookie,
        }
    }

    fn header(self, denied: Denied) -> Option<&'static str> {
        let asks = denied.status() == 401;
        match self {
            Self::Bearer => denied.challenge(),
            Self::Cookie => asks.then_some("Cookie cookie-name=\"session_id\""),
            Self::Basic => asks.then_some("Basic realm=\"authlab\", charset=\"UTF-8\""),
        }
    }
}

/// A request that was refused.
pub(super) fn denied(denied: Denied, challenge: Challenge) -> Response {
    let status = StatusCode::from_u16(denied.status()).unwrap_or(StatusCode::FORBIDDEN);
    let mut response = problem(status, denied.code(), denied.description());
    let headers = response.headers_mut();
    if let Some(challenge) = challenge.header(denied) {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    if matches!(denied, Denied::Busy | Denied::Unavailable) {
        headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
    }
    response
}

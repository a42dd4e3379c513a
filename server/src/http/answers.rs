//! Answers: JSON bodies, refusals with their headers.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_TYPE, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::binding::BindingKind;
use crate::cause;
use crate::credential::{CredentialKind, JwtAlgorithm};
use crate::denied::{Denied, RETRY_AFTER_SECONDS};
use crate::lab::Lab;
use crate::stages::StageTimes;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// A body that is known when the server is built.
pub(super) fn fixed(body: &'static str) -> Response {
    typed(body)
}

/// A body that is JSON already.
pub(super) fn text(body: String) -> Response {
    typed(body)
}

/// A body made for this answer.
pub(super) fn json<T: Serialize>(body: &T) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => typed(body),
        Err(_) => denied(cause::unanswered("an answer's text"), Challenge::Bearer),
    }
}

/// A body that says it is JSON. By itself axum would say first what a text is, and then JSON over it.
fn typed(body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// The same answer, which no cache keeps, whatever version of HTTP it speaks (RFC 6749 §5.1).
pub(super) fn no_store(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(PRAGMA, NO_CACHE);
    response
}

/// With what each stage took, where that was asked for.
pub(super) fn timed(mut response: Response, times: Option<StageTimes>) -> Response {
    if let Some(value) = times.and_then(|times| HeaderValue::try_from(times.to_string()).ok()) {
        response.headers_mut().insert(SERVER_TIMING, value);
    }
    response
}

/// What asks for nonces in proofs, where a server does.
pub(crate) fn asks_nonces(lab: &Arc<Lab>) -> Option<Arc<Lab>> {
    lab.dpop_nonce().is_some().then(|| Arc::clone(lab))
}

/// Gives the nonce that the next proof needs (RFC 9449 §8.2).
pub(crate) fn give_nonce(lab: Option<&Arc<Lab>>, headers: &mut HeaderMap) {
    let nonce = lab.and_then(|lab| lab.dpop_nonce());
    if let Some(value) = nonce.and_then(|nonce| HeaderValue::try_from(nonce).ok()) {
        headers.insert(DPOP_NONCE, value);
    }
}

/// What is wrong, as RFC 6749 §5.2 says it.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Problem<'a> {
    error: &'a str,
    error_description: &'a str,
}

/// A request that was wrong in itself.
pub(super) fn problem(status: StatusCode, error: &str, error_description: &str) -> Response {
    (
        status,
        json(&Problem {
            error,
            error_description,
        }),
    )
        .into_response()
}

/// A request that the end of the server cut off. Its work may be done, but usually it waited for a hash or for its body.
pub(crate) fn shutting_down() -> Response {
    let mut response = problem(
        StatusCode::SERVICE_UNAVAILABLE,
        "temporarily_unavailable",
        "The server is shutting down; try again",
    );
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    no_store(response)
}

/// What a 401 asks for (RFC 9110 §15.5.2).
#[derive(Clone, Copy)]
pub(super) enum Challenge {
    /// As RFC 6750 §3 has it.
    Bearer,
    /// As RFC 9449 §7.1 has it.
    Dpop,
    /// A session's cookie. There is no registered scheme for it, and one that is known would make a browser ask.
    Cookie,
    /// A name and a password (RFC 7617 §2).
    Basic,
    /// An API key, by its header: no scheme is registered for it.
    ApiKey,
}

impl Challenge {
    /// Of what a server takes on each request.
    pub(super) fn of(lab: &Lab) -> Self {
        let design = lab.design();
        match (design.credential, design.binding) {
            (CredentialKind::Session, _) => Self::Cookie,
            (CredentialKind::ApiKey, _) => Self::ApiKey,
            (CredentialKind::Basic, _) => Self::Basic,
            (_, BindingKind::Dpop) => Self::Dpop,
            _ => Self::Bearer,
        }
    }

    fn header(self, denied: Denied) -> Option<Cow<'static, str>> {
        let asks = denied.status() == 401;
        match self {
            Self::Bearer => denied.challenge().map(Cow::Borrowed),
            Self::Dpop => {
                let bearer = denied.challenge()?.strip_prefix("Bearer")?;
                // A proof has an error code of its own.
                let because = match denied {
                    Denied::BadProof => " error=\"invalid_dpop_proof\"",
                    Denied::NeedsNonce => " error=\"use_dpop_nonce\"",
                    _ => bearer,
                };
                let more = if because.is_empty() { "" } else { "," };
                let algorithms = JwtAlgorithm::of_pairs().map(JwtAlgorithm::label);
                let algorithms = algorithms.collect::<Vec<_>>().join(" ");
                Some(format!("DPoP algs=\"{algorithms}\"{more}{because}").into())
            }
            Self::Cookie => asks.then_some("Cookie cookie-name=\"session_id\"".into()),
            Self::ApiKey => asks.then_some("ApiKey header=\"X-API-Key\"".into()),
            Self::Basic => asks.then_some("Basic realm=\"authlab\", charset=\"UTF-8\"".into()),
        }
    }
}

/// A request that was refused.
pub(super) fn denied(denied: Denied, challenge: Challenge) -> Response {
    let status = StatusCode::from_u16(denied.status()).unwrap_or(StatusCode::FORBIDDEN);
    let mut response = problem(status, denied.code(), &denied.explanation());
    let headers = response.headers_mut();
    let challenge = challenge.header(denied);
    if let Some(value) = challenge.and_then(|text| HeaderValue::try_from(&*text).ok()) {
        headers.insert(WWW_AUTHENTICATE, value);
    }
    if matches!(denied, Denied::Busy | Denied::Unavailable) {
        headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
    }
    response
}

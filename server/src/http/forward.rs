//! Forward authorization: a proxy asks here about each request that it is to pass on, by the headers that nginx
//! (`auth_request`), Traefik, Caddy and Envoy set.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::VARY;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::answers::{Challenge, denied, problem};
use super::granted::{self, Peer};
use super::head::{Head, only};
use super::observed;
use crate::cause::{self, Source};
use crate::denied::Denied;
use crate::grant::Grant;
use crate::lab::Lab;
use crate::request::Request;

const ORIGINAL: [HeaderName; 2] = [
    HeaderName::from_static("x-original-method"),
    HeaderName::from_static("x-original-uri"),
];
const FORWARDED: [HeaderName; 2] = [
    HeaderName::from_static("x-forwarded-method"),
    HeaderName::from_static("x-forwarded-uri"),
];
/// What of a request says what is asked about, for caches; who asks is added to each answer.
const ASKED: HeaderValue = HeaderValue::from_static(
    "X-Original-Method, X-Original-URI, X-Forwarded-Method, X-Forwarded-Uri",
);
const SUBJECT: HeaderName = HeaderName::from_static("x-auth-subject");
const SCOPE: HeaderName = HeaderName::from_static("x-auth-scope");

/// `GET /authorize`, `HEAD /authorize`
pub(super) async fn authorize(State(lab): State<Arc<Lab>>, Head(head): Head) -> Response {
    let mut response = answer(&lab, &head).await;
    response.headers_mut().insert(VARY, ASKED);
    response
}

async fn answer(lab: &Lab, head: &Parts) -> Response {
    let Peer(peer) = match head.extensions.get() {
        Some(peer) => *peer,
        None => return refused(lab, granted::no_peer()),
    };
    if !lab.design().trusted_proxy.trust(peer) {
        let reason = "Only a --trusted-proxy may ask for others";
        return problem(StatusCode::FORBIDDEN, "access_denied", reason);
    }
    let Some((method, target)) = asked(head) else {
        let reason = "Expected X-Original-Method and X-Original-URI, or X-Forwarded-Method and X-Forwarded-Uri, each once";
        return problem(StatusCode::FORBIDDEN, "invalid_request", reason);
    };
    match decide(lab, head, method, target).await {
        Ok(grant) => passed(lab, &grant),
        Err(denial) => refused(lab, denial),
    }
}

/// A refusal by 401 or 403, which are all that nginx's `auth_request` passes on: it answers 500 for any other, and a client's
/// mistake or haste is no failure of a server. Code, reason and `Retry-After` stay those of the refusal. 503 stays as well: a
/// store that does not answer is no fault of the client's, so a failure of the server is what the client must see, and 403
/// would tell it not to come back.
fn refused(lab: &Lab, denial: Denied) -> Response {
    let mut response = denied(denial, Challenge::of(lab));
    let status = response.status();
    if status.is_client_error() && status != StatusCode::UNAUTHORIZED {
        *response.status_mut() = StatusCode::FORBIDDEN;
    }
    response
}

/// Method and target of the request that is asked about: one pair of headers, not both.
fn asked(head: &Parts) -> Option<(&str, &str)> {
    let pair = |[method, target]: &[HeaderName; 2]| {
        let found = (only(&head.headers, method), only(&head.headers, target));
        let any = head.headers.contains_key(method) || head.headers.contains_key(target);
        (any, found)
    };
    match (pair(&ORIGINAL), pair(&FORWARDED)) {
        ((true, (Some(method), Some(target))), (false, _))
        | ((false, _), (true, (Some(method), Some(target)))) => Some((method, target)),
        _ => None,
    }
}

async fn decide(lab: &Lab, head: &Parts, method: &str, target: &str) -> Result<Grant, Denied> {
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    let (route, action) = lab.routes().find(method, path)?;
    let request = Request {
        method,
        route,
        target,
        sender: granted::sender_of(head, method, path, lab)?,
        presented: granted::shown(head, method, lab)?,
        action,
    };
    observed::authorize(lab, head, &request).await.0
}

/// What the proxy passes on: whose request it is, and what that may do.
fn passed(lab: &Lab, grant: &Grant) -> Response {
    let name = lab.name(grant);
    // Whoever reads the header does not see the spaces around it, and would take one account for another.
    let whole = (name.trim() == &*name).then_some(name);
    let subject = whole.map(|name| HeaderValue::from_bytes(name.as_bytes()));
    let scope = HeaderValue::try_from(grant.scopes().to_string());
    if let (Some(Ok(subject)), Ok(scope)) = (subject, scope) {
        return (StatusCode::NO_CONTENT, [(SUBJECT, subject), (SCOPE, scope)]).into_response();
    }
    // A name that no header can hold must not pass as nobody's. Nothing failed that a later try would find mended.
    let name = lab.name(grant);
    let cause = format!("no header can hold the subject's name {name:?}: refused");
    cause::tell(Source::Authorize, &cause);
    let reason = "The subject's name cannot be passed on in a header";
    problem(StatusCode::FORBIDDEN, "access_denied", reason)
}

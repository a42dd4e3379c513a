//! The extractors: what the network says about a request becomes a [`Request`], and that a grant.

use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, USER_AGENT};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use super::answers::Challenge;
use super::{answers, cookies};
use crate::credential::CredentialKind;
use crate::denied::Denied;
use crate::lab::Lab;
use crate::policy::Action;
use crate::request::{Grant, Presented, Request, Sender};
use crate::stages::StageTimes;

/// Who is at the other end of the connection. The listener puts it into each request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// What a handler needs permission for.
pub(super) trait Permission {
    const ACTION: Action;
}

/// Permission to read the items.
pub(super) struct ItemsRead;
/// Permission to add an item.
pub(super) struct ItemsWrite;
/// Permission to read one's own account.
pub(super) struct OwnAccount;

/// Permission to read what one's role has to do.
pub(super) struct TodosRead;
/// Permission to read what every account may.
pub(super) struct SecureData;

impl Permission for TodosRead {
    const ACTION: Action = Action::TodosRead;
}
impl Permission for SecureData {
    const ACTION: Action = Action::SecureData;
}
impl Permission for ItemsRead {
    const ACTION: Action = Action::ItemsRead;
}
impl Permission for ItemsWrite {
    const ACTION: Action = Action::ItemsWrite;
}
impl Permission for OwnAccount {
    const ACTION: Action = Action::OwnAccount;
}

/// A request that was authorized for what `P` says.
pub(super) struct Granted<P> {
    pub(super) grant: Grant,
    times: Option<StageTimes>,
    permission: PhantomData<P>,
}

impl<P> Granted<P> {
    /// The handler's answer, with what authorization took.
    pub(super) fn answer(&self, response: Response) -> Response {
        answers::timed(response, self.times)
    }
}

/// A refusal, with what it took.
pub(super) struct Refusal {
    denied: Denied,
    challenge: Challenge,
    times: Option<StageTimes>,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        answers::timed(answers::denied(self.denied, self.challenge), self.times)
    }
}

impl<P: Permission> FromRequestParts<Arc<Lab>> for Granted<P> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, lab: &Arc<Lab>) -> Result<Self, Refusal> {
        let request = request(parts, P::ACTION, lab).map_err(|denied| Refusal {
            denied,
            challenge: Challenge::of(lab),
            times: None,
        })?;
        let (decision, times) = if let Some(grant) = lab.control() {
            // The control reads the credentials too, so that only authorization is missing from it.
            std::hint::black_box(&request);
            (Ok(grant), None)
        } else if lab.design().server_timing {
            let (decision, times) = lab.authorize_timed(&request).await;
            (decision, Some(times))
        } else {
            (lab.authorize(&request).await, None)
        };
        match decision {
            Ok(grant) => Ok(Self {
                grant,
                times,
                permission: PhantomData,
            }),
            Err(denied) => Err(Refusal {
                denied,
                challenge: Challenge::of(lab),
                times,
            }),
        }
    }
}

/// What the request says, for whoever must judge it outside a [`Granted`].
pub(super) fn request<'a>(
    parts: &'a Parts,
    action: Action,
    lab: &Lab,
) -> Result<Request<'a>, Denied> {
    let presented = match lab.design().credential {
        CredentialKind::Jwt | CredentialKind::Opaque => presented(&parts.headers),
        CredentialKind::Session => {
            let cookie = cookies::session(&parts.headers);
            if !matches!(cookie, Presented::Nothing) {
                cookies::same_origin(parts)?;
            }
            cookie
        }
    };
    let route = parts
        .extensions
        .get::<MatchedPath>()
        .map_or("", MatchedPath::as_str);
    Ok(Request {
        method: parts.method.as_str(),
        route: route.strip_suffix('/').unwrap_or(route),
        target: parts
            .uri
            .path_and_query()
            .map_or("", |target| target.as_str()),
        sender: sender(parts)?,
        presented,
        action,
    })
}

/// Who sent it. Without a peer nothing is granted: an unknown sender must not look like any other.
pub(super) fn sender(parts: &Parts) -> Result<Sender<'_>, Denied> {
    let Peer(ip) = *parts.extensions.get().ok_or(Denied::Unavailable)?;
    Ok(Sender {
        user_agent: parts
            .headers
            .get(USER_AGENT)
            .map_or(b"", |value| value.as_bytes()),
        ip,
    })
}

/// The scheme's name is compared without case (RFC 9110 §11.1).
const BEARER: &str = "bearer ";

fn presented(headers: &HeaderMap) -> Presented<'_> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, more) = (values.next(), values.next());
    if more.is_some() {
        return Presented::Ambiguous;
    }
    let Some(text) = value.and_then(|value| value.to_str().ok()) else {
        return Presented::Nothing;
    };
    match text.split_at_checked(BEARER.len()) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(BEARER) => {
            Presented::Bearer(token.trim_start_matches(' '))
        }
        _ => Presented::Nothing,
    }
}

//! The extractors: what the network says about a request becomes a [`Request`], and that a grant.

use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath};
use axum::http::header::{AUTHORIZATION, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};

use super::answers::Challenge;
use super::head::{only, whole};
use super::{answers, cookies, head, observed};
use crate::binding::BindingKind;
use crate::cause::{self, Source};
use crate::credential::CredentialKind;
use crate::denied::Denied;
use crate::grant::Grant;
use crate::https::Certificate;
use crate::lab::Lab;
use crate::policy::Action;
use crate::request::{DpopProof, Presented, Proof, Request, Sender};
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

/// Permission to change accounts, keys and the policy.
pub(super) struct Administer;

impl Permission for Administer {
    const ACTION: Action = Action::Administer;
}

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
        let (decision, times) = observed::authorize(lab, parts, &request).await;
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
pub(crate) fn request<'a>(
    parts: &'a Parts,
    action: Action,
    lab: &Lab,
) -> Result<Request<'a>, Denied> {
    let peer = peer(&parts.extensions).ok_or_else(no_peer)?;
    let route = parts
        .extensions
        .get::<MatchedPath>()
        .map_or_else(|| parts.uri.path(), MatchedPath::as_str);
    request_from(
        peer,
        parts,
        route.strip_suffix('/').unwrap_or(route),
        action,
        lab,
    )
}

/// What the request of this peer says, at this route.
pub(super) fn request_from<'a>(
    peer: IpAddr,
    parts: &'a Parts,
    route: &'a str,
    action: Action,
    lab: &Lab,
) -> Result<Request<'a>, Denied> {
    let (method, whole) = (parts.method.as_str(), whole(parts));
    Ok(Request {
        method,
        route,
        target: whole.path_and_query().map_or("", |target| target.as_str()),
        sender: sender_from(peer, parts, method, whole.path(), lab)?,
        presented: shown(parts, method, lab)?,
        action,
    })
}

/// The credentials of the kind that this server takes, with a proof of the same origin where `method` needs one.
pub(super) fn shown<'a>(
    parts: &'a Parts,
    method: &str,
    lab: &Lab,
) -> Result<Presented<'a>, Denied> {
    let design = lab.design();
    match (design.credential, design.binding) {
        (CredentialKind::Session, _) => {
            let cookie = cookies::session(&parts.headers);
            if !matches!(cookie, Presented::Nothing) {
                cookies::same_origin(parts, method)?;
            }
            Ok(cookie)
        }
        (CredentialKind::ApiKey, _) => Ok(api_key(&parts.headers)),
        (CredentialKind::Basic, _) => Ok(presented(&parts.headers, BASIC, Presented::Basic)),
        // RFC 9449 §7.2: what is bound to a key is no bearer token.
        (_, BindingKind::Dpop) => Ok(presented(&parts.headers, DPOP, Presented::Dpop)),
        _ => Ok(presented(&parts.headers, BEARER, Presented::Bearer)),
    }
}

/// Who sent it. Without a peer nothing is granted: an unknown sender must not look like any other.
pub(super) fn sender<'a>(parts: &'a Parts, lab: &Lab) -> Result<Sender<'a>, Denied> {
    let method = parts.method.as_str();
    sender_of(parts, method, whole(parts).path(), lab)
}

/// The refusal of a request without a peer address, and why.
pub(super) fn no_peer() -> Denied {
    cause::unavailable(
        Source::Server,
        &"a request has no peer address: serve with into_make_service_with_connect_info::<SocketAddr>()",
    )
}

/// Who sent it, with the proof for this method and path.
pub(super) fn sender_of<'a>(
    parts: &'a Parts,
    method: &'a str,
    path: &'a str,
    lab: &Lab,
) -> Result<Sender<'a>, Denied> {
    let peer = peer(&parts.extensions).ok_or_else(no_peer)?;
    sender_from(peer, parts, method, path, lab)
}

fn sender_from<'a>(
    peer: IpAddr,
    parts: &'a Parts,
    method: &'a str,
    path: &'a str,
    lab: &Lab,
) -> Result<Sender<'a>, Denied> {
    let proof = match lab.design().binding {
        BindingKind::Dpop => {
            only(&parts.headers, &PROOF).map(|jwt| Proof::Dpop(DpopProof { jwt, method, path }))
        }
        BindingKind::Mtls => {
            let shown = parts.extensions.get::<Certificate>();
            shown.map(|certificate| Proof::Certificate(certificate.thumbprint()))
        }
        _ => None,
    };
    Ok(Sender {
        user_agent: parts
            .headers
            .get(USER_AGENT)
            .map_or(b"", |value| value.as_bytes()),
        ip: behind(peer, &parts.headers, lab)?,
        proof,
    })
}

/// Who is at the other end: as our listener puts it, or axum's own for a service of somebody else's.
fn peer(extensions: &Extensions) -> Option<IpAddr> {
    let ours = extensions.get().map(|Peer(peer)| *peer);
    ours.or_else(|| {
        let ConnectInfo(address) = extensions.get::<ConnectInfo<SocketAddr>>()?;
        Some(address.ip())
    })
}

/// The answer to a request that was refused before it reached its service.
pub(crate) fn refused(denied: Denied, lab: &Lab) -> Response {
    answers::no_store(answers::denied(denied, Challenge::of(lab)))
}

/// The client behind a trusted proxy; the peer itself where it is none, or says nothing.
fn behind(peer: IpAddr, headers: &HeaderMap, lab: &Lab) -> Result<IpAddr, Denied> {
    let proxies = &lab.design().trusted_proxy;
    if proxies.is_empty() || !proxies.trust(peer) || !headers.contains_key(FORWARDED_FOR) {
        return Ok(peer);
    }
    let fields = headers.get_all(FORWARDED_FOR).iter();
    let sender = proxies.sender_of(fields.map(HeaderValue::as_bytes));
    // A proxy that is trusted but not understood must not become everybody's address.
    sender.ok_or(Denied::BadForwarded)
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROOF: HeaderName = HeaderName::from_static("dpop");

/// A scheme's name is compared without case (RFC 9110 §11.1).
const BEARER: &str = "bearer ";
const DPOP: &str = "dpop ";
const BASIC: &str = "basic ";

pub(super) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

fn api_key(headers: &HeaderMap) -> Presented<'_> {
    let mut values = headers.get_all(API_KEY).iter();
    match (values.next(), values.next()) {
        (_, Some(_)) => Presented::Ambiguous,
        (None, _) => Presented::Nothing,
        (Some(value), None) => match head::text(value) {
            Some(key) => Presented::ApiKey(key),
            None => Presented::Unreadable,
        },
    }
}

fn presented<'a>(
    headers: &'a HeaderMap,
    scheme: &str,
    kind: fn(&'a str) -> Presented<'a>,
) -> Presented<'a> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, more) = (values.next(), values.next());
    if more.is_some() {
        return Presented::Ambiguous;
    }
    let Some(value) = value else {
        return Presented::Nothing;
    };
    match value.as_bytes().split_at_checked(scheme.len()) {
        Some((named, _)) if named.eq_ignore_ascii_case(scheme.as_bytes()) => {}
        _ => return Presented::Nothing,
    }
    // The scheme is ASCII, so the token begins at a character.
    match head::text(value).and_then(|text| text.get(scheme.len()..)) {
        Some(token) => kind(token.trim_start_matches(' ')),
        None => Presented::Unreadable,
    }
}

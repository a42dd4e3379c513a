//! What other servers ask here, by the standards that their libraries speak: tokens of their own (RFC 6749), the state of
//! anybody's (RFC 7662) and its end (RFC 7009), and where all that is (RFC 8414, RFC 7517).

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::accounts::{self, Basic};
use super::admin::to_its_end;
use super::answers::{Challenge, denied, fixed, json, no_store, problem, text};
use super::bodies::Form;
use super::granted;
use super::head::Head;
use super::token::issued;
use crate::binding::BindingKind;
use crate::bound::Confirmation;
use crate::clients::{CLIENT, Client, ClientGrant};
use crate::credential::{CredentialKind, JwtAlgorithm, RefreshKind};
use crate::denied::Denied;
use crate::grant::{Generation, IssuedToken, TokenId};
use crate::lab::{Introspected, Lab};
use crate::policy::{Roles, Scope, Scopes};
use crate::request::Sender;
use crate::status_list::MEDIA_TYPE;

/// What a client asks a token for: the form of `/oauth/token`, as it is documented.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "a form is read field by field")]
pub(super) struct Asks {
    grant_type: String,
    scope: Option<String>,
    refresh_token: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

/// Which token a client asks about: the form of the other two.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "a form is read field by field")]
pub(super) struct Names {
    token: String,
    token_type_hint: Option<String>,
    /// Of `/oauth/introspect`: the address of who shows the token to the server that asks.
    sender_ip: Option<String>,
    /// The same of its User-Agent, in base64url: a header need not be UTF-8.
    sender_user_agent: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

/// `POST /oauth/token`
pub(super) async fn token(State(lab): State<Arc<Lab>>, Head(head): Head, form: Form) -> Response {
    match granted_to(&lab, &head, &form).await {
        Ok(token) => issued(&Ok(token)),
        Err(Refused::Denied(denial)) => refused(denial),
        Err(Refused::Wrong(reason)) => wrong(reason),
    }
}

async fn granted_to(lab: &Lab, head: &Parts, form: &Form) -> Result<IssuedToken, Refused> {
    let client = client(lab, &head.headers, form)?;
    let sender = granted::sender(head, lab)?;
    let grant = form
        .field("grant_type")
        .ok_or(Refused::Wrong("grant_type is missing"))?;
    // Compared, and not parsed: a stranger's long name would cost a search for the one that was meant.
    match ClientGrant::named(grant) {
        Some(ClientGrant::ClientCredentials) => {
            let wanted = form.field("scope");
            Ok(lab.client_credentials(client, wanted, &sender).await?)
        }
        Some(ClientGrant::RefreshToken) => {
            let token = form
                .field("refresh_token")
                .ok_or(Refused::Wrong("refresh_token is missing"))?;
            let wanted = form.field("scope");
            Ok(lab.refresh_for(client, token, wanted, &sender).await?)
        }
        None => Err(Denied::UnsupportedGrant.into()),
    }
}

/// `POST /oauth/revoke`
pub(super) async fn revoke(State(lab): State<Arc<Lab>>, Head(head): Head, form: Form) -> Response {
    let change = async move {
        let asked = client(&lab, &head.headers, &form)
            .and_then(|client| wanted_token(&form).map(|token| (client, token)));
        Ok(match asked {
            Ok((client, token)) => lab.revoke_for(client, token).await.map_err(Refused::Denied),
            Err(refused) => Err(refused),
        })
    };
    match to_its_end(change)
        .await
        .unwrap_or_else(|denied| Err(Refused::Denied(denied)))
    {
        Ok(()) => no_store(StatusCode::OK.into_response()),
        Err(Refused::Denied(denial)) => refused(denial),
        Err(Refused::Wrong(reason)) => wrong(reason),
    }
}

/// `POST /oauth/introspect`
pub(super) async fn introspect(
    State(lab): State<Arc<Lab>>,
    Head(head): Head,
    form: Form,
) -> Response {
    let asked = client(&lab, &head.headers, &form)
        .and_then(|_| Ok((wanted_token(&form)?, shown_by(&form)?)));
    let found = match asked {
        Ok((token, by)) => {
            let sender = by.as_ref().map(|(ip, user_agent)| Sender {
                user_agent,
                ip: *ip,
                proof: None,
            });
            let found = lab.introspect(token, sender.as_ref()).await;
            found.map_err(Refused::Denied)
        }
        Err(refused) => Err(refused),
    };
    match found {
        Ok(Some(active)) => no_store(said(&lab, &active)),
        // RFC 7662 §2.2: and nothing else.
        Ok(None) => no_store(fixed(r#"{"active":false}"#)),
        Err(Refused::Denied(denial)) => refused(denial),
        Err(Refused::Wrong(reason)) => wrong(reason),
    }
}

fn said(lab: &Lab, active: &Introspected) -> Response {
    #[derive(Serialize)]
    struct Said<'a> {
        active: bool,
        scope: Scopes,
        #[serde(skip_serializing_if = "Option::is_none")]
        client_id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        username: Option<&'a str>,
        token_type: &'static str,
        exp: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        nbf: Option<u64>,
        sub: &'a str,
        aud: &'a str,
        iss: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        jti: Option<TokenId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        sid: Option<TokenId>,
        #[serde(rename = "gen", skip_serializing_if = "Option::is_none")]
        generation: Option<Generation>,
        roles: Roles,
        /// As the claim of that name.
        #[serde(skip_serializing_if = "Option::is_none")]
        narrowed_from: Option<Roles>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cnf: Option<Confirmation>,
    }
    let (name, verified) = (&*active.name, &active.verified);
    let client_id = name.strip_prefix(CLIENT);
    let (_, cnf) = verified.bound.claims();
    let mark = verified.mark;
    json(&Said {
        active: true,
        scope: active.grant.scopes(),
        client_id,
        username: client_id.is_none().then_some(name),
        token_type: lab.token_type(),
        exp: verified.expires_at,
        nbf: Some(verified.not_before).filter(|seconds| *seconds > 0),
        sub: name,
        aud: &lab.design().audience(),
        iss: &lab.design().issuer(),
        jti: Some(mark.id).filter(|_| !lab.names_sessions()),
        sid: Some(mark.id).filter(|_| lab.names_sessions()),
        generation: Some(mark.generation).filter(|generation| *generation > 0),
        roles: verified.granted_roles(),
        narrowed_from: verified.narrowed.then_some(verified.roles),
        cnf,
    })
}

/// `GET /.well-known/jwks.json`
pub(super) async fn jwks(State(lab): State<Arc<Lab>>) -> Response {
    text(lab.jwks())
}

/// `GET /status-list`
pub(super) async fn status_list(State(lab): State<Arc<Lab>>) -> Response {
    match lab.status_list() {
        Ok(list) => {
            let typ = [(CONTENT_TYPE, MEDIA_TYPE)];
            (typ, list.to_string()).into_response()
        }
        Err(why) => denied(why, Challenge::Bearer),
    }
}

/// `GET /.well-known/oauth-authorization-server`
pub(super) async fn metadata(State(lab): State<Arc<Lab>>) -> Response {
    #[derive(Serialize)]
    struct Metadata<'a> {
        issuer: &'a str,
        token_endpoint: String,
        revocation_endpoint: String,
        introspection_endpoint: String,
        jwks_uri: String,
        scopes_supported: &'a [Scope],
        /// Required, though there is no page to sign in at (RFC 8414 §2).
        response_types_supported: [&'static str; 0],
        grant_types_supported: &'a [ClientGrant],
        token_endpoint_auth_methods_supported: [&'static str; 2],
        revocation_endpoint_auth_methods_supported: [&'static str; 2],
        introspection_endpoint_auth_methods_supported: [&'static str; 2],
        #[serde(skip_serializing_if = "Option::is_none")]
        dpop_signing_alg_values_supported: Option<Vec<JwtAlgorithm>>,
        /// RFC 8705 §3.3.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        tls_client_certificate_bound_access_tokens: bool,
    }
    let design = lab.design();
    let issuer = design.issuer();
    let at = |path: &str| format!("{issuer}{path}");
    let methods = ["client_secret_basic", "client_secret_post"];
    let grants = match (design.credential, design.refresh) {
        (CredentialKind::ApiKey, _) => &[],
        (_, RefreshKind::None) => &[ClientGrant::ClientCredentials][..],
        (_, RefreshKind::Rotate) => ClientGrant::ALL,
    };
    let dpop = design.binding == BindingKind::Dpop;
    json(&Metadata {
        token_endpoint: at("/oauth/token"),
        revocation_endpoint: at("/oauth/revoke"),
        introspection_endpoint: at("/oauth/introspect"),
        jwks_uri: at("/.well-known/jwks.json"),
        issuer: &issuer,
        scopes_supported: Scope::ALL,
        response_types_supported: [],
        grant_types_supported: grants,
        token_endpoint_auth_methods_supported: methods,
        revocation_endpoint_auth_methods_supported: methods,
        introspection_endpoint_auth_methods_supported: methods,
        dpop_signing_alg_values_supported: dpop.then(|| JwtAlgorithm::of_pairs().collect()),
        tls_client_certificate_bound_access_tokens: design.binding == BindingKind::Mtls,
    })
}

/// Why a client has no answer.
pub(super) enum Refused {
    Denied(Denied),
    /// A request that is none, and what is wrong with it.
    Wrong(&'static str),
}

impl From<Denied> for Refused {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

/// Who asks, by header or by form, never both (RFC 6749 §2.3).
fn client<'a>(lab: &'a Lab, headers: &HeaderMap, form: &Form) -> Result<&'a Client, Refused> {
    let in_form = (form.field("client_id"), form.field("client_secret"));
    if headers.contains_key(AUTHORIZATION) {
        if in_form.1.is_some() {
            return Err(Refused::Wrong(
                "The client shows its secret in the header and in the form",
            ));
        }
        let (id, secret) = by_header(headers)?;
        if in_form.0.is_some_and(|named| named != id) {
            return Err(Refused::Wrong("client_id is another than the header's"));
        }
        return Ok(lab.client(&id, &secret)?);
    }
    match in_form {
        (Some(id), Some(secret)) => Ok(lab.client(id, secret)?),
        _ => Err(Denied::BadClient.into()),
    }
}

/// The id and the secret of a client's header.
pub(super) fn by_header(headers: &HeaderMap) -> Result<(String, String), Denied> {
    match accounts::basic(headers) {
        Ok((id, secret)) => Ok((decoded(&id), decoded(&secret))),
        Err(Basic::Missing | Basic::Broken) => Err(Denied::BadClient),
    }
}

/// Both are form-encoded inside the header (RFC 6749 §2.3.1).
fn decoded(text: &str) -> String {
    let field = format!("x={}", text.replace('&', "%26"));
    let mut fields = url::form_urlencoded::parse(field.as_bytes());
    fields
        .next()
        .map_or_else(String::new, |(_, text)| text.into_owned())
}

fn wanted_token(form: &Form) -> Result<&str, Refused> {
    form.field("token")
        .ok_or(Refused::Wrong("token is missing"))
}

/// Who shows the token to the server that asks (RFC 7662 §2.1 leaves room for it): address and User-Agent, both or neither.
fn shown_by(form: &Form) -> Result<Option<(IpAddr, Vec<u8>)>, Refused> {
    let Some(ip) = form.field("sender_ip") else {
        return match form.field("sender_user_agent") {
            None => Ok(None),
            Some(_) => Err(Refused::Wrong(
                "sender_user_agent is there without sender_ip",
            )),
        };
    };
    let ip = ip
        .parse()
        .map_err(|_| Refused::Wrong("sender_ip is no IP address"))?;
    let user_agent = form.field("sender_user_agent").unwrap_or_default();
    let user_agent = URL_SAFE_NO_PAD
        .decode(user_agent)
        .map_err(|_| Refused::Wrong("sender_user_agent is no base64url"))?;
    Ok(Some((ip, user_agent)))
}

fn refused(denial: Denied) -> Response {
    match denial {
        Denied::BadProof | Denied::NeedsNonce => issued(&Err(denial)),
        _ => no_store(denied(denial, Challenge::Basic)),
    }
}

pub(super) fn wrong(reason: &str) -> Response {
    no_store(problem(StatusCode::BAD_REQUEST, "invalid_request", reason))
}

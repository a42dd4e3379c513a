//! Signing in and out.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::admin::to_its_end;
use super::answers::{Challenge, denied, fixed, json, no_store, problem};
use super::bodies::Body;
use super::granted;
use super::head::Head;
use crate::denied::Denied;
use crate::grant::IssuedToken;
use crate::lab::Lab;
use crate::policy::{Action, Scopes};

/// What a user signs in with. It has no `Debug`: it never belongs into a log.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct SignIn {
    username: String,
    password: String,
}

/// `POST /token`
pub(super) async fn issue(
    State(lab): State<Arc<Lab>>,
    Head(head): Head,
    Body(sign_in): Body<SignIn>,
) -> Response {
    let token = match granted::sender(&head, &lab) {
        Ok(sender) => {
            lab.login(&sign_in.username, &sign_in.password, &sender)
                .await
        }
        Err(denied) => Err(denied),
    };
    issued(&token)
}

/// What a session goes on by. It has no `Debug`: it never belongs into a log.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct Refresh {
    refresh_token: String,
    /// What the next access token may do, separated by spaces; without it all that the session may.
    #[serde(default)]
    scope: Option<String>,
}

/// `POST /token/refresh`
pub(super) async fn refresh(
    State(lab): State<Arc<Lab>>,
    Head(head): Head,
    Body(refresh): Body<Refresh>,
) -> Response {
    let token = match granted::sender(&head, &lab) {
        Ok(sender) => {
            // A parameter without a value counts as omitted (RFC 6749 §3.2).
            let wanted = refresh.scope.as_deref().filter(|scope| !scope.is_empty());
            lab.refresh(&refresh.refresh_token, wanted, &sender).await
        }
        Err(denied) => Err(denied),
    };
    issued(&token)
}

/// As RFC 6749 §5.1 has it.
pub(super) fn issued(token: &Result<IssuedToken, Denied>) -> Response {
    #[derive(Serialize)]
    struct Issued<'a> {
        access_token: &'a str,
        token_type: &'static str,
        expires_in: u64,
        scope: Scopes,
        #[serde(skip_serializing_if = "Option::is_none")]
        refresh_token: Option<&'a str>,
    }
    no_store(match token {
        Ok(token) => json(&Issued {
            access_token: &token.access_token,
            token_type: token.token_type,
            expires_in: token.expires_in,
            scope: token.scopes,
            refresh_token: token.refresh_token.as_deref(),
        }),
        // RFC 9449 §5, §8: here a wrong proof is a wrong request.
        Err(wrong @ (Denied::BadProof | Denied::NeedsNonce)) => {
            problem(StatusCode::BAD_REQUEST, wrong.code(), wrong.description())
        }
        Err(denial) => denied(*denial, Challenge::Bearer),
    })
}

/// Ends what the request carries.
pub(super) async fn ended(lab: Arc<Lab>, head: Parts) -> Result<(), Denied> {
    let request = granted::request(&head, Action::OwnAccount, &lab)?;
    lab.revoke(&request).await
}

/// `POST /token/revoke`: ends the bearer token that the request carries.
pub(super) async fn revoke(State(lab): State<Arc<Lab>>, Head(head): Head) -> Response {
    let revoked = to_its_end(ended(Arc::clone(&lab), head)).await;
    no_store(match revoked {
        Ok(()) => fixed(r#"{"revoked":true}"#),
        Err(denial) => denied(denial, Challenge::of(&lab)),
    })
}

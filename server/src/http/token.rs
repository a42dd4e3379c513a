//! Signing in and out.

use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::answers::{denied, fixed, json, no_store};
use super::bodies::Body;
use super::granted;
use crate::lab::Lab;
use crate::policy::Action;

/// What a user signs in with. It has no `Debug`: it never belongs into a log.
#[derive(Deserialize)]
pub(super) struct SignIn {
    username: String,
    password: String,
}

/// The head of a request, for handlers that judge it themselves.
pub(super) struct Head(Parts);

impl FromRequestParts<Arc<Lab>> for Head {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Lab>) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.clone()))
    }
}

/// `POST /token`
pub(super) async fn issue(
    State(lab): State<Arc<Lab>>,
    Head(head): Head,
    Body(sign_in): Body<SignIn>,
) -> Response {
    #[derive(Serialize)]
    struct Issued<'a> {
        access_token: &'a str,
        token_type: &'static str,
        expires_in: u64,
    }
    let token = match granted::sender(&head) {
        Ok(sender) => {
            lab.login(&sign_in.username, &sign_in.password, &sender)
                .await
        }
        Err(denied) => Err(denied),
    };
    no_store(match token {
        Ok(token) => {
            let (access_token, expires_in) = (token.access_token.as_str(), token.expires_in);
            json(&Issued {
                access_token,
                token_type: "Bearer",
                expires_in,
            })
        }
        Err(denial) => denied(denial),
    })
}

/// `POST /token/revoke`: ends the bearer token that the request carries.
pub(super) async fn revoke(State(lab): State<Arc<Lab>>, Head(head): Head) -> Response {
    let revoked =
        granted::request(&head, Action::OwnAccount).and_then(|request| lab.revoke(&request));
    no_store(match revoked {
        Ok(()) => fixed(r#"{"revoked":true}"#),
        Err(denial) => denied(denial),
    })
}

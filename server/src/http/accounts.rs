//! The fifth published design: accounts sign themselves up, sign in by HTTP Basic, and go on by a cookie.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{AUTHORIZATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::admin::to_its_end;
use super::answers::{Challenge, denied, fixed, json, no_store, problem};
use super::bodies::Body;
use super::granted::{self, Granted, SecureData};
use super::head::Head;
use super::{cookies, items, token};
use crate::credential::basic::read;
use crate::denied::Denied;
use crate::lab::Lab;
use crate::policy::Action;
use crate::request::Presented;
use crate::shares::Origin;
use crate::users::called;

/// Who wants an account. It has no `Debug`: it never belongs into a log.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignUp {
    username: String,
    password: String,
}

#[derive(Serialize)]
struct Account<'a> {
    username: &'a str,
}

/// `POST /signup`
pub(super) async fn sign_up(
    State(lab): State<Arc<Lab>>,
    Head(head): Head,
    Body(wanted): Body<SignUp>,
) -> Response {
    let made = match granted::sender(&head, &lab) {
        Ok(sender) => {
            let by = Origin::of(sender.ip);
            lab.sign_up_by(&wanted.username, &wanted.password, by).await
        }
        Err(denied) => Err(denied),
    };
    no_store(match made {
        Ok(()) => {
            let username = &*called(&wanted.username);
            (StatusCode::CREATED, json(&Account { username })).into_response()
        }
        Err(denial) => denied(denial, Challenge::Basic),
    })
}

/// `POST /login`: a new id at each sign-in; the one that came along ends.
pub(super) async fn login(State(lab): State<Arc<Lab>>, Head(head): Head) -> Response {
    let (name, password) = match basic(&head.headers) {
        Ok(pair) => pair,
        Err(Basic::Missing) => return no_store(denied(Denied::NoCredentials, Challenge::Basic)),
        Err(Basic::Broken) => {
            let reason =
                "The Authorization header is not `Basic` and base64 of name:password in UTF-8";
            return no_store(problem(StatusCode::BAD_REQUEST, "invalid_request", reason));
        }
    };
    let issued = match granted::sender(&head, &lab) {
        Ok(sender) => lab.login(&name, &password, &sender).await,
        Err(denied) => Err(denied),
    };
    let issued = match issued {
        Ok(issued) => issued,
        Err(denial) => return no_store(denied(denial, Challenge::Basic)),
    };
    if let Ok(request) = granted::request(&head, Action::OwnAccount, &lab)
        && matches!(request.presented, Presented::Cookie(_))
    {
        // It may be nobody's any more.
        let _ = lab.revoke(&request).await;
    }
    let insecure = lab.design().insecure_cookies;
    let cookie = cookies::set(&issued.access_token, issued.expires_in, insecure);
    let username = &*called(&name);
    no_store(with_cookie(json(&Account { username }), &cookie))
}

/// `POST /logout`
pub(super) async fn logout(State(lab): State<Arc<Lab>>, Head(head): Head) -> Response {
    let ended = to_its_end(token::ended(Arc::clone(&lab), head)).await;
    no_store(match ended {
        Ok(()) => {
            let cookie = cookies::clear(lab.design().insecure_cookies);
            with_cookie(fixed(r#"{"logged_out":true}"#), &cookie)
        }
        Err(denial) => denied(denial, Challenge::Cookie),
    })
}

/// `GET /protected`
pub(super) async fn protected(
    State(lab): State<Arc<Lab>>,
    granted: Granted<SecureData>,
) -> Response {
    granted.answer(items::greeting(
        &lab,
        &granted.grant,
        "This is a protected route",
    ))
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(SET_COOKIE, value);
    }
    response
}

/// Why there is no name and password.
pub(super) enum Basic {
    /// Nothing was sent, or for another scheme.
    Missing,
    /// More than one header, no base64, no UTF-8, or no colon.
    Broken,
}

/// Name and password (RFC 7617 §2).
pub(super) fn basic(headers: &HeaderMap) -> Result<(String, String), Basic> {
    const SCHEME: &str = "basic ";
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(Basic::Missing)?;
    if values.next().is_some() {
        return Err(Basic::Broken);
    }
    let encoded = match value.as_bytes().split_at_checked(SCHEME.len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(SCHEME.as_bytes()) => rest,
        _ => return Err(Basic::Missing),
    };
    let encoded = std::str::from_utf8(encoded).map_err(|_| Basic::Broken)?;
    read(encoded.trim_matches(' ')).ok_or(Basic::Broken)
}

//! Changes that end what was decided before: for administrators, and each account's own password.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;

use super::answers::{Challenge, denied, fixed, no_store};
use super::bodies::Body;
use super::granted::{self, Administer, Granted};
use super::token::Head;
use crate::denied::Denied;
use crate::lab::Lab;
use crate::policy::{Action, Role, Scope};

/// What each role carries from now on; a role that is not named carries nothing.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Carried {
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    admin: Vec<Scope>,
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    user: Vec<Scope>,
}

/// `POST /admin/policy`
pub(super) async fn policy(
    granted: Granted<Administer>,
    State(lab): State<Arc<Lab>>,
    Body(carried): Body<Carried>,
) -> Response {
    let carried = [(Role::Admin, carried.admin), (Role::User, carried.user)];
    let replaced = lab.replace_policy(&carried.into_iter().collect()).await;
    granted.answer(done(replaced, r#"{"replaced":true}"#, &lab))
}

/// `POST /admin/keys`
pub(super) async fn keys(granted: Granted<Administer>, State(lab): State<Arc<Lab>>) -> Response {
    let rotated = lab.rotate_keys().await;
    granted.answer(done(rotated, r#"{"rotated":true}"#, &lab))
}

/// An account's roles from now on.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    #[schema(value_type = Vec<String>)]
    roles: Vec<Role>,
}

/// `POST /admin/accounts/{name}/roles`
pub(super) async fn roles(
    granted: Granted<Administer>,
    State(lab): State<Arc<Lab>>,
    Path(name): Path<String>,
    Body(given): Body<Given>,
) -> Response {
    let given = lab
        .set_roles(&name, given.roles.into_iter().collect())
        .await;
    granted.answer(done(given, r#"{"changed":true}"#, &lab))
}

/// `DELETE /admin/accounts/{name}`
pub(super) async fn remove(
    granted: Granted<Administer>,
    State(lab): State<Arc<Lab>>,
    Path(name): Path<String>,
) -> Response {
    let removed = lab.remove_account(&name).await;
    granted.answer(done(removed, r#"{"removed":true}"#, &lab))
}

/// A password, shown once more, and the next. It has no `Debug`: it never belongs into a log.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Passwords {
    password: String,
    new_password: String,
}

/// `POST /password`
pub(super) async fn password(
    State(lab): State<Arc<Lab>>,
    Head(head): Head,
    Body(passwords): Body<Passwords>,
) -> Response {
    let changed = match granted::request(&head, Action::OwnAccount, &lab) {
        Ok(request) => {
            let (password, next) = (&passwords.password, &passwords.new_password);
            lab.change_own_password(&request, password, next).await
        }
        Err(denied) => Err(denied),
    };
    done(changed, r#"{"changed":true}"#, &lab)
}

fn done(change: Result<(), Denied>, answer: &'static str, lab: &Lab) -> Response {
    no_store(match change {
        Ok(()) => fixed(answer),
        Err(denial) => denied(denial, Challenge::of(lab)),
    })
}

//! Changes that end what was decided before: for administrators, and each account's own password.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;

use super::answers::{Challenge, denied, fixed, no_store};
use super::bodies::Body;
use super::granted::{self, Administer, Granted};
use super::head::Head;
use crate::allowance;
use crate::cause;
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
    let carried = carried.into_iter().collect();
    let change = {
        let lab = Arc::clone(&lab);
        async move { lab.replace_policy(&carried).await }
    };
    let replaced = to_its_end(change).await;
    granted.answer(done(replaced, r#"{"replaced":true}"#, &lab))
}

/// `POST /admin/keys`
pub(super) async fn keys(granted: Granted<Administer>, State(lab): State<Arc<Lab>>) -> Response {
    let change = {
        let lab = Arc::clone(&lab);
        async move { lab.rotate_keys().await }
    };
    let rotated = to_its_end(change).await;
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
    let roles = given.roles.into_iter().collect();
    let change = {
        let lab = Arc::clone(&lab);
        async move { lab.set_roles(&name, roles).await }
    };
    let given = to_its_end(change).await;
    granted.answer(done(given, r#"{"changed":true}"#, &lab))
}

/// `DELETE /admin/accounts/{name}`
pub(super) async fn remove(
    granted: Granted<Administer>,
    State(lab): State<Arc<Lab>>,
    Path(name): Path<String>,
) -> Response {
    let change = {
        let lab = Arc::clone(&lab);
        async move { lab.remove_account(&name).await }
    };
    let removed = to_its_end(change).await;
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
    let change = {
        let lab = Arc::clone(&lab);
        async move {
            let request = granted::request(&head, Action::OwnAccount, &lab)?;
            let (password, next) = (&passwords.password, &passwords.new_password);
            lab.change_own_password(&request, password, next).await
        }
    };
    let changed = to_its_end(change).await;
    done(changed, r#"{"changed":true}"#, &lab)
}

/// Makes a change whole, whatever becomes of the connection that it came by: one that hangs up must not leave it half done.
pub(super) async fn to_its_end<T: Send + 'static>(
    change: impl Future<Output = Result<T, Denied>> + Send + 'static,
) -> Result<T, Denied> {
    let made = tokio::spawn(allowance::of_request(change)).await;
    made.unwrap_or_else(|_| Err(cause::unanswered("a change")))
}

fn done(change: Result<(), Denied>, answer: &'static str, lab: &Lab) -> Response {
    no_store(match change {
        Ok(()) => fixed(answer),
        Err(denial) => denied(denial, Challenge::of(lab)),
    })
}

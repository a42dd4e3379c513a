//! What there is to read and write: the article's items and account, and the second published design's todos and data.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::answers::{fixed, json};
use super::bodies::MaybeBody;
use super::granted::{
    Granted, ItemsRead, ItemsWrite, OwnAccount, Permission as _, SecureData, TodosRead,
};
use crate::grant::Grant;
use crate::lab::Lab;
use crate::policy::{Action, Role, Roles, Scopes};

const ADMIN_ITEMS: &str = r#"{"items":["Admin Items"]}"#;
const USER_ITEMS: &str = r#"{"items":["User Items"]}"#;

const ADMIN_TODOS: &str = r#"["Manage Todos"]"#;
const USER_TODOS: &str = r#"["Buy Vegetables","Read a book","Learn FastAPI"]"#;

/// What a grant alone answers.
pub(super) type Read = fn(&Lab, &Grant) -> Response;

/// What is read at a route, and what that needs permission for.
pub(super) type ReadAt = (&'static str, Action, Read);

/// What is read at a path.
pub(super) fn read_at(path: &str) -> Option<ReadAt> {
    Some(match path.strip_suffix('/').unwrap_or(path) {
        "/items" => ("/items", ItemsRead::ACTION, items as Read),
        "/todos" => ("/todos", TodosRead::ACTION, tasks),
        "/secure-data" => ("/secure-data", SecureData::ACTION, secure),
        _ => return None,
    })
}

fn items(_: &Lab, grant: &Grant) -> Response {
    let admin = grant.roles().contains(Role::Admin);
    fixed(if admin { ADMIN_ITEMS } else { USER_ITEMS })
}

fn tasks(_: &Lab, grant: &Grant) -> Response {
    let admin = grant.roles().contains(Role::Admin);
    fixed(if admin { ADMIN_TODOS } else { USER_TODOS })
}

fn secure(lab: &Lab, grant: &Grant) -> Response {
    greeting(lab, grant, "This is secure data")
}

/// `GET /items`
pub(super) async fn list(State(lab): State<Arc<Lab>>, granted: Granted<ItemsRead>) -> Response {
    granted.answer(items(&lab, &granted.grant))
}

/// An item to add. It is answered, not kept: a store that grows would be measured along.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
pub(super) struct Item {
    name: String,
}

/// `POST /items`, with a body or without
pub(super) async fn add(
    granted: Granted<ItemsWrite>,
    MaybeBody(item): MaybeBody<Item>,
) -> Response {
    let item = item.unwrap_or_else(|| Item {
        name: "Admin Item".to_owned(),
    });
    granted.answer((StatusCode::CREATED, json(&item)).into_response())
}

/// `GET /user`
pub(super) async fn account(State(lab): State<Arc<Lab>>, granted: Granted<OwnAccount>) -> Response {
    #[derive(Serialize)]
    struct Account<'a> {
        username: &'a str,
        roles: Roles,
        scopes: Vec<&'static str>,
    }
    let scopes: Scopes = granted.grant.scopes();
    let scopes = scopes.iter().map(crate::policy::Scope::label).collect();
    let account = Account {
        username: &lab.name(&granted.grant),
        roles: granted.grant.roles(),
        scopes,
    };
    granted.answer(json(&account))
}

/// `GET /todos`
pub(super) async fn todos(State(lab): State<Arc<Lab>>, granted: Granted<TodosRead>) -> Response {
    granted.answer(tasks(&lab, &granted.grant))
}

/// `GET /secure-data`
pub(super) async fn secure_data(
    State(lab): State<Arc<Lab>>,
    granted: Granted<SecureData>,
) -> Response {
    granted.answer(secure(&lab, &granted.grant))
}

/// A message to whoever was let in.
pub(super) fn greeting(lab: &Lab, grant: &Grant, message: &'static str) -> Response {
    #[derive(Serialize)]
    struct Greeting<'a> {
        message: &'static str,
        username: &'a str,
    }
    json(&Greeting {
        message,
        username: &lab.name(grant),
    })
}

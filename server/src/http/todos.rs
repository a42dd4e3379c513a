//! The second published design's resources: what depends on the role, and what every account may read.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use super::answers::{fixed, json};
use super::granted::{Granted, SecureData, TodosRead};
use crate::lab::Lab;
use crate::policy::Role;

const ADMIN_TODOS: &str = r#"["Manage Todos"]"#;
const USER_TODOS: &str = r#"["Buy Vegetables","Read a book","Learn FastAPI"]"#;

/// `GET /todos`
pub(super) async fn list(granted: Granted<TodosRead>) -> Response {
    let admin = granted.grant.roles().contains(Role::Admin);
    granted.answer(fixed(if admin { ADMIN_TODOS } else { USER_TODOS }))
}

/// `GET /secure-data`
pub(super) async fn secure_data(
    State(lab): State<Arc<Lab>>,
    granted: Granted<SecureData>,
) -> Response {
    greeting(&lab, &granted, "This is secure data")
}

/// A message to whoever was let in.
pub(super) fn greeting(
    lab: &Lab,
    granted: &Granted<SecureData>,
    message: &'static str,
) -> Response {
    #[derive(Serialize)]
    struct Greeting<'a> {
        message: &'static str,
        username: &'a str,
    }
    granted.answer(json(&Greeting {
        message,
        username: &lab.name(&granted.grant),
    }))
}

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
    #[derive(Serialize)]
    struct Secure<'a> {
        message: &'static str,
        username: &'a str,
    }
    granted.answer(json(&Secure {
        message: "This is secure data",
        username: &lab.name(&granted.grant),
    }))
}

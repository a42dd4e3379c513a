//! For whoever operates the server.

use axum::response::Response;

use super::answers::fixed;

/// `GET /healthz`: the server takes requests.
pub(super) async fn healthz() -> Response {
    fixed(r#"{"status":"ok"}"#)
}

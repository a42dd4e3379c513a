//! The routes. A handler that takes a [`Granted`] is protected, and its type says for what.

mod accounts;
mod answers;
mod bodies;
mod cookies;
mod granted;
mod items;
mod ops;
mod todos;
mod token;

use std::sync::Arc;

use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Extension, Router};

use crate::credential::CredentialKind;
use crate::lab::Lab;
use answers::problem;
pub(crate) use granted::Peer;

/// The largest body that is read: a name and a password, or an item.
const MOST_BODY_BYTES: usize = 16 * 1024;

/// All routes: those of a server's own way to sign in, and those that all have. Each with and without a trailing slash is one route, for routing and for cached decisions alike.
pub(crate) fn router(lab: Arc<Lab>, body_timeout: Duration) -> Router {
    let body = || {
        (
            DefaultBodyLimit::max(MOST_BODY_BYTES),
            Extension(bodies::Within(body_timeout)),
        )
    };
    let by_cookie = lab.design().credential == CredentialKind::Session;
    let mut resources = vec![
        (
            "/items",
            get(items::list).merge(post(items::add).layer(body())),
        ),
        ("/user", get(items::account)),
        ("/todos", get(todos::list)),
        ("/secure-data", get(todos::secure_data)),
        ("/healthz", get(ops::healthz)),
    ];
    if by_cookie {
        resources.extend([
            ("/signup", post(accounts::sign_up).layer(body())),
            ("/login", post(accounts::login)),
            ("/logout", post(accounts::logout)),
            ("/getusers/me", get(items::account)),
            ("/protected", get(accounts::protected)),
        ]);
    } else {
        resources.extend([
            ("/token", post(token::issue).layer(body())),
            ("/token/revoke", post(token::revoke)),
            ("/token/refresh", post(token::refresh).layer(body())),
        ]);
    }
    let mut routes = Router::new();
    for (path, methods) in resources {
        routes = routes
            .route(path, methods.clone())
            .route(&format!("{path}/"), methods);
    }
    routes
        .fallback(async || problem(StatusCode::NOT_FOUND, "not_found", "No such path"))
        .method_not_allowed_fallback(async || {
            problem(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "No such method here",
            )
        })
        .with_state(lab)
}

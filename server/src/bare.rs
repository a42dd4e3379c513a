//! The control without authlab: an axum handler that reads one header and answers the JSON of `/items/`, on the same runtime
//! and with the same allocator as the server. What it costs is axum's, hyper's and the kernel's.

use std::net::SocketAddr;
use std::num::NonZeroUsize;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt as _;

use crate::serve::{ServeError, Server, runtime};

/// What `/items/` answers to an administrator.
const ITEMS: &str = r#"{"items":["Admin Items"]}"#;

/// Answers `GET /items/` with the JSON of the reference server, by `axum::serve`, until the process ends. Nothing is
/// authorized, no time is limited and no connection is counted.
///
/// # Errors
/// [`ServeError::Listen`] when the address cannot be had, [`ServeError::Runtime`] when no thread can be started.
pub fn run(listen: SocketAddr, threads: NonZeroUsize) -> Result<(), ServeError> {
    runtime(threads.get())?.block_on(async {
        let listener = Server::bind(listen).await?.listener();
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        let routes = Router::new().route("/items/", get(items));
        // It accepts again after each error, so that it has none of its own.
        let _never = axum::serve(listener, routes).await;
        Ok(())
    })
}

async fn items(request: Request) -> Response {
    std::hint::black_box(request.headers().get(AUTHORIZATION));
    ([(CONTENT_TYPE, "application/json")], ITEMS).into_response()
}

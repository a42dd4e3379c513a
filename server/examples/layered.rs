//! The service of `scenarios/gates` with the layer before its routes: `cargo build --release --workspace --example layered`,
//! then `target/release/examples/layered PORT`, or `layered PORT 3s` for tokens that live so long. Signing in and revoking are
//! those of the reference server.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use authlab_server::{App, Authorized, CacheKind, Design, Lab, PasswordKind, Period, Scope, layer};
use axum::extract::{ConnectInfo, Request};
use axum::routing::get;
use axum::{Json, Router};

async fn items(_: Authorized) -> &'static str {
    r#"{"items":["Admin Items"]}"#
}

async fn todos(_: Authorized) -> Json<[&'static str; 1]> {
    Json(["Manage Todos"])
}

async fn user(who: Authorized) -> String {
    format!(r#"{{"username":"{}"}}"#, who.name())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let port: u16 = words.next().ok_or("usage: layered PORT [TIME]")?.parse()?;
    let token_ttl = words
        .next()
        .map(|time| time.parse::<Period>())
        .transpose()?;
    let design = Design::default();
    let lab = Lab::open(Design {
        password: PasswordKind::Sha256,
        cache: CacheKind::Decision,
        token_ttl: token_ttl.unwrap_or(design.token_ttl),
        ..design
    })?;
    let reference = App::new(Arc::clone(&lab));
    let app = Router::new()
        .route("/items/", get(items))
        .route("/todos/", get(todos))
        .route("/user", get(user))
        .route_layer(layer(lab).needing(Scope::ItemsRead))
        .fallback(
            move |ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request| async move {
                reference.answer(request, peer.ip()).await
            },
        );
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await?;
    Ok(())
}

//! A service of one's own behind authlab: `cargo build --workspace --example adopt && target/debug/examples/adopt`, then
//! `curl -s localhost:3000/token -d john:password123` and `curl -s localhost:3000/reports -H "authorization: Bearer …"`.

use std::net::SocketAddr;
use std::sync::Arc;

use authlab_server::{Authorized, CacheKind, Design, Lab, Scope, Sender, layer};
use axum::extract::{ConnectInfo, State};
use axum::routing::{get, post};
use axum::{Router, http::StatusCode};

async fn reports(who: Authorized) -> String {
    format!("the reports of {}\n", who.name())
}

async fn token(
    State(lab): State<Arc<Lab>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    pair: String,
) -> Result<String, StatusCode> {
    let (name, password) = pair.split_once(':').ok_or(StatusCode::BAD_REQUEST)?;
    let (user_agent, ip, proof) = (b"".as_slice(), peer.ip(), None);
    let sender = Sender {
        user_agent,
        ip,
        proof,
    };
    let issued = lab.login(name, password, &sender).await;
    issued
        .map(|token| token.access_token)
        .map_err(|_| StatusCode::UNAUTHORIZED)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lab = Lab::open(Design {
        cache: CacheKind::Decision,
        ..Design::default()
    })?;
    let app = Router::new()
        .route("/reports", get(reports))
        .route_layer(layer(Arc::clone(&lab)).needing(Scope::ItemsRead))
        .route("/token", post(token))
        .with_state(lab);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 3000)).await?;
    axum::serve(
        listener,
        app.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .await?;
    Ok(())
}

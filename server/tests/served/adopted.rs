//! The pipeline in somebody else's service: a layer before its routes, an extractor in its handlers.

use std::net::SocketAddr;
use std::sync::Arc;

use authlab_server::{
    Authorized, BindingKind, CacheKind, CredentialKind, Design, Lab, Scope, Sender, layer,
};
use axum::Router;
use axum::routing::get;

use crate::harness::{BROWSER, Client, ELSEWHERE, HERE, quick};
use crate::headers::status_of;

async fn who(who: Authorized) -> String {
    format!("{} {}", who.name(), who.scopes())
}

/// A service of its own, at an address.
async fn serve(lab: &Arc<Lab>) -> Client {
    let behind = |authorize| {
        Router::new()
            .route("/{id}", get(who))
            .route_layer(authorize)
    };
    let app = Router::new()
        .nest(
            "/reports",
            behind(layer(Arc::clone(lab)).needing(Scope::ItemsRead)),
        )
        .nest(
            "/drafts",
            behind(layer(Arc::clone(lab)).needing(Scope::ItemsWrite)),
        )
        .nest("/settings", behind(layer(Arc::clone(lab)).administering()))
        .nest("/own", behind(layer(Arc::clone(lab))))
        .route("/forgotten", get(who));
    let listener = tokio::net::TcpListener::bind((HERE, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    Client::of(address, HERE)
}

#[tokio::test]
async fn a_service_behind_the_layer_sees_whom_the_design_grants_and_nobody_else() {
    for cache in CacheKind::ALL.iter().copied() {
        for credential in [CredentialKind::Jwt, CredentialKind::Opaque] {
            let lab = Lab::open(Design {
                cache,
                credential,
                binding: BindingKind::Sha256,
                ..quick()
            })
            .unwrap();
            let client = serve(&lab).await;
            let sender = Sender {
                user_agent: BROWSER.as_bytes(),
                ip: HERE,
                proof: None,
            };
            let token = async |name, password| {
                let issued = lab.login(name, password, &sender).await;
                issued.unwrap().access_token
            };
            let john = token("john", "password123").await;
            let jane = token("jane", "password456").await;
            for _ in 0..2 {
                let reports = client.get("/reports/1", &jane).await;
                assert_eq!(reports.text, "jane items:read", "{cache}");
                assert_eq!(client.status("/drafts/1", &jane).await, 403, "{cache}");
                assert_eq!(client.status("/settings/1", &jane).await, 403, "{cache}");
                assert_eq!(client.status("/own/1", &jane).await, 200, "{cache}");
                for path in ["/reports/1", "/drafts/1", "/settings/1", "/own/1"] {
                    assert_eq!(client.status(path, &john).await, 200, "{cache} {path}");
                    let nobody = client.get(path, "a.b.c").await;
                    assert_eq!(nobody.status, 401, "{cache} {path}");
                    assert!(nobody.header("www-authenticate").is_some());
                    let thief = client.clone().at(ELSEWHERE);
                    assert_eq!(thief.status(path, &john).await, 401, "{cache} {path}");
                }
            }
            let forgotten = client.get("/forgotten", &john).await;
            assert_eq!(forgotten.status, 500, "no grant by mistake");
            lab.change_password("john", "password123", "another-one")
                .await
                .unwrap();
            assert_eq!(client.status("/reports/1", &john).await, 401, "{cache}");
            assert_eq!(client.status("/reports/1", &jane).await, 200, "{cache}");
        }
    }
}

/// RFC 9112 §3.2, which hyper leaves to the service.
#[tokio::test(flavor = "multi_thread")]
async fn the_layer_refuses_a_request_that_names_no_server_or_two() {
    let lab = Lab::open(Design {
        cache: CacheKind::Decision,
        credential: CredentialKind::Opaque,
        ..quick()
    })
    .unwrap();
    let client = serve(&lab).await;
    let sender = Sender {
        user_agent: BROWSER.as_bytes(),
        ip: HERE,
        proof: None,
    };
    let issued = lab.login("john", "password123", &sender).await.unwrap();
    let token = issued.access_token;
    for (hosts, status) in [
        ("host: x\r\n", 200),
        ("", 400),
        ("host: x\r\nhost: x\r\n", 400),
        ("host: x\r\nHost: y\r\n", 400),
        ("host: user@x\r\n", 400),
        ("host: x\r\n", 200),
    ] {
        let head = format!(
            "GET /own/1 HTTP/1.1\r\n{hosts}authorization: Bearer {token}\r\nuser-agent: {BROWSER}\r\n"
        );
        assert_eq!(
            status_of(client.server, head.as_bytes()).await,
            status,
            "{hosts:?}"
        );
    }
}

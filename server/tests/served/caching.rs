//! Answers that depend on a credential are kept by no shared cache (RFC 9111), whatever the route, the credential's kind and
//! the answer.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;

use authlab_server::{
    Authorized, BindingKind, CacheKind, CredentialKind, Design, Lab, PasswordKind, RefreshKind,
    layer,
};
use axum::Router;
use axum::response::IntoResponse as _;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};

use crate::devices;
use crate::harness::{Answer, Client, HERE, Served, quick};

/// The header by which an account is signed in, for each kind of credential.
pub(crate) async fn shown(
    client: &Client,
    kind: CredentialKind,
    name: &str,
) -> (&'static str, String) {
    let password = if name == "john" {
        "password123"
    } else {
        "password456"
    };
    let pair = format!("Basic {}", STANDARD.encode(format!("{name}:{password}")));
    match kind {
        CredentialKind::Session => {
            let request = client.request("POST", "/login").header(AUTHORIZATION, pair);
            let answer = client.send(request, "").await;
            let cookie = answer.header("set-cookie").unwrap();
            ("cookie", cookie.split(';').next().unwrap().to_owned())
        }
        CredentialKind::SessionJwt => {
            let name = if name == "john" { "user123" } else { "user124" };
            let token = devices::sign_in(client, name, "phone").await;
            ("authorization", format!("Bearer {token}"))
        }
        CredentialKind::ApiKey => ("x-api-key", client.sign_in(name).await),
        CredentialKind::Basic => ("authorization", pair),
        CredentialKind::Jwt | CredentialKind::Opaque => {
            let token = client.sign_in(name).await;
            ("authorization", format!("Bearer {token}"))
        }
    }
}

/// A server of this kind, behind a proxy that may ask about others' requests.
fn design(credential: CredentialKind) -> Design {
    Design {
        credential,
        refresh: match credential {
            CredentialKind::Jwt => RefreshKind::Rotate,
            _ => RefreshKind::None,
        },
        insecure_cookies: true,
        trusted_proxy: "127.0.0.1".parse().unwrap(),
        ..quick()
    }
}

fn assert_not_shared(answer: &Answer, header: &str, case: &str) {
    let controls: Vec<_> = answer.headers.get_all("cache-control").iter().collect();
    assert_eq!(controls, ["no-store"], "{case}");
    let varied: Vec<_> = answer.headers.get_all("vary").iter().collect();
    assert_eq!(varied.len(), 1, "{case}");
    let varied = varied[0].to_str().unwrap();
    let mut names = varied.split(", ");
    assert!(
        names.any(|name| name.eq_ignore_ascii_case(header)),
        "{case}: {varied}"
    );
}

#[tokio::test]
async fn no_answer_of_any_route_is_kept_by_a_shared_cache() {
    for kind in CredentialKind::ALL.iter().copied() {
        let server = Served::start(design(kind)).await;
        let client = server.client();
        let api = client.get("/openapi.json", "").await.body;
        let mut asked = 0;
        for (path, methods) in api["paths"].as_object().unwrap() {
            let operations = methods.as_object().unwrap();
            let mut methods: Vec<_> = operations.keys().cloned().collect();
            let path = path.replace("{name}", "mary").replace("{id}", "phone");
            if methods.contains(&"get".to_owned()) {
                methods.push("head".to_owned());
            }
            for method in methods {
                let operation = operations.get(&method).or(operations.get("get")).unwrap();
                let method = method.to_uppercase();
                for who in ["john", "jane", "nobody", "forged"] {
                    let (header, mut value) = match who {
                        // A new one each time: some routes end it.
                        "john" | "jane" => shown(&client, kind, who).await,
                        _ => shown(&client, kind, "jane").await,
                    };
                    let mut request = client
                        .request(&method, &path)
                        .header("sec-fetch-site", "same-origin")
                        .header("x-original-method", "GET")
                        .header("x-original-uri", "/reports/7");
                    if who == "forged" {
                        value.push('x');
                    }
                    if who != "nobody" {
                        request = request.header(header, value);
                    }
                    let answer = client.send(request, "").await;
                    let case = format!("{method} {path} of {who} by {kind}: {}", answer.status);
                    assert_not_shared(&answer, header, &case);
                    let documented = &operation["responses"][answer.status.as_str()];
                    assert!(documented.is_object(), "not documented: {case}");
                    asked += 1;
                }
            }
        }
        assert!(asked >= 40, "{kind}");
        // What nginx passes on, and nothing else.
        let authorize = api["paths"]["/authorize"]["get"]["responses"].as_object();
        let statuses: Vec<_> = authorize.unwrap().keys().collect();
        assert_eq!(statuses, ["204", "401", "403", "503"], "{kind}");
        // A refusal because of the sender, too.
        let (header, value) = shown(&client, kind, "jane").await;
        let request = client
            .request("GET", "/items")
            .header("x-forwarded-for", "unknown")
            .header(header, value);
        let answer = client.send(request, "").await;
        assert_eq!(answer.status, 400, "{kind}");
        assert_not_shared(&answer, header, "a list that is none");
    }
}

#[tokio::test]
async fn an_answer_that_depends_on_its_sender_varies_with_what_tells_the_sender() {
    let server = Served::start(Design {
        binding: BindingKind::Sha256,
        ..design(CredentialKind::Jwt)
    })
    .await;
    let token = server.token("jane").await;
    let answer = server.client().get("/user", &token).await;
    for header in ["authorization", "user-agent", "x-forwarded-for"] {
        assert_not_shared(&answer, header, "/user");
    }
    let server = Served::start(Design {
        binding: BindingKind::Dpop,
        ..design(CredentialKind::Jwt)
    })
    .await;
    let answer = server.client().get("/user", "none").await;
    for header in ["authorization", "dpop"] {
        assert_not_shared(&answer, header, "/user");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_busy_or_unavailable_is_not_kept_either() {
    // Nothing listens at this port: each look at a session fails.
    let away = Served::start(Design {
        sessions: "redis://127.0.0.1:1".parse().unwrap(),
        ..design(CredentialKind::Opaque)
    })
    .await;
    let answer = away.client().get("/user", &"a".repeat(43)).await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert_not_shared(&answer, "authorization", "503");

    let busy = Served::start(Design {
        password: PasswordKind::Bcrypt,
        bcrypt_cost: 8,
        hash_threads: NonZeroUsize::MIN,
        hash_queue: NonZeroUsize::MIN,
        ..design(CredentialKind::Basic)
    })
    .await;
    let asked: Vec<_> = (0..24)
        .map(|i| {
            let client = busy.client();
            let pair = format!("Basic {}", STANDARD.encode(format!("jane:wrong{i}")));
            tokio::spawn(async move {
                let request = client.request("GET", "/user").header(AUTHORIZATION, pair);
                client.send(request, "").await
            })
        })
        .collect();
    let mut refused_at_once = 0;
    for answer in asked {
        let answer = answer.await.unwrap();
        assert!(
            [401, 429].contains(&answer.status.as_u16()),
            "{}",
            answer.text
        );
        assert_not_shared(&answer, "authorization", "429");
        refused_at_once += usize::from(answer.status == 429);
    }
    assert!(refused_at_once > 0);
}

/// RFC 6749 §5.1 asks for both, on what is issued and on what is refused.
#[tokio::test]
async fn token_answers_have_pragma_beside_cache_control() {
    let server = Served::start(design(CredentialKind::Jwt)).await;
    let client = server.client();
    let issued = client.login("jane", "password456").await;
    let refresh = issued.body["refresh_token"].as_str().unwrap().to_owned();
    let client_pair = format!("Basic {}", STANDARD.encode("demo-client:demo-secret"));
    let json = |path: &str| {
        client
            .request("POST", path)
            .header(CONTENT_TYPE, "application/json")
    };
    let form = |path: &str| {
        client
            .request("POST", path)
            .header(AUTHORIZATION, &client_pair)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
    };
    let refresh = serde_json::json!({ "refresh_token": refresh }).to_string();
    let answers = [
        (200, issued),
        (401, client.login("jane", "wrong").await),
        (
            200,
            client.send(json("/token/refresh"), refresh.clone()).await,
        ),
        (400, client.send(json("/token/refresh"), refresh).await),
        (
            200,
            client
                .send(form("/oauth/token"), "grant_type=client_credentials")
                .await,
        ),
        (
            400,
            client
                .send(form("/oauth/token"), "grant_type=password")
                .await,
        ),
        (400, client.send(form("/oauth/token"), "").await),
    ];
    for (i, (status, answer)) in answers.iter().enumerate() {
        assert_eq!(answer.status, *status, "{i}: {}", answer.text);
        assert_eq!(answer.header("pragma"), Some("no-cache"), "{i}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{i}");
    }
    let devices = Served::start(design(CredentialKind::SessionJwt)).await;
    let body = r#"{"username":"user123","password":"password123"}"#;
    let request = devices.client().request("POST", "/login");
    let request = request.header(CONTENT_TYPE, "application/json");
    let signed_in = devices.client().send(request, body).await;
    assert_eq!(signed_in.status, 200);
    assert_eq!(signed_in.header("pragma"), Some("no-cache"));
}

/// A service behind the layer: its own words on caching stay, and what it does not say is added.
#[tokio::test]
async fn the_layer_adds_to_a_services_answers_what_they_do_not_say() {
    for (kind, cache, header) in [
        (CredentialKind::Jwt, CacheKind::None, "authorization"),
        (CredentialKind::Jwt, CacheKind::Decision, "authorization"),
        (CredentialKind::Opaque, CacheKind::Decision, "authorization"),
        (CredentialKind::ApiKey, CacheKind::Decision, "x-api-key"),
        (CredentialKind::Session, CacheKind::Decision, "cookie"),
    ] {
        let lab = Lab::open(Design {
            cache,
            ..design(kind)
        })
        .unwrap();
        let says = async |_: Authorized| {
            let own = [("cache-control", "max-age=60"), ("vary", "Accept-Encoding")];
            (own, "says").into_response()
        };
        let app = Router::new()
            .route(
                "/silent",
                get(async |who: Authorized| who.name().to_string()),
            )
            .route("/says", get(says))
            .route_layer(layer(Arc::clone(&lab)))
            .route("/public", get(async || "public"));
        let listener = tokio::net::TcpListener::bind((HERE, 0)).await.unwrap();
        let service = Client::of(listener.local_addr().unwrap(), HERE);
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let own = Served::of(&lab).await;
        let (_, value) = shown(&own.client(), kind, "jane").await;
        let ask = async |method: &str, path: &str, value: &str| {
            let request = service.request(method, path).header(header, value);
            service.send(request, "").await
        };
        // Twice: from the cache as well.
        for _ in 0..2 {
            for method in ["GET", "HEAD"] {
                let silent = ask(method, "/silent", &value).await;
                assert_eq!(silent.status, 200, "{}", silent.text);
                assert_eq!(silent.header("cache-control"), Some("private"));
                let varied = silent.header("vary").unwrap().to_ascii_lowercase();
                assert!(varied.split(", ").any(|name| name == header), "{varied}");
                let says = ask(method, "/says", &value).await;
                assert_eq!(says.header("cache-control"), Some("max-age=60"));
                let varied = says.header("vary").unwrap().to_ascii_lowercase();
                assert!(varied.starts_with("accept-encoding, "), "{varied}");
                assert!(varied.split(", ").any(|name| name == header), "{varied}");
                let refused = ask(method, "/silent", "forged").await;
                assert_eq!(refused.status, 401);
                assert_not_shared(&refused, header, "a refusal of the layer");
                let public = ask(method, "/public", &value).await;
                assert!(public.header("cache-control").is_none());
                assert!(public.header("vary").is_none());
            }
        }
    }
}

//! A proxy that asks about each request, as nginx, Traefik, Caddy and Envoy do.

use authlab_server::{BindTo, BindingKind, CacheKind, CredentialKind, Design, RoutesFrom};
use hyper::header::AUTHORIZATION;

use crate::harness::{Answer, Client, ELSEWHERE, Served, quick};

const ROUTES: &str = r#"
[[route]]
method = "GET"
path = "/reports/{id}"
scope = "items:read"

[[route]]
method = "DELETE"
path = "/reports/{id}"
scope = "items:write"
"#;

struct Asked {
    server: Served,
    _routes: tempfile::NamedTempFile,
}

async fn served(design: Design) -> Asked {
    let routes = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(routes.path(), ROUTES).unwrap();
    let server = Served::start(Design {
        trusted_proxy: "127.0.0.1".parse().unwrap(),
        routes: RoutesFrom::File(routes.path().to_owned()),
        ..design
    })
    .await;
    Asked {
        server,
        _routes: routes,
    }
}

async fn ask(client: &Client, token: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = client.request("GET", "/authorize");
    if !token.is_empty() {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    client.send(request, "").await
}

#[tokio::test]
async fn each_proxys_headers_are_understood_and_answered_with_whom_it_lets_in() {
    for cache in CacheKind::ALL.iter().copied() {
        let asked = served(Design { cache, ..quick() }).await;
        let client = asked.server.client();
        let (john, jane) = (
            asked.server.token("john").await,
            asked.server.token("jane").await,
        );
        let pairs = [
            ("x-original-method", "x-original-uri"),
            ("x-forwarded-method", "x-forwarded-uri"),
        ];
        for (method, uri) in pairs {
            // Twice: from the cache as well.
            for _ in 0..2 {
                let passed = ask(&client, &jane, &[(method, "GET"), (uri, "/reports/7?x=1")]).await;
                assert_eq!(passed.status, 204, "{cache}");
                assert_eq!(passed.header("x-auth-subject"), Some("jane"));
                assert_eq!(passed.header("x-auth-scope"), Some("items:read"));
                let deleted = ask(&client, &john, &[(method, "DELETE"), (uri, "/reports/7")]).await;
                assert_eq!(deleted.status, 204);
                for (token, asked, path, status) in [
                    (&*jane, "DELETE", "/reports/7", 403),
                    (&john, "PUT", "/reports/7", 403),
                    (&john, "GET", "/other", 403),
                    (&john, "GET", "/reports/../reports/7", 403),
                    (&john, "GET", "/%72eports/7", 403),
                    ("", "GET", "/reports/7", 401),
                    ("nonsense", "GET", "/reports/7", 401),
                ] {
                    let answer = ask(&client, token, &[(method, asked), (uri, path)]).await;
                    assert_eq!(answer.status, status, "{asked} {path} ({cache})");
                    assert!(answer.header("x-auth-subject").is_none());
                    if status == 401 {
                        assert!(answer.header("www-authenticate").is_some());
                    }
                }
            }
        }
        // A decision about another server's path is none about ours of the same name.
        assert_eq!(client.status("/items/", &jane).await, 200);
    }
}

#[tokio::test]
async fn whoever_is_no_trusted_proxy_speaks_for_nobody() {
    let asked = served(quick()).await;
    let jane = asked.server.token("jane").await;
    let stranger = asked.server.client().at(ELSEWHERE);
    let headers = [
        ("x-original-method", "GET"),
        ("x-original-uri", "/reports/7"),
    ];
    assert_eq!(ask(&stranger, &jane, &headers).await.status, 403);
    let client = asked.server.client();
    for wrong in [
        &[][..],
        &headers[..1],
        &headers[1..],
        &[headers[0], headers[1], headers[1]],
        &[headers[0], headers[1], ("x-forwarded-uri", "/other")],
    ] {
        assert_eq!(ask(&client, &jane, wrong).await.status, 400, "{wrong:?}");
    }
    assert_eq!(ask(&client, &jane, &headers).await.status, 204);
    // Without a trusted proxy nobody may ask.
    let none = Served::start(quick()).await;
    let jane = none.token("jane").await;
    assert_eq!(ask(&none.client(), &jane, &headers).await.status, 403);
}

#[tokio::test]
async fn the_sender_is_whom_the_proxy_names_and_for_others_the_peer() {
    let asked = served(Design {
        binding: BindingKind::Sha256,
        bind_to: BindTo::UserAgentAndIp,
        ..quick()
    })
    .await;
    let client = asked.server.client();
    let jane = asked.server.token("jane").await;
    let question = [
        ("x-original-method", "GET"),
        ("x-original-uri", "/reports/7"),
    ];
    let from = |address: &'static str| {
        let mut headers = question.to_vec();
        headers.push(("x-forwarded-for", address));
        headers
    };
    // She signed in from the proxy's own address, behind which she is not.
    assert_eq!(ask(&client, &jane, &from("203.0.113.9")).await.status, 401);
    assert_eq!(ask(&client, &jane, &from("127.0.0.1")).await.status, 204);
    assert_eq!(ask(&client, &jane, &question).await.status, 204);
    assert_eq!(ask(&client, &jane, &from("unknown")).await.status, 503);
    // What a stranger says of itself counts nothing: the token is bound to another address.
    let stranger = client.clone().at(ELSEWHERE);
    let request = stranger
        .request("GET", "/items/")
        .header(AUTHORIZATION, format!("Bearer {jane}"))
        .header("x-forwarded-for", "127.0.0.1");
    assert_eq!(stranger.send(request, "").await.status, 401);
}

/// A header's value loses the spaces around it: an account that differs from another by them alone would be taken for it.
#[tokio::test]
async fn nobody_is_taken_for_another_by_the_spaces_around_a_name() {
    let users = tempfile::NamedTempFile::new().unwrap();
    let accounts = r#"{ "john ": { "password": "password123", "roles": ["user"] } }"#;
    std::fs::write(users.path(), accounts).unwrap();
    let asked = served(Design {
        users: authlab_server::UsersFrom::File(users.path().to_owned()),
        ..quick()
    })
    .await;
    let client = asked.server.client();
    let token = client.login("john ", "password123").await.body["access_token"].clone();
    let headers = [
        ("x-original-method", "GET"),
        ("x-original-uri", "/reports/7"),
    ];
    let answer = ask(&client, token.as_str().unwrap(), &headers).await;
    assert_eq!(answer.status, 503);
    assert!(answer.header("x-auth-subject").is_none());
}

/// A proxy asks with GET about a POST: it is the POST that needs a proof of the same origin.
#[tokio::test]
async fn a_cookie_needs_the_proof_for_the_method_that_is_asked_about() {
    let asked = served(Design {
        credential: CredentialKind::Session,
        insecure_cookies: true,
        ..quick()
    })
    .await;
    let client = asked.server.client();
    let basic = "Basic am9objpwYXNzd29yZDEyMw==";
    let login = client
        .request("POST", "/login")
        .header(AUTHORIZATION, basic);
    let answer = client.send(login, "").await;
    let cookie = answer
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    for (method, site, status) in [
        ("GET", None, 204),
        ("DELETE", None, 403),
        ("DELETE", Some("cross-site"), 403),
        ("DELETE", Some("same-origin"), 204),
    ] {
        let mut request = client
            .request("GET", "/authorize")
            .header("cookie", &cookie)
            .header("x-original-method", method)
            .header("x-original-uri", "/reports/7");
        if let Some(site) = site {
            request = request.header("sec-fetch-site", site);
        }
        assert_eq!(
            client.send(request, "").await.status,
            status,
            "{method} {site:?}"
        );
    }
}

//! A proxy that asks about each request, as nginx, Traefik, Caddy and Envoy do.

use authlab_server::{BindTo, BindingKind, CacheKind, CredentialKind, Design, RoutesFrom};
#[cfg(feature = "cedar")]
use authlab_server::{PoliciesFrom, PolicyKind};
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

/// A server of these routes that its proxies and clients ask.
pub(crate) struct Asked {
    pub(crate) server: Served,
    _routes: tempfile::NamedTempFile,
}

pub(crate) async fn served(design: Design) -> Asked {
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
        assert_eq!(ask(&client, &jane, wrong).await.status, 403, "{wrong:?}");
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
    assert_eq!(ask(&client, &jane, &from("unknown")).await.status, 403);
    // What a stranger says of itself counts nothing: the token is bound to another address.
    let stranger = client.clone().at(ELSEWHERE);
    let request = stranger
        .request("GET", "/items/")
        .header(AUTHORIZATION, format!("Bearer {jane}"))
        .header("x-forwarded-for", "127.0.0.1");
    assert_eq!(stranger.send(request, "").await.status, 401);
}

/// A header's value loses the spaces around it: an account that differs from another by them alone would be taken for it.
#[test]
fn nobody_is_taken_for_another_by_the_spaces_around_a_name() {
    let users = tempfile::NamedTempFile::new().unwrap();
    let accounts = r#"{ "john ": { "password": "password123", "roles": ["user"] } }"#;
    std::fs::write(users.path(), accounts).unwrap();
    // A header's value would lose them: such a name is none.
    let refused = authlab_server::Lab::open(Design {
        users: authlab_server::UsersFrom::File(users.path().to_owned()),
        ..quick()
    });
    let line = refused.unwrap_err().to_string();
    assert!(line.contains("`john ` is not a name"), "{line}");
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

/// nginx passes on 401 and 403 alone, and turns any other refusal into 500.
#[tokio::test]
async fn what_the_client_does_wrong_is_refused_by_401_or_403_with_its_reason() {
    let asked = served(quick()).await;
    let client = asked.server.client();
    let jane = asked.server.token("jane").await;
    let authorization = format!("Bearer {jane}");
    let question = [
        ("x-original-method", "GET"),
        ("x-original-uri", "/reports/7"),
    ];
    let table: [(&[(&str, &str)], &str); 6] = [
        (
            &[
                ("authorization", &authorization),
                ("authorization", &authorization),
            ],
            "invalid_request",
        ),
        (
            &[
                ("x-forwarded-for", "unknown"),
                ("authorization", &authorization),
            ],
            "invalid_request",
        ),
        (
            &[
                ("x-forwarded-method", "GET"),
                ("authorization", &authorization),
            ],
            "invalid_request",
        ),
        (
            &[
                ("x-original-uri", "/other"),
                ("authorization", &authorization),
            ],
            "invalid_request",
        ),
        (&[("authorization", "Bearer nonsense")], "invalid_token"),
        (&[], "no_credentials"),
    ];
    for (more, error) in table {
        let mut headers = question.to_vec();
        headers.extend_from_slice(more);
        let answer = ask(&client, "", &headers).await;
        let expected = if error == "invalid_request" { 403 } else { 401 };
        assert_eq!(answer.status, expected, "{more:?}: {}", answer.text);
        assert_eq!(answer.body["error"], error, "{more:?}");
        assert!(answer.header("x-auth-subject").is_none());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let varied = answer.header("vary").unwrap();
        for name in ["X-Original-URI", "X-Forwarded-Method", "Authorization"] {
            assert!(varied.contains(name), "{varied}");
        }
    }
    // HEAD is covered by the entry of GET.
    let headers = [
        ("x-original-method", "HEAD"),
        ("x-original-uri", "/reports/7"),
    ];
    assert_eq!(ask(&client, &jane, &headers).await.status, 204);
    // A server that reads methods without case would answer what was not judged.
    let headers = [
        ("x-original-method", "get"),
        ("x-original-uri", "/reports/7"),
    ];
    assert_eq!(ask(&client, &jane, &headers).await.status, 403);
}

/// One decision a pattern and method, whatever the spelling: what is matched is what is judged, and what a cache holds.
#[tokio::test]
async fn a_cached_decision_serves_no_spelling_that_needs_more() {
    let routes = tempfile::NamedTempFile::new().unwrap();
    let text = r#"
        route = [
            { method = "*", path = "/b%C3%BCro/{id}", scope = "items:write" },
            { method = "*", path = "/admin/{*rest}", scope = "items:write" },
            { method = "*", path = "/{*rest}" },
        ]
    "#;
    std::fs::write(routes.path(), text).unwrap();
    for cache in CacheKind::ALL.iter().copied() {
        for cache_key in [
            authlab_server::CacheKey::Route,
            authlab_server::CacheKey::Sender,
        ] {
            let server = Served::start(Design {
                cache,
                cache_key,
                trusted_proxy: "127.0.0.1".parse().unwrap(),
                routes: RoutesFrom::File(routes.path().to_owned()),
                ..quick()
            })
            .await;
            let client = server.client();
            let (john, jane) = (server.token("john").await, server.token("jane").await);
            for _ in 0..2 {
                for (path, open) in [
                    ("/", true),
                    ("/open", true),
                    ("/b%C3%BCro", true),
                    ("/b%C3%BCro/7", false),
                    ("/b%c3%bcro/7", false),
                    ("/b%c3%BCro/7/?x", false),
                    ("/admin", false),
                    ("/admin/", false),
                    ("/admin/?x", false),
                    ("/admin/7/8", false),
                ] {
                    for method in ["GET", "HEAD", "POST"] {
                        let headers = [("x-original-method", method), ("x-original-uri", path)];
                        let as_john = ask(&client, &john, &headers).await.status;
                        assert_eq!(as_john, 204, "{method} {path} ({cache})");
                        let as_jane = ask(&client, &jane, &headers).await.status;
                        let expected = if open { 204 } else { 403 };
                        assert_eq!(as_jane, expected, "{method} {path} ({cache})");
                    }
                }
            }
        }
    }
}

/// One target has two routes: its own handler, and what a proxy's paths are. A permission for one is none for the other.
#[cfg(feature = "cedar")]
#[tokio::test]
async fn what_policies_permit_at_a_route_is_not_kept_for_another_route_of_the_same_target() {
    let policies = tempfile::NamedTempFile::new().unwrap();
    let permit =
        r#"permit (principal, action == Action::"own-account", resource == Route::"/user");"#;
    std::fs::write(policies.path(), permit).unwrap();
    for cache in CacheKind::ALL.iter().copied() {
        let server = Served::start(Design {
            cache,
            policy: PolicyKind::Cedar,
            cedar_policies: PoliciesFrom::File(policies.path().to_owned()),
            trusted_proxy: "127.0.0.1".parse().unwrap(),
            ..quick()
        })
        .await;
        let (client, jane) = (server.client(), server.token("jane").await);
        for _ in 0..2 {
            let own = client.request("GET", "/user");
            let own = own.header(AUTHORIZATION, format!("Bearer {jane}"));
            assert_eq!(client.send(own, "").await.status, 200, "{cache}");
            let asked = [("x-original-method", "GET"), ("x-original-uri", "/user")];
            assert_eq!(ask(&client, &jane, &asked).await.status, 403, "{cache}");
        }
    }
}

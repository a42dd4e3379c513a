//! What administrators change ends what was made of it before, at once, in every dialect and under every cache.

use std::collections::BTreeSet;
use std::time::Duration;

use authlab_server::{
    CacheKind, CredentialKind, Design, FreshnessKind, JwtAlgorithm, PasswordKind, PolicyKind,
    RefreshKind, UsersFrom,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::databases::Database;
use crate::harness::{Answer, Client, Served, quick};

/// Somebody who is signed in, by whatever the server takes.
struct Signed {
    client: Client,
    header: &'static str,
    value: String,
}

impl Signed {
    async fn of(server: &Served, name: &str, password: &str) -> Self {
        let client = server.client();
        let (header, value) = match server.lab.design().credential {
            CredentialKind::Session => {
                let request = client
                    .request("POST", "/login")
                    .header("authorization", basic(name, password));
                let answer = client.send(request, "").await;
                let cookie = answer.header("set-cookie").unwrap().split(';').next();
                ("cookie", cookie.unwrap().to_owned())
            }
            CredentialKind::SessionJwt => {
                let body = json!({ "username": name, "password": password });
                let request = client
                    .request("POST", "/login")
                    .header(CONTENT_TYPE, "application/json");
                (
                    "authorization",
                    bearer(&client.send(request, body.to_string()).await),
                )
            }
            CredentialKind::Basic => ("authorization", basic(name, password)),
            CredentialKind::ApiKey => {
                let answer = client.login(name, password).await;
                (
                    "x-api-key",
                    answer.body["access_token"].as_str().unwrap().to_owned(),
                )
            }
            CredentialKind::Jwt | CredentialKind::Opaque => {
                ("authorization", bearer(&client.login(name, password).await))
            }
        };
        Self {
            client,
            header,
            value,
        }
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let mut request = self
            .client
            .request(method, path)
            .header(self.header, &self.value)
            .header("sec-fetch-site", "same-origin");
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map_or(String::new(), |body| body.to_string());
        self.client.send(request, body).await
    }

    async fn status(&self, method: &str, path: &str) -> u16 {
        self.ask(method, path, None).await.status.as_u16()
    }
}

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

fn bearer(answer: &Answer) -> String {
    format!("Bearer {}", answer.body["access_token"].as_str().unwrap())
}

fn every_design() -> Vec<Design> {
    let mut designs = Vec::new();
    for credential in CredentialKind::ALL.iter().copied() {
        for (cache, freshness, policy) in [
            (CacheKind::None, FreshnessKind::Epoch, PolicyKind::Enforce),
            (CacheKind::None, FreshnessKind::Epoch, PolicyKind::Cedar),
            (CacheKind::Token, FreshnessKind::Epoch, PolicyKind::Enforce),
            (CacheKind::Token, FreshnessKind::Epoch, PolicyKind::Cedar),
            (
                CacheKind::Decision,
                FreshnessKind::Epoch,
                PolicyKind::Enforce,
            ),
            (CacheKind::Decision, FreshnessKind::Epoch, PolicyKind::Cedar),
            (
                CacheKind::Decision,
                FreshnessKind::Denylist,
                PolicyKind::Enforce,
            ),
        ] {
            designs.push(Design {
                credential,
                policy,
                cache,
                freshness,
                insecure_cookies: true,
                ..quick()
            });
        }
    }
    designs
}

fn case(design: &Design) -> String {
    format!(
        "{} {} {} {}",
        design.credential, design.cache, design.freshness, design.policy
    )
}

#[tokio::test]
async fn a_change_of_roles_ends_every_session_of_the_account_and_nobody_elses() {
    for design in every_design() {
        let case = case(&design);
        let server = Served::start(design).await;
        let jane = Signed::of(&server, "jane", "password456").await;
        let john = Signed::of(&server, "john", "password123").await;
        let alice = Signed::of(&server, "alice", "securePass").await;
        for signed in [&jane, &john, &alice] {
            assert_eq!(signed.status("GET", "/items").await, 200, "{case}");
        }
        let path = "/admin/accounts/jane/roles";
        let roles = || Some(json!({ "roles": ["admin"] }));
        assert_eq!(jane.ask("POST", path, roles()).await.status, 403, "{case}");
        let given = john.ask("POST", path, roles()).await;
        assert_eq!(given.status, 200, "{case}: {}", given.text);
        // Name and password are what they were: only what they may changed.
        let is_basic = server.lab.design().credential == CredentialKind::Basic;
        let after = jane.status("GET", "/items").await;
        assert_eq!(after, if is_basic { 200 } else { 401 }, "{case}");
        let again = Signed::of(&server, "jane", "password456").await;
        assert_eq!(again.status("POST", "/items").await, 201, "{case}");
        assert_eq!(alice.status("GET", "/items").await, 200, "{case}");
        assert_eq!(alice.status("POST", "/items").await, 403, "{case}");

        let gone = john.ask("DELETE", "/admin/accounts/jane", None).await;
        assert_eq!(gone.status, 200, "{case}");
        assert_eq!(again.status("GET", "/items").await, 401, "{case}");
        let twice = john.ask("DELETE", "/admin/accounts/jane", None).await;
        assert_eq!(twice.status, 404, "{case}");
        assert_eq!(john.status("GET", "/items").await, 200, "{case}");
    }
}

/// Roles that change while a password is verified: it is answered as before or as after, since name and password have no end.
#[tokio::test]
async fn a_name_and_a_password_are_not_refused_because_their_roles_change_meanwhile() {
    for cache in [CacheKind::None, CacheKind::Token, CacheKind::Decision] {
        let server = Served::start(Design {
            credential: CredentialKind::Basic,
            password: PasswordKind::Bcrypt,
            bcrypt_cost: 8,
            cache,
            ..quick()
        })
        .await;
        let john = Signed::of(&server, "john", "password123").await;
        let mut seen = BTreeSet::new();
        for round in 0..12 {
            let roles = if round % 2 == 0 { "admin" } else { "user" };
            let change = john.ask(
                "POST",
                "/admin/accounts/jane/roles",
                Some(json!({ "roles": [roles] })),
            );
            // Each with a connection of its own: before, during and after.
            let ask = async |after_ms| {
                tokio::time::sleep(Duration::from_millis(after_ms)).await;
                let jane = Signed::of(&server, "jane", "password456").await;
                jane.status("POST", "/items").await
            };
            let (changed, one, two, three) = tokio::join!(change, ask(0), ask(10), ask(20));
            assert_eq!(changed.status, 200, "{cache}: {}", changed.text);
            seen.extend([one, two, three]);
            let now = if roles == "admin" { 201 } else { 403 };
            assert_eq!(ask(0).await, now, "{cache}: once the change was answered");
        }
        assert!(
            seen.is_subset(&BTreeSet::from([201, 403])),
            "{cache}: {seen:?}"
        );
    }
}

#[tokio::test]
async fn a_policy_counts_at_once_for_what_was_issued_before() {
    for design in every_design() {
        let case = case(&design);
        let server = Served::start(design).await;
        let john = Signed::of(&server, "john", "password123").await;
        let jane = Signed::of(&server, "jane", "password456").await;
        assert_eq!(john.status("POST", "/items").await, 201, "{case}");
        assert_eq!(jane.status("GET", "/items").await, 200, "{case}");
        let set = async |policy: Value| {
            let set = john.ask("POST", "/admin/policy", Some(policy)).await;
            assert_eq!(set.status, 200, "{case}: {}", set.text);
        };
        set(json!({ "admin": ["items:read"] })).await;
        assert_eq!(john.status("POST", "/items").await, 403, "{case}");
        assert_eq!(john.status("GET", "/items").await, 200, "{case}");
        assert_eq!(jane.status("GET", "/items").await, 403, "{case}");
        assert_eq!(jane.status("GET", "/secure-data").await, 200, "{case}");
        // A scope that a token was issued with comes back; one that it was not has to be signed in for.
        set(json!({ "admin": ["items:read", "items:write"], "user": ["items:read", "items:write"] }))
            .await;
        assert_eq!(john.status("POST", "/items").await, 201, "{case}");
        assert_eq!(jane.status("GET", "/items").await, 200, "{case}");
        let anew = Signed::of(&server, "jane", "password456").await;
        assert_eq!(anew.status("POST", "/items").await, 201, "{case}");
        let wrong = john.ask("POST", "/admin/policy", Some(json!({ "root": [] })));
        assert_eq!(wrong.await.status, 422, "{case}");
    }
}

#[tokio::test]
async fn a_key_that_is_rotated_signs_no_more() {
    for jwt in [JwtAlgorithm::HS256, JwtAlgorithm::ES256] {
        for negative_capacity in [0, 100] {
            let server = Served::start(Design {
                cache: CacheKind::Decision,
                jwt,
                negative_capacity,
                ..quick()
            })
            .await;
            let john = Signed::of(&server, "john", "password123").await;
            assert_eq!(john.status("GET", "/items").await, 200);
            let keys = john.client.get("/.well-known/jwks.json", "").await.text;
            assert_eq!(john.status("POST", "/admin/keys").await, 200);
            assert_eq!(john.status("GET", "/items").await, 401, "{jwt}");
            let again = Signed::of(&server, "john", "password123").await;
            assert_eq!(again.status("GET", "/items").await, 200, "{jwt}");
            let after = john.client.get("/.well-known/jwks.json", "").await.text;
            assert_eq!(after != keys, jwt != JwtAlgorithm::HS256, "{jwt}");
        }
    }
}

#[tokio::test]
async fn a_changed_password_ends_what_is_refreshed_too() {
    let server = Served::start(Design {
        refresh: RefreshKind::Rotate,
        cache: CacheKind::Decision,
        ..quick()
    })
    .await;
    let client = server.client();
    let signed = client.login("john", "password123").await;
    let (access, refresh) = (bearer(&signed), signed.body["refresh_token"].clone());
    let change = |password: &str, next: &str| {
        let body = json!({ "password": password, "new_password": next }).to_string();
        let request = client
            .request("POST", "/password")
            .header(CONTENT_TYPE, "application/json")
            .header("authorization", &access);
        client.send(request, body)
    };
    assert_eq!(change("wrong-password", "another-one").await.status, 401);
    assert_eq!(change("password123", "short").await.status, 422);
    assert_eq!(change("password123", "another-one").await.status, 200);
    assert_eq!(change("another-one", "a-third-one").await.status, 401);
    let request = client
        .request("POST", "/token/refresh")
        .header(CONTENT_TYPE, "application/json");
    let body = json!({ "refresh_token": refresh }).to_string();
    assert_eq!(client.send(request, body).await.status, 400);
    assert_eq!(client.login("john", "password123").await.status, 401);
    assert_eq!(client.login("john", "another-one").await.status, 200);
}

#[tokio::test]
async fn accounts_in_a_database_keep_their_changes_and_those_in_a_file_are_not_changed() {
    for database in Database::each() {
        let kept = || Design {
            users: database.users(),
            ..quick()
        };
        let server = Served::start(kept()).await;
        let john = Signed::of(&server, "john", "password123").await;
        let roles = Some(json!({ "roles": ["user", "admin"] }));
        let given = john.ask("POST", "/admin/accounts/jane/roles", roles).await;
        assert_eq!(given.status, 200, "{}", given.text);
        let nobody = Some(json!({ "roles": ["user"] }));
        let given = john
            .ask("POST", "/admin/accounts/no%20one/roles", nobody)
            .await;
        assert_eq!(given.status, 404);
        assert_eq!(john.status("DELETE", "/admin/accounts/alice").await, 200);
        let change = Some(json!({ "password": "password123", "new_password": "another-one" }));
        assert_eq!(john.ask("POST", "/password", change).await.status, 200);
        let again = Served::start(kept()).await;
        let jane = Signed::of(&again, "jane", "password456").await;
        assert_eq!(jane.status("POST", "/items").await, 201);
        let client = again.client();
        assert_eq!(client.login("alice", "securePass").await.status, 401);
        assert_eq!(client.login("john", "another-one").await.status, 200);
    }

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.json");
    std::fs::write(
        &file,
        r#"{"john":{"password":"password123","roles":["admin"]}}"#,
    )
    .unwrap();
    let server = Served::start(Design {
        users: UsersFrom::File(file),
        ..quick()
    })
    .await;
    let john = Signed::of(&server, "john", "password123").await;
    let roles = Some(json!({ "roles": [] }));
    let given = john.ask("POST", "/admin/accounts/john/roles", roles).await;
    assert_eq!(given.status, 403);
    assert_eq!(john.status("DELETE", "/admin/accounts/john").await, 403);
}

//! Secrets that are hashed on each request: API keys, and name and password.

use authlab_server::{CacheKind, CredentialKind, Design, FreshnessKind, PasswordKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::json;

use crate::harness::{Answer, Client, Served, quick};

async fn with_key(client: &Client, method: &str, path: &str, key: &str) -> Answer {
    let request = client.request(method, path).header("x-api-key", key);
    client.send(request, "").await
}

async fn with_password(client: &Client, path: &str, pair: &str) -> Answer {
    let encoded = STANDARD.encode(pair);
    let request = client
        .request("GET", path)
        .header(AUTHORIZATION, format!("Basic {encoded}"));
    client.send(request, "").await
}

fn every_cache(credential: CredentialKind) -> Vec<Design> {
    let mut designs = vec![Design {
        credential,
        ..quick()
    }];
    for cache in [CacheKind::Token, CacheKind::Decision] {
        for freshness in [FreshnessKind::Epoch, FreshnessKind::Denylist] {
            designs.push(Design {
                credential,
                cache,
                freshness,
                ..quick()
            });
        }
    }
    designs
}

#[tokio::test]
async fn an_api_key_is_good_in_its_own_header_until_it_is_revoked() {
    for design in every_cache(CredentialKind::ApiKey) {
        let case = format!("{} {}", design.cache, design.freshness);
        let server = Served::start(design).await;
        let client = server.client();
        let issued = client.login("jane", "password456").await;
        assert_eq!(issued.body["token_type"], "ApiKey");
        let key = issued.body["access_token"].as_str().unwrap().to_owned();
        assert!(key.starts_with("ak_"));
        for _ in 0..2 {
            assert_eq!(with_key(&client, "GET", "/items/", &key).await.status, 200);
            assert_eq!(with_key(&client, "POST", "/items", &key).await.status, 403);
            let as_bearer = client.get("/items/", &key).await;
            assert_eq!(as_bearer.status, 401, "{case}");
            assert_eq!(
                as_bearer.header("www-authenticate"),
                Some(r#"ApiKey header="X-API-Key""#)
            );
        }
        let (id, secret) = key.split_once('.').unwrap();
        let other = client.sign_in("john").await;
        let (other_id, other_secret) = other.split_once('.').unwrap();
        for wrong in [
            format!("{id}.{other_secret}"),
            format!("{other_id}.{secret}"),
            format!("{id}.{secret}x"),
            format!("{id}.{}", &secret[..secret.len() - 1]),
            id.to_owned(),
            "ak_.".to_owned(),
            "ak_\u{e9}.x".to_owned(),
        ] {
            let answer = with_key(&client, "GET", "/items/", &wrong).await;
            assert_eq!(answer.status, 401, "{case} {wrong}");
        }
        let twice = client
            .request("GET", "/items/")
            .header("x-api-key", &key)
            .header("x-api-key", &key);
        assert_eq!(client.send(twice, "").await.status, 400, "{case}");
        let revoked = with_key(&client, "POST", "/token/revoke", &key).await;
        assert_eq!(revoked.status, 200, "{case}");
        let after = with_key(&client, "GET", "/items/", &key).await;
        assert_eq!(after.status, 401, "{case}");
    }
}

#[tokio::test]
async fn an_api_key_costs_a_hash_of_its_stored_kind_and_a_cache_saves_it() {
    for (cache, hashes) in [(CacheKind::None, 10), (CacheKind::Decision, 1)] {
        let server = Served::start(Design {
            credential: CredentialKind::ApiKey,
            password: PasswordKind::Bcrypt,
            bcrypt_cost: 4,
            cache,
            ..Design::default()
        })
        .await;
        let client = server.client();
        let key = client.sign_in("john").await;
        let before = server.lab.hashes();
        for _ in 0..10 {
            assert_eq!(with_key(&client, "GET", "/items/", &key).await.status, 200);
        }
        assert_eq!(server.lab.hashes() - before, hashes, "{cache}");
    }
}

#[tokio::test]
async fn a_name_and_its_password_are_good_on_each_request_until_it_changes() {
    for design in every_cache(CredentialKind::Basic) {
        let case = format!("{} {}", design.cache, design.freshness);
        let server = Served::start(design).await;
        let client = server.client();
        for _ in 0..2 {
            let items = with_password(&client, "/items/", "john:password123").await;
            assert_eq!(items.status, 200, "{case}");
            let user = with_password(&client, "/user", "jane:password456").await;
            assert_eq!(user.body["username"], "jane", "{case}");
            for wrong in ["john:password124", "nobody:password123", "john", ":", ""] {
                let answer = with_password(&client, "/items/", wrong).await;
                assert_eq!(answer.status, 401, "{case} {wrong}");
                let challenge = answer.header("www-authenticate").unwrap();
                assert!(challenge.starts_with("Basic realm="), "{challenge}");
            }
            assert_eq!(client.get("/items/", "john").await.status, 401, "{case}");
        }
        let change = json!({ "password": "password123", "new_password": "another-one" });
        let request = client
            .request("POST", "/password")
            .header(CONTENT_TYPE, "application/json")
            .header(
                AUTHORIZATION,
                format!("Basic {}", STANDARD.encode("john:password123")),
            );
        let changed = client.send(request, change.to_string()).await;
        assert_eq!(changed.status, 200, "{case}: {}", changed.text);
        let old = with_password(&client, "/items/", "john:password123").await;
        assert_eq!(old.status, 401, "{case}");
        let new = with_password(&client, "/items/", "john:another-one").await;
        assert_eq!(new.status, 200, "{case}");
    }
}

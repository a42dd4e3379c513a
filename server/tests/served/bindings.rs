//! Who may use a token: what each binding tells apart, and what a cache makes of it.

use std::future::Future as _;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use authlab_server::{
    Action, BindTo, BindingKind, CacheKey, CacheKind, CacheStore, Clock, Controlled, Denied,
    Design, FreshnessKind, HashOn, Lab, Period, Presented, Request, Sender,
};

use crate::harness::{BROWSER, ELSEWHERE, Served, quick};

const SEALED: [BindingKind; 4] = [
    BindingKind::Bcrypt,
    BindingKind::Md5,
    BindingKind::Sha256,
    BindingKind::Blake3,
];

#[tokio::test]
async fn every_binding_refuses_another_user_agent_and_another_address() {
    for binding in SEALED {
        let server = Served::start(Design {
            binding,
            bcrypt_cost: 4,
            ..quick()
        })
        .await;
        let (client, token) = (server.client(), server.token("john").await);
        assert_eq!(client.status("/items/", &token).await, 200, "{binding}");
        assert_eq!(
            client.clone().at(ELSEWHERE).status("/items/", &token).await,
            401,
            "{binding}: address"
        );
        let other = client.clone().with_user_agent("curl/8.5.0");
        assert_eq!(
            other.status("/items/", &token).await,
            401,
            "{binding}: User-Agent"
        );
        assert_eq!(
            client.with_user_agent("").status("/items/", &token).await,
            401,
            "{binding}: none"
        );
    }
}

#[tokio::test]
async fn bind_to_user_agent_alone_lets_the_address_change() {
    for binding in SEALED {
        let design = Design {
            binding,
            bind_to: BindTo::UserAgent,
            bcrypt_cost: 4,
            ..quick()
        };
        let server = Served::start(design).await;
        let (client, token) = (server.client().at(ELSEWHERE), server.token("john").await);
        assert_eq!(client.status("/items/", &token).await, 200, "{binding}");
        assert_eq!(
            client
                .with_user_agent("curl")
                .status("/items/", &token)
                .await,
            401,
            "{binding}"
        );
    }
}

/// bcrypt by itself ignores what comes after 72 bytes: the first half shows the hole, the second that ours has none.
#[tokio::test]
async fn bcrypt_binding_tells_apart_user_agents_that_differ_after_byte_72() {
    let other = format!("{}9.9.9.9", &BROWSER[..BROWSER.len() - 7]);
    assert_eq!(BROWSER[..72], other[..72]);
    let plain = bcrypt::hash(BROWSER, 4).unwrap();
    assert!(
        bcrypt::verify(&other, &plain).unwrap(),
        "plain bcrypt would not tell"
    );

    let server = Served::start(Design {
        binding: BindingKind::Bcrypt,
        bcrypt_cost: 4,
        ..quick()
    })
    .await;
    let (client, token) = (server.client(), server.token("john").await);
    assert_eq!(client.status("/items/", &token).await, 200);
    assert_eq!(
        client
            .with_user_agent(&other)
            .status("/items/", &token)
            .await,
        401,
        "ours does"
    );
}

/// The hole of the article's cache, and that the other keys close it.
#[tokio::test]
async fn a_stolen_token_passes_under_the_article_key_and_under_no_other() {
    for binding in [BindingKind::Md5, BindingKind::Sha256, BindingKind::Blake3] {
        for cache_store in [CacheStore::Quick, CacheStore::Moka] {
            for cache_key in CacheKey::ALL.iter().copied() {
                let cache = CacheKind::Decision;
                let freshness = FreshnessKind::Exp;
                let server = Served::start(Design {
                    binding,
                    cache,
                    cache_store,
                    cache_key,
                    freshness,
                    ..quick()
                })
                .await;
                let (owner, token) = (server.client(), server.token("john").await);
                let thief = owner.clone().at(ELSEWHERE).with_user_agent("thief/1.0");
                let case = format!("{binding} {cache_store} {cache_key}");

                assert_eq!(
                    thief.status("/items/", &token).await,
                    401,
                    "{case}: nothing cached yet"
                );
                assert_eq!(owner.status("/items/", &token).await, 200, "{case}");
                let stolen = thief.status("/items/", &token).await;
                assert_eq!(
                    stolen == 200,
                    cache_key == CacheKey::Article,
                    "{case}: {stolen}"
                );
                // Only where the owner was: the hole is the cached decision's, not the token's.
                assert_eq!(thief.status("/user/", &token).await, 401, "{case}");
                assert_eq!(owner.status("/items/", &token).await, 200, "{case}");
            }
        }
    }
}

#[tokio::test]
async fn a_cached_token_saves_the_verification_and_never_the_binding() {
    for cache_store in [CacheStore::Quick, CacheStore::Moka] {
        let design = Design {
            binding: BindingKind::Sha256,
            cache: CacheKind::Token,
            cache_store,
            ..quick()
        };
        let server = Served::start(design).await;
        let (owner, token) = (server.client(), server.token("jane").await);
        for _ in 0..2 {
            assert_eq!(owner.status("/items/", &token).await, 200);
            assert_eq!(owner.ask("POST", "/items/", &token).await.status, 403);
            assert_eq!(
                owner.clone().at(ELSEWHERE).status("/items/", &token).await,
                401
            );
        }
    }
}

/// A binding's hashes wait for their turn, seconds under a storm. Whoever revoked meanwhile was answered.
#[tokio::test]
async fn what_ends_while_the_bindings_hash_is_under_way_is_refused() {
    const TTL: Duration = Duration::from_secs(60);
    for hash_on in [HashOn::Pool, HashOn::Blocking] {
        for cache in CacheKind::ALL.iter().copied() {
            for (ends_by, expected) in [
                ("nothing", Ok(())),
                ("revocation", Err(Denied::Revoked)),
                ("time", Err(Denied::Expired)),
            ] {
                let clock = Controlled::at_seconds(1_800_000_000);
                let design = Design {
                    binding: BindingKind::Bcrypt,
                    bcrypt_cost: 9,
                    token_ttl: Period(TTL),
                    hash_on,
                    cache,
                    ..quick()
                };
                let lab = Lab::open_at(design, Clock::Controlled(clock.clone())).unwrap();
                let sender = Sender {
                    user_agent: b"x",
                    ip: [127, 0, 0, 1].into(),
                    proof: None,
                };
                let issued = lab.login("john", "password123", &sender).await.unwrap();
                let request = Request {
                    method: "GET",
                    route: "/items",
                    target: "/items/",
                    sender,
                    presented: Presented::Bearer(&issued.access_token),
                    action: Action::ItemsRead,
                };
                let mut waiting = pin!(lab.authorize(&request));
                let begun = std::future::poll_fn(|cx| Poll::Ready(waiting.as_mut().poll(cx))).await;
                assert!(begun.is_pending(), "the first of two hashes is under way");
                match ends_by {
                    "revocation" => lab.revoke(&request).await.unwrap(),
                    "time" => clock.advance(TTL),
                    _ => {}
                }
                let case = format!("{hash_on} {cache} {ends_by}");
                assert_eq!(waiting.await.map(|_| ()), expected, "{case}");
                // Nor was it remembered.
                let again = lab.authorize(&request).await.map(|_| ());
                assert_eq!(again, expected, "{case}: again");
            }
        }
    }
}

//! Until when a decision holds: revocation and expiry, on a hit and on a miss alike.

use std::time::Duration;

use authlab_server::{
    CacheKind, CacheStore, Clock, Controlled, CredentialKind, Design, FreshnessKind, Period,
};

use crate::harness::{Served, quick};

const START_SECONDS: u64 = 1_800_000_000;

struct Held {
    server: Served,
    clock: Controlled,
}

async fn held(design: Design) -> Held {
    let clock = Controlled::at_seconds(START_SECONDS);
    Held {
        server: Served::start_at(design, Clock::Controlled(clock.clone())).await,
        clock,
    }
}

fn every_cache() -> Vec<Design> {
    let opaque = Design {
        credential: CredentialKind::Opaque,
        ..quick()
    };
    let mut designs = vec![quick(), opaque.clone()];
    for cache in [CacheKind::Token, CacheKind::Decision] {
        for cache_store in [CacheStore::Quick, CacheStore::Moka] {
            for freshness in FreshnessKind::ALL.iter().copied() {
                for design in [quick(), opaque.clone()] {
                    // It lists signed tokens, and tells of decisions alone.
                    let is_listed =
                        design.credential == CredentialKind::Jwt && cache == CacheKind::Decision;
                    if freshness == FreshnessKind::StatusList && !is_listed {
                        continue;
                    }
                    designs.push(Design {
                        cache,
                        cache_store,
                        freshness,
                        ..design
                    });
                }
            }
        }
    }
    designs
}

#[tokio::test]
async fn a_token_ends_at_its_exp_to_the_second_whether_cached_or_not() {
    for design in every_cache() {
        let case = format!(
            "{} {:?} {:?} {:?}",
            design.credential, design.cache, design.cache_store, design.freshness
        );
        let Held { server, clock } = held(Design {
            token_ttl: Period(Duration::from_secs(600)),
            ..design
        })
        .await;
        let (client, token) = (server.client(), server.token("john").await);
        // Reading again and again prolongs nothing.
        for _ in 0..599 {
            clock.advance(Duration::from_secs(1));
            if clock_is_due(&clock) {
                assert_eq!(client.status("/items/", &token).await, 200, "{case}");
            }
        }
        assert_eq!(
            client.status("/items/", &token).await,
            200,
            "{case}: a second before"
        );
        clock.advance(Duration::from_secs(1));
        let ended = client.get("/items/", &token).await;
        assert_eq!(
            (ended.status.as_u16(), &ended.body["error"]),
            (401, &"invalid_token".into()),
            "{case}"
        );
    }
}

/// Every minute is often enough to keep an entry warm.
fn clock_is_due(clock: &Controlled) -> bool {
    Clock::Controlled(clock.clone())
        .now()
        .seconds()
        .is_multiple_of(60)
}

#[tokio::test]
async fn a_revoked_token_stops_at_once_or_when_its_design_says() {
    for design in every_cache() {
        let case = format!(
            "{} {:?} {:?} {:?}",
            design.credential, design.cache, design.cache_store, design.freshness
        );
        let (cache, freshness) = (design.cache, design.freshness);
        let Held { server, clock } = held(Design {
            cache_ttl: Period(Duration::from_secs(60)),
            status_list_ttl: Period(Duration::from_secs(60)),
            ..design
        })
        .await;
        let (client, token) = (server.client(), server.token("john").await);
        let other = server.token("john").await;
        assert_eq!(client.status("/items/", &token).await, 200, "{case}");
        assert_eq!(client.status("/items/", &other).await, 200, "{case}");
        assert_eq!(
            client.ask("POST", "/token/revoke", &token).await.status,
            200,
            "{case}"
        );
        assert_eq!(
            client.ask("POST", "/token/revoke", &token).await.status,
            401,
            "{case}: twice"
        );

        let by_time = matches!(
            freshness,
            FreshnessKind::Ttl | FreshnessKind::StatusList | FreshnessKind::Exp
        );
        let stale = cache == CacheKind::Decision && by_time;
        assert_eq!(
            client.status("/items/", &token).await == 200,
            stale,
            "{case}: right after"
        );
        assert_eq!(
            client.status("/user/", &token).await,
            401,
            "{case}: where nothing was cached"
        );
        // A kept decision ends up to a tenth earlier.
        clock.advance(Duration::from_secs(53));
        assert_eq!(
            client.status("/items/", &token).await == 200,
            stale,
            "{case}: within the cap"
        );
        clock.advance(Duration::from_secs(7));
        let beyond_cap = stale && freshness == FreshnessKind::Exp;
        assert_eq!(
            client.status("/items/", &token).await == 200,
            beyond_cap,
            "{case}: at the cap"
        );
        assert_eq!(
            client.status("/items/", &other).await,
            200,
            "{case}: another token of the subject"
        );
        clock.advance(Duration::from_secs(1800));
        assert_eq!(
            client.status("/items/", &token).await,
            401,
            "{case}: at its end"
        );
    }
}

#[tokio::test]
async fn a_refusal_is_never_remembered_as_a_grant() {
    for design in every_cache() {
        let Held { server, .. } = held(design).await;
        let (client, jane) = (server.client(), server.token("jane").await);
        for _ in 0..3 {
            assert_eq!(client.ask("POST", "/items/", &jane).await.status, 403);
            assert_eq!(client.status("/items/", "a.b.c").await, 401);
            assert_eq!(client.status("/items/", &jane).await, 200);
        }
    }
}

/// What is not kept shows after a revocation: with `exp` a kept decision still passes.
#[tokio::test]
async fn a_request_with_a_very_long_user_agent_is_granted_and_not_kept() {
    for cache_store in [CacheStore::Quick, CacheStore::Moka] {
        for (length, kept) in [(1000, true), (3000, false)] {
            let design = Design {
                cache: CacheKind::Decision,
                freshness: FreshnessKind::Exp,
                cache_store,
                ..quick()
            };
            let server = Served::start(design).await;
            let client = server.client().with_user_agent(&"x".repeat(length));
            let token = server.token("john").await;
            assert_eq!(client.status("/items/", &token).await, 200, "{length}");
            let revoked = client.ask("POST", "/token/revoke", &token).await;
            assert_eq!(revoked.status, 200, "{length}");
            let after = client.status("/items/", &token).await;
            assert_eq!(after == 200, kept, "{cache_store} {length}");
        }
    }
}

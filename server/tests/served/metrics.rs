//! What a server counts, where it is asked to.

use std::num::NonZeroUsize;

use authlab_server::{CacheKind, CacheStore, Design};

use crate::harness::{Client, Served, quick};

/// The value of a sample, by its name and labels as they are written.
async fn sample(client: &Client, name: &str) -> f64 {
    let answer = client.get("/metrics", "").await;
    assert_eq!(answer.status, 200);
    let line = answer
        .text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let line = line.unwrap_or_else(|| panic!("no {name} in {}", answer.text));
    line.parse().unwrap()
}

#[tokio::test]
async fn requests_latencies_and_cache_are_counted_by_route_and_nothing_that_was_shown() {
    let server = Served::start(Design {
        metrics: true,
        cache: CacheKind::Decision,
        ..quick()
    })
    .await;
    let (client, jane) = (server.client(), server.token("jane").await);
    for _ in 0..5 {
        assert_eq!(client.status("/items/", &jane).await, 200);
    }
    assert_eq!(client.ask("POST", "/items/", &jane).await.status, 403);
    // What is refused for itself is neither.
    assert_eq!(client.status("/items/", "nonsense").await, 401);
    assert_eq!(client.status("/made/up/by/a/stranger", &jane).await, 404);
    assert_eq!(client.ask("BREW", "/items", &jane).await.status, 405);
    let requests = |method: &str, route: &str, status: u16| {
        format!(r#"authlab_requests_total{{method="{method}",route="{route}",status="{status}"}}"#)
    };
    assert_eq!(
        sample(&client, &requests("GET", "/items/", 200)).await as u64,
        5
    );
    assert_eq!(
        sample(&client, &requests("POST", "/items/", 403)).await as u64,
        1
    );
    assert_eq!(
        sample(&client, &requests("GET", "none", 404)).await as u64,
        1
    );
    assert_eq!(
        sample(&client, &requests("other", "/items", 405)).await as u64,
        1
    );
    let took = r#"authlab_request_duration_seconds_count{route="/items/"}"#;
    assert_eq!(sample(&client, took).await as u64, 7);
    assert_eq!(sample(&client, "authlab_cache_hits_total").await as u64, 4);
    assert_eq!(
        sample(&client, "authlab_cache_misses_total").await as u64,
        1
    );
    assert_eq!(sample(&client, "authlab_cache_entries").await as u64, 1);
    assert_eq!(sample(&client, "authlab_hashes_pending").await as u64, 0);
    let text = client.get("/metrics", "").await.text;
    for secret in ["jane", "stranger", &*jane] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn what_makes_room_in_a_cache_is_counted() {
    for cache_store in [CacheStore::Quick, CacheStore::Moka] {
        let server = Served::start(Design {
            metrics: true,
            cache: CacheKind::Decision,
            cache_store,
            cache_capacity: NonZeroUsize::MIN,
            ..quick()
        })
        .await;
        let client = server.client();
        for _ in 0..8 {
            let token = server.token("jane").await;
            assert_eq!(client.status("/items/", &token).await, 200);
        }
        // moka evicts in passing: ask until it has.
        let begun = std::time::Instant::now();
        while (sample(&client, "authlab_cache_evictions_total").await as u64) < 5 {
            assert!(begun.elapsed().as_secs() < 20, "{cache_store}");
            let token = server.token("jane").await;
            assert_eq!(client.status("/items/", &token).await, 200);
        }
        assert!(sample(&client, "authlab_cache_entries").await as u64 <= 2);
    }
}

#[tokio::test]
async fn who_was_not_asked_counts_nothing() {
    let server = Served::start(quick()).await;
    assert_eq!(server.client().status("/metrics", "").await, 404);
}

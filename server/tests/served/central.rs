//! Verification at a central authorization server: what it says is what counts, and without it nothing is granted.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use authlab_server::{
    BindingKind, CacheKey, CacheKind, Clock, Controlled, CredentialKind, Design, IntrospectClient,
    JwtAlgorithm, Lab, Period, VerifyKind,
};

use crate::harness::{ELSEWHERE, HERE, Served, quick, taken_address};

/// A server that asks another one, which is at this address.
fn asking(central: &Served) -> Design {
    Design {
        verify: VerifyKind::Introspect,
        introspect_url: format!("http://{}", central.address).parse().unwrap(),
        ..quick()
    }
}

fn cached(central: &Served) -> Design {
    Design {
        cache: CacheKind::Decision,
        ..asking(central)
    }
}

#[tokio::test]
async fn what_the_central_server_says_of_a_token_is_what_it_may() {
    for (credential, jwt) in [
        (CredentialKind::Jwt, JwtAlgorithm::ES256),
        (CredentialKind::Opaque, JwtAlgorithm::HS256),
    ] {
        let central = Served::start(Design {
            credential,
            jwt,
            ..quick()
        })
        .await;
        let server = Served::start(Design {
            credential,
            ..asking(&central)
        })
        .await;
        let (john, jane) = (central.token("john").await, central.token("jane").await);
        let client = server.client();
        assert_eq!(
            client.get("/items/", &john).await.text,
            r#"{"items":["Admin Items"]}"#
        );
        assert_eq!(client.get("/user", &jane).await.body["username"], "jane");
        assert_eq!(client.ask("POST", "/items", &jane).await.status, 403);
        assert_eq!(client.status("/items/", "a.b.c").await, 401);
        assert_eq!(client.status("/items/", "").await, 401);
        // Neither signs anybody in nor tells of keys that are not its own.
        assert_eq!(client.login("john", "password123").await.status, 404);
        assert_eq!(client.status("/.well-known/jwks.json", "").await, 404);
        // Whoever holds it may end it, here as there.
        assert_eq!(client.ask("POST", "/token/revoke", &john).await.status, 200);
        assert_eq!(client.status("/items/", &john).await, 401);
        assert_eq!(central.client().status("/items/", &john).await, 401);
    }
}

#[tokio::test]
async fn the_central_server_is_told_who_shows_a_token_and_judges_it() {
    for cache in [CacheKind::None, CacheKind::Token, CacheKind::Decision] {
        let central = Served::start(Design {
            binding: BindingKind::Md5,
            ..quick()
        })
        .await;
        let server = Served::start(Design {
            cache,
            ..asking(&central)
        })
        .await;
        let token = central.token("john").await;
        let here = server.client();
        for _ in 0..2 {
            assert_eq!(here.status("/items/", &token).await, 200, "{cache}");
            let thief = here.clone().at(ELSEWHERE);
            assert_eq!(thief.status("/items/", &token).await, 401, "{cache}");
            let other = here.clone().with_user_agent("thief");
            assert_eq!(other.status("/items/", &token).await, 401, "{cache}");
        }
        // A User-Agent that is no UTF-8 is told as it is.
        let odd = central.client().with_user_agent("caf\u{e9}");
        let request = odd.request("GET", "/items/").header(
            "authorization",
            format!("Bearer {}", odd.sign_in("john").await),
        );
        let there = crate::harness::Client::of(server.address, HERE);
        assert_eq!(there.send(request, "").await.status, 200, "{cache}");
    }
}

#[tokio::test]
async fn without_an_answer_nothing_is_granted() {
    let central = Served::start(Design {
        answer_delay: Period(Duration::from_millis(300)),
        ..quick()
    })
    .await;
    let token = central.token("john").await;
    let slow = Design {
        introspect_timeout: Period(Duration::from_millis(100)),
        ..cached(&central)
    };
    let (_, nobody) = taken_address().await;
    let gone = Design {
        introspect_url: format!("http://127.0.0.1:{}", nobody.port())
            .parse()
            .unwrap(),
        introspect_timeout: Period(Duration::from_millis(100)),
        ..cached(&central)
    };
    let elsewhere = Design {
        // An address that answers something else.
        introspect_url: format!("http://{}/healthz", central.address)
            .parse()
            .unwrap(),
        ..cached(&central)
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("client");
    std::fs::write(&file, "demo-client:not-its-secret\n").unwrap();
    let wrong = Design {
        introspect_client: IntrospectClient::File(file),
        ..cached(&central)
    };
    for (case, design) in [
        ("slow", slow),
        ("gone", gone),
        ("elsewhere", elsewhere),
        ("wrong client", wrong),
    ] {
        let server = Served::start(design).await;
        let asked = Instant::now();
        for _ in 0..2 {
            let answer = server.client().get("/items/", &token).await;
            assert_eq!(answer.status, 503, "{case}: {}", answer.text);
            assert_eq!(answer.header("retry-after"), Some("1"), "{case}");
        }
        assert!(asked.elapsed() < Duration::from_secs(5), "{case}");
        assert_eq!(server.lab.cache_entries(), 0, "{case}");
    }
}

/// A delay stands for distance, so it may not be half as long again as was said.
#[tokio::test]
async fn an_answer_waits_as_long_as_it_is_told_to() {
    let server = Served::start(Design {
        answer_delay: Period(Duration::from_millis(20)),
        ..quick()
    })
    .await;
    let client = server.client();
    let mut shortest = Duration::MAX;
    for _ in 0..20 {
        let asked = Instant::now();
        assert_eq!(client.status("/healthz", "").await, 200);
        let took = asked.elapsed();
        assert!(took >= Duration::from_millis(20), "{took:?}");
        shortest = shortest.min(took);
    }
    assert!(shortest < Duration::from_millis(30), "{shortest:?}");
}

/// Each check of an API key is a hash at the central server, so that its count tells how often it was asked.
#[tokio::test]
async fn a_decision_that_is_remembered_is_not_asked_for_again_until_its_cap() {
    let clock = Controlled::at_seconds(1_800_000_000);
    let central = Served::start_at(
        Design {
            credential: CredentialKind::ApiKey,
            ..quick()
        },
        Clock::Controlled(clock.clone()),
    )
    .await;
    let server = Served::start_at(
        Design {
            credential: CredentialKind::ApiKey,
            ..cached(&central)
        },
        Clock::Controlled(clock.clone()),
    )
    .await;
    let key = central.token("john").await;
    let client = server.client();
    let ask = async |path: &str| {
        let request = client.request("GET", path).header("x-api-key", &key);
        client.send(request, "").await.status.as_u16()
    };
    let before = central.lab.hashes();
    for _ in 0..20 {
        assert_eq!(ask("/items/").await, 200);
    }
    assert_eq!(central.lab.hashes() - before, 1);
    // What the central server ends by itself is not known here, as a warning says; until the cap.
    let request = central
        .client()
        .request("POST", "/token/revoke")
        .header("x-api-key", &key);
    assert_eq!(central.client().send(request, "").await.status, 200);
    assert_eq!(ask("/items/").await, 200);
    assert_eq!(ask("/user").await, 401, "where nothing was remembered");
    clock.advance(Duration::from_secs(60));
    assert_eq!(ask("/items/").await, 401);
    let warnings = server.lab.design().warnings();
    assert!(
        warnings
            .iter()
            .any(|warning| warning.label() == "central-revocations-unseen")
    );
}

/// The central server is asked once, whoever waits.
#[tokio::test(flavor = "multi_thread")]
async fn many_that_ask_together_are_one_question() {
    let central = Served::start(Design {
        credential: CredentialKind::ApiKey,
        answer_delay: Period(Duration::from_millis(200)),
        hash_threads: NonZeroUsize::MIN,
        ..quick()
    })
    .await;
    let server = Served::start(Design {
        credential: CredentialKind::ApiKey,
        ..cached(&central)
    })
    .await;
    let key = central.token("john").await;
    let before = central.lab.hashes();
    let all = (0..100).map(|_| {
        let (client, key) = (server.client(), key.clone());
        tokio::spawn(async move {
            let request = client.request("GET", "/items/").header("x-api-key", &key);
            client.send(request, "").await.status.as_u16()
        })
    });
    for one in all.collect::<Vec<_>>() {
        assert_eq!(one.await.unwrap(), 200);
    }
    assert_eq!(central.lab.hashes() - before, 1);
}

#[test]
fn what_does_not_go_with_a_central_server_is_refused_in_a_line() {
    let url = || "http://127.0.0.1:9".parse().unwrap();
    let central = Design {
        verify: VerifyKind::Introspect,
        ..quick()
    };
    let refused = |design: Design| Lab::open(design).unwrap_err().to_string();
    assert!(refused(central.clone()).contains("--introspect-url"));
    let central = Design {
        introspect_url: url(),
        ..central
    };
    for credential in [
        CredentialKind::Session,
        CredentialKind::SessionJwt,
        CredentialKind::Basic,
    ] {
        let line = refused(Design {
            credential,
            ..central.clone()
        });
        assert!(line.contains("jwt, opaque, api-key"), "{line}");
    }
    let line = refused(Design {
        binding: BindingKind::Sha256,
        ..central.clone()
    });
    assert!(
        line.contains("accepted for --binding: none, dpop"),
        "{line}"
    );
    let line = refused(Design {
        introspect_client: IntrospectClient::File("/nowhere/client".into()),
        cache_key: CacheKey::Route,
        ..central
    });
    assert!(line.contains("/nowhere/client"), "{line}");
}

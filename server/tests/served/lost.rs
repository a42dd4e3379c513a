//! Every fact that a store may have lost: whichever key of Redis goes, and whichever several, nothing is granted that would not
//! be granted with it. And a server that starts anew knows of no token that is older than it is.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use authlab_server::{
    Action, CacheKind, CacheStore, Clock, Controlled, CredentialKind, Design, FreshnessKind,
    IssuedToken, Lab, Presented, RefreshKind, Request, Role, SecretFrom, Sender,
};
use proptest::prelude::*;
use tempfile::NamedTempFile;

use crate::harness::quick;
use crate::redis::Redis;

const NOW: u64 = 1_800_000_000;

/// What ends a token.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Revoked,
    Demoted,
    Deleted,
}

const ENDS: [End; 3] = [End::Revoked, End::Demoted, End::Deleted];

const CREDENTIALS: [(CredentialKind, RefreshKind); 7] = [
    (CredentialKind::Jwt, RefreshKind::None),
    (CredentialKind::Jwt, RefreshKind::Rotate),
    (CredentialKind::Opaque, RefreshKind::None),
    (CredentialKind::Session, RefreshKind::None),
    (CredentialKind::SessionJwt, RefreshKind::None),
    (CredentialKind::ApiKey, RefreshKind::None),
    (CredentialKind::Basic, RefreshKind::None),
];

const CACHES: [(CacheKind, CacheStore, FreshnessKind); 6] = [
    (CacheKind::None, CacheStore::Quick, FreshnessKind::Epoch),
    (CacheKind::Token, CacheStore::Quick, FreshnessKind::Epoch),
    (CacheKind::Decision, CacheStore::Quick, FreshnessKind::Epoch),
    (
        CacheKind::Decision,
        CacheStore::Quick,
        FreshnessKind::Denylist,
    ),
    (CacheKind::Decision, CacheStore::Redis, FreshnessKind::Epoch),
    (
        CacheKind::Decision,
        CacheStore::Redis,
        FreshnessKind::Denylist,
    ),
];

/// Which keys go, and when.
#[derive(Clone, Copy, Debug)]
struct Loss {
    /// Of the keys in their order, by bit.
    keys: u32,
    before_the_end: bool,
}

/// One of the first six keys, which are all that one token leaves there, or all.
fn single_losses() -> impl Iterator<Item = Loss> {
    let keys = (0..6).map(|key| 1 << key).chain([u32::MAX]);
    keys.flat_map(|keys| {
        [true, false].map(|before_the_end| Loss {
            keys,
            before_the_end,
        })
    })
}

fn sender() -> Sender<'static> {
    Sender {
        user_agent: b"test",
        ip: Ipv4Addr::LOCALHOST.into(),
        proof: None,
    }
}

fn request(kind: CredentialKind, token: &str, action: Action) -> Request<'_> {
    let presented = match kind {
        CredentialKind::Session => Presented::Cookie(token),
        CredentialKind::ApiKey => Presented::ApiKey(token),
        CredentialKind::Basic => Presented::Basic(token),
        _ => Presented::Bearer(token),
    };
    Request {
        method: "GET",
        route: "/items",
        target: "/items/",
        sender: sender(),
        presented,
        action,
    }
}

async fn may(lab: &Lab, token: &str, action: Action) -> bool {
    let request = request(lab.design().credential, token, action);
    lab.authorize(&request).await.is_ok()
}

/// Signs in from a device of its own: a device that signs in again takes the place of its last session.
async fn sign_in(lab: &Lab) -> IssuedToken {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let user_agent = format!("test {}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let sender = Sender {
        user_agent: user_agent.as_bytes(),
        ..sender()
    };
    lab.login("john", "password123", &sender).await.unwrap()
}

/// What a token may do that was ended, as no store forgets it: of a name and a password what its account may now.
fn expected(kind: CredentialKind, end: End) -> (bool, bool) {
    match (kind, end) {
        (CredentialKind::Basic, End::Revoked) => (true, true),
        (CredentialKind::Basic, End::Demoted) => (true, false),
        _ => (false, false),
    }
}

async fn end_by(lab: &Lab, token: &str, end: End) {
    match end {
        End::Revoked => {
            let request = request(lab.design().credential, token, Action::ItemsRead);
            // One whose record is lost is refused already, and name and password are never revoked.
            let _ = lab.revoke(&request).await;
        }
        End::Demoted => lab
            .set_roles("john", [Role::User].into_iter().collect())
            .await
            .unwrap(),
        End::Deleted => lab.remove_account("john").await.unwrap(),
    }
}

async fn lose(redis: &Redis, loss: Loss) {
    let mut keys = redis.keys().await;
    keys.sort();
    let chosen: Vec<&String> = keys
        .iter()
        .enumerate()
        .filter(|(at, _)| loss.keys & (1 << (at % 32)) != 0)
        .map(|(_, key)| key)
        .collect();
    redis.delete(&chosen).await;
}

/// One token, ended by one way, with one loss: at the server that ended it and at another.
async fn play(
    redis: &Redis,
    secret: &NamedTempFile,
    credential: (CredentialKind, RefreshKind),
    cache: (CacheKind, CacheStore, FreshnessKind),
    end: End,
    loss: Loss,
) {
    redis.flush().await;
    let design = Design {
        credential: credential.0,
        refresh: credential.1,
        cache: cache.0,
        cache_store: cache.1,
        freshness: cache.2,
        sessions: redis.sessions(),
        secret_file: SecretFrom::File(secret.path().to_owned()),
        issuer: "https://auth.example".parse().unwrap(),
        ..quick()
    };
    let Ok(lab) = Lab::open(design.clone()) else {
        // Such a cache does not go with such a credential.
        assert_eq!(credential.0, CredentialKind::Basic);
        return;
    };
    // Their accounts are each server's own, so a name and a password may mean something else there.
    let other = (credential.0 != CredentialKind::Basic).then(|| Lab::open(design).unwrap());
    let issued = sign_in(&lab).await;
    let token = &issued.access_token;
    let case = format!("{credential:?} {cache:?} {end:?} {loss:?}");
    for _ in 0..2 {
        for action in [Action::ItemsRead, Action::Administer] {
            assert!(may(&lab, token, action).await, "{case}: not even before");
        }
    }
    if loss.before_the_end {
        lose(redis, loss).await;
    }
    end_by(&lab, token, end).await;
    if !loss.before_the_end {
        lose(redis, loss).await;
    }
    let (reads, administers) = expected(credential.0, end);
    let refused = async |when: &str| {
        for server in [Some(&lab), other.as_ref()].into_iter().flatten() {
            let mut granted = Vec::new();
            for (action, may_still) in [
                (Action::ItemsRead, reads),
                (Action::Administer, administers),
            ] {
                if may(server, token, action).await && !may_still {
                    granted.push(action);
                }
            }
            assert!(granted.is_empty(), "{case}: {granted:?} {when}");
            if let Some(refresh) = &issued.refresh_token {
                let next = server.refresh(refresh, None, &sender()).await;
                assert!(next.is_err(), "{case}: refreshed {when}");
            }
        }
    };
    refused("at once").await;
    if end != End::Deleted {
        // The subject's facts come back with a new token, and the old one with none of them.
        let next = sign_in(&lab).await;
        assert!(
            may(&lab, &next.access_token, Action::ItemsRead).await,
            "{case}: a new token"
        );
    }
    refused("after a new sign-in").await;
}

fn secret() -> NamedTempFile {
    let secret = NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "a secret of at least thirty-two bytes").unwrap();
    secret
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_key_redis_loses_nothing_is_granted_for_it() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let secret = secret();
    for credential in CREDENTIALS {
        for cache in CACHES {
            for end in ENDS {
                for loss in single_losses() {
                    play(&redis, &secret, credential, cache, end, loss).await;
                }
            }
        }
    }
}

#[test]
fn whichever_keys_redis_loses_together_nothing_is_granted_for_it() {
    const CASES: u32 = 200;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let Some(redis) = runtime.block_on(Redis::start()) else {
        return;
    };
    let secret = secret();
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(CASES)
    };
    proptest!(config, |(
        credential in prop::sample::select(CREDENTIALS.to_vec()),
        cache in prop::sample::select(CACHES.to_vec()),
        end in prop::sample::select(ENDS.to_vec()),
        keys in any::<u32>(),
        before_the_end in any::<bool>(),
    )| {
        let loss = Loss { keys, before_the_end };
        runtime.block_on(play(&redis, &secret, credential, cache, end, loss));
    });
}

/// The generation of a subject may go while a sign-in reads what the account is.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_meets_a_demotion_keeps_nothing_of_what_the_account_was() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let secret = secret();
    for credential in [CredentialKind::Jwt, CredentialKind::Opaque] {
        redis.flush().await;
        let lab = Lab::open(Design {
            credential,
            sessions: redis.sessions(),
            secret_file: SecretFrom::File(secret.path().to_owned()),
            ..quick()
        })
        .unwrap();
        for _ in 0..100 {
            let roles = [Role::Admin].into_iter().collect();
            lab.set_roles("john", roles).await.unwrap();
            let (other, demoting) = (Arc::clone(&lab), Arc::clone(&lab));
            let signing_in =
                tokio::spawn(async move { other.login("john", "password123", &sender()).await });
            let demoting = tokio::spawn(async move {
                let roles = [Role::User].into_iter().collect();
                demoting.set_roles("john", roles).await
            });
            demoting.await.unwrap().unwrap();
            // It may also be told to come back, as its account changed meanwhile.
            if let Ok(issued) = signing_in.await.unwrap() {
                let token = &issued.access_token;
                assert!(!may(&lab, token, Action::Administer).await, "{credential}");
            }
        }
    }
}

/// A client's token has no account behind it, and a record all the same.
#[tokio::test]
async fn a_clients_own_token_ends_with_its_record_too() {
    use crate::harness::Served;
    use base64::Engine as _;
    let Some(redis) = Redis::start().await else {
        return;
    };
    let server = Served::start(Design {
        sessions: redis.sessions(),
        ..quick()
    })
    .await;
    let client = server.client();
    let basic = base64::engine::general_purpose::STANDARD.encode("demo-client:demo-secret");
    for lost in 0..4 {
        let request = client
            .request("POST", "/oauth/token")
            .header("authorization", format!("Basic {basic}"))
            .header("content-type", "application/x-www-form-urlencoded");
        let issued = client.send(request, "grant_type=client_credentials").await;
        assert_eq!(issued.status, 200, "{}", issued.text);
        let token = issued.body["access_token"].as_str().unwrap();
        assert_eq!(client.status("/items/", token).await, 200);
        let mut keys = redis.keys().await;
        keys.sort();
        keys.retain(|key| !key.ends_with("epochs"));
        if lost < keys.len() {
            redis.delete(&[&keys[lost]]).await;
        } else {
            redis.flush().await;
        }
        // Another token of this client may have the record that went.
        let status = client.status("/items/", token).await;
        if lost >= keys.len() || !keys[lost].contains("live") || keys.len() == 2 {
            assert_eq!(status, 401, "without {:?}", keys.get(lost));
        }
    }
}

#[tokio::test]
async fn a_server_that_starts_anew_refuses_what_was_issued_before() {
    let secret = secret();
    for credential in CREDENTIALS {
        if credential.0 == CredentialKind::Basic {
            // A name and a password are the account's, not the store's.
            continue;
        }
        for cache in [CacheKind::None, CacheKind::Token, CacheKind::Decision] {
            for end in ENDS {
                let clock = Controlled::at_seconds(NOW);
                let open = || {
                    let design = Design {
                        credential: credential.0,
                        refresh: credential.1,
                        cache,
                        secret_file: SecretFrom::File(secret.path().to_owned()),
                        ..quick()
                    };
                    Lab::open_at(design, Clock::Controlled(clock.clone())).unwrap()
                };
                let lab = open();
                let issued = sign_in(&lab).await;
                let (token, good) = (&issued.access_token, sign_in(&lab).await.access_token);
                assert!(may(&lab, token, Action::Administer).await);
                end_by(&lab, token, end).await;
                assert!(!may(&lab, token, Action::Administer).await);
                drop(lab);
                clock.advance(Duration::from_secs(1));
                let lab = open();
                for token in [token, &good] {
                    for action in [Action::ItemsRead, Action::Administer] {
                        let granted = may(&lab, token, action).await;
                        assert!(!granted, "{credential:?} {cache:?} {end:?} {action:?}");
                    }
                }
                if let Some(refresh) = &issued.refresh_token {
                    assert!(lab.refresh(refresh, None, &sender()).await.is_err());
                }
                let token = sign_in(&lab).await.access_token;
                assert!(may(&lab, &token, Action::Administer).await);
            }
        }
    }
}

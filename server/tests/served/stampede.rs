//! Many that miss together: one verification, each answered, whatever becomes of the others.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use authlab_server::{
    Action, BindingKind, CacheKind, CredentialKind, Denied, Design, FreshnessKind, Lab,
    PasswordKind, Presented, Request, Sender,
};

use crate::harness::quick;

const MANY: usize = 500;

/// bcrypt's least cost: long enough for all to come while one is verified, as there is one thread for it.
fn bound() -> Design {
    Design {
        binding: BindingKind::Bcrypt,
        bcrypt_cost: 8,
        cache: CacheKind::Decision,
        hash_threads: NonZeroUsize::MIN,
        hash_queue: NonZeroUsize::new(8).unwrap(),
        ..quick()
    }
}

fn sender(user_agent: &[u8]) -> Sender<'_> {
    Sender {
        user_agent,
        ip: [127, 0, 0, 1].into(),
        proof: None,
    }
}

async fn ask(lab: &Lab, user_agent: &[u8], token: &str) -> Result<(), Denied> {
    let request = Request {
        method: "GET",
        route: "/items",
        target: "/items/",
        sender: sender(user_agent),
        presented: Presented::Bearer(token),
        action: Action::ItemsRead,
    };
    lab.authorize(&request).await.map(|_| ())
}

async fn token(lab: &Lab) -> String {
    let issued = lab.login("john", "password123", &sender(b"browser")).await;
    issued.unwrap().access_token
}

/// How many hashes one verification takes.
async fn of_one(lab: &Lab, user_agent: &[u8]) -> u64 {
    let token = token(lab).await;
    let before = lab.hashes();
    let _ = ask(lab, user_agent, &token).await;
    lab.hashes() - before
}

#[tokio::test]
async fn many_first_requests_of_a_token_cost_one_verification_and_so_do_failing_ones() {
    for (user_agent, expected) in [
        (&b"browser"[..], Ok(())),
        (b"thief", Err(Denied::WrongSender)),
    ] {
        let lab = Lab::open(bound()).unwrap();
        let one = of_one(&lab, user_agent).await;
        let token: Arc<str> = token(&lab).await.into();
        let before = lab.hashes();
        let all = (0..MANY).map(|_| {
            let (lab, token) = (Arc::clone(&lab), Arc::clone(&token));
            tokio::spawn(async move { ask(&lab, user_agent, &token).await })
        });
        for asked in all.collect::<Vec<_>>() {
            assert_eq!(asked.await.unwrap(), expected);
        }
        assert_eq!(lab.hashes() - before, one);
        // An error is not remembered: who comes later is verified again.
        let _ = ask(&lab, user_agent, &token).await;
        let again = lab.hashes() - before - one;
        assert_eq!(again, if expected.is_ok() { 0 } else { one });
    }
}

#[tokio::test]
async fn whoever_hangs_up_hurts_nobody_else_the_first_among_them() {
    let lab = Lab::open(bound()).unwrap();
    let one = of_one(&lab, b"browser").await;
    let token: Arc<str> = token(&lab).await.into();
    let before = lab.hashes();
    let all: Vec<_> = (0..MANY)
        .map(|_| {
            let (lab, token) = (Arc::clone(&lab), Arc::clone(&token));
            tokio::spawn(async move { ask(&lab, b"browser", &token).await })
        })
        .collect();
    // All are under way, and none is answered: every other one leaves, beginning with who came first.
    while lab.pending_hashes() == 0 {
        tokio::task::yield_now().await;
    }
    for asked in all.iter().step_by(2) {
        asked.abort();
    }
    for asked in all.into_iter().skip(1).step_by(2) {
        assert_eq!(asked.await.unwrap(), Ok(()));
    }
    assert_eq!(lab.hashes() - before, one);
}

/// A sender is never given what another one's request led to.
#[tokio::test]
async fn right_and_wrong_senders_that_come_together_are_told_apart() {
    let lab = Lab::open(bound()).unwrap();
    let token: Arc<str> = token(&lab).await.into();
    let all = (0..40).map(|number| {
        let (lab, token) = (Arc::clone(&lab), Arc::clone(&token));
        let user_agent: &[u8] = if number % 2 == 0 {
            b"browser"
        } else {
            b"thief"
        };
        tokio::spawn(async move { (number, ask(&lab, user_agent, &token).await) })
    });
    for asked in all.collect::<Vec<_>>() {
        let (number, answer) = asked.await.unwrap();
        assert_eq!(answer.is_ok(), number % 2 == 0, "{answer:?}");
    }
}

/// The verification is held open by the hashes before it; the revocation is answered meanwhile.
#[tokio::test]
async fn who_asks_after_a_revoke_is_refused_though_a_verification_began_before() {
    for freshness in [FreshnessKind::Epoch, FreshnessKind::Denylist] {
        let lab = Lab::open(Design {
            freshness,
            ..bound()
        })
        .unwrap();
        let token: Arc<str> = token(&lab).await.into();
        let first = {
            let (lab, token) = (Arc::clone(&lab), Arc::clone(&token));
            tokio::spawn(async move { ask(&lab, b"browser", &token).await })
        };
        while lab.pending_hashes() == 0 {
            tokio::task::yield_now().await;
        }
        let request = Request {
            method: "POST",
            route: "/token/revoke",
            target: "/token/revoke",
            sender: sender(b"browser"),
            presented: Presented::Bearer(&token),
            action: Action::OwnAccount,
        };
        lab.revoke(&request).await.unwrap();
        assert!(!first.is_finished(), "{freshness}: it was held open");
        let late = ask(&lab, b"browser", &token).await;
        assert_eq!(late, Err(Denied::Revoked), "{freshness}");
        let _ = first.await.unwrap();
        let later = ask(&lab, b"browser", &token).await;
        assert_eq!(later, Err(Denied::Revoked), "{freshness}: nothing was kept");
    }
}

/// The same of a secret: who may now is not told what was decided of it before.
#[tokio::test]
async fn who_asks_with_a_new_password_is_granted_though_its_refusal_was_under_way() {
    let design = Design {
        credential: CredentialKind::Basic,
        password: PasswordKind::Bcrypt,
        bcrypt_cost: 8,
        cache: CacheKind::Decision,
        hash_threads: NonZeroUsize::new(2).unwrap(),
        ..Design::default()
    };
    let lab = Lab::open(design).unwrap();
    let shown = "am9objphbm90aGVyLW9uZQ==";
    let refused = {
        let lab = Arc::clone(&lab);
        tokio::spawn(async move { ask(&lab, b"browser", shown).await })
    };
    let changed = {
        let lab = Arc::clone(&lab);
        tokio::spawn(async move {
            lab.change_password("john", "password123", "another-one")
                .await
        })
    };
    changed.await.unwrap().unwrap();
    assert_eq!(ask(&lab, b"browser", shown).await, Ok(()));
    let _ = refused.await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(ask(&lab, b"browser", shown).await, Ok(()));
}

/// Forged tokens are refused from memory, and push no grant out.
#[tokio::test]
async fn denials_that_never_turn_are_kept_apart_and_bounded() {
    let lab = Lab::open(Design {
        cache: CacheKind::Decision,
        cache_capacity: NonZeroUsize::new(10).unwrap(),
        negative_capacity: 100,
        ..quick()
    })
    .unwrap();
    let token = token(&lab).await;
    ask(&lab, b"browser", &token).await.unwrap();
    let (head, _) = token.rsplit_once('.').unwrap();
    for number in 0..1000 {
        let forged = format!("{head}.{number:043}");
        for _ in 0..2 {
            assert!(ask(&lab, b"browser", &forged).await.is_err());
        }
    }
    assert_eq!(lab.cache_entries(), 1);
    assert!(
        (50..=120).contains(&lab.negative_entries()),
        "{}",
        lab.negative_entries()
    );
    ask(&lab, b"browser", &token).await.unwrap();
}

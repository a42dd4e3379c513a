//! A cached server decides as if its cache were not there.
//!
//! Random histories ([`history`]) are played ([`played`]) on every [`combination`] of credential, cache, store, key, form,
//! freshness and place of verification. Each request ([`asked`]) is asked of the cached server and of the same server
//! without its cache; [`promise`] says where the two may differ, and for how long. Over one Redis there are several servers,
//! and [`faults`] among what happens to them. `make never-wrong` plays a million.

#![allow(clippy::unwrap_used, reason = "a test may end so")]

mod administered;
mod asked;
mod changed;
mod combination;
#[path = "../served/door.rs"]
mod door;
mod ended;
mod faults;
mod history;
#[path = "../served/installed.rs"]
#[allow(
    dead_code,
    reason = "of the other tests' programs only Redis is needed here"
)]
mod installed;
mod judged;
mod played;
mod promise;
mod redis;
mod run;
mod sent;
mod stand;
mod tally;

use authlab_server::{BindingKind, CacheKey, CacheStore, CredentialKind, RefreshKind};

use asked::{Question, Sender};
use combination::{Credential, Place, combinations};
use history::{Change, Later, Step};
use promise::Promise;
use run::{ITEMS, never_wrong, one, planned_histories, runtime};
use stand::Grounds;
use tally::Tally;

/// How many histories CI plays at least, in all.
const LEAST_HISTORIES: usize = 10_000;

/// How many combinations there are of each credential at each place: none vanishes silently.
const HERE: usize = 64;
/// These alone have a status list.
const HERE_JWT: usize = 76;
const HERE_BASIC: usize = 24;
const HERE_OVER_REDIS: usize = 32;
const HERE_OVER_REDIS_BASIC: usize = 8;
const AMONG_FAULTS: usize = 8;
const AMONG_FAULTS_BASIC: usize = 4;
const CENTRAL: usize = 48;
const CENTRAL_OVER_REDIS: usize = 18;

#[test]
fn every_combination_that_opens_is_played_and_all_histories_are_as_many_as_promised() {
    let runtime = runtime();
    let _runtime = runtime.enter();
    let mut planned = 0;
    for place in Place::ALL {
        for credential in Credential::all() {
            let found = combinations(credential, place).len();
            assert_eq!(
                found,
                expected(credential, place),
                "{credential:?} {place:?}"
            );
            planned += found * place.histories();
        }
    }
    assert_eq!(planned, planned_histories());
    assert!(planned >= LEAST_HISTORIES, "{planned}");
    println!("{planned} histories in CI");
}

pub(crate) fn expected(credential: Credential, place: Place) -> usize {
    let is_asked_about = matches!(
        credential.kind,
        CredentialKind::Jwt | CredentialKind::Opaque | CredentialKind::ApiKey
    );
    match (place, credential.kind) {
        (Place::Here, CredentialKind::Basic) => HERE_BASIC,
        (Place::Here, CredentialKind::Jwt) if credential.refresh == RefreshKind::None => HERE_JWT,
        (Place::Here, _) => HERE,
        (Place::HereOverRedis, CredentialKind::Basic) => HERE_OVER_REDIS_BASIC,
        (Place::HereOverRedis, _) => HERE_OVER_REDIS,
        (Place::AmongFaults, CredentialKind::Basic) => AMONG_FAULTS_BASIC,
        (Place::AmongFaults, _) => AMONG_FAULTS,
        (Place::Central, _) if is_asked_about => CENTRAL,
        (Place::CentralOverRedis, _) if is_asked_about => CENTRAL_OVER_REDIS,
        (Place::Central | Place::CentralOverRedis, _) => 0,
    }
}

/// A test a credential, so that they run beside each other.
macro_rules! never_wrong {
    ($($name:ident: $credential:expr, $place:expr;)+) => {
        $(
            #[test]
            fn $name() {
                never_wrong(&[$credential], $place);
            }
        )+
    };
}

never_wrong! {
    jwt_is_never_wrong: Credential::of(CredentialKind::Jwt), Place::Here;
    refreshed_jwt_is_never_wrong: Credential::REFRESHED, Place::Here;
    opaque_is_never_wrong: Credential::of(CredentialKind::Opaque), Place::Here;
    session_is_never_wrong: Credential::of(CredentialKind::Session), Place::Here;
    session_jwt_is_never_wrong: Credential::of(CredentialKind::SessionJwt), Place::Here;
    api_key_is_never_wrong: Credential::of(CredentialKind::ApiKey), Place::Here;
    basic_is_never_wrong: Credential::of(CredentialKind::Basic), Place::Here;
}

/// Those whose tokens are signed, and those that are looked up.
fn signed(is_signed: bool) -> Vec<Credential> {
    let all = Credential::all().into_iter();
    all.filter(|credential| credential.kind.is_signed() == is_signed)
        .collect()
}

#[test]
fn two_servers_over_one_redis_are_never_wrong_about_what_is_signed() {
    never_wrong(&signed(true), Place::HereOverRedis);
}

#[test]
fn two_servers_over_one_redis_are_never_wrong_about_what_is_looked_up() {
    never_wrong(&signed(false), Place::HereOverRedis);
}

#[test]
fn three_servers_over_one_redis_are_wrong_for_no_longer_than_the_lease_whatever_fails() {
    never_wrong(&Credential::all(), Place::AmongFaults);
}

#[test]
fn who_asks_a_central_server_about_what_is_signed_is_wrong_no_longer_than_it_says() {
    never_wrong(&signed(true), Place::Central);
}

#[test]
fn who_asks_a_central_server_about_what_is_looked_up_is_wrong_no_longer_than_it_says() {
    never_wrong(&signed(false), Place::Central);
}

#[test]
fn two_servers_that_ask_a_central_one_over_one_redis_are_never_wrong() {
    never_wrong(&Credential::all(), Place::CentralOverRedis);
}

/// The hole is there, and no wider: a thief passes by what its owner was granted, and by nothing else.
#[test]
fn by_the_articles_key_a_thief_passes_once_the_owner_has_asked_and_by_no_other() {
    let runtime = runtime();
    let grounds = runtime.block_on(Grounds::of(Place::Here)).unwrap();
    let _runtime = runtime.enter();
    let bound = Credential::all().into_iter();
    let bound = bound.filter(|credential| credential.kind != CredentialKind::Basic);
    let all = bound.flat_map(|credential| combinations(credential, Place::Here));
    let thief = Question {
        from: Sender::OtherAddress,
        ..ITEMS
    };
    let (mut holes, mut whole) = (0, 0);
    for combination in all {
        let passed = |steps: &[Step]| {
            let tally = Tally::default();
            let (binding, steps) = (BindingKind::Sha256, steps.to_vec());
            one(&runtime, &grounds, &combination, binding, steps, &tally);
            tally.thieves.get() > 0
        };
        let label = combination.label();
        assert!(!passed(&[Step::Ask(thief)]), "{label}: nobody asked");
        let after_the_owner = passed(&[Step::Ask(ITEMS), Step::Ask(thief)]);
        assert_eq!(after_the_owner, combination.is_articles(), "{label}");
        if combination.is_articles() {
            holes += 1;
        } else {
            whole += 1;
        }
    }
    // Of six credentials, and of JWT with a status list.
    assert_eq!((holes, whole), (6 * 16 + 4, 6 * 48 + 8));
}

/// Random histories come by the moment too seldom: a token is verified, then the keys are others, then its decision is kept.
#[test]
fn what_was_verified_by_the_keys_of_before_is_not_kept_under_the_next() {
    const MOMENTS: u8 = 12;
    let runtime = runtime();
    let Some(grounds) = runtime.block_on(Grounds::of(Place::HereOverRedis)) else {
        return;
    };
    let jwt = {
        let _runtime = runtime.enter();
        combinations(Credential::of(CredentialKind::Jwt), Place::HereOverRedis)
    };
    let kept = jwt.iter().filter(|combination| {
        combination.design.cache_store == CacheStore::Redis
            && combination.design.cache_key == CacheKey::Sender
            && Promise::of(combination) == Promise::Equal
    });
    let rotate = Change::RotateKeys {
        each: true,
        by: None,
    };
    let tally = Tally::default();
    for combination in kept {
        for moment in 0..MOMENTS {
            let steps = vec![Step::AskMeanwhile(ITEMS, rotate, Later(moment))];
            let binding = BindingKind::None;
            one(&runtime, &grounds, combination, binding, steps, &tally);
        }
    }
    assert_eq!(tally.histories.get(), 2 * u64::from(MOMENTS), "{tally}");
}

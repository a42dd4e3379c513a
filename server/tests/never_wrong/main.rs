//! A cached server decides as if its cache were not there.
//!
//! Random histories ([`history`]) are played ([`played`]) on every [`combination`] of credential, cache, store, key, form,
//! freshness and place of verification. Each request ([`asked`]) is asked of the cached server and of the same server
//! without its cache; [`promise`] says where the two may differ, and for how long. `make never-wrong` plays a million.

#![allow(clippy::unwrap_used, reason = "a test may end so")]

mod asked;
mod changed;
mod combination;
mod history;
#[path = "../served/installed.rs"]
#[allow(
    dead_code,
    reason = "of the other tests' programs only Redis is needed here"
)]
mod installed;
mod played;
mod promise;
mod redis;
mod stand;
mod tally;

use std::fmt::Write as _;

use authlab_server::{BindTo, BindingKind, CacheKey, CacheStore, CredentialKind, JwtAlgorithm};
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use tokio::runtime::Runtime;

use asked::{Nth, Question, Resource, Sender, Shown, Spelling};
use combination::{Combination, Credential, Place, combinations};
use history::{Change, History, Later, Password, Setting, Step, histories};
use played::play;
use promise::Promise;
use stand::Grounds;
use tally::Tally;

/// How many histories CI plays at least, in all.
const LEAST_HISTORIES: usize = 10_000;

/// How many combinations there are of each credential at each place: none vanishes silently.
const HERE: usize = 64;
const HERE_BASIC: usize = 24;
const HERE_OVER_REDIS: usize = 20;
const HERE_OVER_REDIS_BASIC: usize = 8;
const CENTRAL: usize = 48;
const CENTRAL_OVER_REDIS: usize = 9;

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

fn expected(credential: Credential, place: Place) -> usize {
    let is_asked_about = matches!(
        credential.kind,
        CredentialKind::Jwt | CredentialKind::Opaque | CredentialKind::ApiKey
    );
    match (place, credential.kind) {
        (Place::Here, CredentialKind::Basic) => HERE_BASIC,
        (Place::Here, _) => HERE,
        (Place::HereOverRedis, CredentialKind::Basic) => HERE_OVER_REDIS_BASIC,
        (Place::HereOverRedis, _) => HERE_OVER_REDIS,
        (Place::Central, _) if is_asked_about => CENTRAL,
        (Place::CentralOverRedis, _) if is_asked_about => CENTRAL_OVER_REDIS,
        (Place::Central | Place::CentralOverRedis, _) => 0,
    }
}

fn planned_histories() -> usize {
    let of = |place: Place| {
        let all = Credential::all();
        let combinations: usize = all.into_iter().map(|one| expected(one, place)).sum();
        combinations * place.histories()
    };
    Place::ALL.into_iter().map(of).sum()
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

/// Plays the histories of every combination of these credentials.
fn never_wrong(credentials: &[Credential], place: Place) {
    let runtime = runtime();
    let Some(grounds) = runtime.block_on(Grounds::of(place)) else {
        return;
    };
    let all: Vec<Combination> = {
        let _runtime = runtime.enter();
        let of = |credential: &Credential| combinations(*credential, place);
        credentials.iter().flat_map(of).collect()
    };
    let seed = seed();
    let sum = Tally::default();
    for (number, combination) in all.iter().enumerate() {
        let tally = Tally::default();
        walk(&runtime, &grounds, combination, &tally);
        assert!(
            tally.hits.get() > 0,
            "{}: no hit: {tally}",
            combination.label()
        );
        run(
            &runtime,
            &grounds,
            combination,
            seed + number as u64,
            &tally,
        );
        is_worth(combination, &tally);
        sum.add(&tally);
    }
    println!("{} combinations: {sum}", all.len());
    let planned = all.len() * cases(place);
    assert!(sum.histories.get() >= planned as u64, "{sum}");
    // There was something to be wrong about.
    assert!(sum.ended.get() > 0 && sum.stale.get() > 0, "{sum}");
    let in_memory = all
        .iter()
        .any(|combination| combination.design.cache_store != CacheStore::Redis);
    assert_eq!(sum.evictions.get() > 0, in_memory, "{sum}");
    assert!(sum.broken_off.get() * 100 <= sum.histories.get(), "{sum}");
}

/// Random histories of one combination.
fn run(runtime: &Runtime, grounds: &Grounds, combination: &Combination, seed: u64, tally: &Tally) {
    let config = Config {
        cases: cases(combination.place) as u32 - 1,
        failure_persistence: None,
        max_shrink_iters: 5000,
        ..Config::default()
    };
    let mut bytes = [1; 16];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    // Without optimization ChaCha would take longer than the server.
    let rng = TestRng::from_seed(RngAlgorithm::XorShift, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let failed = runner.run(&histories(&combination.design), |history| {
        runtime.block_on(play(grounds, combination, &history, tally))
    });
    match failed {
        Ok(()) => {}
        Err(TestError::Fail(why, history)) => panic!(
            "{} (seed {seed})\n{}{why}",
            combination.label(),
            told(&history)
        ),
        Err(TestError::Abort(why)) => panic!("{}: {why}", combination.label()),
    }
}

/// Compared were grants, refusals and credentials that ended, and what may be found to be stale was found so.
fn is_worth(combination: &Combination, tally: &Tally) {
    let label = combination.label();
    for count in [&tally.granted, &tally.refused, &tally.changes, &tally.hits] {
        assert!(count.get() > 0, "{label}: {tally}");
    }
    if Promise::of(combination) == Promise::Equal {
        assert_eq!(tally.stale.get(), 0, "{label}: {tally}");
    }
    if !combination.is_articles() {
        assert_eq!(tally.thieves.get(), 0, "{label}: {tally}");
    }
}

/// Plays a history that is known to find something: a grant that is remembered, and its end.
fn walk(runtime: &Runtime, grounds: &Grounds, combination: &Combination, tally: &Tally) {
    let end = match combination.design.credential {
        CredentialKind::Basic => Change::NextPassword {
            by: Nth(0),
            to: Password(1),
        },
        _ => Change::Revoke {
            of: Nth(0),
            from: Sender::Home,
        },
    };
    let steps = vec![Step::Ask(ITEMS), Step::Do(end), Step::Ask(ITEMS)];
    one(
        runtime,
        grounds,
        combination,
        BindingKind::None,
        steps,
        tally,
    );
}

/// What is asked the most.
const ITEMS: Question = Question {
    what: Resource::Items,
    spelled: Spelling::Plain,
    from: Sender::Home,
    with: Nth(0),
    shown: Shown::AsItIs,
};

/// Plays one history in the plainest setting.
fn one(
    runtime: &Runtime,
    grounds: &Grounds,
    combination: &Combination,
    binding: BindingKind,
    steps: Vec<Step>,
    tally: &Tally,
) {
    let setting = Setting {
        binding,
        bind_to: BindTo::UserAgentAndIp,
        jwt: JwtAlgorithm::HS256,
        capacity: 1000,
        denials: 0,
        is_counted: true,
    };
    let history = History { setting, steps };
    if let Err(wrong) = runtime.block_on(play(grounds, combination, &history, tally)) {
        panic!("{}\n{}{wrong}", combination.label(), told(&history));
    }
}

/// A history, a step a line.
fn told(history: &History) -> String {
    let mut text = format!("{:?}\n", history.setting);
    for (i, step) in history.steps.iter().enumerate() {
        let _ = writeln!(text, "{i:3}. {step:?}");
    }
    text
}

/// How many histories a combination has; `NEVER_WRONG_HISTORIES` is how many there are in all.
fn cases(place: Place) -> usize {
    let wanted = std::env::var("NEVER_WRONG_HISTORIES").map(|text| text.parse::<usize>().unwrap());
    match wanted {
        Ok(wanted) => (place.histories() * wanted)
            .div_ceil(planned_histories())
            .max(2),
        Err(_) => place.histories(),
    }
}

/// Each run draws its own; `NEVER_WRONG_SEED` repeats one.
fn seed() -> u64 {
    match std::env::var("NEVER_WRONG_SEED") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => std::time::SystemTime::UNIX_EPOCH
            .elapsed()
            .unwrap()
            .as_nanos() as u64,
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
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
    assert_eq!((holes, whole), (6 * 16, 6 * 48));
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

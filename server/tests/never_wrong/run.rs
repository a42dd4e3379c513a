//! Histories of a combination: how many, out of which seed, and what is said of one that fails.

use std::fmt::Write as _;
use std::panic::resume_unwind;
use std::thread;

use authlab_server::{
    BindTo, BindingKind, CacheKind, CacheStore, CredentialKind, FreshnessKind, JwtAlgorithm,
    PolicyKind,
};
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use tokio::runtime::Runtime;

use crate::asked::{Nth, Question, Resource, Sender, Shown, Spelling};
use crate::combination::{Combination, Credential, Place, combinations};
use crate::expected;
use crate::faults::Fault;
use crate::history::{Change, History, Password, Setting, Step, histories};
use crate::played::play;
use crate::promise::Promise;
use crate::stand::Grounds;
use crate::tally::Tally;

/// Plays the histories of every combination of these credentials.
pub(crate) fn never_wrong(credentials: &[Credential], place: Place) {
    let all: Vec<Combination> = {
        let runtime = runtime();
        let _runtime = runtime.enter();
        let of = |credential: &Credential| combinations(*credential, place);
        credentials.iter().flat_map(of).collect()
    };
    let (seed, lanes) = (seed(), place.lanes());
    let all = &all;
    let tallies: Option<Vec<Tally>> = thread::scope(|scope| {
        let share = |lane| all.iter().enumerate().skip(lane).step_by(lanes);
        let play = |lane| scope.spawn(move || play_each(share(lane), place, seed));
        let played: Vec<_> = (0..lanes).map(play).collect();
        let joined = played.into_iter().map(thread::ScopedJoinHandle::join);
        joined
            .map(|tally| tally.unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    });
    let Some(tallies) = tallies else {
        return;
    };
    let sum = Tally::default();
    for tally in &tallies {
        sum.add(tally);
    }
    println!("{} combinations: {sum}", all.len());
    let planned = all.len() * cases(place);
    assert!(sum.histories.get() >= planned as u64, "{sum}");
    // There was something to be wrong about.
    assert!(sum.ended.get() > 0, "{sum}");
    let may_be_stale = place != Place::AmongFaults;
    assert_eq!(sum.stale.get() > 0, may_be_stale, "{sum}");
    let in_memory = all
        .iter()
        .any(|combination| combination.design.cache_store != CacheStore::Redis);
    assert_eq!(sum.evictions.get() > 0, in_memory, "{sum}");
    assert!(sum.broken_off.get() * 100 <= sum.histories.get(), "{sum}");
}

/// Plays some of the combinations one after another: `None` where there is no Redis and one is needed.
fn play_each<'a>(
    share: impl Iterator<Item = (usize, &'a Combination)>,
    place: Place,
    seed: u64,
) -> Option<Tally> {
    let runtime = runtime();
    let grounds = runtime.block_on(Grounds::of(place))?;
    let sum = Tally::default();
    for (number, combination) in share {
        let tally = Tally::default();
        walk(&runtime, &grounds, combination, &tally);
        assert!(
            tally.hits.get() > 0,
            "{}: no hit: {tally}",
            combination.label()
        );
        run(&runtime, &grounds, combination, (seed, number), &tally);
        is_worth(combination, &tally);
        sum.add(&tally);
    }
    Some(sum)
}

/// Random histories of one combination.
fn run(
    runtime: &Runtime,
    grounds: &Grounds,
    combination: &Combination,
    (seed, number): (u64, usize),
    tally: &Tally,
) {
    let config = Config {
        cases: cases(combination.place) as u32 - 1,
        failure_persistence: None,
        max_shrink_iters: combination.place.most_shrinks(),
        ..Config::default()
    };
    let mut bytes = [1; 16];
    bytes[..8].copy_from_slice(&(seed + number as u64).to_le_bytes());
    // Without optimization ChaCha would take longer than the server.
    let rng = TestRng::from_seed(RngAlgorithm::XorShift, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let failed = runner.run(&histories(combination), |history| {
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
    if combination.place == Place::AmongFaults {
        assert!(tally.withheld.get() > 0, "{label}: {tally}");
        // Elsewhere each hit asks Redis.
        let is_kept = combination.design.cache == CacheKind::Decision
            && combination.design.cache_store == CacheStore::Quick
            && combination.design.freshness == FreshnessKind::Epoch;
        assert!(tally.as_before.get() > 0 || !is_kept, "{label}: {tally}");
    }
}

/// Plays a history that is known to find something: a grant that is remembered, and its end.
fn walk(runtime: &Runtime, grounds: &Grounds, combination: &Combination, tally: &Tally) {
    let end = |with| match combination.design.credential {
        CredentialKind::Basic => Change::NextPassword {
            by: with,
            to: Password(1),
        },
        _ => Change::Revoke {
            of: with,
            from: Sender::Home,
        },
    };
    let mut steps = vec![Step::Ask(ITEMS), Step::Do(end(Nth(0))), Step::Ask(ITEMS)];
    if combination.place == Place::AmongFaults {
        // While it does not know of the end, and cannot; within the lease, and beyond it.
        let cut_off = |with, ms| {
            let fault = Fault::CutOff {
                server: 1,
                is_silent: true,
                meanwhile: end(with),
                ms,
            };
            [Step::Ask(Question { with, ..ITEMS }), Step::Fault(fault)]
        };
        steps = [cut_off(Nth(0), 300), cut_off(Nth(1), 1000)].concat();
    }
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
pub(crate) const ITEMS: Question = Question {
    what: Resource::Items,
    spelled: Spelling::Plain,
    from: Sender::Home,
    with: Nth(0),
    shown: Shown::AsItIs,
};

/// Plays one history in the plainest setting.
pub(crate) fn one(
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
        policy: PolicyKind::Enforce,
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

/// How many there are in CI.
pub(crate) fn planned_histories() -> usize {
    let of = |place: Place| {
        let all = Credential::all();
        let combinations: usize = all.into_iter().map(|one| expected(one, place)).sum();
        combinations * place.histories()
    };
    Place::ALL.into_iter().map(of).sum()
}

/// The same in every CI, so that a change is judged by the histories that it was made with; the verb draws another each time.
fn seed() -> u64 {
    const OF_CI: u64 = 20_261_126;
    match std::env::var("NEVER_WRONG_SEED") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => OF_CI,
    }
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

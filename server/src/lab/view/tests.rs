//! A model of what several servers share, and one server's view of it: whatever is late, lost, doubled or out of order, and
//! whatever the store forgets, nothing that was revoked is granted a lease later.

use std::cell::Cell;
use std::collections::HashMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::*;
use crate::freshness::{FreshnessKind, Revoked};
use crate::grant::{Mark, TokenId};
use crate::subjects::{SLOTS, Subject};

const LEASE: Duration = Duration::from_secs(1);
const NAMES: [&str; 2] = ["john", "jane"];

/// How many of the latest changes the model keeps: few, so that they are soon too few.
const KEPT: u64 = 4;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Another token for one of the names.
    Issue(usize),
    /// By another server.
    Revoke(usize),
    RevokeAllOf(usize),
    RevokeEverything,
    /// By this one.
    RevokeHere(usize),
    /// Every key of the store is gone.
    Flush,
    /// What a replica has, and that the replica takes over.
    Replicate,
    FailOver,
    /// Whether the store takes what needs memory.
    Fill(bool),
    /// A call of this server, from its begin to its end.
    Call,
    /// The same apart: sent, done by the store, answered. Which of those under way is by number.
    Send,
    Serve(usize),
    Answer(usize),
    /// A decision that is not cached.
    Decide(usize),
    /// The same apart: it begins, looks into the store, and is kept.
    Begin(usize),
    LookInto(usize),
    Keep(usize),
    /// A request that the cache may answer.
    Ask(usize),
    AdvanceMs(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let nth = || 0..3_usize;
    let rarely = prop_oneof![
        Just(Step::RevokeEverything),
        Just(Step::Flush),
        Just(Step::Replicate),
        Just(Step::FailOver),
        prop::bool::weighted(0.3).prop_map(Step::Fill),
    ];
    prop_oneof![
        3 => (0..NAMES.len()).prop_map(Step::Issue),
        4 => nth().prop_map(Step::Revoke),
        1 => (0..NAMES.len()).prop_map(Step::RevokeAllOf),
        2 => nth().prop_map(Step::RevokeHere),
        1 => rarely,
        10 => Just(Step::Call),
        4 => Just(Step::Send),
        4 => nth().prop_map(Step::Serve),
        4 => nth().prop_map(Step::Answer),
        10 => nth().prop_map(Step::Decide),
        4 => nth().prop_map(Step::Begin),
        4 => nth().prop_map(Step::LookInto),
        4 => nth().prop_map(Step::Keep),
        20 => nth().prop_map(Step::Ask),
        8 => prop_oneof![4 => 0..100_u64, 1 => 200..1200_u64].prop_map(Step::AdvanceMs),
    ]
}

/// What the scripts of Redis do, and when what was revoked.
#[derive(Clone, Default)]
struct Store {
    born: Option<String>,
    number: u64,
    changes: HashMap<u64, (u64, Slot, String)>,
    tokens: HashMap<TokenId, Status>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Live,
    /// Since when; and whether it was revoked by the server that is asked.
    Revoked(Timestamp, bool),
    /// Its record went with a server that failed: nobody revoked it.
    Lost,
}

impl Store {
    fn raise(&mut self, slot: Slot, is_full: bool, unique: u64) {
        if is_full {
            (self.born, self.number) = (None, 0);
            self.changes.clear();
            return;
        }
        self.number += 1;
        let last = format!("{} {slot} {unique}", self.number);
        self.changes
            .insert(self.number % KEPT, (self.number, slot, last));
    }

    fn hear(&mut self, known: &Known, is_full: bool, unique: u64) -> Heard {
        if self.born.is_none() && !is_full {
            self.born = Some(format!("sequence {unique}"));
        }
        let born = self.born.clone().unwrap_or_default();
        let change = |at: u64| self.changes.get(&(at % KEPT));
        let text = |at: u64| change(at).map_or(String::new(), |(.., text)| text.clone());
        let is_another = born.is_empty()
            || born != known.born
            || self.number < known.number
            || self.number - known.number >= KEPT
            || known.number > 0 && text(known.number) != known.last;
        let of = |at| change(at).filter(|(number, ..)| *number == at);
        let slots: Option<Vec<Slot>> = (known.number + 1..=self.number)
            .map(|at| of(at).map(|(_, slot, _)| *slot).filter(|_| !is_another))
            .collect();
        let slots = slots.filter(|_| !is_another);
        Heard {
            known: Known {
                born,
                number: self.number,
                last: text(self.number),
            },
            changed: slots.map_or(Changed::Everything, Changed::These),
            facts: Vec::new(),
        }
    }

    fn revoke(&mut self, id: TokenId, now: Timestamp, here: bool) {
        let status = self.tokens.entry(id).or_insert(Status::Lost);
        if *status == Status::Live || here {
            *status = Status::Revoked(now, here);
        }
    }
}

/// A call under way.
struct Call {
    sent: Timestamp,
    known: Known,
    heard: Option<Heard>,
}

struct Decision {
    id: TokenId,
    mark: Mark,
    is_good: Option<bool>,
}

#[derive(Default)]
struct Seen {
    hits: Cell<u64>,
    stale: Cell<u64>,
    unused: Cell<u64>,
    everything: Cell<u64>,
    single: Cell<u64>,
}

fn count(cell: &Cell<u64>) {
    cell.set(cell.get() + 1);
}

/// A history under way.
struct Play<'a> {
    hand: crate::clock::Controlled,
    clock: Clock,
    fresh: Freshness,
    subjects: Subjects,
    view: View,
    store: Store,
    replica: Store,
    is_full: bool,
    issued: Vec<(TokenId, Subject)>,
    calls: Vec<Call>,
    decisions: Vec<Decision>,
    cache: HashMap<TokenId, Mark>,
    /// Counted up, for what is drawn.
    drawn: u64,
    seen: &'a Seen,
}

impl<'a> Play<'a> {
    fn new(seen: &'a Seen) -> Self {
        let hand = crate::clock::Controlled::at_seconds(1_800_000_000);
        let fresh = Freshness::open(FreshnessKind::Epoch, LEASE, false);
        Self {
            clock: Clock::Controlled(hand.clone()),
            hand,
            view: View::new(LEASE, &fresh),
            fresh,
            subjects: Subjects::default(),
            store: Store::default(),
            replica: Store::default(),
            is_full: false,
            issued: Vec::new(),
            calls: Vec::new(),
            decisions: Vec::new(),
            cache: HashMap::new(),
            drawn: 0,
            seen,
        }
    }

    fn latest(&self, nth: usize) -> Option<(TokenId, Subject)> {
        let at = self.issued.len().checked_sub(1 + nth)?;
        Some(self.issued[at])
    }

    fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        self.drawn += 1;
        match step {
            Step::Issue(name) => {
                // Some share a slot.
                let id = TokenId::of(u128::from(self.drawn) * (SLOTS as u128 / 8));
                self.issued.push((id, self.subjects.intern(NAMES[name])));
                self.store.tokens.insert(id, Status::Live);
            }
            Step::Revoke(_)
            | Step::RevokeHere(_)
            | Step::RevokeAllOf(_)
            | Step::RevokeEverything => {
                self.revoke(step);
            }
            Step::Flush => {
                self.revoke_all_but_epochs();
                let tokens = std::mem::take(&mut self.store.tokens);
                self.store = Store {
                    tokens,
                    ..Store::default()
                };
            }
            Step::Replicate => self.replica = self.store.clone(),
            Step::FailOver => {
                let before = std::mem::replace(&mut self.store, self.replica.clone());
                for id in before.tokens.into_keys() {
                    self.store.tokens.entry(id).or_insert(Status::Lost);
                }
            }
            Step::Fill(full) => self.is_full = full,
            Step::Call => {
                self.send();
                self.serve(self.calls.len() - 1);
                self.answer(self.calls.len() - 1);
            }
            Step::Send => self.send(),
            Step::Serve(nth) => self.serve(nth),
            Step::Answer(nth) => self.answer(nth),
            Step::Decide(nth) => {
                let under_way = self.decisions.len();
                self.begin(nth);
                if self.decisions.len() > under_way {
                    self.look_into(under_way);
                    self.keep(under_way);
                }
            }
            Step::Begin(nth) => self.begin(nth),
            Step::LookInto(nth) => self.look_into(nth),
            Step::Keep(nth) => self.keep(nth),
            Step::Ask(nth) => return self.ask(nth),
            Step::AdvanceMs(ms) => self.hand.advance(Duration::from_millis(ms)),
        }
        Ok(())
    }

    fn revoke(&mut self, step: Step) {
        let now = self.clock.running();
        match step {
            Step::Revoke(nth) | Step::RevokeHere(nth) => {
                let here = matches!(step, Step::RevokeHere(_));
                let Some((id, _)) = self.latest(nth) else {
                    return;
                };
                self.store.revoke(id, now, here);
                self.raise(Slot::of_token(id));
                if here {
                    self.fresh.revoked(Revoked::Token(id));
                }
            }
            Step::RevokeAllOf(name) => {
                let subject = self.subjects.intern(NAMES[name]);
                for (id, _) in self.issued.iter().filter(|(_, of)| *of == subject) {
                    self.store.revoke(*id, now, false);
                }
                self.raise(Slot::of_name(NAMES[name]));
            }
            _ => {
                self.revoke_all_but_epochs();
                self.raise(Slot::Everyone);
            }
        }
    }

    fn revoke_all_but_epochs(&mut self) {
        let now = self.clock.running();
        for (id, _) in &self.issued {
            self.store.revoke(*id, now, false);
        }
    }

    fn raise(&mut self, slot: Slot) {
        self.store.raise(slot, self.is_full, self.drawn);
    }

    fn send(&mut self) {
        self.calls.push(Call {
            sent: self.clock.running(),
            known: self.view.known(),
            heard: None,
        });
    }

    fn serve(&mut self, nth: usize) {
        if let Some(call) = self.calls.get_mut(nth) {
            // Sent twice, it is done twice.
            call.heard = Some(self.store.hear(&call.known, self.is_full, self.drawn));
        }
    }

    fn answer(&mut self, nth: usize) {
        if self.calls.get(nth).is_none_or(|call| call.heard.is_none()) {
            return;
        }
        let Call { sent, heard, .. } = self.calls.remove(nth);
        let heard = heard.unwrap();
        count(match heard.changed {
            Changed::Everything => &self.seen.everything,
            Changed::These(_) => &self.seen.single,
        });
        self.view.take(sent, heard, &self.fresh, &self.subjects);
    }

    fn begin(&mut self, nth: usize) {
        let Some((id, subject)) = self.latest(nth) else {
            return;
        };
        if self.view.is_current(&self.clock) {
            let number = self.fresh.number();
            let mark = Mark {
                number,
                id,
                subject,
                generation: 0,
            };
            let is_good = None;
            self.decisions.push(Decision { id, mark, is_good });
        }
    }

    fn look_into(&mut self, nth: usize) {
        if let Some(decision) = self.decisions.get_mut(nth) {
            let status = self.store.tokens.get(&decision.id);
            decision.is_good = Some(status == Some(&Status::Live));
        }
    }

    fn keep(&mut self, nth: usize) {
        let looked = self.decisions.get(nth);
        if looked.is_some_and(|decision| decision.is_good.is_some()) {
            let decision = self.decisions.remove(nth);
            if decision.is_good == Some(true) {
                self.cache.insert(decision.id, decision.mark);
            }
        }
    }

    fn ask(&self, nth: usize) -> Result<(), TestCaseError> {
        let lets_use = self.view.lets_use(&self.clock);
        let kept = self.latest(nth);
        let kept = kept.and_then(|(id, _)| Some((id, self.cache.get(&id)?)));
        let Some((id, mark)) = kept else {
            return Ok(());
        };
        if !lets_use {
            count(&self.seen.unused);
            return Ok(());
        }
        if !self.fresh.holds(mark, &self.clock) {
            return Ok(());
        }
        count(&self.seen.hits);
        if let Some(Status::Revoked(since, here)) = self.store.tokens.get(&id) {
            count(&self.seen.stale);
            let late = self.clock.running().since(*since);
            prop_assert!(!here, "granted where it was revoked, {late:?} later");
            prop_assert!(late < LEASE, "granted {late:?} after it was revoked");
        }
        Ok(())
    }
}

fn play(steps: &[Step], seen: &Seen) -> Result<(), TestCaseError> {
    let mut play = Play::new(seen);
    steps.iter().try_for_each(|step| play.step(*step))
}

/// `AUTHLAB_VIEW_HISTORIES` says how many; the seed is the same each time.
#[test]
fn nothing_that_was_revoked_is_granted_a_lease_later_whatever_happens_to_the_calls_and_the_store() {
    let histories = std::env::var("AUTHLAB_VIEW_HISTORIES");
    let histories = histories.map_or(3000, |text| text.parse().unwrap());
    let config = Config {
        cases: histories,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::XorShift, &[7; 16]);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let seen = Seen::default();
    let all = prop::collection::vec(step(), 1..300);
    let outcome = runner.run(&all, |steps| play(&steps, &seen));
    if let Err(failed) = outcome {
        panic!("{failed}");
    }
    let Seen {
        hits,
        stale,
        unused,
        everything,
        single,
    } = seen;
    println!(
        "{histories} histories: {} hits, {} of them stale; {} entries unused beyond the lease; everything had changed for {} calls, and not for {}",
        hits.get(),
        stale.get(),
        unused.get(),
        everything.get(),
        single.get()
    );
    for count in [hits, stale, unused, everything, single] {
        assert!(count.get() > u64::from(histories) / 10);
    }
}

#[test]
fn without_a_rule_by_numbers_no_lease_is_asked_for_at_a_hit() {
    let clock = Clock::Controlled(crate::clock::Controlled::at_seconds(1));
    for kind in FreshnessKind::ALL.iter().copied() {
        let fresh = Freshness::open(kind, LEASE, false);
        let by_numbers = matches!(kind, FreshnessKind::Epoch | FreshnessKind::Denylist);
        assert_eq!(View::new(LEASE, &fresh).lets_use(&clock), !by_numbers);
    }
}

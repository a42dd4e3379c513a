use proptest::prelude::*;

use super::*;

/// Numbers tell without it.
const CLOCK: Clock = Clock::Coarse;

const TOKENS: u128 = 4;
const SUBJECTS: u32 = 2;

/// A step of a history. A verification begins and ends apart from each other, so that revocations land between.
#[derive(Clone, Copy, Debug)]
enum Step {
    Begin(u128),
    End(u128),
    Revoke(u128),
    SignOut(u32),
    RevokeAll,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..TOKENS).prop_map(Step::Begin),
        4 => (0..TOKENS).prop_map(Step::End),
        2 => (0..TOKENS).prop_map(Step::Revoke),
        1 => (0..SUBJECTS).prop_map(Step::SignOut),
        1 => Just(Step::RevokeAll),
    ]
}

fn subject_of(token: u128) -> Subject {
    Subject((token % u128::from(SUBJECTS)) as u32)
}

fn under(freshness: FreshnessKind) -> Freshness {
    const LONGEST: Duration = Duration::from_secs(60);
    Freshness::open(freshness, LONGEST, freshness == FreshnessKind::Ttl)
}

fn epoch() -> Freshness {
    under(FreshnessKind::Epoch)
}

fn mark(number: u64, id: TokenId, subject: Subject) -> Mark {
    Mark {
        number,
        id,
        subject,
        generation: 0,
    }
}

proptest! {
    /// The oracle keeps, for each token, the step of its latest revocation; a kept fact holds if and only if none
    /// came after its verification began. (With so few tokens no two share a slot.)
    #[test]
    fn a_kept_fact_holds_exactly_until_a_revocation_of_its_own(history in prop::collection::vec(step(), 1..200)) {
        let fresh = epoch();
        let mut begun = [None; TOKENS as usize];
        let mut kept = [None; TOKENS as usize];
        let mut revoked_at = [0; TOKENS as usize];
        for (now, step) in history.into_iter().enumerate() {
            let now = now + 1;
            match step {
                Step::Begin(token) => begun[token as usize] = Some((fresh.number(), now)),
                Step::End(token) => kept[token as usize] = begun[token as usize].take(),
                Step::Revoke(token) => {
                    fresh.revoked(Revoked::Token(TokenId::of(token)));
                    revoked_at[token as usize] = now;
                }
                Step::SignOut(subject) => {
                    fresh.revoked(Revoked::Subject(Subject(subject)));
                    for token in (0..TOKENS).filter(|token| subject_of(*token) == Subject(subject)) {
                        revoked_at[token as usize] = now;
                    }
                }
                Step::RevokeAll => {
                    fresh.revoked(Revoked::Everyone);
                    revoked_at = [now; TOKENS as usize];
                }
            }
            for token in 0..TOKENS {
                if let Some((number, began)) = kept[token as usize] {
                    let mark = mark(number, TokenId::of(token), subject_of(token));
                    prop_assert_eq!(fresh.holds(&mark, &CLOCK), revoked_at[token as usize] < began, "token {}", token);
                }
            }
        }
    }
}

#[test]
fn tokens_that_share_a_slot_only_verify_once_more() {
    let fresh = epoch();
    let neighbour = TokenId::of(7 + SLOTS as u128);
    let mark = |number| mark(number, neighbour, Subject(0));
    let before = fresh.number();
    fresh.revoked(Revoked::Token(TokenId::of(7)));
    assert!(!fresh.holds(&mark(before), &CLOCK));
    assert!(fresh.holds(&mark(fresh.number()), &CLOCK));
}

#[test]
fn a_time_cap_counts_from_the_write_and_never_beyond_the_end() {
    const WRITES: usize = 1000;
    let at = Timestamp::from_seconds;
    let cap = under(FreshnessKind::Ttl);
    let ends: Vec<Timestamp> = (0..WRITES)
        .map(|_| cap.keep_until(at(100), at(1000)))
        .collect();
    assert!(ends.iter().all(|end| at(154) <= *end && *end <= at(160)));
    // What was written together ends apart: no tenth of the range holds more than a fifth.
    for tenth in 0..10 {
        let from = at(154).after(Duration::from_millis(600 * tenth));
        let to = from.after(Duration::from_millis(600));
        let within = ends.iter().filter(|end| from <= **end && **end < to);
        assert!(within.count() < WRITES / 5);
    }
    assert_eq!(cap.keep_until(at(100), at(130)), at(130));
    assert_eq!(epoch().keep_until(at(100), at(1000)), at(1000));
    let ends = under(FreshnessKind::Exp);
    assert_eq!(ends.keep_until(at(100), at(5000)), at(5000));
    // What has no end of its own has this one, whatever the rule.
    assert!(ends.keep_until(at(100), at(u64::MAX)) <= at(160));
}

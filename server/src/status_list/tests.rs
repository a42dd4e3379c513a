use std::collections::HashMap;

use super::*;
use crate::clock::Controlled;
use crate::subjects::Subject;

fn mark(number: u64, index: u128) -> Mark {
    Mark {
        number,
        id: TokenId::of(index),
        subject: Subject(0),
        generation: 0,
    }
}

/// A list of one bit each in which these tokens have ended.
fn ended(tokens: usize, indexes: &[usize]) -> StatusList {
    let mut list = StatusList::of_valid(tokens);
    for index in indexes {
        list.end(*index);
    }
    list
}

/// The vectors of the document's appendix: every one of the 2^20 statuses, of 1, 2, 4 and 8 bits.
#[test]
fn the_documents_vectors_are_read_to_the_last_status() {
    let mut lists = Vec::new();
    for line in include_str!("vectors.txt").lines() {
        match line.split_once(' ') {
            Some(("#", _)) => {}
            Some((bits, lst)) if lst.len() > 8 => lists.push((bits, lst, HashMap::new())),
            Some((index, status)) => {
                let (_, _, statuses) = lists.last_mut().unwrap();
                statuses.insert(
                    index.parse::<usize>().unwrap(),
                    status.parse::<u8>().unwrap(),
                );
            }
            None => panic!("{line}"),
        }
    }
    let counts: Vec<_> = lists
        .iter()
        .map(|(bits, _, set)| (*bits, set.len()))
        .collect();
    assert_eq!(counts, [("1", 11), ("2", 11), ("4", 15), ("8", 256)]);
    for (bits, lst, statuses) in lists {
        let list = StatusList::unpack(bits.parse().unwrap(), lst).unwrap();
        let taken = Statuses::default();
        taken.take(&list, Timestamp::NEVER);
        let clock = Clock::Controlled(Controlled::at_seconds(1));
        for index in 0..1 << 20 {
            let status = statuses.get(&index).copied().unwrap_or(0);
            assert_eq!(list.status(index), Some(status), "{bits} bits, {index}");
            let holds = taken.holds(&mark(0, index as u128), &clock);
            assert_eq!(holds, status == 0, "{bits} bits, {index}");
        }
        assert_eq!(list.status(1 << 20), None, "{bits} bits");
    }
}

/// §4.1, the first example: 16 statuses of one bit in two bytes.
#[test]
fn the_first_example_of_the_document_is_read_and_written() {
    let list = StatusList::unpack(1, "eNrbuRgAAhcBXQ").unwrap();
    assert_eq!(list.bytes, [0xb9, 0xa3]);
    let statuses: Vec<_> = (0..16).map_while(|index| list.status(index)).collect();
    assert_eq!(statuses, [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]);
    assert_eq!(list.pack().unwrap(), "eNrbuRgAAhcBXQ");
    assert_eq!((list.status(16), list.status(usize::MAX)), (None, None));
}

#[test]
fn what_is_no_list_is_refused_and_a_bomb_is_not_unpacked() {
    let packed = |bytes: usize| {
        let list = StatusList {
            bits: 1,
            bytes: vec![0; bytes],
        };
        list.pack().unwrap()
    };
    for bits in [0, 3, 5, 16, 255] {
        assert_eq!(StatusList::unpack(bits, &packed(1)), Err(NotAList::Bits));
    }
    for lst in ["a", "eNrbuRgAAhcBXQ==", "eNrbuRgAAhcBX", "AAAA", ""] {
        assert_eq!(StatusList::unpack(1, lst), Err(NotAList::Encoding), "{lst}");
    }
    assert!(StatusList::unpack(8, &packed(MOST_BYTES)).is_ok());
    for bytes in [MOST_BYTES + 1, 64 << 20] {
        let unpacked = StatusList::unpack(8, &packed(bytes));
        assert_eq!(unpacked, Err(NotAList::TooLarge));
    }
}

#[test]
fn a_token_holds_while_the_list_is_current_and_tells_of_it() {
    let hands = Controlled::at_seconds(100);
    let clock = Clock::Controlled(hands.clone());
    let statuses = Statuses::default();
    let holds = |index| statuses.holds(&mark(0, index), &clock);
    assert!(!holds(0), "without a list");
    statuses.take(&ended(1, &[7, 70]), Timestamp::from_seconds(102));
    assert_eq!([0, 7, 69, 70].map(holds), [true, false, true, false]);
    let beyond = LEAST_STATUSES as u128;
    assert_eq!([beyond - 1, beyond].map(holds), [true, false], "the end");
    hands.advance(Duration::from_nanos(1_999_999_999));
    assert!(holds(0), "just before its end");
    hands.advance(Duration::from_nanos(1));
    assert!(!holds(0), "at its end");
    // A shorter list takes back what a longer one told.
    statuses.take(&ended(LEAST_STATUSES + 1, &[]), Timestamp::NEVER);
    assert!(holds(beyond) && holds(7));
    statuses.take(&ended(1, &[]), Timestamp::NEVER);
    assert!(!holds(beyond));
    statuses.everyone.store(1, Ordering::Release);
    assert!(!holds(0) && statuses.holds(&mark(1, 0), &clock));
}

#[test]
fn a_living_token_shares_its_index_with_none_and_a_full_list_issues_none() {
    let issued = Issued::default();
    let at = Timestamp::from_seconds;
    let drawn = u128::MAX - 5;
    let admit = |end, now| issued.admit(mark(0, drawn), end, at(now));
    let first = admit(10, 1).unwrap();
    assert_eq!(index_of(first), 0);
    assert_eq!(first.number() >> 20, drawn >> 20, "what was drawn is kept");
    for index in 1..STATUSES {
        assert_eq!(index_of(admit(20, 1).unwrap()), index);
    }
    assert_eq!(admit(30, 9), Err(Denied::Busy));
    assert_eq!(
        admit(30, 10).map(index_of),
        Ok(0),
        "of a token that has ended"
    );
    assert_eq!(admit(30, 19), Err(Denied::Busy));
    assert_eq!(issued.list(at(19), |_| true).status(STATUSES - 1), Some(0));
}

#[test]
fn a_list_tells_of_every_token_that_lives_and_of_none_that_has_ended() {
    const TOKENS: usize = 2 * AT_ONCE + 100;
    let issued = Issued::default();
    let at = Timestamp::from_seconds;
    for index in 0..TOKENS {
        let end = if index % 3 == 0 { 10 } else { 20 };
        issued.admit(mark(0, 0), end, at(1)).unwrap();
    }
    let list = issued.list(at(10), |mark| index_of(mark.id).is_multiple_of(2));
    for index in 0..TOKENS {
        let ended = index % 3 != 0 && index % 2 != 0;
        assert_eq!(list.status(index), Some(u8::from(ended)), "{index}");
    }
    // There is room for those that are issued until the next list.
    assert_eq!(list.status(2 * TOKENS), Some(0));
}

#[test]
fn a_list_lasts_for_its_ttl_from_when_it_was_asked_for_and_never_beyond_its_end() {
    let at = Timestamp::from_seconds;
    let second = Duration::from_secs;
    let lasts = Lasts {
        ttl: second(5),
        expires_at: 20,
    };
    // Asked for at 100 by the running clock; the shown one is another.
    assert_eq!(lasts.until(at(100), at(10), second(60)), Some(at(105)));
    assert_eq!(lasts.until(at(100), at(10), second(2)), Some(at(102)));
    assert_eq!(lasts.until(at(100), at(17), second(60)), Some(at(103)));
    assert_eq!(lasts.until(at(100), at(20), second(60)), None);
    // Handed out a ttl after it was made, it may be kept for a ttl.
    let made = Lasts::from(at(10), second(5));
    assert_eq!(made.until(at(100), at(15), second(5)), Some(at(105)));
}

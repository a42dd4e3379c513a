use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use equivalent::Equivalent;
use proptest::prelude::*;

use super::*;
use crate::policy::Action;
use crate::request::{Presented, Sender};

/// A request's parts, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    method: String,
    route: String,
    target: String,
    user_agent: Vec<u8>,
    ip: IpAddr,
    token: String,
    action: Action,
}

impl Parts {
    fn request(&self) -> Request<'_> {
        Request {
            method: &self.method,
            route: &self.route,
            target: &self.target,
            sender: Sender {
                user_agent: &self.user_agent,
                ip: self.ip,
                proof: None,
            },
            presented: Presented::Bearer(&self.token),
            action: self.action,
        }
    }

    /// What of them a kind of key is made of.
    fn of(&self, kind: CacheKey) -> Self {
        let blank = self.clone();
        match kind {
            CacheKey::Route => Self {
                target: String::new(),
                ..blank
            },
            CacheKey::Sender => Self {
                route: String::new(),
                ..blank
            },
            CacheKey::Article => Self {
                route: String::new(),
                user_agent: vec![],
                ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                ..blank
            },
        }
    }
}

/// Few letters and short parts: what one part loses at its end the next is likely to gain at its beginning.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a/]{0,3}", "[a/.]{14,18}"]
}

fn ip() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (0..2_u8).prop_map(|last| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last))),
        (0..2_u16).prop_map(|last| IpAddr::V6(Ipv6Addr::new(0x6161, 0, 0, 0, 0, 0, 0, last))),
    ]
}

fn parts() -> impl Strategy<Value = Parts> {
    let bytes = prop::collection::vec(prop::sample::select(vec![b'a', b'/', 0, 1]), 0..4);
    let action = prop::sample::select(Action::ALL);
    (text(), text(), text(), bytes, ip(), text(), action).prop_map(
        |(method, route, target, user_agent, ip, token, action)| Parts {
            method,
            route,
            target,
            user_agent,
            ip,
            token,
            action,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// Two requests share an entry if and only if all that the key is made of is the same.
    #[test]
    fn two_different_requests_never_share_an_entry(a in parts(), b in parts()) {
        for kind in CacheKey::ALL.iter().copied() {
            let keys = Keys::new(kind, false);
            let (request, other) = (a.request(), b.request());
            let (parts, others) = (keys.decision(&request, &a.token), keys.decision(&other, &b.token));
            let (key, stored) = (keys.exact(&parts), keys.exact(&others).stored(&Patterns::open(1)));
            let same = a.of(kind) == b.of(kind);
            prop_assert_eq!(key.is_parts_of(&stored), same);
            prop_assert_eq!(key.equivalent(&stored), same);
            prop_assert!(key.equivalent(&key.stored(&Patterns::open(1))));
            let digests = Digests::open();
            prop_assert_eq!(digests.of(&parts) == digests.of(&others), same);
            prop_assert_eq!(parts.owned() == others.owned(), same);
        }
    }

    /// Tokens of one length that differ anywhere are kept by one pattern, and each is found by all its bytes alone.
    #[test]
    fn keys_of_one_pattern_are_found_by_all_their_bytes(
        token in "[ab]{0,120}",
        changes in prop::collection::vec(prop::collection::vec(0..120_usize, 0..4), 1..5),
    ) {
        let tokens: Vec<String> = changes.iter().map(|changes| {
            let changed = |(at, letter)| if changes.contains(&at) { 'c' } else { letter };
            token.chars().enumerate().map(changed).collect()
        }).collect();
        let keys = Keys::new(CacheKey::Route, false);
        let patterns = Patterns::open(1);
        let shown = shown();
        let parts: Vec<_> = tokens.iter().map(|token| keys.decision(&shown, token)).collect();
        let key = |at: usize| keys.exact(&parts[at]);
        let stored: Vec<_> = (0..tokens.len()).map(|at| key(at).stored(&patterns)).collect();
        for one in 0..tokens.len() {
            for other in 0..tokens.len() {
                let same = tokens[one] == tokens[other];
                prop_assert_eq!(key(one).is_parts_of(&stored[other]), same);
                prop_assert_eq!(key(one).equivalent(&stored[other]), same);
                prop_assert_eq!(stored[one] == stored[other], same);
                prop_assert_eq!(stored[one] == key(other).stored(&Patterns::open(1)), same);
            }
        }
    }

    /// However a text is cut into two neighbouring parts, each cut is an entry of its own.
    #[test]
    fn moving_a_border_between_parts_makes_another_key(text in "[a-c]{1,40}", first in 0..40_usize, second in 0..40_usize) {
        let keys = Keys::new(CacheKey::Sender, false);
        let (first, second) = (first % (text.len() + 1), second % (text.len() + 1));
        let at = |border: usize| {
            let (target, token) = text.split_at(border);
            let (method, user_agent) = text.split_at(border);
            Parts {
                method: method.to_owned(),
                route: String::new(),
                target: target.to_owned(),
                user_agent: user_agent.as_bytes().to_vec(),
                ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
                token: token.to_owned(),
                action: Action::ItemsRead,
            }
        };
        let (a, b) = (at(first), at(second));
        let (request, other) = (a.request(), b.request());
        let (parts, others) = (keys.decision(&request, &a.token), keys.decision(&other, &b.token));
        let same = first == second;
        prop_assert_eq!(keys.exact(&parts).is_parts_of(&keys.exact(&others).stored(&Patterns::open(1))), same);
        let digests = Digests::open();
        prop_assert_eq!(digests.of(&parts) == digests.of(&others), same);
    }
}

#[test]
fn an_address_is_the_same_sender_over_both_protocols_and_no_other() {
    let keys = Keys::new(CacheKey::Route, false);
    let sent_from = |ip: IpAddr| {
        let sender = Sender {
            user_agent: b"a",
            ip,
            proof: None,
        };
        let presented = Presented::Bearer("t");
        let request = Request {
            method: "GET",
            route: "/",
            target: "/",
            sender,
            presented,
            action: Action::ItemsRead,
        };
        keys.exact(&keys.decision(&request, "t"))
            .stored(&Patterns::open(1))
    };
    let v4 = Ipv4Addr::new(10, 0, 0, 1);
    assert_eq!(sent_from(v4.into()), sent_from(v4.to_ipv6_mapped().into()));
    assert_ne!(
        sent_from(v4.into()),
        sent_from(v4.to_ipv6_compatible().into())
    );
}

/// The stores of this process, in each form.
fn shelves() -> impl Iterator<Item = (CacheStore, CacheForm)> {
    [CacheStore::Quick, CacheStore::Moka]
        .into_iter()
        .flat_map(|store| CacheForm::ALL.iter().map(move |form| (store, *form)))
}

fn shown() -> Request<'static> {
    Request {
        method: "GET",
        route: "/",
        target: "/",
        sender: Sender {
            user_agent: b"a",
            ip: Ipv4Addr::LOCALHOST.into(),
            proof: None,
        },
        presented: Presented::Nothing,
        action: Action::ItemsRead,
    }
}

/// A token that another server judges by who shows it is remembered for that sender alone.
#[test]
fn a_token_of_a_central_server_is_remembered_with_its_sender() {
    let here = shown();
    let mut elsewhere = here;
    elsewhere.sender.user_agent = b"b";
    for told in [false, true] {
        let keys = Keys::new(CacheKey::Route, told);
        let (one, other) = (keys.token(&here, "t"), keys.token(&elsewhere, "t"));
        assert_eq!(one.owned() == other.owned(), !told);
    }
}

#[test]
fn a_store_keeps_about_its_capacity_whatever_is_inserted() {
    const CAPACITY: usize = 1000;
    for (cache_store, cache_form) in shelves() {
        let keys = Keys::new(CacheKey::Route, false);
        let store: Store<u32> = Store::open(cache_store, cache_form, CAPACITY, keys);
        let forever = Kept {
            from: Timestamp::from_seconds(0),
            until: Timestamp::from_seconds(u64::MAX),
        };
        let token = |number: u32| format!("a.b.{number:043}");
        for number in 0..10 * CAPACITY as u32 {
            store.insert(
                store.keys.token(&shown(), &token(number)),
                forever.entry(number),
            );
        }
        store.settle();
        let kept = (0..10 * CAPACITY as u32).filter(|number| {
            let entry = store.get(store.keys.token(&shown(), &token(*number)));
            entry.is_some_and(|entry| {
                assert_eq!(entry.fact, *number, "an entry is never another's");
                true
            })
        });
        let kept = kept.count();
        assert!(
            kept > CAPACITY / 4 && kept <= CAPACITY + CAPACITY / 4,
            "{cache_store}: {kept}"
        );
    }
}

#[test]
fn a_key_of_a_senders_making_is_kept_up_to_two_kilobytes_and_shows_no_token() {
    for (kind, (cache_store, cache_form)) in CacheKey::ALL
        .iter()
        .flat_map(|kind| shelves().map(|shelf| (*kind, shelf)))
    {
        let keys = Keys::new(kind, false);
        let store: Store<u32> = Store::open(cache_store, cache_form, 100_000, keys);
        let forever = Kept {
            from: Timestamp::from_seconds(0),
            until: Timestamp::from_seconds(u64::MAX),
        };
        for bytes in [2048, 2049] {
            let place = |yes: bool| {
                if yes {
                    "x".repeat(bytes - 3)
                } else {
                    String::new()
                }
            };
            let by_path = kind != CacheKey::Route;
            let parts = Parts {
                method: "GET".to_owned(),
                route: String::new(),
                target: place(by_path),
                user_agent: place(!by_path).into_bytes(),
                ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
                // Tokens are the server's making, and as long as it makes them.
                token: "secret".repeat(1000),
                action: Action::ItemsRead,
            };
            let request = parts.request();
            let key = store.keys.decision(&request, &parts.token);
            store.insert(key, forever.entry(7));
            let kept = store.get(key).is_some();
            assert_eq!(
                kept,
                bytes == 2048,
                "{kind} {cache_store} {cache_form} {bytes}"
            );
            let exact = store.keys.exact(&key);
            assert!(
                !format!("{key:?} {exact:?} {:?}", exact.stored(&Patterns::open(1)))
                    .contains("secret")
            );
        }
    }
}

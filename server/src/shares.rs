//! Places for work that waits, such as slow hashes and introspections, and a reserve of them that no single sender can use up.
//!
//! Whoever comes first gets one of the places of all. Once those are taken, a sender that holds few places still gets one
//! from the reserve: a client that sends without a pause holds many, so it does not keep the others out. A design with one
//! client behaves as if there were no reserve.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The reserve is this part of the places of all, and one place at least.
const RESERVE: usize = 4;

/// Who wants a place: the address that a request came from, as trusted proxies tell it. Of an IPv6 address its /64 counts,
/// which is what one subscriber usually has (RFC 6177).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin([u8; 8]);

impl Origin {
    /// All who are not known.
    pub(crate) const UNKNOWN: Self = Self([0xff; 8]);

    pub(crate) fn of(ip: IpAddr) -> Self {
        let mut origin = [0; 8];
        match ip.to_canonical() {
            IpAddr::V4(ip) => origin[4..].copy_from_slice(&ip.octets()),
            IpAddr::V6(ip) => origin.copy_from_slice(&ip.octets()[..8]),
        }
        Self(origin)
    }
}

#[derive(Debug)]
pub(crate) struct Shares {
    of_all: usize,
    reserve: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    total: usize,
    by: HashMap<Origin, usize>,
}

/// A place that is held until this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    shares: Arc<Shares>,
    origin: Origin,
}

impl Shares {
    /// So many places for all, and the reserve.
    pub(crate) fn of(of_all: usize) -> Arc<Self> {
        Arc::new(Self {
            of_all,
            reserve: (of_all / RESERVE).max(1),
            held: Mutex::default(),
        })
    }

    /// How many places there are, with the reserve.
    pub(crate) fn most(&self) -> usize {
        self.of_all + self.reserve
    }

    /// A place for this origin, if it may have one more now.
    pub(crate) fn enter(self: &Arc<Self>, origin: Origin) -> Option<Place> {
        let mut held = self.held();
        let own = held.by.get(&origin).copied().unwrap_or(0);
        // No sender gets more than half of the reserve.
        let holds_few = own < self.reserve.div_ceil(2);
        let may = held.total < self.of_all || holds_few && held.total < self.most();
        if !may {
            return None;
        }
        held.total += 1;
        held.by.insert(origin, own + 1);
        drop(held);
        Some(Place {
            shares: Arc::clone(self),
            origin,
        })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.shares.held();
        held.total = held.total.saturating_sub(1);
        if let Some(own) = held.by.get_mut(&self.origin) {
            *own -= 1;
            if *own == 0 {
                held.by.remove(&self.origin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(last: u8) -> Origin {
        Origin::of([192, 0, 2, last].into())
    }

    #[test]
    fn one_origin_gets_the_places_of_all_and_leaves_the_reserve_to_others() {
        for of_all in [1, 2, 8, 66, 1024] {
            let shares = Shares::of(of_all);
            let flood: Vec<_> = (0..2 * of_all + 8)
                .map_while(|_| shares.enter(origin(1)))
                .collect();
            let most = of_all.max(shares.reserve.div_ceil(2));
            assert!(
                (of_all..=most).contains(&flood.len()),
                "{of_all}: {}",
                flood.len()
            );
            let other = shares.enter(origin(2));
            assert!(other.is_some(), "{of_all}");
            assert!(shares.enter(origin(1)).is_none(), "{of_all}");
            drop(other);
            drop(flood);
            assert!(shares.held().by.is_empty());
            assert_eq!(shares.held().total, 0);
        }
    }

    #[test]
    fn however_many_origins_come_the_places_are_bounded() {
        let shares = Shares::of(8);
        let held: Vec<_> = (0..=255)
            .filter_map(|last| shares.enter(origin(last)))
            .collect();
        assert_eq!(held.len(), shares.most());
    }

    #[test]
    fn an_ipv4_address_is_one_origin_over_ipv6_too_and_a_subscriber_s_prefix_is_one() {
        let of = |ip: &str| Origin::of(ip.parse().unwrap());
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
    }
}

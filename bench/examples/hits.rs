//! How many requests each store of decisions answers, by how tokens are used: `make cache-hits`. Nothing is timed, so that a busy
//! machine prints the same. A million requests of each family, of which the second half counts:
//!
//! - `zipf`: 10 000 tokens, Zipf 0.9, as in scenarios/popularity.toml;
//! - `renewal`: the same, and after each 100 000 requests every token is another;
//! - `shift`: the same, and one request in a hundred gives one token another rank;
//! - `scan`: the same, and one request in five shows a token that is never seen again, as one that was issued for it;
//! - `loop`: the 10 000 tokens one after another.
//!
//! `quick` and `moka` are the server's stores with the server's keys; `moka, LRU` is the same library with its other policy, and
//! `ideal` the best that any cache of that size could have had (Bélády 1966).

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::num::NonZeroUsize;

use authlab_bench::{USER, request, sender};
use authlab_server::parts::DecisionPart;
use authlab_server::{CacheKind, CacheStore, CredentialKind, Design, Grant, Lab, PasswordKind};
use moka::policy::EvictionPolicy;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The server's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SEED: u64 = 20_261_201;
const REQUESTS: usize = 1_000_000;
const TOKENS: usize = 10_000;
const EXPONENT: f64 = 0.9;
const CAPACITIES: [usize; 3] = [100, 1_000, 10_000];
const RENEWED_EVERY: usize = 100_000;

/// Draws ranks in proportion to `rank⁻ˢ`.
struct Zipf(Vec<f64>);

impl Zipf {
    fn new() -> Self {
        let mut sum = 0.0;
        let shares = (1..=TOKENS).map(|rank| {
            sum += (rank as f64).powf(-EXPONENT);
            sum
        });
        Self(shares.collect())
    }

    fn draw(&self, random: &mut StdRng) -> usize {
        let whole = self.0.last().copied().unwrap_or_default();
        let at = random.random_range(0.0..whole);
        self.0.partition_point(|share| *share <= at)
    }
}

/// How tokens are used.
#[derive(Clone, Copy)]
enum Family {
    Zipf,
    Renewal,
    Shift,
    Scan,
    Loop,
}

impl Family {
    const ALL: [(&'static str, Self); 5] = [
        ("zipf", Self::Zipf),
        ("renewal", Self::Renewal),
        ("shift", Self::Shift),
        ("scan", Self::Scan),
        ("loop", Self::Loop),
    ];

    /// Which token each request shows, by number.
    fn draws(self) -> Vec<u64> {
        let (zipf, mut random) = (Zipf::new(), StdRng::seed_from_u64(SEED));
        let mut of_rank: Vec<u64> = (0..TOKENS as u64).collect();
        let mut unseen = TOKENS as u64;
        let mut next = |at: usize| match self {
            Self::Renewal => (at / RENEWED_EVERY * TOKENS + zipf.draw(&mut random)) as u64,
            Self::Shift => {
                if random.random_ratio(1, 100) {
                    let rank = random.random_range(0..TOKENS);
                    of_rank.swap(rank, random.random_range(0..TOKENS));
                }
                of_rank[zipf.draw(&mut random)]
            }
            Self::Scan if random.random_ratio(1, 5) => {
                unseen += 1;
                unseen
            }
            Self::Zipf | Self::Scan => zipf.draw(&mut random) as u64,
            Self::Loop => (at % TOKENS) as u64,
        };
        (0..REQUESTS).map(&mut next).collect()
    }
}

/// The share of the second half of the draws that a cache has: `has` says whether it does, and keeps the token if not.
fn share(draws: &[u64], mut has: impl FnMut(u64) -> bool) -> f64 {
    let (first, second) = draws.split_at(draws.len() / 2);
    for token in first {
        has(*token);
    }
    let hits = second.iter().filter(|token| has(**token)).count();
    hits as f64 / second.len() as f64
}

/// Of one of the server's stores.
fn of_server(store: CacheStore, capacity: usize, draws: &[u64]) -> f64 {
    let part = DecisionPart::open(&design(store, capacity));
    let grant = issued();
    let mut shown = String::new();
    share(draws, |token| {
        shown.clear();
        // Fibonacci hashing: neighbours lie apart, as random tokens do.
        let mixed = (u128::from(token) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let _ = write!(shown, "{mixed:043}");
        let asked = request(&shown);
        let has = part.get(&asked).expect("a token is there").is_some();
        if !has {
            part.insert(&asked, grant).expect("a token is there");
        }
        has
    })
}

fn of_moka(policy: EvictionPolicy, capacity: usize, draws: &[u64]) -> f64 {
    let cache = moka::sync::Cache::builder()
        .max_capacity(capacity as u64)
        .eviction_policy(policy)
        .build();
    share(draws, |token| {
        let has = cache.get(&token).is_some();
        if !has {
            cache.insert(token, ());
        }
        has
    })
}

/// Of the cache that knows what comes: what is used again last goes first.
fn of_ideal(capacity: usize, draws: &[u64]) -> f64 {
    let mut next = vec![0; draws.len()];
    let mut seen: HashMap<u64, usize> = HashMap::new();
    for (at, token) in draws.iter().enumerate().rev() {
        next[at] = seen.insert(*token, at).unwrap_or(draws.len() + at);
    }
    let mut held: BTreeMap<usize, u64> = BTreeMap::new();
    let mut at = 0;
    share(draws, |token| {
        let has = held.remove(&at).is_some();
        held.insert(next[at], token);
        if held.len() > capacity {
            held.pop_last();
        }
        at += 1;
        has
    })
}

fn design(store: CacheStore, capacity: usize) -> Design {
    Design {
        password: PasswordKind::Sha256,
        credential: CredentialKind::Opaque,
        cache: CacheKind::Decision,
        cache_store: store,
        cache_capacity: NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN),
        ..Design::default()
    }
}

fn issued() -> Grant {
    let lab = Lab::open(design(CacheStore::Quick, 1)).expect("the design opens");
    let runtime = authlab_bench::runtime();
    let token = runtime.block_on(lab.login(USER.0, USER.1, &sender()));
    let token = token.expect("the demo user signs in").access_token;
    let grant = runtime.block_on(lab.authorize(&request(&token)));
    grant.expect("the token is good")
}

fn main() {
    println!("| tokens | entries | quick | moka | moka, LRU | ideal |");
    println!("|---|---|---|---|---|---|");
    for (name, family) in Family::ALL {
        let draws = family.draws();
        for capacity in CAPACITIES {
            let shares = [
                of_server(CacheStore::Quick, capacity, &draws),
                of_server(CacheStore::Moka, capacity, &draws),
                of_moka(EvictionPolicy::lru(), capacity, &draws),
                of_ideal(capacity, &draws),
            ];
            let shown = shares.map(|share| format!("{:.1} %", share * 100.0));
            println!("| {name} | {capacity} | {} |", shown.join(" | "));
        }
    }
}

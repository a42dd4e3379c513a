//! What the exact channel counts: whole requests of a handful of designs, everything around them done before.
//!
//! `benches/exact.rs` counts their instructions and `benches/allocations.rs` their allocations: two binaries, since
//! whoever counts allocations has to be the allocator. Slow hashes run at their least cost and in place, where a
//! counter sees them: a thread of a pool is counted by nobody.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::Arc;

use authlab_server::{
    BindingKind, CacheForm, CacheKey, CacheKind, CacheStore, Design, HashOn, Lab, PasswordKind,
    Preset, Setup,
};

use crate::{USER, now, request, sender, tokens};

/// Which request of a design is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// `Lab::authorize`, decided before.
    Hit,
    /// `Lab::authorize`, from the token itself.
    Verified,
    /// `Lab::login`.
    Login,
}

/// A request of a design.
#[derive(Clone, Debug)]
pub struct Case {
    /// Which request.
    pub path: Path,
    /// The design's label, as in the micro-benchmarks.
    pub name: String,
    /// How many requests are counted together; a figure is their mean.
    pub requests: usize,
    design: Design,
}

/// A case that only has to be run.
pub struct Ready {
    case: Case,
    lab: Arc<Lab>,
    tokens: Vec<String>,
}

impl Path {
    /// All of them, in the order of a report.
    pub const ALL: [Self; 3] = [Self::Hit, Self::Verified, Self::Login];

    /// As in the micro-benchmarks.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Hit => "authorize-hit",
            Self::Verified => "authorize-verified",
            Self::Login => "login",
        }
    }

    /// Its cases; one that is added to an axis or to the presets is counted by itself.
    #[must_use]
    pub fn cases(self) -> Vec<Case> {
        match self {
            Self::Login => logins(),
            Self::Hit | Self::Verified => of_designs(self),
        }
    }
}

impl Case {
    /// Opens the design, signs in, and makes the first requests.
    ///
    /// # Panics
    /// The design does not open, or refuses: there is nothing to count then.
    #[must_use]
    pub fn ready(self) -> Ready {
        let lab = Lab::open(self.design.clone());
        let lab = lab.unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let tokens = match self.path {
            Path::Verified => tokens(&lab, WARM_UP + self.requests),
            // One: two in a table may meet in it, as their random hashes will, and what that costs is no code's.
            Path::Hit => tokens(&lab, 1),
            Path::Login => Vec::new(),
        };
        let ready = Ready {
            case: self,
            lab,
            tokens,
        };
        ready.run(0, WARM_UP);
        ready
    }
}

impl Ready {
    /// The requests that are counted.
    pub fn counted(&self) {
        self.run(WARM_UP, self.case.requests);
    }

    /// `requests` of them, after `before` others: a token is verified with its first.
    fn run(&self, before: usize, requests: usize) {
        if self.case.path == Path::Login {
            for _ in 0..requests {
                let (name, password) = black_box(USER);
                let answer = now(self.lab.login(name, password, &sender()));
                assert!(black_box(answer).is_ok(), "a good password passes");
            }
            return;
        }
        for token in self.tokens.iter().cycle().skip(before).take(requests) {
            let answer = now(self.lab.authorize(black_box(&request(token))));
            assert!(black_box(answer).is_ok(), "a good token passes");
        }
    }
}

/// Requests before those that are counted.
const WARM_UP: usize = 16;
/// Requests counted together, and how many where each computes a hash that is slow on purpose.
const REQUESTS: usize = 1_000;
const SLOW_REQUESTS: usize = 20;
/// Entries of a cache that each request adds to. It is full before the count: the tables of one that still grows do so
/// where random hashes let them, by a ten-thousandth of all allocations more or less.
const ONE: NonZeroUsize = NonZeroUsize::MIN;
/// bcrypt's least.
const BCRYPT_COST: u32 = 4;

/// The presets, and a base design with each kind of cache and of cache key, and with digests for keys.
fn of_designs(path: Path) -> Vec<Case> {
    let base = || Design {
        binding: BindingKind::Sha256,
        cache: CacheKind::Decision,
        ..Design::default()
    };
    let presets = Preset::ALL.iter().map(|preset| {
        let setup = Setup {
            preset: Some(*preset),
            ..Setup::default()
        };
        let design = setup.resolve().unwrap_or_else(|error| panic!("{error}"));
        (preset.label().to_owned(), design)
    });
    // The base design's own kind comes with the keys.
    let others = CacheKind::ALL.iter().filter(|kind| **kind != base().cache);
    let caches = others.map(|kind| {
        let design = Design {
            cache: *kind,
            ..base()
        };
        (format!("cache={}", kind.label()), design)
    });
    let keys = CacheKey::ALL.iter().map(|key| {
        let design = Design {
            cache_key: *key,
            ..base()
        };
        (format!("cache-key={}", key.label()), design)
    });
    let digest = Design {
        cache_form: CacheForm::Digest,
        ..base()
    };
    let digest = (format!("cache-form={}", CacheForm::Digest), digest);
    let designs = presets.chain(caches).chain(keys).chain([digest]);
    designs
        .filter(|(_, design)| is_counted(path, design))
        .map(|(name, design)| of_design(path, name, design))
        .collect()
}

fn is_counted(path: Path, design: &Design) -> bool {
    match path {
        Path::Hit => design.cache == CacheKind::Decision,
        // moka lets entries go when the clock says that it is time to, so that no two counts are the same.
        Path::Verified => {
            design.cache == CacheKind::None || design.cache_store == CacheStore::Quick
        }
        Path::Login => false,
    }
}

fn of_design(path: Path, name: String, design: Design) -> Case {
    let slow = design.binding == BindingKind::Bcrypt;
    let cache_capacity = match path {
        Path::Verified => ONE,
        _ => design.cache_capacity,
    };
    Case {
        path,
        name,
        requests: requests(slow),
        design: Design {
            password: PasswordKind::Sha256,
            bcrypt_cost: BCRYPT_COST,
            hash_on: HashOn::Inline,
            cache_capacity,
            ..design
        },
    }
}

fn logins() -> Vec<Case> {
    let case = |kind: &PasswordKind| Case {
        path: Path::Login,
        name: kind.label().to_owned(),
        requests: requests(kind.is_slow()),
        design: Design {
            password: *kind,
            binding: BindingKind::Sha256,
            bcrypt_cost: BCRYPT_COST,
            hash_on: HashOn::Inline,
            ..Design::default()
        },
    };
    // Those with parameters are a second of counting for each hash, and their own crates' code alone.
    let with_params = [
        PasswordKind::Argon2id,
        PasswordKind::Scrypt,
        PasswordKind::Pbkdf2,
    ];
    let counted = |kind: &&PasswordKind| !with_params.contains(*kind);
    PasswordKind::ALL.iter().filter(counted).map(case).collect()
}

const fn requests(slow: bool) -> usize {
    if slow { SLOW_REQUESTS } else { REQUESTS }
}

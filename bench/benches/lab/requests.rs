//! Whole requests: `Lab::authorize`, hit and verified, and `Lab::login`, without HTTP around them.

use std::cell::LazyCell;
use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use authlab_bench::{USER, now, request, runtime, sender, tokens};
use authlab_server::{
    BindTo, BindingKind, CacheForm, CacheKey, CacheKind, CacheStore, Design, FreshnessKind, HashOn,
    Lab, PasswordKind, Preset, Setup,
};
use criterion::{Criterion, SamplingMode};

/// Tokens that hits rotate through.
const TOKENS: usize = 1_000;

/// Tokens that no core's cache holds. A debug build signs them for minutes, and nobody reads its figures.
const MANY: usize = if cfg!(debug_assertions) {
    2 * TOKENS
} else {
    100_000
};

pub(crate) fn all(criterion: &mut Criterion) {
    let cases = cases();
    for (id, design) in &cases {
        if design.cache == CacheKind::Decision {
            hit(criterion, id, design);
        }
    }
    many(criterion);
    for (id, design) in &cases {
        verified(criterion, id, design);
    }
    logins(criterion);
    refusals(criterion);
}

/// The presets, and the base design with each value of each axis that a request passes through.
fn cases() -> Vec<(String, Design)> {
    let base = || Design {
        binding: BindingKind::Sha256,
        cache: CacheKind::Decision,
        bcrypt_cost: 4,
        ..Design::default()
    };
    let mut cases: Vec<(String, Design)> = Preset::ALL
        .iter()
        .map(|preset| {
            let setup = Setup {
                preset: Some(*preset),
                ..Setup::default()
            };
            (
                preset.label().to_owned(),
                setup.resolve().expect("presets are good"),
            )
        })
        .collect();
    let mut add =
        |axis: &str, label: &str, design: Design| cases.push((format!("{axis}={label}"), design));
    of_binding(&mut add, &base);
    of_cache(&mut add, &base);
    cases
}

/// Each binding, and where its hashes run; a proof is good for one request: `binding/dpop` measures it, with one for each, and
/// a certificate is a connection's.
fn of_binding(add: &mut impl FnMut(&str, &str, Design), base: &impl Fn() -> Design) {
    for kind in BindingKind::ALL
        .iter()
        .filter(|kind| !matches!(kind, BindingKind::Dpop | BindingKind::Mtls))
    {
        add(
            "binding",
            kind.label(),
            Design {
                binding: *kind,
                ..base()
            },
        );
    }
    for to in BindTo::ALL {
        add(
            "bind-to",
            to.label(),
            Design {
                bind_to: *to,
                ..base()
            },
        );
    }
    for place in HashOn::ALL {
        add(
            "hash-on",
            place.label(),
            Design {
                hash_on: *place,
                binding: BindingKind::Bcrypt,
                ..base()
            },
        );
    }
}

/// Each choice of the cache.
fn of_cache(add: &mut impl FnMut(&str, &str, Design), base: &impl Fn() -> Design) {
    for kind in CacheKind::ALL {
        add(
            "cache",
            kind.label(),
            Design {
                cache: *kind,
                ..base()
            },
        );
    }
    for store in [CacheStore::Quick, CacheStore::Moka] {
        add(
            "cache-store",
            store.label(),
            Design {
                cache_store: store,
                ..base()
            },
        );
    }
    for form in CacheForm::ALL {
        add(
            "cache-form",
            form.label(),
            Design {
                cache_form: *form,
                ..base()
            },
        );
    }
    for key in CacheKey::ALL {
        add(
            "cache-key",
            key.label(),
            Design {
                cache_key: *key,
                ..base()
            },
        );
    }
    // A status list is fetched from a server, and none listens here.
    let fetched = FreshnessKind::StatusList;
    for freshness in FreshnessKind::ALL.iter().filter(|kind| **kind != fetched) {
        add(
            "freshness",
            freshness.label(),
            Design {
                freshness: *freshness,
                ..base()
            },
        );
    }
}

/// A decision that is there: nothing is verified, nothing waits.
fn hit(criterion: &mut Criterion, id: &str, design: &Design) {
    let remembered = LazyCell::new(|| {
        let lab = open(design);
        let slow = design.binding == BindingKind::Bcrypt;
        let tokens = tokens(&lab, if slow { 1 } else { TOKENS });
        let runtime = runtime();
        for token in &tokens {
            runtime
                .block_on(lab.authorize(&request(token)))
                .expect("the token is good");
        }
        (lab, tokens)
    });
    criterion
        .benchmark_group("authorize-hit")
        .bench_function(id, |bencher| {
            let (lab, tokens) = &*remembered;
            let mut rotation = tokens.iter().cycle();
            bencher.iter(|| {
                let token = rotation.next().map_or("", String::as_str);
                now(lab.authorize(black_box(&request(token))))
            });
        });
}

/// More tokens than a core's cache holds, one after the other and a thousand hot ones among them; and all threads on one.
fn many(criterion: &mut Criterion) {
    for form in CacheForm::ALL {
        let design = Design {
            binding: BindingKind::Sha256,
            cache: CacheKind::Decision,
            cache_form: *form,
            cache_capacity: std::num::NonZeroUsize::new(2 * MANY)
                .unwrap_or(std::num::NonZeroUsize::MIN),
            ..Design::default()
        };
        let remembered = LazyCell::new(|| {
            let lab = open(&design);
            let tokens = tokens(&lab, MANY);
            for token in &tokens {
                now(lab.authorize(&request(token))).expect("the token is good");
            }
            (lab, tokens)
        });
        let mut group = criterion.benchmark_group("authorize-hit");
        for (what, asked) in [("hot", TOKENS), ("cold", MANY)] {
            group.bench_function(format!("{form}-of-{MANY}-{what}"), |bencher| {
                let (lab, tokens) = &*remembered;
                let mut rotation = tokens[..asked].iter().cycle();
                bencher.iter(|| {
                    let token = rotation.next().map_or("", String::as_str);
                    now(lab.authorize(black_box(&request(token))))
                });
            });
        }
        group.bench_function(format!("{form}-of-one/all-threads"), |bencher| {
            let (lab, tokens) = &*remembered;
            bencher.iter_custom(|iterations| together(iterations, lab, &tokens[0]));
        });
    }
}

/// The time of one hit on its thread, while all threads ask for the same.
fn together(iterations: u64, lab: &Lab, token: &str) -> Duration {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let ready = Barrier::new(threads);
    let times: Vec<Duration> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    ready.wait();
                    let start = Instant::now();
                    for _ in 0..iterations {
                        let _ = black_box(now(lab.authorize(black_box(&request(token)))));
                    }
                    start.elapsed()
                })
            })
            .collect();
        started
            .into_iter()
            .map(|thread| thread.join().unwrap_or_default())
            .collect()
    });
    times.iter().sum::<Duration>() / threads as u32
}

/// The same request verified: with a decision cache, a miss that also stores; its room for one
/// entry is always another token's.
fn verified(criterion: &mut Criterion, id: &str, design: &Design) {
    let room = std::num::NonZeroUsize::MIN;
    let slow = design.binding == BindingKind::Bcrypt;
    let issued = LazyCell::new(|| {
        let lab = open(&Design {
            cache_capacity: room,
            ..design.clone()
        });
        let tokens = tokens(&lab, if slow { 2 } else { TOKENS });
        (lab, tokens)
    });
    let runtime = runtime();
    let mut group = criterion.benchmark_group("authorize-verified");
    if slow {
        group.sampling_mode(SamplingMode::Flat).sample_size(10);
    }
    group.bench_function(id, |bencher| {
        let (lab, tokens) = &*issued;
        let mut rotation = tokens.iter().cycle();
        bencher.iter(|| {
            let token = rotation.next().map_or("", String::as_str);
            let request = request(token);
            if slow {
                runtime.block_on(lab.authorize(black_box(&request)))
            } else {
                now(lab.authorize(black_box(&request)))
            }
        });
    });
}

/// Sign-in: find the account, verify the password, issue a token that is bound by SHA-256.
fn logins(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("login");
    for kind in PasswordKind::ALL {
        let design = Design {
            password: *kind,
            binding: BindingKind::Sha256,
            ..Design::default()
        };
        let lab = LazyCell::new(|| Lab::open(design).expect("the design opens"));
        let runtime = runtime();
        if kind.is_slow() {
            group.sampling_mode(SamplingMode::Flat).sample_size(10);
        } else {
            group.sampling_mode(SamplingMode::Auto);
        }
        group.bench_function(kind.label(), |bencher| {
            let lab = &*lab;
            bencher.iter(|| {
                runtime.block_on(lab.login(black_box(USER.0), black_box(USER.1), &sender()))
            });
        });
    }
}

/// A sign-in that is refused, as stored by default (bcrypt at cost 12): if the two differed, their time would tell who
/// has an account.
fn refusals(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("login-refused");
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    let lab = LazyCell::new(|| Lab::open(Design::default()).expect("the design opens"));
    let runtime = runtime();
    for (id, name) in [("wrong-password", USER.0), ("unknown-user", "nobody")] {
        group.bench_function(id, |bencher| {
            let lab = &*lab;
            bencher.iter(|| {
                let sender = sender();
                let refused = lab.login(black_box(name), black_box("wrong-password"), &sender);
                runtime.block_on(refused).is_err()
            });
        });
    }
}

fn open(design: &Design) -> Arc<Lab> {
    authlab_bench::open(design.clone()).expect("the design opens")
}

//! Each part alone: what one choice costs, with nothing around it.

use std::cell::LazyCell;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use authlab_bench::{Prover, USER, lookalikes, now, policies_of, request, runtime, sender, tokens};
use authlab_server::parts::{
    BindingPart, CredentialPart, DecisionPart, DigestPart, PasswordPart, PolicyPart,
};
use authlab_server::{
    BindingKind, CacheForm, CacheKind, CacheStore, Clock, Design, DpopProof, HashOn, JwtAlgorithm,
    PasswordKind, Proof, Roles, Sender,
};
use criterion::{BatchSize, Criterion, SamplingMode};
use std::hint::black_box;

pub(crate) fn all(criterion: &mut Criterion) {
    passwords(criterion);
    bindings(criterion);
    proofs(criterion);
    policies(criterion);
    tokens_signed_and_verified(criterion);
    for store in [CacheStore::Quick, CacheStore::Moka] {
        for form in CacheForm::ALL {
            cache(criterion, store, *form);
        }
    }
    digests(criterion);
    bare(criterion);
    // Every decision asks what time it is.
    criterion.bench_function("clock/coarse", |bencher| {
        bencher.iter(|| Clock::Coarse.now());
    });
}

/// Verifying one password; hashing it for storage costs the same and a salt.
fn passwords(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("password");
    for kind in PasswordKind::ALL {
        let costs: &[u32] = if *kind == PasswordKind::Bcrypt {
            &[4, 8, 10, 12]
        } else {
            &[0]
        };
        for &cost in costs {
            let mut design = Design {
                password: *kind,
                ..Design::default()
            };
            let id = if cost > 0 {
                design.bcrypt_cost = cost;
                format!("{}-{cost}", kind.label())
            } else {
                kind.label().to_owned()
            };
            if kind.is_slow() {
                group.sampling_mode(SamplingMode::Flat).sample_size(10);
            } else {
                group.sampling_mode(SamplingMode::Auto);
            }
            let part = PasswordPart::open(&design).expect("its usual cost is accepted");
            let stored = LazyCell::new(|| {
                part.hash(USER.1.as_bytes())
                    .expect("the demo password can be hashed")
            });
            group.bench_function(id, |bencher| {
                let stored = &*stored;
                bencher.iter(|| part.verify(black_box(stored), black_box(USER.1.as_bytes())));
            });
        }
    }
}

/// The SHA-256 of a certificate, in base64url.
const THUMBPRINT: &str = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2";

/// Checking a sender, User-Agent and IP or a certificate, as on each request. bcrypt at its least cost: `password`
/// says what a step of cost is worth, `authorize-verified/bound-token-slow` what 12 costs.
fn bindings(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("binding");
    for kind in BindingKind::ALL
        .iter()
        .filter(|kind| **kind != BindingKind::Dpop)
    {
        let shown = Sender {
            proof: Some(Proof::Certificate(THUMBPRINT)),
            ..sender()
        };
        let by = if *kind == BindingKind::Mtls {
            shown
        } else {
            sender()
        };
        let design = Design {
            binding: *kind,
            bcrypt_cost: 4,
            hash_on: HashOn::Inline,
            ..Design::default()
        };
        let part = BindingPart::open(&design).expect("no pool is needed inline");
        let sealed = now(part.seal(&by)).expect("inline hashes have no queue");
        let id = if *kind == BindingKind::Bcrypt {
            "bcrypt-4"
        } else {
            kind.label()
        };
        group.bench_function(id, |bencher| {
            bencher.iter(|| now(part.check(black_box(&sealed), black_box(&by))));
        });
    }
}

/// Whether a verified request is allowed: by roles and scopes, and by so many Cedar policies, of which one permits it.
fn policies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("policy");
    for (id, design) in policies_of(Design::default) {
        let part = PolicyPart::open(&design).expect("the policies are good");
        group.bench_function(id, |bencher| {
            let request = request("");
            bencher.iter(|| part.allows(black_box(&request), USER.0, Roles::all()));
        });
    }
}

/// The standard's answer to the same question: a proof of the token's key, ES256, a new one for each request.
fn proofs(criterion: &mut Criterion) {
    let design = Design {
        binding: BindingKind::Dpop,
        hash_on: HashOn::Inline,
        ..Design::default()
    };
    let part = BindingPart::open(&design).expect("no pool is needed inline");
    let holder = Prover::new();
    let address = format!("{}/items/", design.issuer());
    let sealed = now(part.seal(&proven(&holder.proof(&address)))).expect("a good proof");
    criterion
        .benchmark_group("binding")
        .bench_function(BindingKind::Dpop.label(), |bencher| {
            bencher.iter_batched(
                || holder.proof(&address),
                |jwt| {
                    let checked = now(part.check(black_box(&sealed), black_box(&proven(&jwt))));
                    checked.expect("each proof is new");
                },
                BatchSize::SmallInput,
            );
        });
}

/// The sender, with a proof for what the benchmarks ask.
fn proven(jwt: &str) -> Sender<'_> {
    Sender {
        proof: Some(Proof::Dpop(DpopProof {
            jwt,
            method: "GET",
            path: "/items/",
        })),
        ..sender()
    }
}

/// Each way to sign, over the claims of a token that is bound by SHA-256.
fn tokens_signed_and_verified(criterion: &mut Criterion) {
    for algorithm in JwtAlgorithm::ALL {
        token_signed_and_verified(criterion, *algorithm);
    }
}

fn token_signed_and_verified(criterion: &mut Criterion, algorithm: JwtAlgorithm) {
    let mut group = criterion.benchmark_group("jwt");
    let design = Design {
        binding: BindingKind::Sha256,
        jwt: algorithm,
        ..Design::default()
    };
    let binding = BindingPart::open(&design).expect("no threads are needed");
    let sealed = now(binding.seal(&sender())).expect("digests run in place");
    let part = CredentialPart::open(&design).expect("a random secret");
    let claims = part
        .claims(USER.0, Roles::all(), sealed)
        .expect("the system has randomness");
    let token = part.sign(&claims).expect("the key signs");
    let label = design.jwt.label();
    group.bench_function(format!("{label}-sign"), |bencher| {
        bencher.iter(|| part.sign(black_box(&claims)));
    });
    group.bench_function(format!("{label}-verify"), |bencher| {
        bencher.iter(|| part.verify(black_box(&token)));
    });
}

const MOST_ENTRIES: usize = 100_000;
/// Of many entries, those that are asked for again and again.
const HOT: usize = 1_000;

/// The decision cache alone: key and lookup, without clock and freshness.
fn cache(criterion: &mut Criterion, store: CacheStore, form: CacheForm) {
    let design = Design {
        cache: CacheKind::Decision,
        cache_store: store,
        cache_form: form,
        cache_capacity: (MOST_ENTRIES * 2).try_into().expect("not zero"),
        binding: BindingKind::Sha256,
        ..Design::default()
    };
    let made = LazyCell::new(|| {
        let lab = authlab_bench::open(design.clone()).expect("the design opens");
        let token = &tokens(&lab, 1)[0];
        let kept = lookalikes(token, MOST_ENTRIES * 2);
        let grant = runtime()
            .block_on(lab.authorize(&request(token)))
            .expect("the token is good");
        (kept, grant)
    });

    let mut group = criterion.benchmark_group(match form {
        CacheForm::Exact => format!("cache/{store}"),
        CacheForm::Digest => format!("cache/{store}-{form}"),
    });
    for entries in [1, 1_000, MOST_ENTRIES] {
        let filled = LazyCell::new(|| {
            let part = DecisionPart::open(&design);
            let (tokens, grant) = &*made;
            for token in &tokens[..entries] {
                part.insert(&request(token), *grant)
                    .expect("a bearer token");
            }
            part
        });
        let asked = entries.min(HOT);
        for (what, first) in [("hit", 0), ("miss", MOST_ENTRIES)] {
            group.bench_function(format!("{what}/{entries}"), |bencher| {
                let part = &*filled;
                let tokens = &made.0[first..first + asked];
                let hit = |token: &str| black_box(part.get(&request(token))).is_ok();
                bencher.iter_custom(|iterations| one_thread(iterations, tokens, hit));
            });
            group.bench_function(format!("{what}/{entries}/all-threads"), |bencher| {
                let part = &*filled;
                let tokens = &made.0[first..first + asked];
                let hit = |token: &str| black_box(part.get(&request(token))).is_ok();
                bencher.iter_custom(|iterations| all_threads(iterations, tokens, hit));
            });
        }
        if entries == MOST_ENTRIES {
            // Every presented token, and the key it is compared with, comes from memory.
            group.bench_function(format!("hit/{entries}-cold"), |bencher| {
                let part = &*filled;
                let tokens = &made.0[..MOST_ENTRIES];
                let hit = |token: &str| black_box(part.get(&request(token))).is_ok();
                bencher.iter_custom(|iterations| one_thread(iterations, tokens, hit));
            });
        }
        // The entries that are there are replaced: the cache holds so many throughout.
        group.bench_function(format!("insert/{entries}"), |bencher| {
            let (part, grant) = (&*filled, made.1);
            let insert = |token: &str| part.insert(&request(token), black_box(grant)).is_ok();
            bencher.iter_custom(|iterations| one_thread(iterations, &made.0[..asked], insert));
        });
        group.bench_function(format!("insert/{entries}/all-threads"), |bencher| {
            let (part, grant) = (&*filled, made.1);
            let insert = |token: &str| part.insert(&request(token), black_box(grant)).is_ok();
            bencher.iter_custom(|iterations| all_threads(iterations, &made.0[..asked], insert));
        });
    }
}

/// The keyed hash of a key alone, for tokens of some lengths.
fn digests(criterion: &mut Criterion) {
    let part = DigestPart::open(&Design::default());
    let mut group = criterion.benchmark_group("digest");
    for bytes in [43, 330, 1_000, 8_000] {
        let token = "t".repeat(bytes);
        group.bench_function(format!("token-of-{bytes}"), |bencher| {
            let request = request(&token);
            bencher.iter(|| part.of(black_box(&request)));
        });
    }
}

/// The cache that `quick` is made of, with numbers for keys: what any key of ours pays at least.
fn bare(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cache/bare");
    for entries in [1, 1_000, MOST_ENTRIES] {
        let filled = LazyCell::new(|| {
            let cache = quick_cache::sync::Cache::<u128, [u64; 8]>::new(MOST_ENTRIES * 2);
            for key in 0..entries as u128 {
                cache.insert(scattered(key), [key as u64; 8]);
            }
            cache
        });
        group.bench_function(format!("hit/{entries}"), |bencher| {
            let cache = &*filled;
            let mut rotation = (0..entries.min(HOT) as u128).cycle();
            bencher.iter(|| {
                let key = rotation.next().unwrap_or_default();
                cache.get(black_box(&scattered(key)))
            });
        });
    }
}

/// As a digest's halves are.
fn scattered(key: u128) -> u128 {
    key.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
}

fn one_thread(iterations: u64, tokens: &[String], operation: impl Fn(&str) -> bool) -> Duration {
    let start = Instant::now();
    for token in tokens.iter().cycle().take(iterations as usize) {
        black_box(operation(token));
    }
    start.elapsed()
}

/// All cores do the same at once; the time is that of one operation on its thread.
fn all_threads(
    iterations: u64,
    tokens: &[String],
    operation: impl Fn(&str) -> bool + Sync,
) -> Duration {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let together = Barrier::new(threads);
    let next = AtomicUsize::new(0);
    let times = std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let offset = next.fetch_add(tokens.len() / threads, Ordering::Relaxed);
                    let (before, after) = tokens.split_at(offset);
                    let order = after.iter().chain(before).cycle();
                    together.wait();
                    let start = Instant::now();
                    for token in order.take(iterations as usize) {
                        black_box(operation(token));
                    }
                    start.elapsed()
                })
            })
            .collect();
        started
            .into_iter()
            .map(|thread| thread.join().unwrap_or_default())
            .collect::<Vec<_>>()
    });
    times.iter().sum::<Duration>() / u32::try_from(times.len()).unwrap_or(1)
}

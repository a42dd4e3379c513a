//! What a remembered decision saves, for each way to verify: the same request decided anew, and remembered; and what a
//! request pays that was looked for in vain, and kept. `authlab prove bench worth` makes a table of it.

use std::cell::LazyCell;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use authlab_bench::{USER, now, request, sender};
use authlab_server::parts::DecisionPart;
use authlab_server::{
    BindingKind, CacheForm, CacheKind, CredentialKind, Design, JwtAlgorithm, Lab, PasswordKind,
    Period, Server, VerifyKind,
};
use criterion::{Criterion, SamplingMode};
use tokio::runtime::Runtime;

/// Group names of a token's claims, for tokens of about 1, 4 and 8 kB.
const FAT: [(&str, usize); 3] = [("1kB", 430), ("4kB", 2_680), ("8kB", 5_680)];

/// Requests that a miss rotates through: none is ever found.
const MISSES: usize = 1_024;

pub(crate) fn all(criterion: &mut Criterion) {
    for (name, design, distance) in cases() {
        worth(criterion, &name, &design, distance);
    }
}

/// A way to verify: its name, its design, and how far away a central server is that does it.
type Case = (String, Design, Option<Duration>);

fn cases() -> Vec<Case> {
    let bound = Design {
        binding: BindingKind::Sha256,
        password: PasswordKind::Sha256,
        ..Design::default()
    };
    let mut cases: Vec<Case> = Vec::new();
    for jwt in JwtAlgorithm::ALL {
        let design = Design {
            jwt: *jwt,
            ..bound.clone()
        };
        cases.push((jwt.label().to_owned(), design, None));
    }
    for (name, claims_bytes) in FAT {
        let design = Design {
            claims_bytes,
            ..bound.clone()
        };
        cases.push((format!("HS256-{name}"), design, None));
    }
    let opaque = Design {
        credential: CredentialKind::Opaque,
        ..bound.clone()
    };
    cases.push(("opaque".to_owned(), opaque, None));
    for ms in [0, 1, 10] {
        let distance = Some(Duration::from_millis(ms));
        cases.push((format!("introspection-{ms}ms"), bound.clone(), distance));
    }
    for credential in [CredentialKind::ApiKey, CredentialKind::Basic] {
        for password in [
            PasswordKind::Bcrypt,
            PasswordKind::Argon2id,
            PasswordKind::Sha256,
        ] {
            let design = Design {
                credential,
                password,
                ..Design::default()
            };
            cases.push((format!("{credential}-{password}"), design, None));
        }
    }
    cases
}

/// A lab with a token of its own; the central server that it asks lives as long.
struct Ready {
    uncached: Arc<Lab>,
    cached: Arc<Lab>,
    token: String,
    runtime: Runtime,
}

impl Ready {
    fn of(design: &Design, distance: Option<Duration>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let remembering = |design: &Design| Design {
            cache: CacheKind::Decision,
            ..design.clone()
        };
        let central = Lab::open(design.clone()).expect("the design opens");
        let issued = runtime.block_on(central.login(USER.0, USER.1, &sender()));
        let token = issued.expect("the demo user signs in").access_token;
        let Some(distance) = distance else {
            // The same accounts and keys beside both.
            let cached = Lab::open(remembering(design)).expect("the design opens");
            let issued = runtime.block_on(cached.login(USER.0, USER.1, &sender()));
            let token = issued.expect("the demo user signs in").access_token;
            return Self {
                uncached: cached.uncached(),
                cached,
                token,
                runtime,
            };
        };
        drop((central, token));
        let (address, token) = runtime.block_on(central_server(design, distance));
        let asking = Design {
            verify: VerifyKind::Introspect,
            introspect_url: format!("http://{address}").parse().expect("an address"),
            ..Design::default()
        };
        let cached = Lab::open(remembering(&asking)).expect("the design opens");
        Self {
            uncached: cached.uncached(),
            cached,
            token,
            runtime,
        }
    }
}

/// A central server so far away, on the runtime's own thread, and a token of it.
async fn central_server(design: &Design, distance: Duration) -> (std::net::SocketAddr, String) {
    let server = Server::bind(([127, 0, 0, 1], 0).into()).await;
    let server = server.expect("a free port");
    let address = server.address();
    let design = Design {
        listen: address,
        answer_delay: Period(distance),
        ..design.clone()
    };
    let lab = Lab::open(design).expect("the design opens");
    let issued = lab.login(USER.0, USER.1, &sender()).await;
    tokio::spawn(server.run(lab, std::future::pending()));
    let issued = issued.expect("the demo user signs in");
    (address, issued.access_token)
}

fn worth(criterion: &mut Criterion, name: &str, design: &Design, distance: Option<Duration>) {
    let ready = LazyCell::new(|| Ready::of(design, distance));
    let by_secret = matches!(
        design.credential,
        CredentialKind::ApiKey | CredentialKind::Basic
    );
    let slow = by_secret && design.password.is_slow() || distance.is_some_and(|d| !d.is_zero());
    let mut group = criterion.benchmark_group(format!("worth/{name}"));
    group.bench_function("hit", |bencher| {
        let ready = &*ready;
        let request = request(&ready.token);
        let first = ready.runtime.block_on(ready.cached.authorize(&request));
        first.expect("the token is good");
        bencher.iter(|| now(ready.cached.authorize(black_box(&request))));
    });
    // In a full cache: looked for in vain, kept, and another makes room.
    group.bench_function("miss", |bencher| {
        let ready = &*ready;
        let form = match design.credential {
            CredentialKind::Basic => CacheForm::Digest,
            _ => CacheForm::Exact,
        };
        let part = DecisionPart::open(&Design {
            cache_capacity: NonZeroUsize::new(MISSES / 4).unwrap_or(NonZeroUsize::MIN),
            cache_form: form,
            ..design.clone()
        });
        let asked = request(&ready.token);
        let grant = ready.runtime.block_on(ready.cached.authorize(&asked));
        let grant = grant.expect("the token is good");
        let tokens = authlab_bench::lookalikes(&ready.token, MISSES);
        let mut rotation = tokens.iter().cycle();
        bencher.iter(|| {
            let request = request(rotation.next().map_or("", String::as_str));
            let found = part.get(black_box(&request));
            part.insert(&request, grant).expect("a token is there");
            found
        });
    });
    if slow {
        group.sampling_mode(SamplingMode::Flat).sample_size(10);
    }
    group.bench_function("uncached", |bencher| {
        let ready = &*ready;
        let request = request(&ready.token);
        bencher.iter(|| {
            let asked = ready.uncached.authorize(black_box(&request));
            ready.runtime.block_on(asked).expect("the token is good")
        });
    });
}

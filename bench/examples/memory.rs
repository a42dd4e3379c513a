//! What remembered decisions take: bytes an entry of a million, and the process's memory while ten million different tokens
//! and addresses pass a cache of a hundred thousand. `make cache-memory`; each case in a process of its own.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::num::NonZeroUsize;
use std::process::Command;

use authlab_bench::{USER, request, sender};
use authlab_server::parts::DecisionPart;
use authlab_server::{
    BindingKind, CacheForm, CacheKey, CacheKind, CacheStore, Design, Grant, Lab, PasswordKind,
};

/// The server's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ENTRIES: usize = 1_000_000;
const KEPT: usize = 100_000;
const PASSING: usize = 10_000_000;
const MIB: f64 = 1_048_576.0;

fn main() {
    let mut words = std::env::args().skip(1);
    let case = (words.next(), words.next(), words.next());
    if let (Some(what), Some(store), Some(form)) = case {
        let store = store.parse().expect("a store");
        let form = form.parse().expect("a form");
        match &*what {
            "entries" => entries(store, form),
            _ => passing(store, form),
        }
        return;
    }
    let program = std::env::current_exe().expect("this program");
    for what in ["entries", "passing"] {
        for store in [CacheStore::Quick, CacheStore::Moka] {
            for form in CacheForm::ALL {
                let mut child = Command::new(&program);
                child.args([what, store.label(), form.label()]);
                let status = child.status().expect("this program starts");
                assert!(status.success(), "{what} {store} {form}: {status}");
            }
        }
    }
}

fn design(store: CacheStore, form: CacheForm, capacity: usize, key: CacheKey) -> Design {
    Design {
        password: PasswordKind::Sha256,
        binding: BindingKind::Sha256,
        cache: CacheKind::Decision,
        cache_store: store,
        cache_form: form,
        cache_key: key,
        cache_capacity: NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN),
        ..Design::default()
    }
}

/// A bound token and its grant.
fn issued(design: &Design) -> (String, Grant) {
    let lab = Lab::open(design.clone()).expect("the design opens");
    let runtime = authlab_bench::runtime();
    let token = runtime.block_on(lab.login(USER.0, USER.1, &sender()));
    let token = token.expect("the demo user signs in").access_token;
    let grant = runtime.block_on(lab.authorize(&request(&token)));
    (token, grant.expect("the token is good"))
}

/// The same token with a signature of each number's own.
fn numbered(token: &mut String, signed: usize, number: usize) {
    token.truncate(signed);
    // Fibonacci hashing: neighbours lie apart, as signatures do.
    let mixed = (number as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let _ = write!(token, "{mixed:043}");
}

/// Each token is one of a sign-in: what an entry takes depends on what its token has different from others.
fn entries(store: CacheStore, form: CacheForm) {
    let design = design(store, form, 2 * ENTRIES, CacheKey::Route);
    let (lab, runtime) = (Lab::open(design.clone()), authlab_bench::runtime());
    let lab = lab.expect("the design opens");
    let (_, grant) = issued(&design);
    let part = DecisionPart::open(&design);
    let mut sampled = Vec::new();
    let before = resident();
    for number in 0..ENTRIES {
        let signed_in = runtime.block_on(lab.login(USER.0, USER.1, &sender()));
        let token = signed_in.expect("the demo user signs in").access_token;
        part.insert(&request(&token), grant)
            .expect("a token is there");
        if number % 1_000 == 0 {
            sampled.push(token);
        }
    }
    let grown = resident() - before;
    let found = sampled
        .iter()
        .filter(|token| matches!(part.get(&request(token)), Ok(Some(_))));
    let (found, length) = (found.count(), sampled.first().map_or(0, String::len));
    say(&format!(
        "{store} {form}: {:.0} bytes a decision ({:.0} MiB for {ENTRIES}, tokens of {length} bytes; {found} of 1000 sampled are there)",
        grown / ENTRIES as f64,
        grown / MIB,
    ));
}

fn passing(store: CacheStore, form: CacheForm) {
    let design = design(store, form, KEPT, CacheKey::Sender);
    let (mut token, grant) = issued(&design);
    let signed = token.rfind('.').map_or(0, |dot| dot + 1);
    let part = DecisionPart::open(&design);
    let mut line =
        format!("{store} {form}: {KEPT} kept, MiB after each million of new tokens and addresses:");
    for number in 0..PASSING {
        numbered(&mut token, signed, number);
        let target = format!("/items/?page={number}");
        let asked = authlab_server::Request {
            target: &target,
            ..request(&token)
        };
        part.insert(&asked, grant).expect("a token is there");
        if (number + 1) % (PASSING / 10) == 0 {
            let _ = write!(line, " {:.1}", resident() / MIB);
        }
    }
    say(&line);
}

fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// The process's resident memory, in bytes.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.trim().parse::<f64>().ok())
        .expect("in kB")
        * 1024.0
}

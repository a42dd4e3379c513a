//! What guessing a stolen password hash costs on this machine: `make passwords`. For each hash a line of four columns, apart
//! by tabs: its name, the guesses a second of all cores at once (the median of seven blocks, then the least and the most),
//! and the guesses a second of one core alone. Each guess is a check of the server's own code, which is what a defender pays;
//! an attacker's programs on this processor are faster by what they can do for many guesses at once, and other hardware is.

use std::hint::black_box;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use authlab_server::parts::PasswordPart;
use authlab_server::{Design, PasswordKind};

/// The server's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BLOCKS: usize = 7;
/// Long enough for three guesses of the slowest hash.
const BLOCK: Duration = Duration::from_millis(1_500);

/// The variants of scenarios/hash-choice.toml.
fn designs() -> Vec<(&'static str, Design)> {
    let bcrypt = [
        ("bcrypt-12", 12),
        ("bcrypt-10", 10),
        ("bcrypt-8", 8),
        ("bcrypt-4", 4),
    ]
    .map(|(name, bcrypt_cost)| {
        let design = Design {
            password: PasswordKind::Bcrypt,
            bcrypt_cost,
            ..Design::default()
        };
        (name, design)
    });
    let others = PasswordKind::ALL.iter().copied();
    let others = others.filter(|kind| *kind != PasswordKind::Bcrypt);
    let others = others.map(|password| {
        let design = Design {
            password,
            ..Design::default()
        };
        (password.label(), design)
    });
    bcrypt.into_iter().chain(others).collect()
}

fn main() {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    for (name, design) in designs() {
        let part = PasswordPart::open(&design).expect("its usual cost is accepted");
        let stored = part
            .hash(b"password123")
            .expect("short enough for each hash");
        let one = per_second(&part, &stored, 1, BLOCK);
        let mut all: Vec<f64> = (0..BLOCKS)
            .map(|_| per_second(&part, &stored, cores, BLOCK))
            .collect();
        all.sort_by(f64::total_cmp);
        let [least, median, most] = [0, BLOCKS / 2, BLOCKS - 1].map(|place| all[place]);
        println!("{name}\t{median}\t{least}\t{most}\t{one}");
    }
}

/// The guesses a second of so many threads. Each thread's rate is that of its whole guesses over its own time.
fn per_second(part: &PasswordPart, stored: &str, threads: usize, time: Duration) -> f64 {
    let is_over = AtomicBool::new(false);
    let guesses = &|first: u64| {
        let (begun, mut made) = (Instant::now(), 0_u64);
        while !is_over.load(Ordering::Relaxed) {
            made += 1;
            // Eight digits, other ones for each thread.
            let guess = (first + made).to_string();
            let passed = part.verify(black_box(stored), guess.as_bytes());
            assert!(!black_box(passed), "{guess} is not the password");
        }
        made as f64 / begun.elapsed().as_secs_f64()
    };
    thread::scope(|scope| {
        let guessing: Vec<_> = (1..=threads as u64)
            .map(|thread| scope.spawn(move || guesses(thread * 10_000_000)))
            .collect();
        thread::sleep(time);
        is_over.store(true, Ordering::Relaxed);
        let rates = guessing
            .into_iter()
            .map(|thread| thread.join().expect("it guesses"));
        rates.sum()
    })
}

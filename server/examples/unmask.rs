//! What the unsalted MD5 of an IPv4 address hides: nothing, for long. Hashes every address until the one whose digest was
//! given is found: `cargo run --release --example unmask -- DIGEST`; without a digest, all of them, for the time alone.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

use md5::{Digest as _, Md5};

/// Blocks of 256 addresses.
const BLOCKS: u32 = 1 << 24;

fn main() -> ExitCode {
    let text = std::env::args().nth(1);
    let wanted = text.as_deref().and_then(digest);
    if let (Some(text), None) = (&text, wanted) {
        eprintln!("`{text}` is no MD5 digest; accepted: 32 hexadecimal digits");
        return ExitCode::from(2);
    }
    let (next, found) = (AtomicU32::new(0), AtomicBool::new(false));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let begun = Instant::now();
    let tried: u64 = std::thread::scope(|scope| {
        let searching: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| search(wanted, &next, &found)))
            .collect();
        let tried = searching
            .into_iter()
            .map(|thread| thread.join().unwrap_or(0));
        tried.sum()
    });
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{tried} addresses in {seconds:.1} s on {threads} threads: {:.1} million a second",
        tried as f64 / seconds / 1e6
    );
    ExitCode::SUCCESS
}

/// Hashes blocks of 256 addresses until none is left or the wanted one is found: how many were tried.
fn search(wanted: Option<[u8; 16]>, next: &AtomicU32, found: &AtomicBool) -> u64 {
    let last: Vec<String> = (0..=255_u8).map(|number| number.to_string()).collect();
    let mut tried = 0;
    while !found.load(Ordering::Relaxed) {
        let block = next.fetch_add(1, Ordering::Relaxed);
        if block >= BLOCKS {
            break;
        }
        let [_, a, b, c] = block.to_be_bytes();
        let mut text = [0; 15];
        let mut rest = text.as_mut_slice();
        // Three numbers and their dots fit.
        let _ = write!(rest, "{a}.{b}.{c}.");
        let length = 15 - rest.len();
        for number in &last {
            let end = length + number.len();
            text[length..end].copy_from_slice(number.as_bytes());
            let digest: [u8; 16] = Md5::digest(&text[..end]).into();
            if Some(std::hint::black_box(digest)) == wanted {
                println!("{}", String::from_utf8_lossy(&text[..end]));
                found.store(true, Ordering::Relaxed);
            }
        }
        tried += 256;
    }
    tried
}

fn digest(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    if text.len() != 32 || !text.bytes().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

//! All micro-benchmarks: `axes` times each part alone, `requests` whole requests, `worth` what a cache saves of them.
//!
//! Ids are made of the labels that flags, scenarios and reports use. What a benchmark needs is made when it runs: a
//! duel of two binaries starts each of them hundreds of times, for one benchmark.

#![allow(
    missing_docs,
    reason = "criterion's macros make undocumented functions"
)]

mod axes;
mod requests;
mod worth;

/// The server's allocator, so that an allocation costs here what it costs there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mut criterion = criterion::Criterion::default().configure_from_args();
    axes::all(&mut criterion);
    requests::all(&mut criterion);
    worth::all(&mut criterion);
    criterion.final_summary();
}

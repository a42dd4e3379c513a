//! Instructions of whole requests, counted by callgrind through gungraun: `make exact`.

#![allow(missing_docs, reason = "gungraun's macros make undocumented functions")]

use authlab_bench::exact::{Case, Path, Ready};
use gungraun::Callgrind;
use gungraun::prelude::*;

/// The server's allocator, so that an allocation costs here what it costs there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[library_benchmark(setup = Case::ready)]
#[benches::case(iter = Path::Hit.cases())]
fn authorize_hit(ready: Ready) -> Ready {
    counted(ready)
}

#[library_benchmark(setup = Case::ready)]
#[benches::case(iter = Path::Verified.cases())]
fn authorize_verified(ready: Ready) -> Ready {
    counted(ready)
}

#[library_benchmark(setup = Case::ready)]
#[benches::case(iter = Path::Login.cases())]
fn login(ready: Ready) -> Ready {
    counted(ready)
}

/// What is given back is dropped outside of what is counted.
#[inline]
fn counted(ready: Ready) -> Ready {
    ready.counted();
    ready
}

library_benchmark_group!(
    name = requests,
    benchmarks = [authorize_hit, authorize_verified, login]
);

main!(
    // Instructions alone: caches are a processor's.
    config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"])),
    library_benchmark_groups = requests
);

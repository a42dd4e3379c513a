//! Allocations of whole requests, counted by an allocator that does nothing else: `make exact`. A line of JSON a case,
//! under the names that `benches/exact.rs` counts their instructions by.
//!
//! What C code allocates for itself (the library that signs) does not pass a Rust allocator and is not seen.

use allocation_counter::AllocationInfo;
use authlab_bench::exact::{Case, Path};

/// A machine that stands still for a moment makes a cache keep its books in passing: the least is the request's own.
const PASSES: usize = 3;

fn main() {
    for path in Path::ALL {
        for (number, case) in path.cases().into_iter().enumerate() {
            let (label, name, requests) = (path.label(), &case.name, case.requests);
            let counted = (0..PASSES).map(|_| count(case.clone()));
            let least = counted.min_by_key(|counted| (counted.count_total, counted.bytes_total));
            let AllocationInfo {
                count_total: allocations,
                bytes_total: bytes,
                ..
            } = least.unwrap_or_default();
            println!(
                "{{\"path\":\"{label}\",\"number\":{number},\"name\":\"{name}\",\"requests\":{requests},\
                 \"allocations\":{allocations},\"bytes\":{bytes}}}"
            );
        }
    }
}

fn count(case: Case) -> AllocationInfo {
    let ready = case.ready();
    allocation_counter::measure(|| ready.counted())
}

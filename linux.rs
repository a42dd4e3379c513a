//! Ends the build with one sentence where the target is not Linux. A `compile_error!` would be followed by every import that
//! another system does not have; a build script runs before its crate is compiled.

fn main() {
    println!("cargo::rerun-if-changed=../linux.rs");
    let system = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if system != "linux" {
        println!(
            "cargo::error=authlab runs on Linux only (x86-64, aarch64): it measures with /proc, CPU affinity and child \
             subreapers. Build it in a Linux machine, container or virtual machine, not for {system}."
        );
    }
}

#!/usr/bin/env bash
# The same source linked with its functions in another order, so often: layouts.sh N. Prints the binaries.
# Only the order differs: rust-lld shuffles the sections of one and the same code by a seed.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p target/layouts
for seed in $(seq 1 "$1"); do
    binary=target/layouts/authlab-$seed
    cargo rustc --quiet --profile layout --bin authlab -- -C "link-arg=-Wl,--shuffle-sections=.text*=$seed" >&2
    cp target/layout/authlab "$binary"
    echo "$binary"
done

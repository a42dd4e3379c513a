#!/usr/bin/env bash
# Changes that make the reference server slower, and one that does not, each against the sources as they
# are: what the exact channel, a duel of the benchmarks and a duel of the servers say. `make regressions`.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD place=$PWD/target/regressions
authlab=$root/target/release/authlab
mkdir -p "$place"
# One target folder for all: only the server is built again.
export CARGO_TARGET_DIR=$place/target

build() { # NAME: builds the worktree at $place/tree, keeps its binaries
    (cd "$place/tree" && cargo build --quiet --release --workspace --bin authlab --bench lab)
    cp "$CARGO_TARGET_DIR/release/authlab" "$place/$1.authlab"
    bench=$(ls -t "$CARGO_TARGET_DIR"/release/deps/lab-* | grep -v '\.d$' | head -n 1)
    cp "$bench" "$place/$1.bench"
}

git worktree prune
rm -rf "$place/tree"
git worktree add --quiet --force --detach "$place/tree" HEAD
trap 'git worktree remove --force "$place/tree"' EXIT
build base
serve="serve --listen 127.0.0.1:{port} --password sha256 --binding sha256 --cache decision --threads 1"
for patch in "$root"/bench/regressions/*.patch; do
    name=$(basename "$patch" .patch)
    git -C "$place/tree" apply "$patch"
    build "$name"
    (cd "$place/tree" && "$authlab" exact --against "$root/bench/exact.json" authorize) >"$place/$name.exact" 2>&1 || true
    git -C "$place/tree" checkout --quiet .
done
unset CARGO_TARGET_DIR
for patch in "$root"/bench/regressions/*.patch; do
    name=$(basename "$patch" .patch)
    echo "=== $name"
    echo "--- exact channel"
    grep -v '^$' "$place/$name.exact"
    echo "--- duel of the benchmarks"
    "$authlab" duel --bench "$place/base.bench" "$place/$name.bench" 'authorize-hit/cache-key=route' || true
    echo "--- duel of the servers"
    "$authlab" duel bench/regressions/hit.toml --base "$place/base.authlab $serve" --head "$place/$name.authlab $serve" \
        --base-name base --head-name "$name" --instructions --runs "$place/runs" || true
done

#!/usr/bin/env bash
# Changes that make the reference server slower, and one that does not, each against the sources as they
# are: what the exact channel, a duel of the benchmarks and a duel of the servers say. `make regressions`;
# `run.sh build` only builds them, so that the duels can be fought on a quiet machine later: `run.sh fight`.
# Names after either choose among the patches: `refactor` changes no more than names and places, `rewrite` says the
# same in other words, of which the compiler makes 17 instructions more.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD place=$PWD/target/regressions
authlab=$root/target/release/authlab
verb=${1:-all}
shift || true
patches=()
for name in "${@:-*}"; do
    patches+=("$root"/bench/regressions/$name.patch)
done
serve="serve --listen 127.0.0.1:{port} --password sha256 --binding sha256 --cache decision --threads 1"

keep() { # NAME: builds the worktree at $place/tree and keeps its binaries
    # Without link-time optimization only the server and what uses it are compiled again.
    (cd "$place/tree" && cargo build --quiet --profile layout --workspace --bin authlab --bench lab --message-format json) |
        grep -o '"executable":"[^"]*"' | cut -d '"' -f 4 >"$place/built"
    cp "$(grep '/authlab$' "$place/built")" "$place/$1.authlab"
    cp "$(grep '/lab-' "$place/built")" "$place/$1.bench"
}

build() {
    mkdir -p "$place"
    # One target folder for all, and the same paths: the code differs by the patch alone.
    export CARGO_TARGET_DIR=$place/target
    git worktree prune
    rm -rf "$place/tree"
    git worktree add --quiet --force --detach "$place/tree" HEAD
    keep base
    for patch in "${patches[@]}"; do
        name=$(basename "$patch" .patch)
        git -C "$place/tree" apply "$patch"
        keep "$name"
        (cd "$place/tree" && "$authlab" prove exact --against "$root/bench/exact.json") >"$place/$name.exact" 2>&1 || true
        git -C "$place/tree" checkout --quiet .
    done
    git worktree remove --force "$place/tree"
    unset CARGO_TARGET_DIR
}

fight() {
    for patch in "${patches[@]}"; do
        name=$(basename "$patch" .patch)
        echo "=== $name: the exact channel"
        cat "$place/$name.exact"
        echo "=== $name: duel of the benchmarks"
        "$authlab" duel --bench "$place/base.bench" "$place/$name.bench" '^authorize-hit/cache-key=route$' || true
        if [ "$name" = lock ]; then
            # Alone a lock costs 4 ns: it is for several threads that it is wrong.
            "$authlab" duel --all-cores --bench "$place/base.bench" "$place/$name.bench" '^cache/quick/hit/1000/all-threads$' || true
        fi
        echo "=== $name: duel of the servers"
        "$authlab" duel bench/regressions/hit.toml --base "$place/base.authlab $serve" \
            --head "$place/$name.authlab $serve" --head-name "$name" --instructions --runs "$place/runs" || true
    done
}

case $verb in
    build) build ;;
    fight) fight ;;
    all) build && fight ;;
    *) echo "run.sh [build|fight [PATCH…]]" >&2; exit 2 ;;
esac

#!/usr/bin/env bash
# Faults of forward authorization that the reference server once had, put back one at a time: what `authlab check` says of
# nginx in front of each, without being told of the fault. `make check-regressions`; names choose among the patches.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD here=$PWD/check/regressions place=$PWD/target/check-regressions
mkdir -p "$place"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$place/target}
started=()
trap 'ended; git -C "$root" worktree remove --force "$place/tree"' EXIT

ended() {
    [ ${#started[@]} = 0 ] || { kill "${started[@]}" && wait "${started[@]}"; } 2>/dev/null || true
    started=()
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

until_so() { # COMMAND: waits until it succeeds, for a minute at most
    for _ in $(seq 600); do
        if "$@" 2>/dev/null; then return; fi
        sleep 0.1
    done
    echo "waited in vain for: $*" >&2
    exit 1
}

is_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1"); }

check() { # NAME: checks nginx in front of the server NAME, and adds a row to the table
    local folder=$place/$1 gate upstream address code=0 expected=1
    rm -rf "$folder" && mkdir -p "$folder"
    gate=$(free_port) upstream=$(free_port)
    "$place/$1.authlab" serve --listen 127.0.0.1:0 --password sha256 --binding sha256 --cache decision \
        --trusted-proxy ::ffff:127.0.0.1 --routes "$here/routes.toml" >"$folder/serve.out" 2>"$folder/serve.err" &
    started+=($!)
    until_so grep -q listening "$folder/serve.out"
    address=$(sed -n '1s/.*:\/\///p' "$folder/serve.out")
    # What the gate may keep by HTTP's own rules it keeps.
    sed "s/GATE/$gate/; s/UPSTREAM/$upstream/; s/AUTHLAB/$address/; s/\(CACHE\|KEPT\)$/proxy_cache answers; proxy_cache_valid 200 204 1m;/" \
        "$here/nginx.conf" >"$folder/nginx.conf"
    nginx -p "$folder" -c "$folder/nginx.conf" 2>"$folder/nginx.err" &
    started+=($!)
    until_so is_open "$gate"
    sed "s/127.0.0.1:8088/127.0.0.1:$gate/; s/127.0.0.1:8080/$address/" "$here/contract.toml" >"$folder/contract.toml"
    case $1 in
    base) expected=0 ;;
    # nginx answers a request without exactly one Host itself: the server's own answer is checked.
    host) sed "s/127.0.0.1:8080/$address/" "$root/check/contracts/authlab.toml" >"$folder/contract.toml" ;;
    esac
    echo "=== $1"
    "$place/base.authlab" check "$folder/contract.toml" --seed 3 --rate 1000 --json "$folder/check.json" || code=$?
    ended
    [ "$code" = "$expected" ] || { echo "$1 ended with $code; expected $expected" >&2; exit 1; }
    python3 - "$1" "$folder/check.json" >>"$place/table.txt" <<'ROW'
import json, sys
name, file = sys.argv[1:]
for violation in json.load(open(file))["violations"]:
    seen = violation["first_seen"]
    when = "after %d requests, %.1f s" % (seen["requests"], seen["elapsed_s"])
    print(name, violation["kind"], when, "shown by %d requests" % violation["requests"], violation["sentence"], sep=" · ")
ROW
}

keep() { # NAME
    (cd "$place/tree" && cargo build --quiet --workspace --bin authlab)
    cp "$CARGO_TARGET_DIR/debug/authlab" "$place/$1.authlab"
}

git worktree prune
rm -rf "$place/tree" "$place/table.txt"
git worktree add --quiet --force --detach "$place/tree" HEAD
keep base
check base
for chosen in "${@:-*}"; do
    for patch in "$here"/$chosen.patch; do
        name=$(basename "$patch" .patch)
        git -C "$place/tree" apply "$patch"
        keep "$name"
        git -C "$place/tree" checkout --quiet .
        check "$name"
        rm "$place/$name.authlab"
    done
done
cat "$place/table.txt"

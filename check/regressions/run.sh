#!/usr/bin/env bash
# Faults of forward authorization that the reference server once had, put back one at a time: what `authlab check` says of
# nginx in front of each, without being told of the fault. `make check-regressions`; names choose among the patches.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD here=$PWD/check/regressions place=$PWD/target/check-regressions
mkdir -p "$place"
export CARGO_TARGET_DIR=$place/target

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

check() { # NAME CODE: checks nginx in front of the server NAME, whose check ends with CODE
    local folder=$place/$1 gate upstream server address code=0
    rm -rf "$folder" && mkdir -p "$folder"
    gate=$(free_port) upstream=$(free_port)
    "$place/$1.authlab" serve --listen 127.0.0.1:0 --password sha256 --binding sha256 --cache decision \
        --trusted-proxy 127.0.0.1 --routes "$here/routes.toml" >"$folder/serve.out" 2>"$folder/serve.err" &
    server=$!
    until grep -q listening "$folder/serve.out"; do sleep 0.1; done
    address=$(sed -n '1s/.*:\/\///p' "$folder/serve.out")
    sed "s/GATE/$gate/; s/UPSTREAM/$upstream/; s/AUTHLAB/$address/; s/CACHE$//" "$here/nginx.conf" >"$folder/nginx.conf"
    nginx -p "$folder" -c "$folder/nginx.conf" 2>"$folder/nginx.err" &
    local nginx=$!
    until (exec 3<>"/dev/tcp/127.0.0.1/$gate") 2>/dev/null; do sleep 0.1; done
    sed "s/127.0.0.1:8088/127.0.0.1:$gate/; s/127.0.0.1:8080/$address/" "$here/contract.toml" >"$folder/contract.toml"
    echo "=== $1"
    "$place/base.authlab" check "$folder/contract.toml" --seed 3 --rate 1000 || code=$?
    kill "$nginx" "$server"
    wait "$nginx" "$server" || true
    [ "$code" = "$2" ] || { echo "$1 ended with $code; expected $2" >&2; exit 1; }
}

git worktree prune
rm -rf "$place/tree"
git worktree add --quiet --force --detach "$place/tree" HEAD
trap 'git -C "$root" worktree remove --force "$place/tree"' EXIT
keep() { # NAME
    (cd "$place/tree" && cargo build --quiet --bin authlab)
    cp "$CARGO_TARGET_DIR/debug/authlab" "$place/$1.authlab"
}
keep base
check base 0
for name in "${@:-*}"; do
    for patch in "$here"/$name.patch; do
        git -C "$place/tree" apply "$patch"
        keep "$(basename "$patch" .patch)"
        git -C "$place/tree" checkout --quiet .
        check "$(basename "$patch" .patch)" 1
    done
done

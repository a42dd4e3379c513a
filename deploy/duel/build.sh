#!/usr/bin/env bash
# Checks out and builds both sides of a duel, each in a folder of its own: build.sh BASE FOLDER COMMAND
# The head is what is checked out here. A side's build runs in its folder. Where there is nothing to compare with (the first
# push of a branch, a base that was deleted), it says so, leaves FOLDER/no-base, and succeeds.
set -euo pipefail
base=$1 folder=$2 build=$3
[ -n "$base" ] || { echo "no base commit: give the input \`base\`" >&2; exit 2; }
mkdir -p "$folder"
rm -f "$folder/no-base"
without() {
    echo "$1" | tee "$folder/no-base" >&2
    exit 0
}
# What GitHub calls the commit before the first.
[ -n "${base//0/}" ] || without "nothing to compare with: this is the first push of its branch"
# A shallow clone may not have it yet.
git cat-file -e "$base^{commit}" 2>/dev/null || git fetch --quiet --depth 1 origin "$base" ||
    without "nothing to compare with: the base commit $base is not in the repository any more"
for side in base head; do
    commit=$([ "$side" = base ] && echo "$base" || echo HEAD)
    rm -rf "${folder:?}/$side"
    git worktree prune
    git worktree add --quiet --force --detach "$folder/$side" "$commit"
    [ ! -e "$folder/$side/.gitmodules" ] || git -C "$folder/$side" submodule --quiet update --init --recursive --depth 1
    (cd "$folder/$side" && bash -euo pipefail -c "$build")
done

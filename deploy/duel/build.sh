#!/usr/bin/env bash
# Checks out and builds both sides of a duel, each in a folder of its own: build.sh BASE FOLDER COMMAND
# The head is what is checked out here. A side's build runs in its folder.
set -euo pipefail
base=$1 folder=$2 build=$3
[ -n "$base" ] || { echo "no base commit: give the input \`base\`" >&2; exit 2; }
mkdir -p "$folder"
# A shallow clone may not have it yet.
git cat-file -e "$base^{commit}" 2>/dev/null || git fetch --quiet --depth 1 origin "$base"
for side in base head; do
    commit=$([ "$side" = base ] && echo "$base" || echo HEAD)
    rm -rf "${folder:?}/$side"
    git worktree prune
    git worktree add --quiet --force --detach "$folder/$side" "$commit"
    (cd "$folder/$side" && bash -euo pipefail -c "$build")
done

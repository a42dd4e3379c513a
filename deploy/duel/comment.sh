#!/usr/bin/env bash
# One comment on a pull request that each duel writes anew: comment.sh OUT
# From the environment: GH_TOKEN, REPOSITORY (owner/name), PULL_REQUEST (its number), NAME (of this duel among several).
# A token that may not write, as that of a pull request from a fork, is no failure: the job's summary has the same text.
set -uo pipefail
out=$1
[ -n "${PULL_REQUEST:-}" ] && [ -s "$out/duel.md" ] || exit 0
marker="<!-- authlab duel ${NAME:-} -->"
body="$out/comment.md"
{ echo "$marker" && cat "$out/duel.md"; } >"$body"
comments="repos/$REPOSITORY/issues/$PULL_REQUEST/comments"
before=$(MARKER=$marker gh api --paginate "$comments" --jq '.[] | select(.body | startswith(env.MARKER)) | .id' | head -n 1) || before=
if [ -n "$before" ]; then
    gh api --silent --method PATCH "repos/$REPOSITORY/issues/comments/$before" -F "body=@$body"
else
    gh api --silent --method POST "$comments" -F "body=@$body"
fi || echo "::notice title=authlab duel::no comment: the token may not write to the pull request (permission pull-requests: write)"

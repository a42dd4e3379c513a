#!/usr/bin/env bash
# Fights the duel of two built sides and posts its summary: run.sh SIDES OUT
# From the environment: AUTHLAB, COMMAND ({side} becomes the side's folder), GET or SCENARIO, ARGUMENTS, BASE_NAME, HEAD_NAME.
set -uo pipefail
sides=$1 out=$2
asked=(--get "${GET:-/}")
[ -z "${SCENARIO:-}" ] || asked=("$sides/head/$SCENARIO")
# Words, as typed in a workflow.
read -r -a more <<<"${ARGUMENTS:-}"
mkdir -p "$out"
"${AUTHLAB:-authlab}" duel "${asked[@]}" \
    --base "${COMMAND//\{side\}/$sides/base}" --head "${COMMAND//\{side\}/$sides/head}" \
    --base-name "${BASE_NAME:-base}" --head-name "${HEAD_NAME:-head}" \
    --runs "$out/runs" --out "$out" ${more[@]+"${more[@]}"}
code=$?
[ -z "${GITHUB_STEP_SUMMARY:-}" ] || [ ! -e "$out/duel.md" ] || cat "$out/duel.md" >>"$GITHUB_STEP_SUMMARY"
if [ -n "${GITHUB_OUTPUT:-}" ]; then
    case $code in 0) outcome=ok ;; 1) outcome=limit-broken ;; 3) outcome=inconclusive ;; *) outcome=bad-input ;; esac
    echo "outcome=$outcome" >>"$GITHUB_OUTPUT"
fi
exit "$code"

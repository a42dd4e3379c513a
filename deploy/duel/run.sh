#!/usr/bin/env bash
# Runs the duel of two built sides and posts its summary: run.sh SIDES OUT
# From the environment: AUTHLAB, COMMAND ({side} becomes the side's folder), GET or SCENARIO, ARGUMENTS (words, quoted as in a
# shell), INCONCLUSIVE (neutral: a warning and 0; pass: 0; fail: 1; else the duel's own 3), BASE_NAME, HEAD_NAME.
set -uo pipefail
sides=$1 out=$2
inconclusive=${INCONCLUSIVE:-}
case $inconclusive in
'' | neutral | pass | fail) ;;
*)
    echo "inconclusive: \`$inconclusive\` is none of neutral, pass, fail" >&2
    exit 2
    ;;
esac

# A line on the pull request's page: annotate KIND TEXT
annotate() {
    [ -z "${GITHUB_ACTIONS:-}" ] || echo "::$1 title=authlab duel::$2"
}

# The end of the job: finish OUTCOME EXIT_CODE TEXT
finish() {
    [ -z "${GITHUB_OUTPUT:-}" ] || echo "outcome=$1" >>"$GITHUB_OUTPUT"
    case $1:$inconclusive in
    slower:*) annotate error "$3" ;;
    inconclusive:neutral)
        annotate warning "$3"
        exit 0
        ;;
    inconclusive:pass) exit 0 ;;
    inconclusive:fail)
        annotate error "$3"
        exit 1
        ;;
    inconclusive:*) annotate warning "$3" ;;
    failed:*) annotate error "$3" ;;
    *) annotate notice "$3" ;;
    esac
    exit "$2"
}

mkdir -p "$out"
# Of an earlier duel in the same folder.
rm -f "$out/duel.txt" "$out/duel.md"
if [ -e "$sides/no-base" ]; then
    why=$(cat "$sides/no-base")
    echo "$why" >&2
    [ -z "${GITHUB_STEP_SUMMARY:-}" ] || echo "**authlab duel**: $why" >>"$GITHUB_STEP_SUMMARY"
    echo "$why" >"$out/duel.md"
    finish inconclusive 3 "$why"
fi

asked=(--get "${GET:-/}")
[ -z "${SCENARIO:-}" ] || asked=("$sides/head/$SCENARIO")
# Words as a shell splits them, with nothing expanded: xargs knows quotes and backslashes.
more=()
if [ -n "${ARGUMENTS:-}" ]; then
    words=$(tr '\n' ' ' <<<"$ARGUMENTS" | xargs -n 1 printf '%s\n') || {
        # Not with what was given: a header may hold a credential.
        echo "arguments: cannot be split into words: is a quote not closed?" >&2
        finish failed 2 "the input \`arguments\` cannot be split into words"
    }
    mapfile -t more <<<"$words"
fi
"${AUTHLAB:-authlab}" duel "${asked[@]}" \
    --base "${COMMAND//\{side\}/$sides/base}" --head "${COMMAND//\{side\}/$sides/head}" \
    --base-name "${BASE_NAME:-base}" --head-name "${HEAD_NAME:-head}" \
    --runs "$out/runs" --out "$out" ${more[@]+"${more[@]}"}
code=$?
[ -z "${GITHUB_STEP_SUMMARY:-}" ] || [ ! -e "$out/duel.md" ] || cat "$out/duel.md" >>"$GITHUB_STEP_SUMMARY"
# The verdict as the duel's own last line has it; `--inconclusive pass` among the arguments changes the code, not the word.
verdict=$(sed -n 's/^exit [0-9]*, \([a-z ]*[a-z]\).*/\1/p' "$out/duel.txt" 2>/dev/null | tail -n 1)
case $code:$verdict in
1:slower) finish slower 1 "slower: see the job's summary" ;;
0:faster) finish faster 0 "faster: see the job's summary" ;;
0:"no change") finish no-change 0 "no change" ;;
3:* | *:inconclusive | *:"not valid") finish inconclusive "$code" "inconclusive: the duel could not decide; see the job's summary" ;;
*) finish failed "$code" "the duel could not be run (exit $code): see the job's log" ;;
esac

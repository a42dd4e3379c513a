#!/usr/bin/env bash
# An access log of 100 000 lines that nginx wrote, replayed against nginx: what was planned, what was
# achieved, and the gaps between requests as nginx saw them both times. `make replay`
set -euo pipefail
cd "$(dirname "$0")/../.."
place=target/replay lines=100000
rm -rf "$place" && mkdir -p "$place"
authlab() { target/release/authlab run "bench/replay/$1.toml" --quiet --runs "$place/runs" --seed 7 >/dev/null || [ $? -eq 3 ]; }
authlab record
# What warmed up comes first.
tail -n $lines "$place/recorded.log" >"$place/access.log"
authlab replay
python3 bench/replay/compare.py "$place/access.log" "$place/replayed.log" "$place"/runs/*-replay/run.json

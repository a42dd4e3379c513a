"""Holds a replay against its log: compare.py LOG LOG_OF_THE_REPLAY RUN_JSON; exit 1 where it is not what it should be."""

import json
import sys


def read(path):
    with open(path) as lines:
        return [json.loads(line) for line in lines]


def gaps(log):
    times = sorted(round(line["time"] * 1000) for line in log)
    return times[-1] - times[0], sorted(b - a for a, b in zip(times, times[1:]))


log, again, run = read(sys.argv[1]), read(sys.argv[2]), json.load(open(sys.argv[3]))
span, recorded = gaps(log)
rate = len(log) / span * 1e3
good = True


def row(name, values):
    picked = [values[min(len(values) - 1, int(q * len(values)))] for q in (0.5, 0.9, 0.99, 0.999, 1)]
    print(f"{name:<10}" + "".join(f"{value:>8}" for value in picked))


print(f"log       {len(log)} lines in {span / 1e3:.3f} s, {rate:.1f}/s, {len({line['subject'] for line in log})} subjects")
print(f"run       {run['validity']['verdict']} {'; '.join(run['validity']['reasons'])}")
print("gaps, ms  " + "".join(f"{name:>8}" for name in ("p50", "p90", "p99", "p99.9", "max")))
row("log", recorded)
for number, slice in enumerate(run["slices"]):
    # What warmed up comes first.
    first = len(again) - (len(run["slices"]) - number) * len(log)
    part = again[first : first + len(log)]
    row(f"replay {number + 1}", gaps(part)[1])
    achieved = slice["ok"] / slice["length_ns"] * 1e9
    same = sorted(line["path"] for line in log) == sorted(line["path"] for line in part)
    print(
        f"          planned {slice['planned']}, answered {slice['ok']}, failed {sum(slice['failed'].values())}, {slice['length_ns'] / 1e9:.3f} s:"
        f" {achieved:.1f}/s, {achieved / rate - 1:+.3%} of the log's; requests {'the same' if same else 'NOT the same'}"
    )
    good &= slice["planned"] == slice["ok"] == len(log) and abs(achieved / rate - 1) < 0.005 and same
sys.exit(not good)

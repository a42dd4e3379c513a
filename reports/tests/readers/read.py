"""Every interval of a log, as PyPI hdrhistogram reads it: one JSON object a line."""
import json
import math
import sys

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

reader = HistogramLogReader(sys.argv[1], HdrHistogram(1, 3_600_000_000_000, 3))
while (histogram := reader.get_next_interval_histogram()) is not None:
    count = histogram.get_total_count()

    def at(percentile):
        # This library rounds the rank to the nearest; HdrHistogram (Java, JavaScript, Rust) rounds
        # it up. Asked for the rank itself, it has nothing to round.
        rank = max(1, math.ceil(percentile / 100 * count - 1e-9))
        return histogram.get_value_at_percentile(100 * rank / count)

    print(json.dumps({
        "tag": histogram.get_tag(),
        "start_ms": round(histogram.get_start_time_stamp()),
        "count": count,
        "max": histogram.get_max_value(),
        "percentiles": [at(percentile) for percentile in (50, 99, 99.9)],
        "plain": [histogram.get_value_at_percentile(percentile) for percentile in (50, 99, 99.9)],
    }))

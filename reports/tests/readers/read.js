// Every interval of a log, as npm hdr-histogram-js reads it: one JSON object a line.
const fs = require("fs");
const hdr = require(process.argv[3] + "/node_modules/hdr-histogram-js");

const reader = new hdr.HistogramLogReader(fs.readFileSync(process.argv[2], "utf8"));
for (let histogram; (histogram = reader.nextIntervalHistogram()) !== null; ) {
  const percentiles = [50, 99, 99.9].map((percentile) => histogram.getValueAtPercentile(percentile));
  console.log(JSON.stringify({
    tag: histogram.tag,
    start_ms: Math.round(histogram.startTimeStampMsec),
    count: histogram.totalCount,
    max: histogram.maxValue,
    percentiles,
    plain: percentiles,
  }));
}

//! `.hgrm`: a percentile distribution in the four columns of `HdrHistogram`'s
//! `outputPercentileDistribution`, as hdr-plot and `plotFiles.html` read it.
//!
//! Values are milliseconds, the unit both tools label by default, with six decimals: nanoseconds.
//! Unlike `HdrHistogram`'s, the percentiles are one fixed ladder, so that rows of two files match.

use std::fmt::Write;

use hdrhistogram::Histogram;

use crate::percentiles;

const NS_PER_MS: f64 = 1e6;

/// The distribution of a histogram of nanoseconds, as text.
#[must_use]
pub fn distribution(recorded: &Histogram<u64>) -> String {
    let ladder = percentiles::fixed_ladder();
    let values = percentiles::values_at(recorded, &ladder);
    let mut text = format!(
        "{:>12} {:>14} {:>10} {:>14}\n\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    let mut row = |value: u64, percentile: f64, inverse: &str| {
        let below = if recorded.is_empty() {
            0
        } else {
            recorded.count_between(0, value)
        };
        // hdr-plot's pattern wants white space before the first column, however wide the value.
        let _ = writeln!(
            text,
            " {:>12.6} {:.12} {below:>10} {inverse:>14}",
            ms(value as f64),
            percentile / 100.0
        );
    };
    for (percentile, value) in ladder.into_iter().zip(values) {
        row(
            value,
            percentile,
            &format!("{:.2}", 1.0 / (1.0 - percentile / 100.0)),
        );
    }
    let max = if recorded.is_empty() {
        0
    } else {
        recorded.max()
    };
    row(max, 100.0, "inf");
    let (mean, deviation) = (ms(recorded.mean()), ms(recorded.stdev()));
    let _ = writeln!(
        text,
        "#[Mean    = {mean:>12.6}, StdDeviation   = {deviation:>12.6}]"
    );
    let _ = writeln!(
        text,
        "#[Max     = {:>12.6}, Total count    = {:>12}]",
        ms(max as f64),
        recorded.len()
    );
    let _ = writeln!(
        text,
        "#[Buckets = {:>12}, SubBuckets     = {:>12}]",
        recorded.buckets(),
        sub_buckets(recorded.sigfig())
    );
    text
}

fn ms(nanoseconds: f64) -> f64 {
    nanoseconds / NS_PER_MS
}

/// The power of two that resolves `digits` significant digits, as `HdrHistogram` chooses it.
fn sub_buckets(digits: u8) -> u64 {
    (2 * 10_u64.pow(digits.into())).next_power_of_two()
}

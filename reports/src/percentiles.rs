//! Figures of one histogram: the same rank rule and the same percentiles everywhere.

use hdrhistogram::Histogram;

use crate::run::{Figure, PERCENTILES};

/// Ticks within each halving of the distance to 100 %, as `HdrHistogram` prints by default.
const TICKS_PER_HALF_DISTANCE: u32 = 5;
/// Halvings of the fixed ladder: it ends at 1 − 2⁻²⁰, about 99.9999 %.
const HALVINGS: i32 = 20;
/// Percentiles that people ask for by name and the halvings pass by.
const NAMED: [f64; 5] = [90.0, 99.0, 99.9, 99.99, 99.999];

/// The figure of one step and metric.
#[must_use]
pub fn figure(
    variant: &str,
    load: &str,
    step: &str,
    metric: &str,
    recorded: &Histogram<u64>,
) -> Figure {
    let empty = recorded.is_empty();
    Figure {
        variant: variant.to_owned(),
        load: load.to_owned(),
        step: step.to_owned(),
        metric: metric.to_owned(),
        count: recorded.len(),
        min: if empty { 0 } else { recorded.min() },
        mean: recorded.mean(),
        max: if empty { 0 } else { recorded.max() },
        percentiles: values_at(recorded, PERCENTILES),
        curve: Vec::new(),
        buckets: Vec::new(),
    }
}

/// Values at percentiles, in their order, 0 for an empty histogram.
///
/// The rank is `ceil(p/100 · count)`, as in the Java and JavaScript implementations, guarded
/// against floating point: 99.9 % of 3 000 is rank 2 997, also where the product comes out a
/// hair above it.
#[must_use]
pub fn values_at(recorded: &Histogram<u64>, percentiles: &[f64]) -> Vec<u64> {
    let count = recorded.len() as f64;
    let mut values = vec![0; percentiles.len()];
    if recorded.is_empty() {
        return values;
    }
    // The histogram is walked once, upwards.
    let mut places: Vec<usize> = (0..percentiles.len()).collect();
    places.sort_by(|one, other| percentiles[*one].total_cmp(&percentiles[*other]));
    // Half a rank below the wanted one: the histogram rounds up to it, whatever the last bit says.
    let quantiles: Vec<f64> = places
        .iter()
        .map(|place| (rank(percentiles[*place], count) - 0.5) / count.max(1.0))
        .collect();
    for (place, value) in places
        .into_iter()
        .zip(recorded.value_at_quantiles(quantiles))
    {
        values[place] = value;
    }
    values
}

fn rank(percentile: f64, count: f64) -> f64 {
    let exact = percentile / 100.0 * count;
    (exact * (1.0 - 2.0 * f64::EPSILON))
        .ceil()
        .clamp(1.0, count.max(1.0))
}

/// The fixed ladder of percentiles, ascending, without 100: that of `.hgrm` files and of curves.
#[must_use]
pub fn fixed_ladder() -> Vec<f64> {
    let ticks = (0..HALVINGS).flat_map(|halving| {
        let remaining = 100.0 * 0.5_f64.powi(halving);
        (0..TICKS_PER_HALF_DISTANCE).map(move |tick| {
            100.0 - remaining
                + remaining / 2.0 * f64::from(tick) / f64::from(TICKS_PER_HALF_DISTANCE)
        })
    });
    let mut ladder: Vec<f64> = ticks.chain(NAMED).collect();
    ladder.sort_by(f64::total_cmp);
    ladder.dedup();
    ladder
}

/// The distribution for a chart: the fixed ladder as far as the samples carry it, then (100, max).
#[must_use]
pub fn curve(recorded: &Histogram<u64>) -> Vec<(f64, u64)> {
    if recorded.is_empty() {
        return Vec::new();
    }
    let samples = recorded.len() as f64;
    let ladder: Vec<f64> = fixed_ladder()
        .into_iter()
        .take_while(|p| 1.0 / (1.0 - p / 100.0) <= samples)
        .collect();
    let values = values_at(recorded, &ladder);
    ladder
        .into_iter()
        .zip(values)
        .chain([(100.0, recorded.max())])
        .collect()
}

/// Rows of a histogram that people read.
const BUCKETS: i32 = 12;

/// A histogram of few buckets, from the least value to the greatest, each as wide as the one before on a logarithmic
/// scale: (greatest value, samples). Their samples add up to all samples.
#[must_use]
pub fn buckets(recorded: &Histogram<u64>) -> Vec<(u64, u64)> {
    if recorded.is_empty() {
        return Vec::new();
    }
    let (least, most) = (recorded.min().max(1), recorded.max().max(1));
    let ratio = (most as f64 / least as f64).powf(1.0 / f64::from(BUCKETS));
    let mut bounds: Vec<u64> = (1..BUCKETS)
        .map(|place| (least as f64 * ratio.powi(place)) as u64)
        .chain([most])
        .collect();
    bounds.dedup();
    let mut buckets: Vec<(u64, u64)> = bounds.into_iter().map(|bound| (bound, 0)).collect();
    for value in recorded.iter_recorded() {
        let at = value.value_iterated_to();
        let place = buckets.partition_point(|(bound, _)| *bound < at);
        // The last value that is equivalent to the greatest one lies above it.
        let place = place.min(buckets.len() - 1);
        buckets[place].1 += value.count_at_value();
    }
    buckets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_that_is_whole_is_not_rounded_up_by_floating_point() {
        for thousands in 1..200_u64 {
            let count = (thousands * 1000) as f64;
            for (percentile, per_mille) in [
                (50.0, 500),
                (75.0, 750),
                (90.0, 900),
                (99.0, 990),
                (99.9, 999),
            ] {
                assert_eq!(
                    rank(percentile, count) as u64,
                    thousands * per_mille,
                    "{percentile} of {count}"
                );
            }
        }
    }

    #[test]
    fn values_are_those_of_the_sorted_samples_within_resolution() {
        let mut recorded = Histogram::<u64>::new(3).unwrap();
        for value in 1..=1000 {
            recorded.record(value).unwrap();
        }
        assert_eq!(
            values_at(&recorded, &[50.0, 75.0, 90.0, 99.0, 99.9, 99.99, 95.0]),
            [500, 750, 900, 990, 999, 1000, 950]
        );
    }

    #[test]
    fn buckets_hold_every_sample_once_and_are_as_wide_as_each_other_by_ratio() {
        let mut recorded = Histogram::<u64>::new(3).unwrap();
        recorded.record_n(1_000, 900).unwrap();
        recorded.record_n(50_000, 90).unwrap();
        recorded.record_n(4_096_000, 10).unwrap();
        let found = buckets(&recorded);
        assert_eq!(found.len(), 12);
        // A factor of two each.
        assert_eq!((found[0].0, found[0].1), (2_000, 900));
        assert_eq!(found[5].1, 90, "{found:?}");
        assert_eq!(found[11].1, 10);
        let all: u64 = found.iter().map(|(_, samples)| samples).sum();
        assert_eq!(all, 1_000);
        let mut one = Histogram::<u64>::new(3).unwrap();
        one.record_n(7, 3).unwrap();
        assert_eq!(buckets(&one), [(7, 3)]);
        assert!(buckets(&Histogram::<u64>::new(3).unwrap()).is_empty());
    }

    #[test]
    fn an_empty_histogram_has_zeroes_and_no_curve() {
        let empty = Histogram::<u64>::new(3).unwrap();
        assert_eq!(values_at(&empty, PERCENTILES), [0; PERCENTILES.len()]);
        assert!(curve(&empty).is_empty());
        assert_eq!(figure("v", "l", "s", "service", &empty).count, 0);
    }

    #[test]
    fn the_ladder_is_ascending_and_holds_what_people_ask_for() {
        let ladder = fixed_ladder();
        assert!(ladder.is_sorted() && ladder.len() < 200);
        for wanted in [0.0, 50.0, 75.0, 90.0, 99.0, 99.9, 99.99] {
            assert!(ladder.contains(&wanted), "{wanted}");
        }
    }
}

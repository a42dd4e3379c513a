//! Blocks that depend on their neighbours are taken together until they do not.

/// Together at most so many; what still depends then is judged as it is, after so many times the
/// blocks.
const MOST_TOGETHER: usize = 4;
/// Standard errors that a rank autocorrelation of independent blocks exceeds once in twenty.
const Z: f64 = 1.645;

/// The first `look` values, each the mean of as many neighbours as it takes for them not to depend
/// on one another, at least `together`, and how many those are; or how many values that would take.
///
/// # Errors
/// The values are too few.
pub fn lengthened(
    values: &[f64],
    look: usize,
    mut together: usize,
) -> Result<(Vec<f64>, usize), usize> {
    loop {
        let needed = look * together;
        let Some(first) = values.get(..needed) else {
            return Err(needed);
        };
        let means: Vec<f64> = first
            .chunks(together)
            .map(|chunk| chunk.iter().sum::<f64>() / together as f64)
            .collect();
        if together >= MOST_TOGETHER || !depend(&means) {
            return Ok((means, together));
        }
        together *= 2;
    }
}

/// How many times the blocks of its looks a judgement takes at the most.
#[must_use]
pub fn most() -> usize {
    MOST_TOGETHER
}

fn depend(values: &[f64]) -> bool {
    autocorrelation(values).is_some_and(|r| r > Z / (values.len() as f64).sqrt())
}

/// Lag-1 autocorrelation of the values' ranks (Wald and Wolfowitz 1943): an outlier weighs no more
/// than its rank. None for values that are too few or all alike.
#[must_use]
pub fn autocorrelation(values: &[f64]) -> Option<f64> {
    let ranks = ranks(values);
    let mean = ranks.iter().sum::<f64>() / ranks.len().max(1) as f64;
    let variance: f64 = ranks.iter().map(|rank| (rank - mean).powi(2)).sum();
    let covariance: f64 = ranks
        .windows(2)
        .map(|pair| (pair[0] - mean) * (pair[1] - mean))
        .sum();
    (ranks.len() > 2 && variance > 0.0).then(|| covariance / variance)
}

/// Ranks from 1; equal values share the mean of theirs.
#[must_use]
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|one, other| values[*one].total_cmp(&values[*other]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let value = values[order[start]];
        let tied = order[start..]
            .iter()
            .take_while(|at| values[**at].total_cmp(&value).is_eq())
            .count();
        for at in &order[start..start + tied] {
            ranks[*at] = start as f64 + f64::midpoint(1.0, tied as f64);
        }
        start += tied;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn ranks_share_what_is_tied() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
        assert_eq!(ranks(&[]), [0.0; 0]);
    }

    #[test]
    fn a_drift_is_seen_and_an_outlier_is_none() {
        let drift: Vec<f64> = (0..20).map(f64::from).collect();
        assert!(autocorrelation(&drift).unwrap() > 0.8);
        let mut flat = vec![0.0; 20];
        assert_eq!(autocorrelation(&flat), None);
        flat[3] = 1e9;
        flat[4] = 1e9;
        assert!(autocorrelation(&flat).unwrap() < 0.5);
    }

    #[test]
    fn independent_blocks_are_lengthened_about_once_in_twenty_and_slow_swings_nearly_always() {
        let mut random = StdRng::seed_from_u64(7);
        let mut lengthened_of = |memory: f64| {
            let mut count = 0;
            for _ in 0..2_000 {
                let mut value = 0.0;
                let values: Vec<f64> = (0..80)
                    .map(|_| {
                        value = memory * value + random.random_range(-1.0..1.0);
                        value
                    })
                    .collect();
                count += usize::from(lengthened(&values, 20, 1).unwrap().1 > 1);
            }
            count as f64 / 2_000.0
        };
        let independent = lengthened_of(0.0);
        assert!((0.01..0.08).contains(&independent), "{independent}");
        let swinging = lengthened_of(0.9);
        assert!(swinging > 0.8, "{swinging}");
    }

    #[test]
    fn too_few_say_how_many_it_takes() {
        assert_eq!(lengthened(&[1.0; 19], 20, 1), Err(20));
        let drift: Vec<f64> = (0..30).map(f64::from).collect();
        assert_eq!(lengthened(&drift, 20, 1), Err(40));
    }
}

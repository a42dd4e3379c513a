//! Which of many ungated metrics are worth a second look: Benjamini and Hochberg, *Controlling the
//! False Discovery Rate*, 1995.

use crate::order_statistics::at_least;

/// Share of false discoveries among those marked.
pub const FALSE_DISCOVERIES: f64 = 0.05;

/// The two-sided sign test of `median = 0`; ties are left out.
#[must_use]
pub fn sign_test(differences: &[f64]) -> f64 {
    let more = differences.iter().filter(|d| **d > 0.0).count();
    let fewer = differences.iter().filter(|d| **d < 0.0).count();
    (2.0 * at_least(more.max(fewer), more + fewer)).min(1.0)
}

/// Which hypotheses are rejected, in the order of `p_values`: all up to the largest i with
/// `p₍ᵢ₎ ≤ q·i/m`.
#[must_use]
pub fn rejected(p_values: &[f64], q: f64) -> Vec<bool> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|one, other| p_values[*one].total_cmp(&p_values[*other]));
    let m = p_values.len() as f64;
    let kept = order
        .iter()
        .enumerate()
        .filter(|(rank, at)| p_values[**at] <= q * (*rank as f64 + 1.0) / m)
        .map(|(rank, _)| rank + 1)
        .max()
        .unwrap_or(0);
    let mut rejected = vec![false; p_values.len()];
    for at in &order[..kept] {
        rejected[*at] = true;
    }
    rejected
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_papers_example() {
        // Benjamini and Hochberg 1995, section 3: fifteen p-values, four rejected at 0.05.
        let p = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262,
            0.5719, 0.6528, 0.7590, 1.0000,
        ];
        let rejected = rejected(&p, 0.05);
        assert_eq!(rejected.iter().filter(|one| **one).count(), 4);
        assert!(rejected[..4].iter().all(|one| *one));
    }

    proptest! {
        /// By the definition, trying every i.
        #[test]
        fn what_brute_force_rejects(p in prop::collection::vec(0.0_f64..1.0, 1..20), q in 0.01_f64..0.5) {
            let mut sorted = p.clone();
            sorted.sort_by(f64::total_cmp);
            let threshold = (1..=p.len())
                .rev()
                .find(|i| sorted[i - 1] <= q * *i as f64 / p.len() as f64)
                .map(|i| sorted[i - 1]);
            for (p, rejected) in p.iter().zip(rejected(&p, q)) {
                prop_assert_eq!(rejected, threshold.is_some_and(|threshold| *p <= threshold));
            }
        }
    }
}

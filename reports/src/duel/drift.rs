//! What changed while a duel went on. Neither makes it invalid: both servers are measured in each block, and a coin decides
//! which is first, so that what they share cancels or is noise. A reader is told, since the figures are then those of a time.

use crate::judge::MARGIN;
use crate::judge::differences::{Differences, Scale};
use crate::order_statistics::{mad, median};
use crate::quantity;

/// With fewer blocks in a third there is no level to speak of.
const LEAST: usize = 6;
/// A change of the baseline below this is not told,
const BASE_CHANGED: f64 = 0.10;
/// nor one that is not so many times the effect,
const TIMES_EFFECT: f64 = 3.0;
/// nor any that is not so many times the noise of a third's median.
const TIMES_NOISE: f64 = 5.0;
/// The standard error of a median by its MAD: 1.48 for the standard deviation, 1.25 for the median.
const ERROR_BY_MAD: f64 = 1.85;

/// That the baseline itself changed by far more than the effect, or that the effect did; none of both where neither did.
pub(super) fn told(name: &str, base: &str, differences: &Differences) -> Vec<String> {
    if !matches!(differences.scale, Scale::Logarithm { .. }) {
        return Vec::new();
    }
    let effect = median(differences.values.clone()).unwrap_or_default().abs();
    let least = BASE_CHANGED.ln_1p().max(TIMES_EFFECT * effect);
    let base = change(&differences.base, least).map(|[from, to]| {
        format!(
            "drift: {name} of {base} changed by {} from the first third of the blocks to the last; what both servers share of it cancels",
            quantity::effect((to - from).exp_m1())
        )
    });
    let changed = change(&differences.values, MARGIN.ln_1p()).map(|[from, to]| {
        format!(
            "the effect on {name} was {} in the first third of the blocks and {} in the last: the verdict is on all of them",
            quantity::effect(from.exp_m1()),
            quantity::effect(to.exp_m1())
        )
    });
    base.into_iter().chain(changed).collect()
}

/// The medians of the first and the last third, if they differ by more than `least` and than noise.
fn change(values: &[f64], least: f64) -> Option<[f64; 2]> {
    let third = values.len() / 3;
    if third < LEAST {
        return None;
    }
    let thirds = [&values[..third], &values[values.len() - third..]];
    let [(from, error_before), (to, error_after)] = thirds.map(level);
    let noise = TIMES_NOISE * error_before.max(error_after);
    ((to - from).abs() > least.max(noise)).then_some([from, to])
}

/// A median and its standard error.
fn level(values: &[f64]) -> (f64, f64) {
    let middle = median(values.to_vec()).unwrap_or_default();
    let error = ERROR_BY_MAD * mad(values).unwrap_or_default() / (values.len() as f64).sqrt();
    (middle, error)
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng as _};

    use super::*;

    /// Sixty blocks of a base that takes `base(b)` and of an effect of `effect(b)`, both as logarithms.
    fn said(base: impl Fn(f64) -> f64, effect: impl Fn(f64) -> f64) -> Vec<String> {
        let mut random = StdRng::seed_from_u64(5);
        let mut noise = || random.random_range(-0.02..0.02);
        let times = (0..60).map(|block| f64::from(block) / 60.0);
        let (base, values) = times
            .map(|at| (base(at) + noise(), effect(at) + noise()))
            .unzip();
        let scale = Scale::Logarithm { floor: 0.0 };
        told(
            "p50",
            "main",
            &Differences {
                values,
                base,
                scale,
            },
        )
    }

    #[test]
    fn a_base_that_changes_by_more_than_the_effect_is_told_and_a_quiet_one_is_not() {
        assert_eq!(said(|_| 8.0, |_| 0.0), Vec::<String>::new());
        assert_eq!(said(|at| 8.0 + 0.05 * at, |_| 0.0), Vec::<String>::new());
        let leaks = said(|at| 8.0 + at, |_| 0.02);
        assert_eq!(leaks.len(), 1, "{leaks:?}");
        assert!(
            leaks[0].starts_with("drift: p50 of main changed by +9"),
            "{leaks:?}"
        );
        // The effect is as great as what the base changed by.
        assert_eq!(said(|at| 8.0 + 0.3 * at, |_| 0.3), Vec::<String>::new());
    }

    #[test]
    fn an_effect_that_grows_is_told_with_both_ends() {
        let grows = said(|_| 8.0, |at| 0.2 * at);
        assert_eq!(grows.len(), 1, "{grows:?}");
        assert!(
            grows[0].contains("was +3") && grows[0].contains("and +17 % in the last"),
            "{grows:?}"
        );
        assert_eq!(said(|_| 8.0, |at| 0.02 * at), Vec::<String>::new());
    }
}

//! Counts that hardly vary, such as the instructions of a request: a small threshold judges them.

use super::metric::Kind;
use super::row::{Role, Row};
use super::{Rule, Verdict};
use crate::order_statistics::Interval;

/// Changes of a count of instructions below are none: 1 %.
pub const INSTRUCTIONS: f64 = 0.01;

impl Row {
    /// Counts of both sides, a value a pass: under [`Rule::Threshold`] every pass of the head is judged against every one
    /// of the base, and under any other rule nothing is.
    #[must_use]
    pub fn counted(name: &str, base: &[f64], head: &[f64], rule: &Rule) -> Self {
        let mean = |values: &[f64]| {
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        let least = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
        let both = !base.is_empty() && !head.is_empty();
        // Nothing is a share of a base of 0.
        let change = |head: f64, base: f64| (both && base > 0.0).then(|| head / base - 1.0);
        let verdict = match rule {
            Rule::Threshold(share) if both => Some({
                let beyond = |share: f64| {
                    (
                        least(head) > most(base) * (1.0 + share),
                        most(head) < least(base) * (1.0 - share),
                    )
                };
                let within = least(head) >= most(base) * (1.0 - share)
                    && most(head) <= least(base) * (1.0 + share);
                match beyond(*share) {
                    (true, _) => Verdict::Slower,
                    (_, true) => Verdict::Faster,
                    _ if within => Verdict::NoChange,
                    _ => Verdict::Inconclusive,
                }
            }),
            _ => None,
        };
        let range = change(least(head), most(base)).zip(change(most(head), least(base)));
        let (base, head) = (mean(base), mean(head));
        Self {
            base,
            head,
            effect: base.zip(head).and_then(|(base, head)| change(head, base)),
            interval: range.map(|(low, high)| Interval {
                low,
                high,
                coverage: 1.0,
            }),
            verdict,
            within_noise: !matches!(verdict, Some(Verdict::Slower | Verdict::Faster)),
            ..Self::new(name, Kind::Count, Role::of(rule))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_beyond_the_threshold_in_every_pass_is_one() {
        let verdict = |base: &[f64], head: &[f64]| {
            Row::counted("instructions", base, head, &Rule::Threshold(INSTRUCTIONS)).verdict
        };
        assert_eq!(
            verdict(&[100.0, 100.1], &[101.5, 101.4]),
            Some(Verdict::Slower)
        );
        assert_eq!(
            verdict(&[100.0, 100.1], &[98.0, 98.1]),
            Some(Verdict::Faster)
        );
        assert_eq!(
            verdict(&[100.0, 100.1], &[100.2, 100.3]),
            Some(Verdict::NoChange)
        );
        assert_eq!(
            verdict(&[100.0], &[100.5, 101.5]),
            Some(Verdict::Inconclusive)
        );
        assert_eq!(verdict(&[], &[100.0]), None);
    }

    #[test]
    fn of_a_base_of_nothing_any_more_is_slower_and_nothing_is_no_change() {
        let row = |head: f64| Row::counted("allocations", &[0.0], &[head], &Rule::Threshold(0.0));
        assert_eq!(row(1.0).verdict, Some(Verdict::Slower));
        assert_eq!(
            (row(0.0).verdict, row(0.0).effect),
            (Some(Verdict::NoChange), None)
        );
    }
}

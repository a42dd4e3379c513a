//! Instructions of a request in user space, counted in passes of their own: the exact channel beside
//! the clock. What it counts hardly varies, so a small threshold judges it.

use serde::Serialize;

use crate::judge::Verdict;
use crate::run::Instructions;

/// Changes below are none: 1 %.
pub const THRESHOLD: f64 = 0.01;

/// Instructions, judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// What counted.
    pub counter: String,
    /// Instructions a request of the base: the mean of its passes; none without any.
    pub base: Option<f64>,
    /// Those of the head.
    pub head: Option<f64>,
    /// The change: 0.02 is 2 % more; none without a pass of each side.
    pub effect: Option<f64>,
    /// The least and the greatest change between any two passes.
    pub range: Option<[f64; 2]>,
    /// [`THRESHOLD`].
    pub threshold: f64,
    /// The verdict; none without a pass of each side.
    pub verdict: Option<Verdict>,
}

impl Instructions {
    /// Judges them: every pass of the head against every one of the base.
    #[must_use]
    pub fn judge(&self) -> Judged {
        let mean = |values: &[f64]| {
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        let least = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
        let (base, head) = (mean(&self.base), mean(&self.head));
        let low = least(&self.head) / most(&self.base) - 1.0;
        let high = most(&self.head) / least(&self.base) - 1.0;
        let counted = !self.base.is_empty() && !self.head.is_empty() && least(&self.base) > 0.0;
        let verdict = counted.then_some(if low > THRESHOLD {
            Verdict::Slower
        } else if high < -THRESHOLD {
            Verdict::Faster
        } else if low >= -THRESHOLD && high <= THRESHOLD {
            Verdict::NoChange
        } else {
            Verdict::Inconclusive
        });
        Judged {
            counter: self.counter.clone(),
            base,
            head,
            effect: base
                .zip(head)
                .filter(|_| counted)
                .map(|(base, head)| head / base - 1.0),
            range: counted.then_some([low, high]),
            threshold: THRESHOLD,
            verdict,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_beyond_the_threshold_in_every_pass_is_one() {
        let verdict = |base: &[f64], head: &[f64]| {
            let counted = Instructions {
                counter: "perf".to_owned(),
                base: base.to_vec(),
                head: head.to_vec(),
            };
            counted.judge().verdict
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
        assert_eq!(verdict(&[0.0], &[100.0]), None);
    }
}

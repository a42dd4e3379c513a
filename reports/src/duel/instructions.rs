//! Instructions of a request in user space, counted in passes of their own and judged beside the clock.

use serde::{Serialize, Serializer};

use crate::judge::INSTRUCTIONS;
use crate::judge::{Row, Rule, Verdict};
use crate::run::Instructions;

/// Instructions, judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    /// What counted.
    pub counter: String,
    /// Instructions a request, each side's mean over its passes; the interval is that of any two passes.
    pub row: Row,
}

impl Counted {
    /// Judges them; without a pass of each side, or where one counted nothing, there is no verdict.
    #[must_use]
    pub fn of(counted: &Instructions) -> Self {
        let rule = Rule::Threshold(INSTRUCTIONS);
        let row = Row::counted("instructions", &counted.base, &counted.head, &rule);
        let is_counted = row.interval.is_some();
        Self {
            counter: counted.counter.clone(),
            row: Row {
                effect: row.effect.filter(|_| is_counted),
                verdict: row.verdict.filter(|_| is_counted),
                ..row
            },
        }
    }
}

impl Serialize for Counted {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Form<'c> {
            counter: &'c str,
            base: Option<f64>,
            head: Option<f64>,
            effect: Option<f64>,
            range: Option<[f64; 2]>,
            threshold: f64,
            verdict: Option<Verdict>,
        }
        let row = &self.row;
        let range = row.interval.map(|range| [range.low, range.high]);
        Form {
            counter: &self.counter,
            base: row.base,
            head: row.head,
            effect: row.effect,
            range,
            threshold: INSTRUCTIONS,
            verdict: row.verdict,
        }
        .serialize(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_pass_of_each_side_that_counted_something_there_is_no_verdict() {
        let row = |base: &[f64], head: &[f64]| {
            let counted = Instructions {
                counter: "perf".to_owned(),
                base: base.to_vec(),
                head: head.to_vec(),
            };
            Counted::of(&counted).row
        };
        assert_eq!(row(&[100.0], &[102.0]).verdict, Some(Verdict::Slower));
        assert_eq!(row(&[], &[100.0]).verdict, None);
        let of_nothing = row(&[0.0], &[100.0]);
        assert_eq!((of_nothing.verdict, of_nothing.effect), (None, None));
    }
}

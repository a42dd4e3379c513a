//! The changes in one sentence: `Hashing made 99.99 % of the difference; the cache 3.00 µs
//! (interval spans 0).`

use super::{Changes, Part};
use crate::{order_statistics::Estimate, quantity};

/// A share from which on a change is said to have *made* so much of the difference; below it, the
/// time says more.
const WORTH_A_SHARE: f64 = 0.01;
/// An interval that spans 0 and reaches further than this share of the whole tells nothing.
const TELLS_NOTHING: f64 = 0.05;

impl Changes {
    /// The changes in one sentence, and a second where few blocks make it unsure; none when the
    /// scenario asks for none.
    #[must_use]
    pub fn sentence(&self) -> Option<String> {
        let (first, last) = (self.parts.first()?, self.parts.last()?);
        let clauses: Vec<String> = self.parts.iter().map(|part| self.clause(part)).collect();
        let clauses = clauses.join("; ");
        let (from, to) = (&first.change.from, &last.change.to);
        let sentence = match self.whole {
            Some(whole) if whole.median > 0.0 && !whole.spans(0.0) => clauses,
            Some(whole) => format!("from {from} to {to} {}: {clauses}", unclear(whole)),
            None => format!("never measured in one block, {from} and {to}: {clauses}"),
        };
        Some(format!(
            "{}.{}",
            capitalized(&sentence),
            self.whole.map(few_blocks).unwrap_or_default()
        ))
    }

    fn clause(&self, part: &Part) -> String {
        let name = &part.change.name;
        match (part.saved, part.share) {
            (None, _) => format!("{name} not measured"),
            (Some(saved), _) if saved.spans(0.0) => format!("{name} {}", self.open(saved)),
            (_, Some(share)) if share.median >= WORTH_A_SHARE => {
                format!(
                    "{name} made {} of the difference",
                    quantity::share(share.median)
                )
            }
            (Some(saved), _) if saved.median < 0.0 => {
                format!("{name} cost {}", quantity::duration(-saved.median))
            }
            (Some(saved), _) => format!("{name} saved {}", quantity::duration(saved.median)),
        }
    }

    /// A difference whose interval spans 0: small, or simply not known.
    fn open(&self, saved: Estimate) -> String {
        let reach = saved
            .interval
            .map_or(0.0, |interval| interval.low.abs().max(interval.high.abs()));
        let whole = self.whole.map_or(0.0, |whole| whole.median.abs());
        if reach > whole * TELLS_NOTHING {
            return format!("cannot tell{}", range(saved));
        }
        format!("{} (interval spans 0)", quantity::duration(saved.median))
    }
}

/// What is to be said of a whole that is not clearly a saving.
fn unclear(whole: Estimate) -> String {
    if whole.spans(0.0) {
        return format!("this run cannot tell a difference{}", range(whole));
    }
    format!(
        "a request became {} slower",
        quantity::duration(whole.median.abs())
    )
}

fn range(estimate: Estimate) -> String {
    let ends = estimate
        .interval
        .map(|interval| quantity::range(interval.low, interval.high, quantity::duration));
    ends.map_or(String::new(), |ends| format!(" ({ends})"))
}

fn few_blocks(whole: Estimate) -> String {
    match whole.interval {
        None => " One block: no intervals.".to_owned(),
        Some(interval) if interval.is_thin() => {
            format!(
                " Only {} blocks: intervals cover {}.",
                whole.values,
                quantity::share(interval.coverage)
            )
        }
        Some(_) => String::new(),
    }
}

fn capitalized(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

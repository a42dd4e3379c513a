//! What still passed after a revoke, variant by variant, as a strip shows it.

use crate::{
    ladder::Staleness,
    quantity,
    run::{Figure, Run},
};

/// One variant that was probed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strip {
    /// The variant's place in the run.
    pub place: usize,
    /// What became of its requests.
    pub staleness: Staleness,
    /// Age of half of those that passed, nanoseconds; none where none passed.
    pub p50: Option<u64>,
    /// Age of all but a hundredth of them, nanoseconds.
    pub p99: Option<u64>,
}

/// Every variant that was probed, in the scenario's order.
#[must_use]
pub fn of(run: &Run) -> Vec<Strip> {
    let variants = run.variants.iter().enumerate();
    variants
        .filter_map(|(place, variant)| {
            let staleness = Staleness::of(run, variant)?;
            let figures = run.merged.iter().filter(|figure| {
                figure.variant == variant.name && figure.metric == "stale" && figure.count > 0
            });
            // Of several steps that were probed, the one that tells most.
            let figure = figures.max_by_key(|figure| figure.count);
            Some(Strip {
                place,
                staleness,
                p50: figure.map(Figure::p50),
                p99: figure.map(|figure| figure.at(99.0)),
            })
        })
        .collect()
}

impl Strip {
    /// How many passed and the longest, in words: `0 of 9 812`, `6.44 % (7 254 of 112 695), longest 975 ms`.
    #[must_use]
    pub fn said(&self) -> String {
        let Staleness {
            probed,
            stale,
            longest,
            ..
        } = &self.staleness;
        let of = format!(
            "{} of {}",
            quantity::grouped(*stale),
            quantity::grouped(*probed)
        );
        if *stale == 0 {
            return of;
        }
        let longest = longest.map_or_else(String::new, |longest| {
            format!(", longest {}", quantity::duration(longest as f64))
        });
        format!("{} ({of}){longest}", quantity::share(self.share()))
    }

    /// The share that passed, 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.staleness.stale as f64 / (self.staleness.probed as f64).max(1.0)
    }
}

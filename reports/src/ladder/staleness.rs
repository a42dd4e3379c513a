//! Staleness: requests sent after the revoke of their credentials was answered, and whether they
//! still passed.

use crate::{
    quantity,
    run::{Run, Variant},
};

/// What became of one variant's requests after a revoke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staleness {
    /// The variant's label.
    pub variant: String,
    /// Requests sent after a revoke was answered.
    pub probed: u64,
    /// Those that still passed.
    pub stale: u64,
    /// The longest that one was sent after the answer and still passed, nanoseconds.
    pub longest: Option<u64>,
}

impl Staleness {
    /// Every variant that was probed.
    pub(crate) fn all(run: &Run) -> Vec<Self> {
        let variants = run.variants.iter();
        variants
            .filter_map(|variant| Self::of(run, variant))
            .collect()
    }

    /// One variant; none when it was not probed.
    pub(crate) fn of(run: &Run, variant: &Variant) -> Option<Self> {
        let slices = run
            .slices
            .iter()
            .filter(|slice| slice.variant == variant.name);
        let (probed, stale) = slices.fold((0, 0), |(probed, stale), slice| {
            (probed + slice.probed, stale + slice.stale)
        });
        let longest = run
            .merged
            .iter()
            .filter(|figure| figure.variant == variant.name && figure.metric == "stale")
            .map(|figure| figure.max)
            .max();
        (probed > 0).then(|| Self {
            variant: variant.label.clone(),
            probed,
            stale,
            longest,
        })
    }

    /// On one line.
    #[must_use]
    pub fn sentence(&self) -> String {
        let longest = self.longest.map_or_else(String::new, |longest| {
            format!("; longest {}", quantity::duration(longest as f64))
        });
        format!(
            "staleness, {}: {} of {} requests sent after a revoke was answered still passed{longest}",
            self.variant,
            quantity::grouped(self.stale),
            quantity::grouped(self.probed),
        )
    }

    /// All variants in one sentence.
    pub(crate) fn sentence_of_all(all: &[Self]) -> Option<String> {
        let parts: Vec<String> = all
            .iter()
            .map(|one| {
                let longest = one
                    .longest
                    .filter(|_| one.stale > 0)
                    .map_or_else(String::new, |ns| {
                        format!(", the longest {} after", quantity::duration(ns as f64))
                    });
                let share = quantity::share(one.stale as f64 / one.probed.max(1) as f64);
                let count = quantity::grouped(one.probed);
                match one.stale {
                    0 => format!("{}: none of {count}", one.variant),
                    stale => format!(
                        "{}: {} of {count} ({share}){longest}",
                        one.variant,
                        quantity::grouped(stale)
                    ),
                }
            })
            .collect();
        (!parts.is_empty()).then(|| {
            format!(
                "Of the requests sent after their revoke was answered, passed: {}",
                parts.join("; ")
            )
        })
    }
}

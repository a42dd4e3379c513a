//! What a run's blocks say of a metric: a difference each.

use super::aside::SetAside;
use super::metric::{Kind, Metric};
use super::{RATE_MARGIN, RATE_RESOLUTION, resolution};
use crate::blocks;
use crate::order_statistics::median;
use crate::run::{Run, Slice};

/// The clock, the scheduler and the loopback are no finer than this.
const FLOOR_NS: f64 = 50.0;
/// Of a histogram of 3 significant digits.
const HISTOGRAM_RESOLUTION: f64 = 0.001;

/// Differences of blocks, in the order in which they ran.
#[derive(Debug, Clone, PartialEq)]
pub struct Differences {
    /// Head less base, on the scale below: more is worse.
    pub values: Vec<f64>,
    /// The base's level in the same blocks, on the same scale.
    pub base: Vec<f64>,
    /// What they are differences of.
    pub scale: Scale,
}

/// What differences are of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scale {
    /// Logarithms of a quantity; differences of the quantity below `floor`, as a share of the base,
    /// are nothing.
    Logarithm {
        /// The floor.
        floor: f64,
    },
    /// The quantity itself, where one side is 0 in some slice: that has no logarithm, and nothing is a share of it.
    Absolute {
        /// The base's median.
        base: f64,
        /// Differences below this are nothing.
        floor: f64,
    },
    /// Shares of requests.
    Rate,
}

impl Scale {
    /// That of times, where the base typically takes so long.
    #[must_use]
    pub fn of_times(base_ns: f64) -> Self {
        Self::Logarithm {
            floor: (FLOOR_NS / base_ns).max(HISTOGRAM_RESOLUTION),
        }
    }
}

impl Differences {
    /// Of a metric of `step` under `load`, over the blocks that both variants have and that were
    /// not set aside.
    #[must_use]
    pub fn of(
        run: &Run,
        (load, step): (&str, &str),
        [base, head]: [&str; 2],
        metric: &Metric,
        aside: &SetAside,
    ) -> Self {
        let better_when_more = metric.kind() == Kind::PerSecond;
        let is_zero = |slice: &Slice| {
            !aside.has(slice.block) && metric.of(slice, step).is_some_and(|value| value <= 0.0)
        };
        let is_absolute = metric.kind() != Kind::Share
            && [base, head]
                .iter()
                .any(|variant| run.slices_of(load, variant).any(is_zero));
        let per_block = |variant: &str| {
            let mut means = blocks::means(run, load, variant, |slice| {
                let value = metric.of(slice, step)?;
                match metric.kind() {
                    Kind::Share => Some(value),
                    _ if is_absolute => Some(if better_when_more { -value } else { value }),
                    _ if value > 0.0 => Some(if better_when_more {
                        -value.ln()
                    } else {
                        value.ln()
                    }),
                    _ => None,
                }
            });
            means.retain(|block, _| !aside.has(*block));
            means
        };
        let (from, to) = (per_block(base), per_block(head));
        let scale = match metric.kind() {
            Kind::Share => Scale::Rate,
            kind if is_absolute => Scale::Absolute {
                base: median(from.values().copied().collect()).map_or(0.0, f64::abs),
                floor: if kind == Kind::Time { FLOOR_NS } else { 0.0 },
            },
            Kind::Time => {
                let base_ns = median(from.values().copied().collect()).map_or(1.0, f64::exp);
                Scale::of_times(base_ns)
            }
            Kind::Bytes | Kind::PerSecond | Kind::Count => Scale::Logarithm { floor: 0.0 },
        };
        let (base, values) = blocks::paired(&from, &to)
            .map(|(base, head)| (base, head - base))
            .unzip();
        Self {
            values,
            base,
            scale,
        }
    }

    /// Those from a block on; none beyond the last.
    #[must_use]
    pub fn from_block(&self, start: usize) -> Option<Self> {
        Some(Self {
            values: self.values.get(start..)?.to_vec(),
            base: self.base.get(start..)?.to_vec(),
            scale: self.scale,
        })
    }

    /// The base's median level over the first `blocks`: what a median difference of them is of.
    pub(crate) fn level(&self, blocks: usize) -> Option<f64> {
        median(self.base.get(..blocks).unwrap_or(&self.base).to_vec())
    }

    /// On their scale: what is never called a difference, by a margin that is a share, and what no change may leave open.
    #[must_use]
    pub fn margins(&self, margin: f64) -> (f64, f64) {
        let resolution = resolution(margin);
        match self.scale {
            Scale::Logarithm { floor } => {
                (margin.max(floor).ln_1p(), resolution.max(floor).ln_1p())
            }
            Scale::Absolute { base, floor } => {
                ((margin * base).max(floor), (resolution * base).max(floor))
            }
            Scale::Rate => (RATE_MARGIN, RATE_RESOLUTION),
        }
    }
}

//! How figures of micro-benchmarks are written.

use crate::quantity;

/// Up to here a nanosecond's fractions matter.
const FINE_BELOW_NS: f64 = 100.0;
/// For what has no verdict yet.
pub(super) const UNFINISHED: &str = "unfinished";

/// A time of one iteration: `2.31 ns`, `1.84 µs`.
pub(super) fn time(ns: f64) -> String {
    if (0.0..FINE_BELOW_NS).contains(&ns) {
        format!("{} ns", quantity::number(ns))
    } else {
        quantity::duration(ns)
    }
}

/// A change of 0.07 as `+7.00 %`.
pub(super) fn effect(effect: f64) -> String {
    quantity::change(1.0 + effect)
}

/// `3 benchmarks`.
pub(super) fn benchmarks(count: usize) -> String {
    match count {
        1 => "1 benchmark".to_owned(),
        _ => format!("{} benchmarks", quantity::grouped(count as u64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nanosecond_keeps_its_fractions() {
        for (ns, text) in [
            (2.314, "2.31 ns"),
            (51.04, "51.0 ns"),
            (128.0, "128 ns"),
            (1_840.0, "1.84 µs"),
        ] {
            assert_eq!(time(ns), text);
        }
    }
}

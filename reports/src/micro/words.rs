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

/// Words as a shell takes them.
pub(super) fn shell(words: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    let quoted = words.iter().map(|word| {
        if !word.is_empty() && word.chars().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
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

    #[test]
    fn a_shell_reads_each_word_as_it_was() {
        let words = ["a/b-c", "hit|miss", "it's", ""].map(str::to_owned);
        assert_eq!(shell(&words), r"a/b-c 'hit|miss' 'it'\''s' ''");
    }
}

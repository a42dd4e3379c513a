//! What remembering is worth: of `worth/NAME/{uncached,hit,miss}` a table of what a hit saves, what a miss costs more, and the
//! share of hits from which on both together are a gain.

use std::fmt::Write as _;

use super::Benchmark;
use crate::quantity;

const GROUP: &str = "worth/";

/// A way to verify, measured three times.
struct Row<'a> {
    name: &'a str,
    uncached: &'a Benchmark,
    hit: &'a Benchmark,
    miss: &'a Benchmark,
}

/// The table, in the order of what a hit saves; none where nothing of it was measured.
#[must_use]
pub fn table(benchmarks: &[Benchmark]) -> Option<String> {
    let mut rows = rows(benchmarks);
    if rows.is_empty() {
        return None;
    }
    rows.sort_by(|one, other| one.saved_ns().total_cmp(&other.saved_ns()));
    let widest = rows
        .iter()
        .map(|row| row.name.chars().count())
        .max()?
        .max(8);
    let mut text = String::new();
    for [name, uncached, hit, saved, within, added, from] in [
        [
            "verified",
            "anew",
            "remembered",
            "a hit",
            "(95 %)",
            "a miss",
            "pays from",
        ],
        ["", "", "", "saves", "", "adds", "this share of hits"],
    ] {
        let _ = writeln!(
            text,
            "{name:widest$}  {uncached:>10}  {hit:>10}  {saved:>10}  {within:>26}  {added:>10}  {from}"
        );
    }
    for row in rows {
        let (low, high) = row.saved_within_ns();
        let _ = writeln!(
            text,
            "{:widest$}  {:>10}  {:>10}  {:>10}  {:>26}  {:>10}  {}",
            row.name,
            quantity::duration(row.uncached.median_ns),
            quantity::duration(row.hit.median_ns),
            signed(row.saved_ns()),
            format!("({} … {})", signed(low), signed(high)),
            quantity::duration(row.miss.median_ns),
            row.pays_from(),
        );
    }
    Some(text)
}

fn rows(benchmarks: &[Benchmark]) -> Vec<Row<'_>> {
    let find = |name: &str, what: &str| {
        let id = format!("{GROUP}{name}/{what}");
        benchmarks.iter().find(|at| at.id == id)
    };
    let names = benchmarks
        .iter()
        .filter_map(|at| at.id.strip_prefix(GROUP)?.strip_suffix("/uncached"));
    names
        .filter_map(|name| {
            Some(Row {
                name,
                uncached: find(name, "uncached")?,
                hit: find(name, "hit")?,
                miss: find(name, "miss")?,
            })
        })
        .collect()
}

impl Row<'_> {
    fn saved_ns(&self) -> f64 {
        self.uncached.median_ns - self.hit.median_ns
    }

    fn saved_within_ns(&self) -> (f64, f64) {
        let (uncached, hit) = (self.uncached.interval_ns, self.hit.interval_ns);
        (uncached.0 - hit.1, uncached.1 - hit.0)
    }

    /// With a share h of hits, h of what a hit saves is gained and 1 − h of what a miss adds is lost. Said where the
    /// interval of what a hit saves is all gain.
    fn pays_from(&self) -> String {
        let (low, _) = self.saved_within_ns();
        if low <= 0.0 {
            return "cannot tell that it pays".to_owned();
        }
        let share = |saved: f64, added: f64| added / (saved + added);
        let most = share(low, self.miss.interval_ns.1);
        percent(most)
    }
}

/// Up to the next step: a share from which it pays for certain.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        _ if percent < 0.01 => "0.01 %".to_owned(),
        _ if percent < 1.0 => format!("{:.2} %", (percent * 100.0).ceil() / 100.0),
        _ => format!("{:.0} %", percent.ceil()),
    }
}

fn signed(ns: f64) -> String {
    if ns < 0.0 {
        format!("-{}", quantity::duration(-ns))
    } else {
        quantity::duration(ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(id: &str, median_ns: f64, half: f64) -> Benchmark {
        Benchmark {
            title: String::new(),
            id: id.to_owned(),
            median_ns,
            interval_ns: (median_ns - half, median_ns + half),
        }
    }

    #[test]
    fn a_cache_pays_from_the_share_of_hits_that_makes_up_for_its_misses() {
        let benchmarks = [
            measured("worth/slow/uncached", 10_000.0, 0.0),
            measured("worth/slow/hit", 100.0, 0.0),
            measured("worth/slow/miss", 1_100.0, 0.0),
            measured("worth/even/uncached", 120.0, 30.0),
            measured("worth/even/hit", 100.0, 0.0),
            measured("worth/even/miss", 1_100.0, 0.0),
            measured("worth/half/uncached", 120.0, 30.0),
            measured("cache/quick/hit/1", 50.0, 0.0),
        ];
        let table = table(&benchmarks).unwrap();
        let line = |name: &str| table.lines().find(|line| line.starts_with(name)).unwrap();
        // 1 100 / (9 900 + 1 100)
        assert!(line("slow").ends_with("10 %"), "{table}");
        assert!(
            line("even").ends_with("cannot tell that it pays"),
            "{table}"
        );
        assert_eq!(table.lines().count(), 4, "{table}");
        assert!(table.find("even") < table.find("slow"), "{table}");
    }

    #[test]
    fn without_its_benchmarks_there_is_no_table() {
        assert_eq!(table(&[measured("cache/quick/hit/1", 50.0, 0.0)]), None);
    }
}

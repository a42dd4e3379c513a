//! A duel's head as `customSmallerIsBetter` of github-action-benchmark, which keeps a history of one
//! value per metric and commit: <https://github.com/benchmark-action/github-action-benchmark>.
//!
//! That history compares runs of different times and machines, which a duel exists to avoid: it
//! describes, and the verdict is told beside each value. Metrics of which more is better (`capacity`)
//! are left out: turned into time per request they would be the latencies that are there already. Of
//! the other metrics there are those asked for and those beside them.

use serde::Serialize;

use super::{Duel, document};
use crate::judge::Row;
use crate::judge::metric::Kind;
use crate::quantity::NOT_MEASURED;

/// An entry, as the action reads it.
#[derive(Debug, Serialize)]
struct Entry {
    name: String,
    unit: &'static str,
    value: f64,
    /// The effect's interval, in words: the action shows it beside the value.
    #[serde(skip_serializing_if = "String::is_empty")]
    range: String,
    extra: String,
}

/// The head's figures as JSON.
///
/// # Errors
/// Never, for figures that were read from a run.
pub fn render(duel: &Duel) -> Result<String, serde_json::Error> {
    let rows = duel.rows.iter().filter_map(|row| entry(duel, row));
    let counted = duel.instructions.as_ref().and_then(|counted| {
        let [name, base, _, effect, range, _, verdict] =
            document::cells_of_instructions(duel, counted);
        Some(Entry {
            name: named(duel, &name),
            unit: "instructions per request",
            value: counted.row.head?,
            range: against(duel, &range),
            extra: extra(duel, &base, &effect, &verdict),
        })
    });
    serde_json::to_string_pretty(&rows.chain(counted).collect::<Vec<Entry>>())
}

fn entry(duel: &Duel, row: &Row) -> Option<Entry> {
    let unit = match row.kind {
        Kind::Time => "ns",
        Kind::Bytes => "bytes",
        Kind::Share => "share of requests",
        Kind::PerSecond | Kind::Count => return None,
    };
    let [name, base, _, effect, range, _, verdict] = document::cells(duel, row);
    Some(Entry {
        name: named(duel, &name),
        unit,
        value: row.head?,
        range: against(duel, &range),
        extra: extra(duel, &base, &effect, &verdict),
    })
}

fn named(duel: &Duel, metric: &str) -> String {
    format!("{} {metric}", duel.scenario)
}

fn against(duel: &Duel, range: &str) -> String {
    if range.is_empty() {
        String::new()
    } else {
        format!("{range} against {}", document::name(&duel.base))
    }
}

fn extra(duel: &Duel, base: &str, effect: &str, verdict: &str) -> String {
    let effect = if effect.is_empty() {
        NOT_MEASURED
    } else {
        effect
    };
    format!(
        "{verdict}\n{}: {base}, effect {effect}\nrun {}",
        document::name(&duel.base),
        duel.run
    )
}

//! Two baselines that criterion saved, beside each other.
//!
//! They are separate runs, whatever the time between them: described, never judged. To judge, the two
//! binaries are run in alternation: [`super::duel`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;

use super::{Benchmark, MicroError, benchmark, files, natural};
use super::{effect, time};
use crate::document::{Block, Document, Table};
use crate::nearest::did_you_mean;
use crate::outcome::Outcome;
use crate::quantity;

/// Why nothing is judged.
const SEPARATE: &str = "two saved baselines are separate runs and described only: whatever else changed between them is \
     in these figures, and criterion's intervals know only the spread within each; `authlab duel --bench` runs both \
     binaries in alternation and judges them";

/// Two baselines, described.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Baselines {
    /// The base's name.
    pub base: String,
    /// The other's name.
    pub new: String,
    /// What both have.
    pub rows: Vec<Row>,
    /// Benchmarks that the base alone has.
    pub only_base: Vec<String>,
    /// Benchmarks that the other alone has.
    pub only_new: Vec<String>,
    /// What to keep in mind, a sentence each.
    pub caveats: Vec<String>,
    /// The whole: what one side lacks is never a pass.
    pub outcome: Outcome,
    /// [`Outcome::exit_code`].
    pub exit_code: u8,
}

/// One benchmark in both.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// `group/function/value`.
    pub benchmark: String,
    /// The base's figure.
    pub base: Figure,
    /// The other's.
    pub new: Figure,
    /// The change of the median: 0.07 is 7 % more time; none for a base of 0, of which nothing is a share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<f64>,
    /// The new median less the base's, nanoseconds, where there is no share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference_ns: Option<f64>,
}

/// A median as criterion estimated it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figure {
    /// Median time of one iteration, nanoseconds.
    pub median_ns: f64,
    /// Its 95 % bootstrap interval, nanoseconds.
    pub interval_ns: (f64, f64),
}

/// Two baselines that cannot be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BaselineError {
    /// Nobody saved one of that name.
    #[error("{home} has no baseline `{name}`: it has {}{}", if accepted.is_empty() { "none" } else { accepted }, did_you_mean(name, accepted.split(", ")))]
    Unknown {
        /// Criterion's folder.
        home: String,
        /// As asked for.
        name: String,
        /// Those that there are.
        accepted: String,
    },
    /// Criterion's files cannot be read.
    #[error(transparent)]
    Files(#[from] MicroError),
}

/// Reads two baselines from criterion's folder and sets them side by side.
///
/// # Errors
/// There is no such baseline, or a file is not criterion's.
pub fn read(home: &Path, base: &str, new: &str) -> Result<Baselines, BaselineError> {
    let mut of_base = of(home, base)?;
    let of_new = of(home, new)?;
    let (mut rows, mut only_new) = (Vec::new(), Vec::new());
    for (id, new) in of_new {
        match of_base.remove(&id) {
            Some(base) => rows.push(row(id, &base, &new)),
            None => only_new.push(id),
        }
    }
    let mut only_base: Vec<String> = of_base.into_keys().collect();
    rows.sort_by(|one, other| natural(&one.benchmark).cmp(&natural(&other.benchmark)));
    for ids in [&mut only_base, &mut only_new] {
        ids.sort_by(|one, other| natural(one).cmp(&natural(other)));
    }
    let outcome = if only_base.is_empty() && only_new.is_empty() {
        Outcome::Ok
    } else {
        Outcome::BadInput
    };
    Ok(Baselines {
        base: base.to_owned(),
        new: new.to_owned(),
        rows,
        only_base,
        only_new,
        caveats: vec![SEPARATE.to_owned()],
        outcome,
        exit_code: outcome.exit_code(),
    })
}

impl Baselines {
    /// Both as JSON, for programs.
    ///
    /// # Errors
    /// Never, for figures that were read from criterion's files.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }
}

/// The benchmarks of a baseline, by id.
fn of(home: &Path, name: &str) -> Result<BTreeMap<String, Benchmark>, BaselineError> {
    let (mut found, mut names) = (BTreeMap::new(), BTreeSet::new());
    for folder in files::folders(home)? {
        let at = files::baseline(home, &folder);
        // `feature//x` and `feature/x/` are the same folders to criterion.
        if Path::new(&at) == Path::new(name) {
            let read = benchmark(&folder)?;
            found.insert(read.id.clone(), read);
        }
        names.insert(at);
    }
    if found.is_empty() {
        return Err(BaselineError::Unknown {
            home: home.display().to_string(),
            name: name.to_owned(),
            accepted: names.into_iter().collect::<Vec<_>>().join(", "),
        });
    }
    Ok(found)
}

fn row(benchmark: String, base: &Benchmark, new: &Benchmark) -> Row {
    let has_share = base.median_ns > 0.0;
    let figure = |of: &Benchmark| Figure {
        median_ns: of.median_ns,
        interval_ns: of.interval_ns,
    };
    Row {
        benchmark,
        base: figure(base),
        new: figure(new),
        change: has_share.then(|| new.median_ns / base.median_ns - 1.0),
        difference_ns: (!has_share).then_some(new.median_ns - base.median_ns),
    }
}

/// The names of [`cells`]; an interval is criterion's of the median before it.
const COLUMNS: [&str; 6] = ["benchmark", "base", "interval", "new", "interval", "change"];

impl Baselines {
    /// Both as they are read.
    #[must_use]
    pub fn document(&self) -> Document {
        let mut document = Document::default();
        let sides = format!("{} → {}", self.base, self.new);
        let remarks = Block::List(remarks(self));
        document.on_terminal(format!("criterion's baselines: {sides}"));
        document.on_terminal(String::new());
        document.on_page(Block::Heading(sides));
        document.on_page(remarks.clone());
        document.push(Table {
            tight: true,
            ..Table::of("", COLUMNS, self.rows.iter().map(cells))
        });
        document.on_terminal(String::new());
        document.on_terminal(remarks);
        document.on_terminal(format!("exit {}", self.exit_code));
        document
    }
}

fn cells(row: &Row) -> Vec<String> {
    let interval =
        |Figure { interval_ns, .. }: Figure| quantity::range(interval_ns.0, interval_ns.1, time);
    vec![
        row.benchmark.clone(),
        time(row.base.median_ns),
        interval(row.base),
        time(row.new.median_ns),
        interval(row.new),
        match (row.change, row.difference_ns) {
            (Some(change), _) => effect(change),
            (None, Some(difference)) => quantity::signed(difference, time),
            (None, None) => quantity::NOT_MEASURED.to_owned(),
        },
    ]
}

/// What to heed, a sentence each: what one side lacks, caveats.
fn remarks(baselines: &Baselines) -> Vec<String> {
    let sides = [
        (&baselines.base, &baselines.only_base),
        (&baselines.new, &baselines.only_new),
    ];
    sides
        .into_iter()
        .filter(|(_, only)| !only.is_empty())
        .map(|(name, only)| format!("only in {name}: {}", only.join(", ")))
        .chain(baselines.caveats.iter().cloned())
        .collect()
}

#[cfg(test)]
mod tests;

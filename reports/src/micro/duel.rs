//! Two benchmark binaries in alternation, judged benchmark by benchmark as a duel of servers is.
//!
//! A slice is one run of one binary, a process of its own, so that a layout or a hash seed that
//! favours it favours one slice only. Q is the median time of an iteration within a slice; a block is
//! two slices of each side, and `d = mean ln Q_head − mean ln Q_base`. [`Duel::of`] is a pure function
//! of the blocks; [`Duel::document`] is how it is read.

mod document;

use serde::{Serialize, Serializer};

use super::sample::Sample;
use crate::judge::differences::{Differences, Scale};
use crate::judge::metric::Kind;
use crate::judge::{self, MARGIN, Role, Row, Sequential, Verdict, When};
use crate::order_statistics::Interval;
use crate::outcome::Outcome;

/// The version of the form that [`Duel`] has as JSON.
pub const FORMAT_VERSION: u32 = 1;

/// A measurement reads the clock at either end, 21 ns each where docs/adr/0004-tail-hash-and-exact-comparison.md
/// was measured.
const CLOCK_NS: f64 = 50.0;

/// Both sides of a benchmark in one block, two slices each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Block {
    /// Of the base.
    pub base: [Sample; 2],
    /// Of the head.
    pub head: [Sample; 2],
}

/// A benchmark, block by block in the order in which they ran.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Its title, as `--list` has it.
    pub benchmark: String,
    /// Its whole blocks.
    pub blocks: Vec<Block>,
}

/// What is compared, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Terms {
    /// The binary that is compared with.
    pub base: String,
    /// The binary that is judged.
    pub head: String,
    /// The words that repeat it.
    pub repeat: Vec<String>,
}

/// How the measuring went.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Course {
    /// Wall-clock length, seconds.
    pub elapsed_s: f64,
    /// Whether somebody ended it before every benchmark had its verdict.
    pub interrupted: bool,
}

/// Two benchmark binaries, judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Duel {
    /// [`FORMAT_VERSION`].
    pub format: u32,
    /// What is compared.
    #[serde(flatten)]
    pub terms: Terms,
    /// How the measuring went.
    #[serde(flatten)]
    pub course: Course,
    /// A row for each benchmark.
    #[serde(serialize_with = "benchmarks")]
    pub rows: Vec<Row>,
    /// The whole.
    pub outcome: Outcome,
    /// [`Outcome::exit_code`], or what `--inconclusive` makes of it.
    pub exit_code: u8,
}

/// How each of so many benchmarks is judged: each is gated.
#[must_use]
pub fn rule(benchmarks: usize, ended: bool) -> Sequential {
    Sequential {
        gated: benchmarks,
        when: When::EachBlock { ended },
        // As many as the budget leaves: none is advisory.
        blocks: usize::MAX,
        margin: MARGIN,
    }
}

impl Duel {
    /// Judges what was measured.
    #[must_use]
    pub fn of(terms: Terms, measured: &[Measured], course: Course) -> Self {
        let rule = rule(measured.len(), !course.interrupted);
        let rows: Vec<Row> = measured.iter().map(|at| at.row(&rule)).collect();
        let outcome = outcome(&rows, course.interrupted);
        Self {
            format: FORMAT_VERSION,
            terms,
            course,
            rows,
            outcome,
            exit_code: outcome.exit_code(),
        }
    }

    /// What an inconclusive end is for a script, where it was said: 0, or 1. One that was interrupted
    /// is no end.
    #[must_use]
    pub fn with_inconclusive_as(mut self, exit_code: Option<u8>) -> Self {
        if let (Outcome::Inconclusive, false, Some(exit_code)) =
            (self.outcome, self.course.interrupted, exit_code)
        {
            self.exit_code = exit_code;
        }
        self
    }

    /// The duel as JSON, for programs.
    ///
    /// # Errors
    /// Never, for figures that were read from criterion's files.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }
}

impl Measured {
    /// A benchmark of which nothing is measured yet.
    #[must_use]
    pub fn none_of(benchmark: &str) -> Self {
        Self {
            benchmark: benchmark.to_owned(),
            blocks: Vec::new(),
        }
    }

    /// Blocks that its verdict takes, about; none when it has one.
    #[must_use]
    pub fn needs(&self, rule: &Sequential) -> Option<usize> {
        let row = self.row(rule);
        row.verdict.is_none().then_some(row.needed)
    }

    fn row(&self, rule: &Sequential) -> Row {
        let levels = |side: fn(&Block) -> [Sample; 2]| {
            self.blocks.iter().map(move |block| mean_ln(side(block)))
        };
        let base: Vec<f64> = levels(|block| block.base).collect();
        let differences = Differences {
            values: levels(|block| block.head)
                .zip(&base)
                .map(|(head, base)| head - base)
                .collect(),
            base,
            scale: Scale::Logarithm {
                floor: self.floor(),
            },
        };
        let judged = judge::judge(&differences, rule);
        Row::judged(
            &self.benchmark,
            Kind::Time,
            Role::Gated,
            &differences,
            &judged,
        )
    }

    /// What the clock leaves open of its shortest measurement. The 50 ns of docs/adr/0014-sequential-judging.md
    /// are for one request: a measurement here is as many iterations as criterion needs to make the
    /// clock negligible, so that the floor reaches the margin only where a whole measurement takes under 2 µs.
    fn floor(&self) -> f64 {
        let samples = self
            .blocks
            .iter()
            .flat_map(|at| at.base.iter().chain(&at.head));
        let shortest_ns = samples
            .map(|sample| sample.shortest_ns)
            .min_by(f64::total_cmp);
        shortest_ns.map_or(0.0, |shortest_ns| CLOCK_NS / shortest_ns)
    }
}

/// The mean of the logarithms of both slices' times.
fn mean_ln(slices: [Sample; 2]) -> f64 {
    let [one, other] = slices.map(|sample| sample.median_ns.ln());
    f64::midpoint(one, other)
}

/// Rows in their form as JSON.
fn benchmarks<S: Serializer>(rows: &[Row], out: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Form<'r> {
        benchmark: &'r str,
        base_ns: Option<f64>,
        head_ns: Option<f64>,
        effect: Option<f64>,
        interval: Option<Interval>,
        verdict: Option<Verdict>,
        within_noise: bool,
        blocks: usize,
    }
    out.collect_seq(rows.iter().map(|row| Form {
        benchmark: &row.metric,
        base_ns: row.base,
        head_ns: row.head,
        effect: row.effect,
        interval: row.interval,
        verdict: row.verdict,
        within_noise: row.within_noise,
        blocks: row.blocks,
    }))
}

fn outcome(rows: &[Row], interrupted: bool) -> Outcome {
    let any = |verdict| rows.iter().any(|row| row.verdict == verdict);
    if rows.is_empty() {
        Outcome::BadInput
    } else if interrupted {
        Outcome::Inconclusive
    } else if any(Some(Verdict::Slower)) {
        Outcome::LimitBroken
    } else if any(Some(Verdict::Inconclusive)) || any(None) {
        Outcome::Inconclusive
    } else {
        Outcome::Ok
    }
}

#[cfg(test)]
mod tests;

//! Two variants of one run, or two runs, beside each other.
//!
//! Within a run the ratio is that of paired blocks, with its interval, wherever each slice has the
//! samples for it; unless limits say what is judged, the verdict is that of a [`Duel`]. Two separate
//! runs are described: whatever else changed between them is in the ratio too. They are gated only
//! against absolute limits, or by more than identical servers differ on their machines.

mod document;
mod pair;

use serde::Serialize;

pub use self::pair::Pair;
use crate::duel::Duel;
pub use crate::judge::Limit;
use crate::judge::aside::SetAside;
use crate::judge::{Comparison, Metric, Row, Rule, UnknownVariant, Verdict};
use crate::outcome::Outcome;
use crate::quantity;
use crate::run::{Run, Terms};

const SEPARATE: &str =
    "two separate runs are described only: whatever else changed between them is in these figures";
/// Of a head that fails more than the base, latencies are those of the requests that it still answered. Error rates this
/// far apart are not noise: 0.1 percentage points,
const FAILS_MORE: f64 = 0.001;
/// and not a single mishap either.
const LEAST_FAILURES: u64 = 5;

/// Two sides compared, and judged where there are limits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The base, in words: a variant, or a run's id.
    pub base: String,
    /// The head, in words.
    pub head: String,
    /// What was measured on both sides.
    pub pairs: Vec<Pair>,
    /// What is missing, and on which side.
    pub missing: Vec<Missing>,
    /// What to keep in mind, a sentence each.
    pub caveats: Vec<String>,
    /// Why the figures may not be judged, a sentence each.
    pub faults: Vec<String>,
    /// What became of each limit.
    pub limits: Vec<Limited>,
    /// The verdict on two variants of one run, where no limits were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duel: Option<Duel>,
    /// The whole.
    pub outcome: Outcome,
    /// [`Outcome::exit_code`].
    pub exit_code: u8,
}

impl Report {
    /// The report as JSON, for programs.
    ///
    /// # Errors
    /// Never, for figures that were read from a run.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }
}

/// What became of a limit at one pair.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Limited {
    /// The limit, as written.
    pub limit: String,
    /// Variant, load and step.
    pub pair: String,
    /// What was found: ratio − 1, points of error rate, or nanoseconds; none when it was not.
    pub found: Option<f64>,
    /// [`Limit::verdict`]; inconclusive too where something is said against it.
    #[serde(serialize_with = "held")]
    pub verdict: Verdict,
    /// Why it was not judged, where that is not for want of samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objection: Option<String>,
}

/// A limit's verdict in its own words.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn held<S: serde::Serializer>(verdict: &Verdict, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(match verdict {
        Verdict::Slower => "broken",
        Verdict::Faster | Verdict::NoChange => "held",
        Verdict::Inconclusive => "cannot-tell",
    })
}

/// Something that one side lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// What: `md5, one-user, items`.
    pub what: String,
    /// `base`, `head`, or `both sides`.
    pub lacking: &'static str,
}

/// Compares two variants of one run.
///
/// # Errors
/// When the run lacks one of them.
pub fn within(
    run: &Run,
    base: &str,
    head: &str,
    limits: &[Limit],
) -> Result<Report, UnknownVariant> {
    UnknownVariant::unless_in(run, [base, head])?;
    let name = format!("{base} → {head}");
    let mut found = Found::default();
    for (load, step) in planned(run) {
        let comparison = Comparison::of(run, load, [base, head], &Rule::DESCRIBE);
        found.add(Pair::of(&comparison, &name, load, step));
    }
    found.judge(limits, |limit, pair| {
        let rule = Rule::Limit(limit.clone());
        let comparison = Comparison::of(run, &pair.at.load, [base, head], &rule);
        (
            comparison.row_or_pooled(&pair.at.step, limit.metric()),
            None,
        )
    });
    // Without limits the duel below says it.
    let caveats = if limits.is_empty() {
        Vec::new()
    } else {
        set_aside(run)
    };
    let mut report = found.report([base, head], caveats, run.faults());
    if limits.is_empty() {
        let duel = Duel::of(run, &Terms::of(run, base, head))?;
        report.outcome = duel.outcome;
        report.exit_code = duel.exit_code;
        report.duel = Some(duel);
    }
    Ok(report)
}

/// Compares two runs, variant by variant.
#[must_use]
pub fn between(base: &Run, head: &Run, limits: &[Limit]) -> Report {
    let mut keys: Vec<(&str, &str, &str)> = Vec::new();
    for run in [base, head] {
        for variant in &run.variants {
            let here = planned(run).map(|(load, step)| (variant.name.as_str(), load, step));
            let new: Vec<_> = here.filter(|key| !keys.contains(key)).collect();
            keys.extend(new);
        }
    }
    let mut found = Found::default();
    for (variant, load, step) in keys {
        let comparison = Comparison::between([base, head], load, variant, &Rule::DESCRIBE);
        found.add(Pair::of(&comparison, variant, load, step));
    }
    found.judge(limits, |limit, pair| {
        let rule = Rule::Limit(limit.clone());
        let comparison = Comparison::between([base, head], &pair.at.load, &pair.variant, &rule);
        let row = comparison.row_or_pooled(&pair.at.step, limit.metric());
        (row, pair::objection(base, head, limit))
    });
    let faults = [base, head].into_iter().flat_map(|run| {
        let faults = run.faults().into_iter();
        faults.map(|fault| format!("{}: {fault}", run.id))
    });
    found.report([&base.id, &head.id], caveats(base, head), faults.collect())
}

/// The loads and steps that a run set out to measure.
fn planned(run: &Run) -> impl Iterator<Item = (&str, &str)> {
    run.scenario.loads.iter().flat_map(|load| {
        load.steps
            .iter()
            .map(|step| (load.name.as_str(), step.as_str()))
    })
}

/// Of which blocks ratios are not made, by load.
fn set_aside(run: &Run) -> Vec<String> {
    let loads = run.scenario.loads.iter().filter_map(|load| {
        let aside = SetAside::of(run, &load.name);
        let why = aside.mostly()?;
        Some(format!(
            "{}: ratios leave out {} of {} blocks: {why}",
            load.name,
            aside.count(),
            load.blocks
        ))
    });
    loads.collect()
}

fn caveats(base: &Run, head: &Run) -> Vec<String> {
    let differing = [
        ("scenarios", &base.scenario.name, &head.scenario.name),
        ("profiles", &base.scenario.profile, &head.scenario.profile),
        ("machines", &base.machine.id, &head.machine.id),
        ("processors", &base.machine.cpu, &head.machine.cpu),
        ("builds", &base.tool.profile, &head.tool.profile),
    ];
    let differ = differing.into_iter().filter(|(_, one, other)| one != other);
    let said = differ.map(|(what, one, other)| format!("the {what} differ: {one} and {other}"));
    std::iter::once(SEPARATE.to_owned()).chain(said).collect()
}

/// What both sides have, what one of them lacks, and what became of the limits.
#[derive(Default)]
struct Found {
    pairs: Vec<Pair>,
    missing: Vec<Missing>,
    limits: Vec<Limited>,
    judges_errors: bool,
}

impl Found {
    fn add(&mut self, pair: Result<Pair, Missing>) {
        match pair {
            Ok(pair) => self.pairs.push(pair),
            Err(missing) => self.missing.push(missing),
        }
    }

    /// Judges every pair by every limit: by the row of its metric, unless something is said against that.
    fn judge(&mut self, limits: &[Limit], row: impl Fn(&Limit, &Pair) -> (Row, Option<String>)) {
        self.judges_errors = limits.iter().any(|limit| *limit.metric() == Metric::Errors);
        for limit in limits {
            let limited = self.pairs.iter().map(|pair| {
                let (row, objection) = row(limit, pair);
                Limited {
                    limit: limit.to_string(),
                    pair: format!("{}, {}, {}", pair.variant, pair.at.load, pair.at.step),
                    found: limit.found(&row),
                    verdict: match row.verdict {
                        Some(verdict) if objection.is_none() => verdict,
                        _ => Verdict::Inconclusive,
                    },
                    objection: objection.or_else(|| limit.objection(&row)),
                }
            });
            self.limits.extend(limited);
        }
    }

    fn report(self, [base, head]: [&str; 2], caveats: Vec<String>, faults: Vec<String>) -> Report {
        let mut faults = faults;
        if !self.judges_errors {
            faults.extend(self.failing());
        }
        let any = |verdict| self.limits.iter().any(|limited| limited.verdict == verdict);
        // An invalid run is never gated, whatever its figures; what is missing is never a pass.
        let outcome = if !faults.is_empty() {
            Outcome::Inconclusive
        } else if !self.missing.is_empty() || self.pairs.is_empty() {
            Outcome::BadInput
        } else if any(Verdict::Slower) {
            Outcome::LimitBroken
        } else if any(Verdict::Inconclusive) {
            Outcome::Inconclusive
        } else {
            Outcome::Ok
        };
        Report {
            base: base.to_owned(),
            head: head.to_owned(),
            pairs: self.pairs,
            missing: self.missing,
            caveats,
            faults,
            limits: self.limits,
            duel: None,
            outcome,
            exit_code: outcome.exit_code(),
        }
    }

    /// Where the head fails more than the base, a sentence for each variant and load: no limit on the latencies of what it
    /// still answered says anything of the others.
    fn failing(&self) -> Vec<String> {
        let mut faults: Vec<String> = Vec::new();
        for pair in &self.pairs {
            let [_, [failed, _]] = pair.errors.counts.unwrap_or_default();
            let more = pair.errors.effect.is_some_and(|more| more > FAILS_MORE);
            let rate = |rate: Option<f64>| quantity::share(rate.unwrap_or_default());
            let fault = format!(
                "{}, {}: {} of the head's requests failed and {} of the base's, and latencies are those of answered \
                 requests: limit errors too, for example `errors > 1%`",
                pair.variant,
                pair.at.load,
                rate(pair.errors.head),
                rate(pair.errors.base)
            );
            // Failures are counted by load: its steps all say the same.
            if more && failed >= LEAST_FAILURES && !faults.contains(&fault) {
                faults.push(fault);
            }
        }
        faults
    }
}

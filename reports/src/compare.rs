//! Two variants of one run, or two runs, beside each other.
//!
//! Within a run the ratio is that of paired blocks, with its interval, wherever each slice has the
//! samples for it; unless limits say what is judged, the verdict is that of a [`Duel`]. Two separate
//! runs are described: whatever else changed between them is in the ratio too. They are gated only
//! against absolute limits, or by more than identical servers differ on their machines.

mod document;
mod failing;
pub mod limit;
mod pair;
mod separate;
pub mod statistic;

use serde::Serialize;

use crate::duel::{Duel, Terms};

pub use self::{limit::Limit, pair::Pair, statistic::Statistic};
use self::{limit::Verdict, pair::Side};
use crate::{nearest::did_you_mean, outcome::Outcome, run::Run};

const SEPARATE: &str =
    "two separate runs are described only: whatever else changed between them is in these figures";

/// A comparison, judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
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
    pub limits: Vec<limit::Judged>,
    /// The verdict on two variants of one run, where no limits were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duel: Option<Duel>,
    /// The whole.
    pub outcome: Outcome,
    /// [`Outcome::exit_code`].
    pub exit_code: u8,
}

impl Comparison {
    /// The comparison as JSON, for programs.
    ///
    /// # Errors
    /// Never, for figures that were read from a run.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }
}

/// Something that one side lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// What: `md5, one-user, items`.
    pub what: String,
    /// `base`, `head`, or `both sides`.
    pub lacking: &'static str,
}

/// A comparison that cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError {
    /// The run has no such variant.
    #[error("run {run} has no variant `{name}`: it has {}{}", accepted.join(", "), did_you_mean(name, accepted.iter().map(String::as_str)))]
    Variant {
        /// As asked for.
        name: String,
        /// The run's id.
        run: String,
        /// The variants it has.
        accepted: Vec<String>,
    },
}

impl CompareError {
    /// # Errors
    /// The run has no variant of that name.
    pub(crate) fn unless_in(run: &Run, name: &str) -> Result<(), Self> {
        if run.variant(name).is_some() {
            return Ok(());
        }
        let accepted = run.variants.iter().map(|variant| variant.name.clone());
        Err(Self::Variant {
            name: name.to_owned(),
            run: run.id.clone(),
            accepted: accepted.collect(),
        })
    }
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
) -> Result<Comparison, CompareError> {
    for name in [base, head] {
        CompareError::unless_in(run, name)?;
    }
    let found = planned(run)
        .map(|(load, step)| {
            let at = |variant| Side {
                run,
                variant,
                load,
                step,
            };
            Pair::find(&format!("{base} → {head}"), at(base), at(head))
        })
        .collect();
    let limits: Vec<_> = limits.iter().map(|limit| (*limit, None)).collect();
    let mut comparison = judged([base, head], found, Vec::new(), run.faults(), &limits);
    if comparison.limits.is_empty() {
        let duel = Duel::of(run, &Terms::of(run, base, head))?;
        comparison.outcome = duel.outcome;
        comparison.exit_code = duel.exit_code;
        comparison.duel = Some(duel);
    }
    Ok(comparison)
}

/// Compares two runs, variant by variant.
#[must_use]
pub fn between(base: &Run, head: &Run, limits: &[Limit]) -> Comparison {
    let mut keys: Vec<(&str, &str, &str)> = Vec::new();
    for run in [base, head] {
        for variant in &run.variants {
            let here = planned(run).map(|(load, step)| (variant.name.as_str(), load, step));
            let new: Vec<_> = here.filter(|key| !keys.contains(key)).collect();
            keys.extend(new);
        }
    }
    let found = keys
        .into_iter()
        .map(|(variant, load, step)| {
            let side = |run| Side {
                run,
                variant,
                load,
                step,
            };
            Pair::find(variant, side(base), side(head))
        })
        .collect();
    let faults = [base, head].into_iter().flat_map(|run| {
        run.faults()
            .into_iter()
            .map(|fault| format!("{}: {fault}", run.id))
    });
    judged(
        [&base.id, &head.id],
        found,
        caveats(base, head),
        faults.collect(),
        &limits
            .iter()
            .map(|limit| (*limit, separate::objection(base, head, limit)))
            .collect::<Vec<_>>(),
    )
}

/// The loads and steps that a run set out to measure.
fn planned(run: &Run) -> impl Iterator<Item = (&str, &str)> {
    run.scenario.loads.iter().flat_map(|load| {
        load.steps
            .iter()
            .map(|step| (load.name.as_str(), step.as_str()))
    })
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

fn judged(
    [base, head]: [&str; 2],
    found: Vec<Result<Pair, Missing>>,
    caveats: Vec<String>,
    faults: Vec<String>,
    limits: &[(Limit, Option<String>)],
) -> Comparison {
    let (pairs, missing): (Vec<_>, Vec<_>) = found.into_iter().partition(Result::is_ok);
    let pairs: Vec<Pair> = pairs.into_iter().flatten().collect();
    let missing: Vec<Missing> = missing.into_iter().filter_map(Result::err).collect();
    let judges_errors = limits.iter().any(|(limit, _)| limit.is_of_errors());
    let limits: Vec<limit::Judged> = limits
        .iter()
        .flat_map(|(limit, objection)| {
            pairs
                .iter()
                .map(|pair| limit.judge(pair, objection.as_ref()))
        })
        .collect();
    let mut faults = faults;
    if !judges_errors {
        faults.extend(failing::faults(&pairs));
    }
    let any = |verdict| limits.iter().any(|judged| judged.verdict == verdict);
    // An invalid run is never gated, whatever its figures; what is missing is never a pass.
    let outcome = if !faults.is_empty() {
        Outcome::Inconclusive
    } else if !missing.is_empty() || pairs.is_empty() {
        Outcome::BadInput
    } else if any(Verdict::Broken) {
        Outcome::LimitBroken
    } else if any(Verdict::CannotTell) {
        Outcome::Inconclusive
    } else {
        Outcome::Ok
    };
    Comparison {
        base: base.to_owned(),
        head: head.to_owned(),
        pairs,
        missing,
        caveats,
        faults,
        limits,
        duel: None,
        outcome,
        exit_code: outcome.exit_code(),
    }
}

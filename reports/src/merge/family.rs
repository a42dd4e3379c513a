//! Whether runs are the shards of one load, each once.

use super::{MergeError, Part};
use crate::run::{Run, Silent, Status, Variant};

/// What is missing of the whole, a phrase each: only where `partial` accepts it.
pub(super) fn check(parts: &[Part], partial: bool) -> Result<Vec<String>, MergeError> {
    let Some((first, others)) = parts.split_first() else {
        return Ok(Vec::new());
    };
    for other in others {
        if let Some(what) = difference(first, other) {
            return Err(MergeError::Different {
                first: first.path.clone(),
                other: other.path.clone(),
                what,
            });
        }
    }
    if let Some(twins) = parts.windows(2).find(|two| two[0].number == two[1].number) {
        return Err(MergeError::Twice {
            first: twins[0].path.clone(),
            other: twins[1].path.clone(),
            number: twins[0].number,
        });
    }
    let mut missing = absent(parts, first.of, partial)?;
    for part in parts {
        if let Status::Partial(because) = &part.run.status {
            // A side that answers none of them is what ended them all.
            if !partial && silent(parts).is_none() {
                return Err(MergeError::CutShort {
                    path: part.path.clone(),
                    because: because.clone(),
                });
            }
            missing.push(format!("{}: {because}", part.shown()));
        }
    }
    Ok(missing)
}

/// The variant that answered none of the shards.
pub(super) fn silent(parts: &[Part]) -> Option<&Silent> {
    let (first, others) = parts.split_first()?;
    let silent = first.run.silent.as_ref()?;
    let is_it = |part: &Part| {
        let other = part.run.silent.as_ref();
        other.is_some_and(|other| (&other.variant, &other.load) == (&silent.variant, &silent.load))
    };
    others.iter().all(is_it).then_some(silent)
}

fn absent(parts: &[Part], of: u32, partial: bool) -> Result<Vec<String>, MergeError> {
    let there = |number: &u32| parts.iter().any(|part| part.number == *number);
    let numbers: Vec<String> = (0..of)
        .filter(|number| !there(number))
        .map(|number| number.to_string())
        .collect();
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let numbers = numbers.join(", ");
    if partial {
        Ok(vec![format!("shard {numbers} of {of} is missing")])
    } else {
        Err(MergeError::Missing { numbers, of })
    }
}

/// In what two shards are not of one load.
fn difference(a: &Part, b: &Part) -> Option<&'static str> {
    let asked = |run: &Run| {
        let mut scenario = run.scenario.clone();
        // Where the file lay is no part of what was asked.
        scenario.file = String::new();
        scenario
    };
    let (ours, theirs) = (&a.run.scenario, &b.run.scenario);
    let differs = [
        (ours.name != theirs.name, "the scenario"),
        (a.run.tool != b.run.tool, "the build of authlab"),
        (ours.profile != theirs.profile, "the profile"),
        (a.run.seed != b.run.seed, "the seed"),
        (a.of != b.of, "the number of shards"),
        (a.start_at != b.start_at, "the start"),
        (!same_variants(&a.run, &b.run), "the variants"),
        (a.run.duel != b.run.duel, "the terms of the duel"),
        (ours.loads != theirs.loads, "the loads or their steps"),
        (asked(&a.run) != asked(&b.run), "the scenario"),
        (!same_slices(&a.run, &b.run), "the order of their slices"),
    ];
    let found = differs.into_iter().find(|(differs, _)| *differs);
    found.map(|(_, what)| what)
}

fn same_variants(a: &Run, b: &Run) -> bool {
    let same = |(a, b): (&Variant, &Variant)| {
        // One that was never reached has no target yet.
        let reached = !a.target.is_empty() && !b.target.is_empty();
        a.name == b.name && (!reached || a.target == b.target)
    };
    a.variants.len() == b.variants.len() && a.variants.iter().zip(&b.variants).all(same)
}

/// As far as both have them.
fn same_slices(a: &Run, b: &Run) -> bool {
    a.slices
        .iter()
        .zip(&b.slices)
        .all(|(a, b)| (&a.load, &a.variant, a.block) == (&b.load, &b.variant, b.block))
}

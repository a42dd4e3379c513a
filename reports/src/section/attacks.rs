//! Attacks that were run: requests that were to be refused, and what became of them.

use std::collections::BTreeMap;

use crate::document::Tone;
use crate::quantity;
use crate::run::{Attack, Run};

/// One variant under one attack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attacked {
    /// The attack: `theft`, `replay`, `flood`, or another word of the scenario's.
    pub attack: String,
    /// The variant's name.
    pub name: String,
    /// The variant's label.
    pub variant: String,
    /// What became of it.
    pub outcome: Attack,
}

impl Attacked {
    /// Every attack on every variant, by attack.
    pub(crate) fn all(run: &Run) -> Vec<Self> {
        let mut attacks: BTreeMap<&str, Vec<Self>> = BTreeMap::new();
        for variant in &run.variants {
            let mut sums: BTreeMap<&str, Attack> = BTreeMap::new();
            for slice in run
                .slices
                .iter()
                .filter(|slice| slice.variant == variant.name)
            {
                for (attack, outcome) in &slice.attacks {
                    *sums.entry(attack).or_default() += *outcome;
                }
            }
            // One that no answer came to showed nothing.
            for (attack, outcome) in sums.into_iter().filter(|(_, outcome)| outcome.tried > 0) {
                attacks.entry(attack).or_default().push(Self {
                    attack: attack.to_owned(),
                    name: variant.name.clone(),
                    variant: variant.label.clone(),
                    outcome,
                });
            }
        }
        attacks.into_values().flatten().collect()
    }

    /// A sentence for each attack, with whether any of it passed: where all of it passed, where some, and where none.
    pub(crate) fn told(all: &[Self]) -> Vec<(Tone, String)> {
        let mut names: Vec<&str> = all
            .iter()
            .map(|attacked| attacked.attack.as_str())
            .collect();
        names.dedup();
        let is_passed = |name: &str| {
            let mut of = all.iter().filter(|attacked| attacked.attack == name);
            of.any(|attacked| attacked.outcome.passed > 0)
        };
        let tone = |name: &str| {
            if is_passed(name) {
                Tone::Unsafe
            } else {
                Tone::Safe
            }
        };
        let names = names.into_iter();
        names
            .map(|name| (tone(name), sentence(name, all)))
            .collect()
    }

    /// The same without whether any of it passed.
    pub(crate) fn sentences(all: &[Self]) -> Vec<String> {
        let told = Self::told(all).into_iter();
        told.map(|(_, sentence)| sentence).collect()
    }
}

fn sentence(attack: &str, all: &[Attacked]) -> String {
    let of = || all.iter().filter(|attacked| attacked.attack == attack);
    let listed = |these: &mut dyn Iterator<Item = &Attacked>| -> Option<String> {
        let these: Vec<&Attacked> = these.collect();
        let labels: Vec<&str> = these
            .iter()
            .map(|attacked| attacked.variant.as_str())
            .collect();
        let tried: u64 = these.iter().map(|attacked| attacked.outcome.tried).sum();
        (!these.is_empty()).then(|| {
            format!(
                "{} ({} tried)",
                labels.join(" · "),
                quantity::grouped(tried)
            )
        })
    };
    let all_passed = |attacked: &&Attacked| attacked.outcome.passed == attacked.outcome.tried;
    let is_refused = |attacked: &&Attacked| attacked.outcome.passed == 0;
    let passed = listed(&mut of().filter(|one| all_passed(one) && !is_refused(one)));
    let refused = listed(&mut of().filter(is_refused));
    let some: Vec<String> = of()
        .filter(|one| !all_passed(one) && !is_refused(one))
        .map(|one| {
            format!(
                "{} of {} passed with {}",
                quantity::grouped(one.outcome.passed),
                quantity::grouped(one.outcome.tried),
                one.variant
            )
        })
        .collect();
    let parts: Vec<String> = passed
        .map(|these| format!("all passed with {these}"))
        .into_iter()
        .chain(some)
        .chain(refused.map(|these| format!("none passed with {these}")))
        .collect();
    format!("Attack {attack}: {}", parts.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_sorts_variants_by_what_became_of_the_attack() {
        let one = |attack: &str, variant: &str, tried, passed| Attacked {
            attack: attack.to_owned(),
            name: variant.to_owned(),
            variant: variant.to_owned(),
            outcome: Attack { tried, passed },
        };
        let all = [
            one("replay", "a", 10, 10),
            one("theft", "a", 1200, 1200),
            one("theft", "b", 30, 0),
            one("theft", "c", 40, 3),
        ];
        assert_eq!(
            Attacked::sentences(&all),
            [
                "Attack replay: all passed with a (10 tried)",
                "Attack theft: all passed with a (1\u{202f}200 tried); 3 of 40 passed with c; none passed with b (30 tried)",
            ]
        );
    }
}

//! What shards have to agree in before they begin together.

use authlab_reports::run::{Terms, Tool};
use sha2::{Digest, Sha256};

use crate::conductor::described;
use crate::scenario::{Scenario, Target};

/// What shards have to agree in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub(super) seed: u64,
    pub(super) build: String,
    /// A digest.
    pub(super) asked: String,
}

impl Plan {
    /// What is asked of each of them: of the scenario what a run says of it, without where its file is.
    #[must_use]
    pub fn of(scenario: &Scenario, seed: u64, duel: Option<&Terms>, tool: &Tool) -> Self {
        let mut described = described(scenario);
        described.file = String::new();
        let targets = scenario
            .variants
            .iter()
            .map(|variant| match &variant.target {
                Target::Url { origin, .. } => origin.to_string(),
                Target::Authlab { .. } | Target::Command { .. } => String::new(),
            });
        let targets: Vec<_> = targets.collect();
        // What of it cannot be written is the same for all of them.
        let text = serde_json::to_vec(&(described, duel, targets)).unwrap_or_default();
        let digest = Sha256::digest(&text).into_iter().take(8);
        let asked = digest.fold(0, |sum, byte| sum << 8 | u64::from(byte));
        Self {
            seed,
            build: format!("{} {} {}", tool.version, tool.commit, tool.profile)
                .trim()
                .to_owned(),
            asked: format!("{asked:016x}"),
        }
    }

    /// In what another shard's differs.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        if self.build != other.build {
            let (ours, theirs) = (&self.build, &other.build);
            Some(format!(
                "is another build of authlab ({theirs}, not {ours})"
            ))
        } else if self.seed != other.seed {
            let (ours, theirs) = (self.seed, other.seed);
            Some(format!("has another seed ({theirs}, not {ours})"))
        } else {
            let is_same = self.asked == other.asked;
            (!is_same).then(|| "has another scenario, load, server or duel".to_owned())
        }
    }
}

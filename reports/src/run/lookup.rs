//! Finding things in a run.

use super::{Figure, LoadStep, Run, Slice, Status, Variant, Verdict};

impl Run {
    /// The variant of that name.
    #[must_use]
    pub fn variant(&self, name: &str) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.name == name)
    }

    /// The slices of one variant under one load, in the order in which they ran, without those in which the load
    /// generator was stopped.
    pub fn slices_of<'a>(
        &'a self,
        load: &'a str,
        variant: &'a str,
    ) -> impl Iterator<Item = &'a Slice> {
        self.slices
            .iter()
            .filter(move |slice| slice.load == load && slice.variant == variant)
            .filter(|slice| !slice.was_paused())
    }

    /// The merged figure, if anything was recorded for it.
    #[must_use]
    pub fn figure(&self, variant: &str, at: &LoadStep, metric: &str) -> Option<&Figure> {
        let mut of_variant = self
            .merged
            .iter()
            .filter(|figure| figure.variant == variant && figure.count > 0);
        of_variant.find(|figure| {
            figure.load == at.load && figure.step == at.step && figure.metric == metric
        })
    }

    /// Why its figures may not be judged, a sentence each; empty for a valid and complete run.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let verdict = self.validity.verdict.label();
        let mut faults: Vec<String> = self
            .validity
            .reasons
            .iter()
            .map(|reason| format!("{verdict}: {reason}"))
            .collect();
        if self.validity.verdict != Verdict::Valid && faults.is_empty() {
            faults.push(verdict.to_owned());
        }
        if let Status::Partial(because) = &self.status {
            faults.push(format!("partial: {because}"));
        }
        faults
    }
}

impl Slice {
    /// Whether the load generator was stopped meanwhile: its times say nothing of the server.
    #[must_use]
    pub fn was_paused(&self) -> bool {
        self.paused_ns.is_some()
    }

    /// The figure of a step's metric; none when nothing was recorded.
    #[must_use]
    pub fn figure(&self, step: &str, metric: &str) -> Option<&Figure> {
        let mut recorded = self.figures.iter().filter(|figure| figure.count > 0);
        recorded.find(|figure| figure.step == step && figure.metric == metric)
    }

    /// The median of a step's metric; none when nothing was recorded.
    #[must_use]
    pub fn p50(&self, step: &str, metric: &str) -> Option<f64> {
        self.figure(step, metric).map(|figure| figure.p50() as f64)
    }

    /// Requests that failed, for whatever reason.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failed.values().sum()
    }
}

impl Verdict {
    /// As written in `run.json` and shown to people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::ClientLimited => "client-limited",
            Self::ServerLimited => "server-limited",
            Self::Disturbed => "disturbed",
            Self::Empty => "empty",
        }
    }
}

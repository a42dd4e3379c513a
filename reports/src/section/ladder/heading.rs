//! What stands above a ladder: which run this is, and whether to believe it.

use crate::run::{Run, Status, Verdict};

/// What stands above a ladder.
#[derive(Debug, Clone, PartialEq)]
pub struct Heading {
    /// The scenario's name.
    pub scenario: String,
    /// The question it answers.
    pub question: String,
    /// Processor, in short.
    pub cpu: String,
    /// Cores that the run could use.
    pub cores: usize,
    /// The verdict on the run as a measurement.
    pub verdict: Verdict,
    /// Its reasons.
    pub reasons: Vec<String>,
    /// Why the run ended before its plan did.
    pub cut_short: Option<String>,
    /// Length of the run, seconds.
    pub elapsed_s: f64,
    /// `shard 0 of 3`, or `3 shards merged`; none for a run of one process.
    pub shards: Option<String>,
    /// The load of the latency columns, in words: `one user`.
    pub load: String,
}

impl Heading {
    pub(crate) fn of(run: &Run) -> Self {
        Self {
            scenario: run.scenario.name.clone(),
            question: run.scenario.question.clone(),
            cpu: short_name(&run.machine.cpu),
            cores: run.machine.cores,
            verdict: run.validity.verdict,
            reasons: run.validity.reasons.clone(),
            cut_short: match &run.status {
                Status::Complete => None,
                Status::Partial(because) => Some(because.clone()),
            },
            elapsed_s: run.elapsed_s,
            shards: match &run.shard {
                Some(shard) => Some(format!("shard {} of {}", shard.number, shard.of)),
                None if run.merged_from.is_empty() => None,
                None => Some(format!("{} shards merged", run.merged_from.len())),
            },
            load: run.scenario.ladder.latency.load.replace('-', " "),
        }
    }
}

/// `AMD EPYC 7763 64-Core Processor` → `AMD EPYC 7763`; `Intel(R) Xeon(R) CPU @ 2.20GHz` → `Intel Xeon`.
fn short_name(cpu: &str) -> String {
    let without_marks = cpu
        .replace("(R)", "")
        .replace("(TM)", "")
        .replace("(tm)", "");
    let before_clock = without_marks.split('@').next().unwrap_or_default();
    let said = |word: &&str| !matches!(*word, "CPU" | "Processor") && !word.ends_with("-Core");
    before_clock
        .split_whitespace()
        .filter(said)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::short_name;

    #[test]
    fn processors_are_named_in_short() {
        assert_eq!(
            short_name("AMD EPYC 7763 64-Core Processor"),
            "AMD EPYC 7763"
        );
        assert_eq!(short_name("Intel(R) Xeon(R) CPU @ 2.20GHz"), "Intel Xeon");
        assert_eq!(short_name("AMD EPYC"), "AMD EPYC");
    }
}

//! What a bisection says: a line for each step, the conclusion, and both as JSON.

use std::fmt::Write as _;
use std::path::PathBuf;

use authlab_reports::judge::{ERROR, MARGIN, Metric, Row};
use authlab_reports::{plain, quantity};
use serde::Serialize;

use super::history::Commit;
use super::search::Mark;

/// The version of the JSON form.
const FORMAT_VERSION: u32 = 1;
/// So much of a subject is on a line.
const MOST_SUBJECT_CHARS: usize = 50;

/// Two commits and what their duel says.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Step {
    base: Commit,
    commit: Commit,
    /// `slower`, `faster`, `no change`; `inconclusive`, also where it could not be measured.
    pub(super) verdict: &'static str,
    /// Why it could not be decided, or need not be.
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<String>,
    /// 0.1 is 10 % more.
    effect: Option<f64>,
    /// Its confidence interval.
    interval: Option<[f64; 2]>,
    /// The same in words.
    #[serde(skip)]
    figures: String,
    /// Of the duel.
    pub(super) seconds: f64,
    pub(super) build_seconds: f64,
    /// The folder of its run.
    pub(super) run: Option<PathBuf>,
}

impl Step {
    pub(super) fn new(base: &Commit, commit: &Commit) -> Self {
        Self {
            base: base.clone(),
            commit: commit.clone(),
            verdict: "inconclusive",
            because: None,
            effect: None,
            interval: None,
            figures: quantity::NOT_MEASURED.to_owned(),
            seconds: 0.0,
            build_seconds: 0.0,
            run: None,
        }
    }

    /// A commit with the files of another that is known.
    pub(super) fn same(base: &Commit, commit: &Commit, mark: Mark) -> Self {
        Self {
            verdict: match mark {
                Mark::Fast => "no change",
                Mark::Slow => "slower",
                Mark::Skipped => "inconclusive",
            },
            because: Some("the same files as a commit that is known".to_owned()),
            ..Self::new(base, commit)
        }
    }

    /// The name of the base in its run.
    pub(super) fn base_name(&self) -> &str {
        self.base.short()
    }

    pub(super) fn skip(&mut self, why: String) {
        self.verdict = "inconclusive";
        self.because = Some(why);
    }

    pub(super) fn measured(&mut self, row: &Row) {
        self.verdict = row
            .verdict
            .map_or("inconclusive", |verdict| verdict.label());
        self.effect = row.ratio().map(|ratio| ratio - 1.0);
        self.interval = row.ratio_interval().map(|at| [at.low - 1.0, at.high - 1.0]);
        if let Some((effect, at)) = row.effect.zip(row.interval) {
            self.figures = format!(
                "{} {} ({})",
                row.name(),
                row.changed(effect),
                row.changed_between(at.low, at.high)
            );
        }
    }

    /// Commit, verdict, effect and interval, seconds, subject.
    pub(super) fn line(&self) -> String {
        let subject: String = self
            .commit
            .subject
            .chars()
            .take(MOST_SUBJECT_CHARS)
            .collect();
        let because = self
            .because
            .as_ref()
            .map_or(String::new(), |why| format!(" ({why})"));
        plain::line(&format!(
            "{}  {:<12}  {}  {:.0} s  {subject}{because}",
            self.commit.short(),
            self.verdict,
            self.figures,
            self.seconds,
        ))
        .into_owned()
    }

    fn is_decided(&self) -> bool {
        self.verdict != "inconclusive" && self.run.is_some()
    }
}

/// All of it.
#[derive(Debug, Serialize)]
pub(super) struct Bisection {
    format: u32,
    good: Commit,
    bad: Commit,
    /// Commits after the good one.
    commits: usize,
    metric: String,
    /// The bad end against the good one.
    pub(super) ends: Option<Step>,
    /// Commits whose effect is above this are slow, those below it fast.
    pub(super) line: Option<f64>,
    /// Commits against the good end, in the order in which they were measured.
    pub(super) steps: Vec<Step>,
    /// The culprit; several where those between could not be measured.
    pub(super) suspects: Vec<Commit>,
    /// The last of them against the parent of the first.
    pub(super) last: Option<Step>,
    /// Probability of a wrong commit, at most.
    error: Option<f64>,
    exit_code: u8,
}

impl Bisection {
    pub(super) fn new(good: &Commit, bad: &Commit, commits: usize, metric: &Metric) -> Self {
        Self {
            format: FORMAT_VERSION,
            good: good.clone(),
            bad: bad.clone(),
            commits,
            metric: metric.to_string(),
            ends: None,
            line: None,
            steps: Vec::new(),
            suspects: Vec::new(),
            last: None,
            error: None,
            exit_code: 0,
        }
    }

    pub(super) fn ended(&mut self, exit_code: u8) {
        self.exit_code = exit_code;
        // The union bound: each duel that the search went by, and the first, is wrong with the error of a duel.
        let duels = self.duels();
        self.error = (!self.suspects.is_empty()).then(|| (duels as f64 * ERROR).min(1.0));
    }

    /// Those that the search went by.
    fn duels(&self) -> usize {
        let steps = self.steps.iter().chain(&self.ends);
        steps.filter(|step| step.is_decided()).count()
    }

    /// Whether it is one commit, whose own duel does not speak against it.
    pub(super) fn is_found(&self) -> bool {
        self.suspects.len() == 1 && !self.is_refuted()
    }

    /// The duel with the parent is certain of less than the margin.
    fn is_refuted(&self) -> bool {
        let interval = self.last.as_ref().and_then(|last| last.interval);
        interval.is_some_and(|[_, high]| high < MARGIN)
    }

    pub(super) fn conclusion(&self) -> String {
        let mut text = String::new();
        let Some(line) = self.line else {
            let said = match &self.ends {
                Some(ends) if ends.is_decided() && ends.verdict != "slower" => format!(
                    "{} is not slower than {}: {}, {}",
                    self.bad.short(),
                    self.good.short(),
                    ends.verdict,
                    ends.figures
                ),
                Some(ends) => format!(
                    "it is open whether {} is slower than {}: {}{}",
                    self.bad.short(),
                    self.good.short(),
                    ends.figures,
                    ends.because
                        .as_ref()
                        .map_or(String::new(), |why| format!(", {why}")),
                ),
                None => "nothing was measured".to_owned(),
            };
            let _ = writeln!(text, "\n{}", plain::line(&said));
            return text;
        };
        let Some(culprit) = self.suspects.last() else {
            return "\ninterrupted: the commit is not found yet\n".to_owned();
        };
        let figures = self.last.as_ref().map_or("", |last| last.figures.as_str());
        let _ = match self.suspects.as_slice() {
            [_] if self.is_refuted() => writeln!(
                text,
                "\nno single commit: up to {} the server became slower by more than {}, but this commit changes less than the margin of {}: {figures}",
                culprit.short(),
                quantity::effect(line).trim_start_matches('+'),
                quantity::effect(MARGIN).trim_start_matches('+'),
            ),
            [_] => writeln!(
                text,
                "\n{} made it slower: {}\nagainst its parent: {figures}",
                culprit.short(),
                plain::line(&culprit.subject),
            ),
            several => writeln!(
                text,
                "\none of these {} commits made it slower; those before the last could not be measured\n{}\ntogether: {figures}",
                several.len(),
                several
                    .iter()
                    .map(|commit| format!("  {}  {}", commit.short(), plain::line(&commit.subject)))
                    .collect::<Vec<_>>()
                    .join("\n"),
            ),
        };
        let duels = self.duels();
        let _ = writeln!(
            text,
            "Error: the search rests on {duels} duels, each wrong with a probability of at most {:.0} %. So this is the wrong\ncommit with a probability of at most {:.0} % (union bound), if the server stayed slower by more than {} after it.",
            ERROR * 100.0,
            self.error.unwrap_or(1.0) * 100.0,
            quantity::effect(line).trim_start_matches('+'),
        );
        text
    }

    pub(super) fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }
}

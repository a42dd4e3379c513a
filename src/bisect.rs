//! `authlab bisect`: the commit that made a server slower, by duels of builds of one repository.
//!
//! The first duel says whether the bad end is slower at all, and by how much. Half of that is the line that each later duel
//! decides on: a commit is *fast* or *slow* only where the confidence interval of its effect lies on one side of it.

mod builds;
mod history;
mod search;
mod told;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, bail};
use authlab_loadtest::conductor::{Finished, RunError};
use authlab_loadtest::interrupt;
use authlab_loadtest::plan::seed_from_clock;
use authlab_reports::duel::Duel;
use authlab_reports::judge::{MARGIN, Metric, Role, Row, Verdict};
use authlab_reports::order_statistics::Interval;
use clap::ArgMatches;

use self::builds::{Builds, Side};
use self::history::Commit;
use self::search::{Mark, Next, Search};
use self::told::{Bisection, Step};
use crate::words::{self, Confidential};
use crate::{duel, exit, output};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    conditions: duel::Conditions,
    /// Commit that is fast enough, an ancestor of --bad
    #[arg(help_heading = "Commits", long, value_name = "REV")]
    good: String,
    /// Commit that is slower
    #[arg(help_heading = "Commits", long, value_name = "REV")]
    bad: String,
    /// Command that builds the server; `sh -e` runs it in a checkout of each commit that is measured
    #[arg(help_heading = "Commits", long, value_name = "CMD")]
    build: String,
    /// Command that starts the server: `{side}` becomes the folder of its checkout, `{port}` a free port
    #[arg(help_heading = "Commits", long, value_name = "CMD", value_parser = Confidential::command)]
    serve: Confidential,
    /// Metric that is compared: p50, cpu, p90, p99, p99.9, memory, stage-NAME
    #[arg(help_heading = "Verdict", long, default_value = "p50")]
    metric: Metric,
    /// File for the result as JSON
    #[arg(help_heading = "Result", long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Folder in which the last 16 builds are kept [default: builds, in the folder of --runs]
    #[arg(help_heading = "Result", long, value_name = "FOLDER")]
    builds: Option<PathBuf>,
    /// Folder in which run folders are created, one for each duel
    #[arg(help_heading = "Result", long, default_value = "reports/runs")]
    runs: PathBuf,
    /// Seed of every random choice [default: from the clock]
    #[arg(help_heading = "Load", long)]
    seed: Option<u64>,
}

pub(crate) fn run(arguments: &Arguments, typed: &ArgMatches) -> anyhow::Result<ExitCode> {
    interrupt::install().context("cannot take SIGINT and SIGTERM")?;
    check(arguments)?;
    let good = history::commit("--good", &arguments.good)?;
    let bad = history::commit("--bad", &arguments.bad)?;
    let commits = history::between(&good, &bad)?;
    let folder = arguments.builds.clone();
    let folder = folder.unwrap_or_else(|| arguments.runs.join("builds"));
    let mut bench = Bench {
        arguments,
        conditions: words::as_typed::<duel::Conditions>(typed),
        seed: arguments.seed.unwrap_or_else(seed_from_clock),
        builds: Builds::open(&folder, &arguments.build)?,
        judged: None,
        duels: 0,
    };
    let mut bisection = Bisection::new(&good, &bad, commits.len(), &arguments.metric);
    let code = search(&mut bench, &good, &commits, &mut bisection)?;
    bisection.ended(code);
    output::write(&bisection.conclusion());
    output::note(format_args!(
        "{} builds are kept in {} for the next time; remove the folder when you need them no more",
        bench.builds.count(),
        bench.builds.folder().display()
    ));
    if let Some(file) = &arguments.json {
        std::fs::write(file, bisection.json()?)
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(ExitCode::from(code))
}

/// What would be measured wrongly, or not at all.
fn check(arguments: &Arguments) -> anyhow::Result<()> {
    if !arguments.serve.text.contains("{side}") {
        bail!(
            "--serve does not contain `{{side}}`, which becomes the folder of a commit's checkout: without it each commit would be the same server"
        );
    }
    if matches!(
        arguments.metric,
        Metric::Errors | Metric::Stale | Metric::Capacity
    ) {
        bail!(
            "--metric {}: it takes a time, an amount of memory or CPU time; for others use `git bisect run` with `authlab duel --bisect`",
            arguments.metric
        );
    }
    Ok(())
}

/// Both ends, then commits between them, and at last the culprit against its parent: the exit code.
fn search(
    bench: &mut Bench<'_>,
    good: &Commit,
    commits: &[Commit],
    bisection: &mut Bisection,
) -> anyhow::Result<u8> {
    let mut search = Search::of(commits.len());
    let bad = commits.last().context("there is no commit between them")?;
    output::note(format_args!(
        "{} commits, at most {} duels of {} each; a commit that cannot be measured costs another",
        commits.len(),
        search.most() + 2,
        bench.arguments.conditions.within(),
    ));
    let ends = bench.measured([good, bad], None, &[good])?;
    bisection.ends = Some(told(ends.step));
    let Some(effect) = ends.effect.filter(|_| ends.mark == Some(Mark::Slow)) else {
        let is_cut_short = interrupt::requested();
        if let (None, false, Some(step)) = (ends.mark, is_cut_short, &bisection.ends) {
            bail!("the two ends cannot be compared: {}", step.line());
        }
        return Ok(exit::NO_VERDICT);
    };
    // Half of it as the judge counts it, by logarithms.
    let line = MARGIN.max((1.0 + effect).sqrt() - 1.0);
    bisection.line = Some(line);
    let mut marks = vec![
        (good.tree.clone(), Mark::Fast),
        (bad.tree.clone(), Mark::Slow),
    ];
    let suspects = loop {
        let at = match search.next() {
            Next::Measure(at) => at,
            Next::Found(suspects) => break suspects,
        };
        let commit = &commits[at];
        let known = marks.iter().find(|(tree, _)| *tree == commit.tree);
        if let Some((_, mark)) = known {
            search.mark(at, *mark);
            bisection.steps.push(told(Step::same(good, commit, *mark)));
            continue;
        }
        let measured = bench.measured([good, commit], Some(line), &[good, bad])?;
        bisection.steps.push(told(measured.step));
        if interrupt::requested() {
            return Ok(exit::NO_VERDICT);
        }
        let mark = measured.mark.unwrap_or(Mark::Skipped);
        search.mark(at, mark);
        marks.push((commit.tree.clone(), mark));
    };
    let (first, last) = (*suspects.start(), *suspects.end());
    let parent = first.checked_sub(1).map_or(good, |before| &commits[before]);
    let culprit = &commits[last];
    bisection.suspects = commits[suspects].to_vec();
    if parent.id == good.id && culprit.id == bad.id {
        // The ends themselves.
        bisection.last.clone_from(&bisection.ends);
    } else {
        let measured = bench.measured([parent, culprit], None, &[good, bad, parent])?;
        bisection.last = Some(told(measured.step));
    }
    Ok(if bisection.is_found() {
        0
    } else {
        exit::NO_VERDICT
    })
}

/// A step, on its line.
fn told(step: Step) -> Step {
    output::line(format_args!("{}", step.line()));
    step
}

/// What all duels share.
struct Bench<'a> {
    arguments: &'a Arguments,
    /// As typed.
    conditions: Vec<String>,
    seed: u64,
    builds: Builds,
    /// The row that the first duel was decided by, where a journey has several steps.
    judged: Option<String>,
    duels: u64,
}

/// What a duel of two commits says of the second.
struct Measured {
    step: Step,
    /// None where the first could not be measured.
    mark: Option<Mark>,
    /// How much longer the second takes.
    effect: Option<f64>,
}

impl Bench<'_> {
    /// Builds both and has them fight; `line` parts fast from slow, or else the duel's margin.
    fn measured(
        &mut self,
        [base, head]: [&Commit; 2],
        line: Option<f64>,
        in_use: &[&Commit],
    ) -> anyhow::Result<Measured> {
        let began = Instant::now();
        let mut step = Step::new(base, head);
        let mut sides = Vec::new();
        for commit in [base, head] {
            let side = match self.build(commit, &mut step, in_use)? {
                Ok(side) => side,
                Err(why) => {
                    step.skip(if commit.id == head.id {
                        why
                    } else {
                        format!("{} {why}", commit.short())
                    });
                    step.seconds = began.elapsed().as_secs_f64();
                    let mark = (commit.id == head.id && line.is_some()).then_some(Mark::Skipped);
                    return Ok(Measured {
                        step,
                        mark,
                        effect: None,
                    });
                }
            };
            sides.push(side);
        }
        let (finished, judged) = duel::between(&self.words([base, head], &sides, line))?;
        self.duels += 1;
        step.run = Some(finished.path.clone());
        step.seconds = began.elapsed().as_secs_f64() - step.build_seconds;
        let (mark, effect) = self.judge(&mut step, &finished, judged.as_ref(), line);
        Ok(Measured { step, mark, effect })
    }

    fn build(
        &mut self,
        commit: &Commit,
        step: &mut Step,
        in_use: &[&Commit],
    ) -> anyhow::Result<builds::Built> {
        let built = self.builds.of(commit, in_use)?;
        if let Ok(Side {
            seconds: Some(seconds),
            ..
        }) = built
        {
            output::note(format_args!("{} is built ({seconds:.0} s)", commit.short()));
            step.build_seconds += seconds;
        }
        Ok(built)
    }

    /// The duel as it would be typed.
    fn words(&self, commits: [&Commit; 2], sides: &[Side], line: Option<f64>) -> Vec<String> {
        let mut words = self.conditions.clone();
        for ((option, commit), side) in ["--base", "--head"].into_iter().zip(commits).zip(sides) {
            let folder = side.folder.display().to_string();
            words.push(option.to_owned());
            words.push(self.arguments.serve.text.replace("{side}", &folder));
            words.push(format!("{option}-name"));
            words.push(commit.short().to_owned());
        }
        if let Some(line) = line {
            words.extend(["--margin".to_owned(), format!("{:.3}%", line * 100.0)]);
        }
        let seed = self.seed.wrapping_add(self.duels);
        words.extend(["--gate".to_owned(), self.arguments.metric.to_string()]);
        words.extend(["--seed".to_owned(), seed.to_string()]);
        words.extend([
            "--runs".to_owned(),
            self.arguments.runs.display().to_string(),
        ]);
        words
    }

    /// What its duel says of the head, and how much longer it takes.
    fn judge(
        &mut self,
        step: &mut Step,
        finished: &Finished,
        judged: Option<&Duel>,
        line: Option<f64>,
    ) -> (Option<Mark>, Option<f64>) {
        let skipped = |step: &mut Step, why: String| {
            step.skip(why);
            (Some(Mark::Skipped), None)
        };
        match &finished.error {
            None => {}
            Some(RunError::Server { variant, cause }) if variant != step.base_name() => {
                return skipped(step, format!("does not start: {cause}"));
            }
            Some(RunError::Silent(silent)) if silent.variant != step.base_name() => {
                return skipped(step, format!("does not answer: {silent}"));
            }
            Some(error) => {
                step.skip(error.to_string());
                return (None, None);
            }
        }
        let Some(duel) = judged else {
            return skipped(step, "nothing was measured".to_owned());
        };
        if let Some(fault) = duel.faults.first() {
            return skipped(step, format!("not valid: {fault}"));
        }
        let gated = duel.rows.iter().filter(|row| row.role == Role::Gated);
        let row = gated
            .filter(|row| self.judged.as_ref().is_none_or(|name| row.name() == *name))
            .max_by(|one, other| low(one).total_cmp(&low(other)));
        let Some(row) = row else {
            let why = duel.rows.iter().find_map(|row| match &row.role {
                Role::Advisory(why) => Some(format!("{} is not judged: {why}", row.name())),
                _ => None,
            });
            return skipped(step, why.unwrap_or_else(|| duel.missing.join("; ")));
        };
        step.measured(row);
        let mark = mark(row, line);
        if self.judged.is_none() && mark == Mark::Slow {
            self.judged = Some(row.name());
        }
        if mark == Mark::Skipped {
            step.skip("the duel could not decide".to_owned());
        }
        (Some(mark), row.ratio().map(|ratio| ratio - 1.0))
    }
}

fn low(row: &Row) -> f64 {
    row.ratio_interval().map_or(f64::NEG_INFINITY, |at| at.low)
}

/// On which side of the line it is certain to be. *No change* at the end of the time may leave both open.
fn mark(row: &Row, line: Option<f64>) -> Mark {
    let line = 1.0 + line.unwrap_or(MARGIN);
    let is_below = |at: Interval| at.high < line;
    match row.verdict {
        Some(Verdict::Slower) => Mark::Slow,
        Some(Verdict::Faster) => Mark::Fast,
        _ if row.ratio_interval().is_some_and(is_below) => Mark::Fast,
        _ => Mark::Skipped,
    }
}

//! Shards that wait for one another in a folder that all of them see, and then begin at one instant.
//!
//! Each of them writes a report into a file of its own, again and again: that file says that it is there, what it was asked
//! for, and what time its clock shows. Shard 0 reads all of them. When every shard has reported in, it writes the start
//! into its own report, which the others read. Nothing is locked and no file is renamed, since the folder may be on NFS:
//! there a file that is written in place is seen when it is opened again, and what cannot be read yet is read at the next
//! look. A report that was left by an earlier process does not change any more, and counts for nothing.

mod clocks;
mod known;
mod plan;
mod report;

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use authlab_reports::quantity;
use jiff::Timestamp;

use self::clocks::Ahead;
use self::known::Known;
pub use self::plan::Plan;
use self::report::{Answer, Report, Said};
use crate::interrupt;
use crate::shard::Share;

/// Between two looks at the reports: so many shards look at once that a file server is not overrun.
const LOOK_EVERY_OF_A_SHARD: Duration = Duration::from_millis(5);
const LEAST_LOOK: Duration = Duration::from_millis(50);
const LONGEST_LOOK: Duration = Duration::from_secs(1);
/// Looks after the last shard has reported in, which compare the clocks.
const COMPARED_FOR: u32 = 20;
/// The start is this far ahead, and so many times as long as a report takes from one shard to another and back.
const LEAST_AHEAD: Duration = Duration::from_secs(2);
const TIMES_AHEAD: u32 = 4;
const MOST_AHEAD: Duration = Duration::from_secs(60);

/// Shards that have met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Met {
    /// When all of them begin.
    pub start_at: Timestamp,
    /// How far their clocks are apart at most, as far as their reports show: no less than a report takes to be seen.
    pub apart: Duration,
}

/// Why they do not begin.
#[derive(Debug, thiserror::Error)]
pub enum MeetError {
    /// The folder cannot be used.
    #[error("--meet {}: {source}", path.display())]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Shards did not come.
    #[error("--meet {}: {missing} of {of} (from 0) did not report in within {}", folder.display(), quantity::elapsed(within.as_secs_f64()))]
    Missing {
        /// Where.
        folder: PathBuf,
        /// Which.
        missing: String,
        /// How many there should be.
        of: u32,
        /// How long they were waited for.
        within: Duration,
    },
    /// Two processes have one share.
    #[error("--meet {}: another process reports in as shard {share}: each load needs a folder of its own", folder.display())]
    Twice {
        /// Where.
        folder: PathBuf,
        /// The share.
        share: Share,
    },
    /// Shard 0 says why they cannot begin together.
    #[error("--meet {}: {why}", folder.display())]
    Refused {
        /// Where.
        folder: PathBuf,
        /// Why.
        why: String,
    },
    /// Ctrl-C.
    #[error("interrupted while the shards met")]
    Interrupted,
}

/// Waits in `folder` until all shards have reported in.
///
/// # Errors
/// They do not within the time, do not agree, or the folder cannot be written.
pub fn meet(folder: &Path, share: Share, plan: &Plan, within: Duration) -> Result<Met, MeetError> {
    Meeting {
        folder,
        share,
        plan,
        within,
        // Its keys are random.
        process: RandomState::new().hash_one(std::process::id()),
        clock: now_ns,
    }
    .held()
}

fn now_ns() -> i64 {
    i64::try_from(Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX)
}

/// One shard's part in it.
struct Meeting<'a, C> {
    folder: &'a Path,
    share: Share,
    plan: &'a Plan,
    within: Duration,
    /// Tells this process from others of the same share.
    process: u64,
    clock: C,
}

impl<C: Fn() -> i64> Meeting<'_, C> {
    fn held(&self) -> Result<Met, MeetError> {
        std::fs::create_dir_all(self.folder).map_err(failed(self.folder))?;
        if self.share.number() == 0 {
            self.lead()
        } else {
            self.follow()
        }
    }

    /// Shard 0 waits for all others, and says when they begin.
    fn lead(&self) -> Result<Met, MeetError> {
        let mut known: BTreeMap<u32, Known> = (1..self.share.of())
            .map(|number| (number, Known::default()))
            .collect();
        let mut compared = 0;
        for beat in self.beats() {
            let beat = beat?;
            let missing: Vec<u32> = known
                .iter()
                .filter(|(_, shard)| !shard.is_here(self.process))
                .map(|(number, _)| *number)
                .collect();
            if missing.is_empty() {
                compared += 1;
            }
            if compared > COMPARED_FOR {
                return self.begin(beat, &known);
            }
            if beat.is_last {
                return Err(self.missing(&missing));
            }
            self.write(&Report {
                said: Said::Waits { missing },
                ..self.report(beat.number, None)
            })?;
            for (number, shard) in &mut known {
                if let Some(report) = self.read(*number) {
                    shard.hear(report, (self.clock)(), self.process);
                }
            }
        }
        Err(MeetError::Interrupted)
    }

    /// All are there: they begin, if they agree.
    fn begin(&self, beat: Beat, known: &BTreeMap<u32, Known>) -> Result<Met, MeetError> {
        let with: Vec<u64> = known
            .values()
            .filter_map(|shard| Some(shard.last.as_ref()?.process))
            .collect();
        let objections = known.iter().filter_map(|(number, shard)| {
            let objection = shard.objection(self.plan, self.share)?;
            Some(format!("shard {number} {objection}"))
        });
        let objections: Vec<_> = objections.collect();
        let answer = if objections.is_empty() {
            let apart = Ahead::apart(known.values().map(|shard| shard.ahead));
            let round = known.values().map(|shard| shard.ahead.width()).max();
            let round = Duration::from_nanos(round.unwrap_or_default());
            let ahead = round
                .saturating_mul(TIMES_AHEAD)
                .clamp(LEAST_AHEAD, MOST_AHEAD);
            Answer::Begins {
                start_at_ns: (self.clock)() + i64::try_from(ahead.as_nanos()).unwrap_or_default(),
                apart_ns: apart,
            }
        } else {
            Answer::Refuses {
                why: objections.join("; "),
            }
        };
        self.write(&Report {
            said: Said::Answers {
                with,
                answer: answer.clone(),
            },
            ..self.report(beat.number, None)
        })?;
        self.answered(answer)
    }

    /// The others wait for what shard 0 says.
    fn follow(&self) -> Result<Met, MeetError> {
        let mut ahead = Ahead::default();
        let mut first: Option<Report> = None;
        for beat in self.beats() {
            let beat = beat?;
            if let Some(report) = self.read(0) {
                let is_of_another = |first: &Report| first.process != report.process;
                if first.as_ref().is_some_and(is_of_another) {
                    ahead = Ahead::default();
                }
                if let Said::Answers { with, answer } = &report.said
                    && with.contains(&self.process)
                {
                    // Nobody reads it any more; what cannot be removed harms nobody either.
                    let _ = std::fs::remove_file(self.path(self.share.number()));
                    return self.answered(answer.clone());
                }
                if first.as_ref().is_none_or(|first| first != &report) {
                    ahead.heard(report.at_ns, (self.clock)());
                    first = Some(report);
                }
            }
            if beat.is_last {
                return Err(self.missing(&missing_by(first.as_ref())));
            }
            let hears = first.as_ref().map(|first| (first.process, ahead.most()));
            self.write(&self.report(beat.number, hears))?;
        }
        Err(MeetError::Interrupted)
    }

    fn answered(&self, answer: Answer) -> Result<Met, MeetError> {
        match answer {
            Answer::Begins {
                start_at_ns,
                apart_ns,
            } => Ok(Met {
                start_at: Timestamp::from_nanosecond(start_at_ns.into()).unwrap_or_default(),
                apart: Duration::from_nanos(apart_ns),
            }),
            Answer::Refuses { why } => Err(MeetError::Refused {
                folder: self.folder.to_owned(),
                why,
            }),
        }
    }

    fn report(&self, beat: u64, hears: Option<(u64, i64)>) -> Report {
        Report {
            process: self.process,
            of: self.share.of(),
            seed: self.plan.seed,
            build: self.plan.build.clone(),
            asked: self.plan.asked.clone(),
            beat,
            at_ns: (self.clock)(),
            hears,
            said: Said::Waits {
                missing: Vec::new(),
            },
        }
    }

    /// Looks at the reports, each after a pause, until the time is over; none after an interrupt.
    fn beats(&self) -> impl Iterator<Item = Result<Beat, MeetError>> {
        let pause = LOOK_EVERY_OF_A_SHARD * self.share.of();
        let pause = pause.clamp(LEAST_LOOK, LONGEST_LOOK);
        let began = Instant::now();
        (0_u64..).map_while(move |number| {
            if number > 0 {
                std::thread::sleep(pause);
            }
            if interrupt::requested() {
                let _ = std::fs::remove_file(self.path(self.share.number()));
                return None;
            }
            Some(self.is_alone(number).map(|()| Beat {
                number,
                is_last: began.elapsed() > self.within,
            }))
        })
    }

    /// Whether the file of this share is still this process's.
    fn is_alone(&self, beat: u64) -> Result<(), MeetError> {
        let is_ours = |report: Report| report.process == self.process;
        if beat == 0 || self.read(self.share.number()).is_none_or(is_ours) {
            return Ok(());
        }
        Err(MeetError::Twice {
            folder: self.folder.to_owned(),
            share: self.share,
        })
    }

    fn missing(&self, numbers: &[u32]) -> MeetError {
        let named: Vec<String> = numbers.iter().map(u32::to_string).collect();
        let shards = if named.len() == 1 { "shard" } else { "shards" };
        MeetError::Missing {
            folder: self.folder.to_owned(),
            missing: format!("{shards} {}", named.join(", ")),
            of: self.share.of(),
            within: self.within,
        }
    }

    fn path(&self, number: u32) -> PathBuf {
        self.folder.join(format!("shard-{number}.json"))
    }

    /// The report of a shard; none while there is none that can be read.
    fn read(&self, number: u32) -> Option<Report> {
        report::read(&self.path(number))
    }

    fn write(&self, report: &Report) -> Result<(), MeetError> {
        let path = self.path(self.share.number());
        report::write(&path, report).map_err(failed(&path))
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> MeetError {
    let path = path.to_owned();
    move |source| MeetError::Folder { path, source }
}

/// A look at the reports.
#[derive(Clone, Copy)]
struct Beat {
    number: u64,
    is_last: bool,
}

/// Who is missing in the eyes of shard 0; without a report of it, that is shard 0.
fn missing_by(first: Option<&Report>) -> Vec<u32> {
    match first.map(|first| &first.said) {
        Some(Said::Waits { missing }) if !missing.is_empty() => missing.clone(),
        _ => vec![0],
    }
}

#[cfg(test)]
mod tests;

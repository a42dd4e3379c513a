//! What a calibration of the gate found: `gate.json`, and the same for people.

mod table;

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, bail};
use authlab_loadtest::conductor::Order;
use authlab_loadtest::machine;
use authlab_reports::foreign;
use authlab_reports::judge::Verdict;
use authlab_reports::outcome::Outcome;
use authlab_reports::run::{Machine, Tool};
use serde::{Deserialize, Serialize};

/// A calibration of the gate.
#[derive(Serialize, Deserialize)]
pub(super) struct Gate {
    taken: String,
    seed: u64,
    tool: Tool,
    machine: Machine,
    seconds: f64,
    #[serde(skip, default = "Instant::now")]
    began: Instant,
    pub(super) same: Option<Recorded>,
    pub(super) injected: Vec<Recorded>,
    pub(super) live: Option<Live>,
    pub(super) disturbed: Option<Live>,
    pub(super) live_injected: Vec<Live>,
    pub(super) layouts: Option<Live>,
}

/// Recorded blocks of two servers, judged in windows.
#[derive(Serialize, Deserialize)]
pub(super) struct Recorded {
    /// The cost that was meant to be injected, as a share of p50.
    pub(super) intended: f64,
    /// The effect over all blocks, as measured.
    pub(super) measured: f64,
    /// Its 95 % interval.
    pub(super) interval: Option<[f64; 2]>,
    pub(super) blocks: usize,
    pub(super) set_aside: usize,
    /// Median absolute deviation of the blocks' differences of logarithms.
    pub(super) noise_mad: f64,
    /// Mean share of time that the host took.
    pub(super) steal: f64,
    /// Duels one after another.
    pub(super) windows: Verdicts,
    /// Duels from every block on: they overlap.
    pub(super) starts: Verdicts,
    pub(super) rivals: Vec<Rival>,
}

/// Verdicts of windows.
#[derive(Serialize, Deserialize, Default)]
pub(super) struct Verdicts {
    pub(super) slower: usize,
    pub(super) faster: usize,
    pub(super) no_change: usize,
    pub(super) inconclusive: usize,
    /// Blocks that all of them took.
    pub(super) blocks: usize,
}

/// Windows in which a method says that the head is worse.
#[derive(Serialize, Deserialize)]
pub(super) struct Rival {
    pub(super) name: String,
    pub(super) windows: usize,
    /// With the base measured first, then the head.
    pub(super) sequential: usize,
    /// With slices of both in turn, as the duel has them.
    pub(super) interleaved: usize,
}

/// Live duels of one kind.
#[derive(Serialize, Deserialize)]
pub(super) struct Live {
    /// The cost that was meant to be injected, as a share of p50.
    pub(super) intended: f64,
    pub(super) duels: Vec<Fought>,
}

/// One live duel.
#[derive(Serialize, Deserialize)]
pub(super) struct Fought {
    pub(super) outcome: Outcome,
    /// It would have failed a build.
    pub(super) alarm: bool,
    /// Of p50.
    pub(super) verdict: Option<Verdict>,
    pub(super) effect: Option<f64>,
    pub(super) blocks: usize,
    pub(super) set_aside: usize,
    pub(super) seconds: f64,
    pub(super) steal: Option<f64>,
}

impl Gate {
    pub(super) fn begin(order: &Order) -> Self {
        Self {
            taken: jiff::Timestamp::now().to_string(),
            seed: order.seed,
            tool: order.tool.clone(),
            machine: machine::describe(&order.cores),
            seconds: 0.0,
            began: Instant::now(),
            same: None,
            injected: Vec::new(),
            live: None,
            disturbed: None,
            live_injected: Vec::new(),
            layouts: None,
        }
    }

    /// The one kept in `folder`, to go on with.
    pub(super) fn resume(order: &Order, folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("gate.json");
        let text = foreign::read_text(&path, foreign::MOST_JSON_BYTES)
            .with_context(|| path.display().to_string())?;
        let gate: Self = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
        let here = machine::describe(&order.cores);
        if (&gate.machine.id, &gate.machine.cpu) != (&here.id, &here.cpu) {
            bail!("{}: it was calibrated on another machine", path.display());
        }
        Ok(gate)
    }

    /// What was recorded of an injected share, in the place of what was recorded of it before.
    pub(super) fn recorded_against(&mut self, recorded: Recorded) {
        let same = |there: &&mut Recorded| (there.intended - recorded.intended).abs() < 1e-9;
        match self.injected.iter_mut().find(same) {
            Some(there) => *there = recorded,
            None => self.injected.push(recorded),
        }
    }

    /// One more duel against an injected share.
    pub(super) fn fought_against(&mut self, share: f64, fought: Fought) {
        let same = |live: &&mut Live| (live.intended - share).abs() < 1e-9;
        match self.live_injected.iter_mut().find(same) {
            Some(there) => there.duels.push(fought),
            None => self.live_injected.push(Live {
                intended: share,
                duels: vec![fought],
            }),
        }
    }

    pub(super) fn end(&mut self) {
        self.machine.load_after = Some(machine::load_average());
    }

    /// Writes what there is so far.
    pub(super) fn keep(&mut self, folder: &Path) -> anyhow::Result<()> {
        self.seconds += self.began.elapsed().as_secs_f64();
        self.began = Instant::now();
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let json = serde_json::to_string_pretty(self)? + "\n";
        for (name, text) in [("gate.json", json), ("GATE.md", self.text())] {
            let path = folder.join(name);
            std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }

    /// For people, as Markdown that reads well on a terminal too.
    pub(super) fn text(&self) -> String {
        table::render(self)
    }
}

impl Live {
    /// One more duel of a kind, after those that are there.
    pub(super) fn add(there: &mut Option<Self>, fought: Fought) {
        let nothing = || Self {
            intended: 0.0,
            duels: Vec::new(),
        };
        there.get_or_insert_with(nothing).duels.push(fought);
    }
}

impl Verdicts {
    pub(super) fn count(&mut self, verdict: Verdict, blocks: usize) {
        self.blocks += blocks;
        *match verdict {
            Verdict::Slower => &mut self.slower,
            Verdict::Faster => &mut self.faster,
            Verdict::NoChange => &mut self.no_change,
            Verdict::Inconclusive => &mut self.inconclusive,
        } += 1;
    }

    fn all(&self) -> usize {
        self.slower + self.faster + self.no_change + self.inconclusive
    }
}

//! What a calibration keeps: `gate.json`, piece by piece, so that it can be made in pieces and judged again later.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, bail};
use authlab_loadtest::output;
use authlab_reports::foreign;
use authlab_reports::judge::Verdict;
use authlab_reports::outcome::Outcome;
use authlab_reports::run::{Machine, Tool};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::noise::Noise;

/// Of `gate.json`. The first had no pieces and no blocks.
const FORMAT: u32 = 2;
const FILE: &str = "gate.json";

/// The pieces that there are.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Gate {
    pub(super) pieces: Vec<Piece>,
}

/// What was measured at a stretch, under one noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Piece {
    pub(super) noise: Noise,
    /// How the noise was made, where there is more than one way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) how: Option<String>,
    pub(super) taken: String,
    pub(super) seconds: f64,
    pub(super) seed: u64,
    pub(super) tool: Tool,
    pub(super) machine: Machine,
    /// What costs are a share of: the median of a request without noise and without cost, nanoseconds.
    pub(super) request_ns: f64,
    pub(super) found: Found,
}

/// What a piece holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Found {
    /// Blocks of interleaved slices.
    Recorded(Recorded),
    /// Pairs of slices in which both servers were loaded at once.
    Concurrent(Recorded),
    /// Duels.
    Live(Live),
    /// Duels between builds of the same source.
    Layouts(Live),
    /// Duels of servers in other languages.
    Others(Vec<Other>),
}

/// What is measured at a stretch. Numbers are the injected cost, percent of a request's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Recorded(u8),
    Concurrent(u8),
    Live(u8),
    Layouts,
    Others,
}

impl Part {
    pub(super) fn words(self) -> String {
        let of = |percent: u8| match percent {
            0 => "of the same server".to_owned(),
            percent => format!("with {percent} % injected"),
        };
        match self {
            Self::Recorded(percent) => format!("blocks {}", of(percent)),
            Self::Concurrent(percent) => format!("concurrent slices {}", of(percent)),
            Self::Live(percent) => format!("live duels {}", of(percent)),
            Self::Layouts => "live duels of other layouts".to_owned(),
            Self::Others => "live duels of nginx, uvicorn and Node".to_owned(),
        }
    }
}

impl Found {
    pub(super) fn part(&self) -> Part {
        match self {
            Self::Recorded(recorded) => Part::Recorded(recorded.percent),
            Self::Concurrent(recorded) => Part::Concurrent(recorded.percent),
            Self::Live(live) => Part::Live(live.percent),
            Self::Layouts(_) => Part::Layouts,
            Self::Others(_) => Part::Others,
        }
    }
}

/// Recorded blocks of two servers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recorded {
    /// Injected cost.
    pub(super) percent: u8,
    /// Of the whole, starts and warm-ups among it: what a block takes is a part of this.
    pub(super) seconds: f64,
    /// Blocks in which the load generator itself was stopped.
    pub(super) excluded: usize,
    /// Requests that failed.
    pub(super) failed: u64,
    pub(super) blocks: Vec<Block>,
}

/// The slices of the base and those of the head, each in the order in which they ran.
pub(super) type Block = [Vec<Slice>; 2];

/// What is kept of a slice: the median, number, mean and standard deviation of its service times, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "[u64; 4]", into = "[u64; 4]")]
pub(super) struct Slice {
    pub(super) p50: u64,
    pub(super) count: u64,
    pub(super) mean: u64,
    pub(super) deviation: u64,
}

impl Slice {
    pub(super) fn of(histogram: &Histogram<u64>) -> Self {
        Self {
            p50: histogram.value_at_quantile(0.5),
            count: histogram.len(),
            mean: histogram.mean().round() as u64,
            deviation: histogram.stdev().round() as u64,
        }
    }
}

impl From<[u64; 4]> for Slice {
    fn from([p50, count, mean, deviation]: [u64; 4]) -> Self {
        Self {
            p50,
            count,
            mean,
            deviation,
        }
    }
}

impl From<Slice> for [u64; 4] {
    fn from(slice: Slice) -> Self {
        [slice.p50, slice.count, slice.mean, slice.deviation]
    }
}

/// Live duels of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Live {
    /// Injected cost.
    pub(super) percent: u8,
    pub(super) duels: Vec<Fought>,
}

/// Duels of one pair of servers that are not authlab's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Other {
    pub(super) name: String,
    pub(super) truth: Verdict,
    pub(super) duels: Vec<Fought>,
}

/// One live duel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fought {
    pub(super) outcome: Outcome,
    /// Of p50.
    pub(super) verdict: Option<Verdict>,
    pub(super) effect: Option<f64>,
    /// Of its blocks' differences.
    pub(super) mad: f64,
    pub(super) blocks: usize,
    pub(super) excluded: usize,
    pub(super) seconds: f64,
}

impl Gate {
    /// Those that are kept in `folder`; without `resume` there must be none. One of an older format has none, and is
    /// replaced by the first piece that is kept.
    pub(super) fn open(folder: &Path, resume: bool) -> anyhow::Result<Self> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Ok(Self::default());
        }
        let shown = path.display();
        let text = foreign::read_text(&path, foreign::MOST_JSON_BYTES)
            .with_context(|| format!("{shown}"))?;
        match (Self::read(&text), resume) {
            (Ok(Some(gate)), true) => Ok(gate),
            (Ok(Some(gate)), false) => bail!(
                "{shown} has {} pieces; --resume goes on with them, --out begins elsewhere",
                gate.pieces.len()
            ),
            (Ok(None), _) => {
                output::note(format_args!(
                    "{shown} is older than calibrations in pieces, and will be replaced"
                ));
                Ok(Self::default())
            }
            (Err(error), _) => Err(error.context(format!("{shown}"))),
        }
    }

    /// None of an older format.
    fn read(text: &str) -> anyhow::Result<Option<Self>> {
        #[derive(Deserialize)]
        struct Any {
            #[serde(default)]
            format: u32,
        }
        #[derive(Deserialize)]
        struct Kept {
            pieces: Vec<Piece>,
        }
        match serde_json::from_str::<Any>(text)?.format {
            0 | 1 => Ok(None),
            FORMAT => {
                let Kept { pieces } = serde_json::from_str(text)?;
                Ok(Some(Self { pieces }))
            }
            newer => bail!("format {newer} is newer than this authlab"),
        }
    }

    pub(super) fn find(&self, noise: Noise, part: Part) -> Option<&Piece> {
        let mut pieces = self.pieces.iter();
        pieces.find(|piece| piece.noise == noise && piece.found.part() == part)
    }

    /// In the place of the one that was there.
    pub(super) fn put(&mut self, piece: Piece) {
        let part = piece.found.part();
        self.pieces
            .retain(|there| there.noise != piece.noise || there.found.part() != part);
        self.pieces.push(piece);
    }

    /// Writes `gate.json`, whole or not at all.
    pub(super) fn keep(&self, folder: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        // A piece a line, so that a difference of two versions shows the pieces that changed.
        let mut text = format!("{{\n\"format\": {FORMAT},\n\"pieces\": [");
        for (number, piece) in self.pieces.iter().enumerate() {
            let separator = if number > 0 { "," } else { "" };
            let _ = write!(text, "{separator}\n{}", serde_json::to_string(piece)?);
        }
        text.push_str("\n]\n}\n");
        replace(folder, FILE, &text)
    }
}

/// Writes a file anew, so that whoever reads it finds the old one or the new one.
pub(super) fn replace(folder: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let path = folder.join(name);
    let new = folder.join(format!(".{name}.new"));
    std::fs::write(&new, text)
        .and_then(|()| std::fs::rename(&new, &path))
        .with_context(|| path.display().to_string())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn piece(noise: Noise, found: Found) -> Piece {
        let machine = r#"{"cpu":"c","cores":2,"memory_bytes":1,"kernel":"k","id":"i","server_cores":[0],
            "generator_cores":[1],"load_before":0.1,"load_after":1.5}"#;
        Piece {
            noise,
            how: None,
            taken: "2026-11-30T12:00:00Z".to_owned(),
            seconds: 2.5,
            seed: u64::MAX,
            tool: Tool {
                version: "0.1.0".to_owned(),
                commit: "abc".to_owned(),
                profile: "release".to_owned(),
            },
            machine: serde_json::from_str(machine).unwrap(),
            request_ns: 50_000.0,
            found,
        }
    }

    fn recorded(percent: u8, blocks: usize) -> Found {
        let slice = Slice::from([50_000, 1_900, 52_000, 8_000]);
        Found::Recorded(Recorded {
            percent,
            seconds: 1.0,
            excluded: 0,
            failed: 0,
            blocks: vec![[vec![slice; 2], vec![slice; 2]]; blocks],
        })
    }

    #[test]
    fn what_was_kept_is_found_again_and_a_piece_replaces_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let mut gate = Gate::open(folder.path(), false).unwrap();
        gate.put(piece(Noise::Bursts, recorded(0, 3)));
        gate.put(piece(Noise::Bursts, recorded(10, 4)));
        gate.keep(folder.path()).unwrap();
        let mut again = Gate::open(folder.path(), true).unwrap();
        assert_eq!(again, gate);
        again.put(piece(Noise::Bursts, recorded(0, 7)));
        again.put(piece(Noise::Hog, recorded(0, 1)));
        again.keep(folder.path()).unwrap();
        let last = Gate::open(folder.path(), true).unwrap();
        let sizes =
            [(Noise::Bursts, 0), (Noise::Bursts, 10), (Noise::Hog, 0)].map(|(noise, percent)| {
                match &last.find(noise, Part::Recorded(percent)).unwrap().found {
                    Found::Recorded(recorded) => recorded.blocks.len(),
                    _ => 0,
                }
            });
        assert_eq!(sizes, [7, 4, 1]);
        assert!(last.find(Noise::Hog, Part::Live(0)).is_none());
        // A second calibration does not take the place of the first by mistake.
        let refused = Gate::open(folder.path(), false).unwrap_err().to_string();
        assert!(refused.contains("3 pieces; --resume"), "{refused}");
    }

    #[test]
    fn what_is_cut_short_is_refused_and_an_older_format_has_no_pieces() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text: &str| std::fs::write(folder.path().join(FILE), text).unwrap();
        write("{\"taken\": \"2026-11-24T19:14:37Z\", \"same\": null}");
        for resume in [true, false] {
            assert_eq!(Gate::open(folder.path(), resume).unwrap(), Gate::default());
        }
        write("{\n\"format\": 2,\n\"pieces\": [\n{\"noise\": \"qui");
        for resume in [true, false] {
            assert!(Gate::open(folder.path(), resume).is_err());
        }
        write("{\"format\": 3}");
        let newer = format!("{:#}", Gate::open(folder.path(), true).unwrap_err());
        assert!(newer.contains("newer than this authlab"), "{newer}");
    }
}

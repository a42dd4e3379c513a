//! Both servers loaded at once, as duet benchmarking does (arXiv 2001.05811): two load generators at the same time, each
//! with a server of its own, on the same cores. This tool's own generator plays one side at a time.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, bail};
use authlab_loadtest::server::Launcher;
use authlab_reports::folder::{self, Recordings};

use super::Bench;
use super::piece::{Recorded, Slice};
use super::servers::Injected;

/// Of a slice's length, nanoseconds: two that began farther apart do not overlap by half.
const HALF_NS: i128 = 50_000_000;

/// As many pairs of slices as so many blocks have slices: they take as long.
pub(super) fn record(
    bench: &Bench,
    injected: &Injected,
    percent: u8,
    blocks: usize,
) -> anyhow::Result<Recorded> {
    let folder = bench
        .order
        .runs
        .join(format!("concurrent-{}", std::process::id()));
    let sides = [("base", 0), ("head", percent)];
    let made = sides
        .map(|(name, percent)| prepare(&folder.join(name), &injected.words(percent), 2 * blocks));
    let launcher = Launcher {
        authlab: bench.order.authlab.clone(),
        cores: Vec::new(),
    };
    let mut running = Vec::new();
    for file in made {
        let file = file?;
        let runs = file.with_file_name("runs");
        let words = [
            bench.order.authlab.display().to_string(),
            "run".to_owned(),
            file.display().to_string(),
            "--runs".to_owned(),
            runs.display().to_string(),
        ];
        let mut command = launcher.command(&words);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        running.push(command.spawn().context("cannot start a load generator")?);
    }
    for mut generator in running {
        let status = generator.wait()?;
        if !status.success() {
            bail!("a load generator of two at once ended with {status}");
        }
    }
    let read = sides.map(|(name, _)| read(&folder.join(name).join("runs")));
    if !bench.keep {
        let _ = std::fs::remove_dir_all(&folder);
    }
    let [base, head] = read;
    let (base, head) = (base?, head?);
    Ok(Recorded {
        percent,
        seconds: base.seconds.max(head.seconds),
        excluded: 0,
        failed: base.failed + head.failed,
        blocks: paired(&base.slices, &head.slices)
            .into_iter()
            .map(|[base, head]| [vec![base], vec![head]])
            .collect(),
    })
}

/// The scenario of one side, in a folder of its own.
fn prepare(folder: &Path, command: &[String], blocks: usize) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let command = serde_json::to_string(command)?;
    let text = format!(
        "name = \"concurrent\"\nquestion = \"?\"\n[[variant]]\nname = \"only\"\ncommand = {command}\n\
         [[step]]\nname = \"get\"\nrequest = \"GET /\"\n\
         [[load]]\nname = \"closed\"\nusers = 1\njourney = [\"get\"]\n\
         profile.quick = {{ blocks = {blocks}, slice = \"100ms\", warm_up = \"2s\" }}\n"
    );
    let file = folder.join("concurrent.toml");
    std::fs::write(&file, text).with_context(|| file.display().to_string())?;
    Ok(file)
}

/// Slices of one side, each with when it began, nanoseconds since 1970.
struct Read {
    slices: Vec<(i128, Slice)>,
    seconds: f64,
    failed: u64,
}

fn read(runs: &Path) -> anyhow::Result<Read> {
    let entries = std::fs::read_dir(runs).with_context(|| runs.display().to_string())?;
    let mut folders = entries.flatten().map(|entry| entry.path());
    let path = folders
        .find(|path| path.join("run.json").exists())
        .context("a load generator of two at once left no run")?;
    let run = folder::read(&path)?;
    let began: jiff::Timestamp = run.started.parse().context("a run's start")?;
    let mut recordings = Recordings::open(&path, &run)?;
    let slices = run.slices.iter().map(|slice| {
        let recorded = recordings.of(slice)?;
        let service = recorded.iter().find(|part| part.metric == "service");
        let kept = Slice::of(&service.context("a slice has no answers")?.histogram);
        let began = began.as_nanosecond() + i128::from(slice.start_ns);
        anyhow::Ok((began, kept))
    });
    Ok(Read {
        slices: slices.collect::<anyhow::Result<_>>()?,
        seconds: run.elapsed_s,
        failed: run.slices.iter().flat_map(|of| of.failed.values()).sum(),
    })
}

/// Slices of both sides that overlap by at least half, each in one pair. Both are in the order of time.
fn paired(base: &[(i128, Slice)], head: &[(i128, Slice)]) -> Vec<[Slice; 2]> {
    let mut pairs = Vec::new();
    let mut next = 0;
    for (began, slice) in base {
        while head.get(next).is_some_and(|(at, _)| *at < began - HALF_NS) {
            next += 1;
        }
        if let Some((_, other)) = head.get(next).filter(|(at, _)| *at <= began + HALF_NS) {
            pairs.push([*slice, *other]);
            next += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_that_overlap_are_paired_once() {
        let slices = |starts: &[i128]| -> Vec<(i128, Slice)> {
            let slice = |at: &i128| {
                let ms = u64::try_from(*at).unwrap();
                (at * 1_000_000, Slice::from([ms, 1, 1, 0]))
            };
            starts.iter().map(slice).collect()
        };
        let pairs = paired(
            &slices(&[0, 110, 220, 600]),
            &slices(&[40, 130, 300, 590, 640]),
        );
        let starts: Vec<_> = pairs.iter().map(|[a, b]| (a.p50, b.p50)).collect();
        assert_eq!(starts, [(0, 40), (110, 130), (600, 590)]);
    }
}

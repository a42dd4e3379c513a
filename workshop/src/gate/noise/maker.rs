//! `authlab prove noise`, hidden: the process that makes a noise, so that none of its time is that of the load generator.

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Context;
use authlab_reports::duration;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::signal::{Signal, kill};
use nix::time::ClockId;
use nix::unistd::{Pid, getppid};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::Noise;

/// Of bursts, milliseconds.
const BUSY_MS: std::ops::RangeInclusive<u64> = 20..=300;
const IDLE_MS: std::ops::RangeInclusive<u64> = 50..=600;
/// How long the hog stays on a core: no multiple of a slice.
const STAY: Duration = Duration::from_millis(700);
/// Of the periodic noise, milliseconds: a slice of a duel, the same with what lies between two slices, and both of these doubled; a
/// block.
const PERIODS_MS: [u64; 5] = [10, 15, 20, 30, 60];
/// After which the next period comes.
const PERIOD_FOR: Duration = Duration::from_secs(10);
/// Of the arrays of all threads together, where the cache's size is not known, and at the most.
const USUAL_ARRAYS: usize = 256 << 20;
const MOST_ARRAYS: usize = 1 << 30;
/// What is copied or written at a time,
const CHUNK: usize = 4 << 20;
/// and the pauses between.
const COPY_PAUSE_US: std::ops::RangeInclusive<u64> = 500..=3_000;
const DISK_PAUSE: Duration = Duration::from_millis(20);
/// The file grows no larger.
const FILE: u64 = 64 << 20;
/// The servers are stopped for this part of each 100 ms.
const RUNNING: Duration = Duration::from_millis(60);
const STOPPED: Duration = Duration::from_millis(40);

/// What was typed.
#[derive(clap::Args)]
pub struct Arguments {
    /// Kind of noise
    #[arg(value_enum)]
    kind: Noise,
    /// Cores to make it on
    #[arg(long, value_delimiter = ',', required = true)]
    cores: Vec<usize>,
    /// How long
    #[arg(long = "for", value_parser = duration::parse)]
    length: Duration,
    /// Folder for the file that is written
    #[arg(long)]
    folder: PathBuf,
    /// Process whose servers are stopped and continued
    #[arg(long)]
    below: Option<i32>,
    /// Seed of every random choice
    #[arg(long)]
    seed: u64,
}

/// What was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Made {
    /// CPU time of the threads.
    cpu: Duration,
    /// Bytes copied or written.
    bytes: u64,
    /// How often processes were stopped.
    stops: u64,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    make(arguments)?;
    Ok(ExitCode::SUCCESS)
}

fn make(arguments: &Arguments) -> anyhow::Result<Made> {
    let until = Instant::now() + arguments.length;
    let cores = &arguments.cores;
    let seed = |core: usize| arguments.seed.wrapping_add(core as u64);
    match arguments.kind {
        Noise::Quiet => Ok(Made::default()),
        Noise::Bursts => on_each(cores, |core| Ok(bursts(seed(core), until))),
        Noise::Hog => on_each(&cores[..1], |_| Ok(hog(cores, until))),
        Noise::Memory => {
            let each = arrays() / cores.len().max(1);
            on_each(cores, |core| Ok(copies(each, seed(core), until)))
        }
        Noise::Disk => writes(&arguments.folder, until),
        Noise::Quota => Ok(stops(arguments.below, until)),
        Noise::Periodic => on_each(cores, |_| Ok(periodic(until))),
    }
}

/// A thread pinned to each core, and what all of them made.
fn on_each(
    cores: &[usize],
    make: impl Fn(usize) -> anyhow::Result<Made> + Sync,
) -> anyhow::Result<Made> {
    let make = &make;
    let mut whole = Made::default();
    std::thread::scope(|scope| {
        let threads: Vec<_> = cores
            .iter()
            .map(|&core| {
                scope.spawn(move || {
                    pin(core);
                    let of_core = make(core)?;
                    let cpu = ClockId::CLOCK_THREAD_CPUTIME_ID.now();
                    Ok(Made {
                        cpu: cpu.map_or(Duration::ZERO, Duration::from),
                        ..of_core
                    })
                })
            })
            .collect();
        for thread in threads {
            let joined: anyhow::Result<Made> = thread
                .join()
                .unwrap_or_else(|_| Err(anyhow::anyhow!("a thread of the noise failed")));
            let of_core = joined?;
            whole.cpu += of_core.cpu;
            whole.bytes += of_core.bytes;
        }
        Ok(whole)
    })
}

/// A refusal leaves the thread where it was.
fn pin(core: usize) {
    let mut set = CpuSet::new();
    if set.set(core).is_ok() {
        let _ = sched_setaffinity(Pid::from_raw(0), &set);
    }
}

fn spin(until: Instant) {
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}

fn sleep_until(instant: Instant) {
    sleep(instant.saturating_duration_since(Instant::now()));
}

fn bursts(seed: u64, until: Instant) -> Made {
    let mut random = StdRng::seed_from_u64(seed);
    let mut length = |range| Duration::from_millis(random.random_range(range));
    while Instant::now() < until {
        spin(until.min(Instant::now() + length(BUSY_MS)));
        sleep_until(until.min(Instant::now() + length(IDLE_MS)));
    }
    Made::default()
}

fn hog(cores: &[usize], until: Instant) -> Made {
    for &core in cores.iter().cycle() {
        if Instant::now() >= until {
            break;
        }
        pin(core);
        spin(until.min(Instant::now() + STAY));
    }
    Made::default()
}

fn periodic(until: Instant) -> Made {
    let begun = Instant::now();
    let periods = PERIODS_MS.into_iter().map(Duration::from_millis);
    for (phase, period) in (0_u32..).zip(periods.cycle()) {
        let end = until.min(begun + PERIOD_FOR * (phase + 1));
        let mut next = begun + PERIOD_FOR * phase;
        // By the clock, so that what each round takes more does not add up.
        while next < end {
            spin(end.min(next + period / 2));
            next += period;
            sleep_until(end.min(next));
        }
        if Instant::now() >= until {
            break;
        }
    }
    Made::default()
}

fn copies(bytes: usize, seed: u64, until: Instant) -> Made {
    let mut random = StdRng::seed_from_u64(seed);
    let half = (bytes / 2).max(CHUNK);
    // Not zero, which the system would not give memory for before it is written.
    let from = vec![1_u8; half];
    let mut to = vec![2_u8; half];
    let mut made = Made::default();
    let chunks = from.chunks(CHUNK).zip(0..).collect::<Vec<_>>();
    for (chunk, place) in chunks.into_iter().cycle() {
        let start = place * CHUNK;
        to[start..start + chunk.len()].copy_from_slice(chunk);
        std::hint::black_box(&to);
        made.bytes += chunk.len() as u64;
        if Instant::now() >= until {
            break;
        }
        sleep(Duration::from_micros(random.random_range(COPY_PAUSE_US)));
    }
    made
}

/// Twice the last-level cache, within bounds and within a quarter of the memory that is free.
fn arrays() -> usize {
    let caches = (0..8).filter_map(|index| {
        let path = format!("/sys/devices/system/cpu/cpu0/cache/index{index}/size");
        let text = fs::read_to_string(path).ok()?;
        let kib: usize = text.trim().strip_suffix('K')?.parse().ok()?;
        Some(kib << 10)
    });
    let free = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("MemAvailable:"))?;
        let kib: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib << 10)
    });
    let wanted = caches
        .max()
        .map_or(USUAL_ARRAYS, |cache| 2 * cache)
        .min(MOST_ARRAYS);
    free.map_or(wanted, |free| wanted.min(free / 4))
}

/// Into a file that has no name any more, so that nothing of it is left however this ends.
fn writes(folder: &Path, until: Instant) -> anyhow::Result<Made> {
    let path = folder.join(format!("authlab-noise-{}", std::process::id()));
    let mut file = File::create_new(&path).with_context(|| path.display().to_string())?;
    fs::remove_file(&path).with_context(|| path.display().to_string())?;
    let chunk = vec![3_u8; CHUNK];
    let mut made = Made::default();
    loop {
        if file.stream_position()? >= FILE {
            file.rewind()?;
        }
        file.write_all(&chunk)?;
        file.sync_data()?;
        made.bytes += chunk.len() as u64;
        if Instant::now() >= until {
            return Ok(made);
        }
        sleep(DISK_PAUSE);
    }
}

/// Stops and continues what the supervisors below a process have started, other than this process.
fn stops(below: Option<i32>, until: Instant) -> Made {
    let mut made = Made::default();
    let Some(below) = below else {
        return made;
    };
    let own = [Pid::this().as_raw(), getppid().as_raw()];
    while Instant::now() < until {
        let supervisors = children(below).into_iter().filter(|pid| !own.contains(pid));
        let mut servers: Vec<i32> = supervisors.flat_map(children).collect();
        let mut next = 0;
        while let Some(&pid) = servers.get(next) {
            servers.extend(children(pid));
            next += 1;
        }
        let signal = |signal: Signal| {
            servers
                .iter()
                .filter(|pid| kill(Pid::from_raw(**pid), signal).is_ok())
                .count()
        };
        made.stops += signal(Signal::SIGSTOP) as u64;
        sleep(STOPPED);
        signal(Signal::SIGCONT);
        sleep(RUNNING);
    }
    made
}

fn children(pid: i32) -> Vec<i32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task"));
    let lists = threads
        .into_iter()
        .flatten()
        .flatten()
        .map(|thread| fs::read_to_string(thread.path().join("children")).unwrap_or_default());
    lists
        .flat_map(|list| {
            let pids = list.split_whitespace().filter_map(|pid| pid.parse().ok());
            pids.collect::<Vec<i32>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(kind: Noise, length: Duration, below: Option<i32>) -> Made {
        let folder = std::env::temp_dir();
        make(&Arguments {
            kind,
            cores: vec![0],
            length,
            folder,
            below,
            seed: 1,
        })
        .unwrap()
    }

    #[test]
    fn each_kind_uses_a_core_and_ends() {
        for kind in [Noise::Bursts, Noise::Hog, Noise::Periodic] {
            // Of 1.5 s, however many others want the core.
            let made = made(kind, Duration::from_millis(1_500), None);
            assert!(made.cpu >= Duration::from_millis(20), "{kind:?}: {made:?}");
        }
        assert_eq!(
            made(Noise::Quiet, Duration::from_secs(60), None),
            Made::default()
        );
    }

    #[test]
    fn copies_and_writes_are_bytes_and_leave_no_file() {
        let soon = Instant::now() + Duration::from_millis(300);
        let copied = copies(4 * CHUNK, 1, soon);
        assert!(copied.bytes >= CHUNK as u64, "{copied:?}");
        let own = format!("authlab-noise-{}", std::process::id());
        let written = made(Noise::Disk, Duration::from_millis(300), None);
        assert!(written.bytes >= CHUNK as u64, "{written:?}");
        assert!(!std::env::temp_dir().join(own).exists());
        assert!((2 * CHUNK..=MOST_ARRAYS).contains(&arrays()));
    }

    #[test]
    fn servers_are_stopped_and_run_on_afterwards() {
        // What a supervisor has started is a grandchild of the tool.
        let mut shell = std::process::Command::new("sh")
            .args(["-c", "sleep 60 & echo $!; wait"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let output = shell.stdout.as_mut().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line).unwrap();
        let server: i32 = line.trim().parse().unwrap();
        let made = made(
            Noise::Quota,
            Duration::from_millis(500),
            Some(Pid::this().as_raw()),
        );
        assert!(made.stops >= 1, "{made:?}");
        let stat = fs::read_to_string(format!("/proc/{server}/stat")).unwrap();
        assert!(!stat.contains(") T "), "{stat}");
        kill(Pid::from_raw(server), Signal::SIGKILL).unwrap();
        shell.wait().unwrap();
    }
}

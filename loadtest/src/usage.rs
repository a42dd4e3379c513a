//! What processes used: CPU time and run-queue delay, from the kernel's own counters.
//!
//! CPU time is the process's CPU clock: the ticks of `/proc/PID/stat` are 10 ms, useless at a
//! slice's length.

use std::fs;
use std::time::Duration;

use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;

/// Counters of a process tree or a thread; differences of two readings are meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// CPU time.
    pub(crate) cpu: Duration,
    /// Time ready to run without a core.
    pub(crate) waited: Duration,
}

impl Usage {
    /// What both used.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            cpu: self.cpu + other.cpu,
            waited: self.waited + other.waited,
        }
    }

    /// What was used between an earlier reading and this one.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(earlier.cpu),
            waited: self.waited.saturating_sub(earlier.waited),
        }
    }
}

/// All living descendants of a process, which is their supervisor and not counted.
pub(crate) fn below(supervisor: Pid) -> Usage {
    let mut total = Usage::default();
    for pid in descendants(supervisor) {
        if let Ok(now) = clock_getcpuclockid(Pid::from_raw(pid)).and_then(nix::time::ClockId::now) {
            total.cpu += Duration::from(now);
        }
        for thread in threads(pid) {
            total.waited += schedstat(&format!("/proc/{pid}/task/{thread}/schedstat")).waited;
        }
    }
    total
}

/// Forgets the greatest resident sets of a supervisor's descendants until now (proc(5),
/// `clear_refs`); where Linux refuses that, they are those since each process began.
pub(crate) fn forget_peak(supervisor: Pid) {
    for pid in descendants(supervisor) {
        let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
    }
}

/// The greatest resident sets of a supervisor's descendants, added up, bytes.
pub(crate) fn peak_bytes(supervisor: Pid) -> Option<u64> {
    descendants(supervisor).map(peak_of).sum()
}

fn peak_of(pid: i32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = peak.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

/// A process and all its descendants that live.
pub(crate) fn tree(root: Pid) -> Vec<i32> {
    let mut all = Vec::new();
    let mut pending = vec![root.as_raw()];
    while let Some(pid) = pending.pop() {
        for thread in threads(pid) {
            let children = fs::read_to_string(format!("/proc/{pid}/task/{thread}/children"));
            pending.extend(
                children
                    .unwrap_or_default()
                    .split_whitespace()
                    .filter_map(|c| c.parse::<i32>().ok()),
            );
        }
        all.push(pid);
    }
    all
}

fn descendants(supervisor: Pid) -> impl Iterator<Item = i32> {
    tree(supervisor).into_iter().skip(1)
}

/// The program that a supervisor started: its first child, since others become its children later.
pub(crate) fn program(supervisor: Pid) -> Option<Pid> {
    let path = format!("/proc/{supervisor}/task/{supervisor}/children");
    let children = fs::read_to_string(path).ok()?;
    let first = children.split_whitespace().next()?.parse().ok()?;
    Some(Pid::from_raw(first))
}

/// What descends from the program that a supervisor started, without that program.
pub(crate) fn led(supervisor: Pid) -> Vec<i32> {
    let program = program(supervisor).map(Pid::as_raw);
    let all = descendants(supervisor);
    all.filter(|pid| Some(*pid) != program).collect()
}

/// Whether a process runs and is a child of that one.
pub(crate) fn is_child(pid: Pid, parent: Pid) -> bool {
    let stat = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
    is_live_child(&String::from_utf8_lossy(&stat), parent)
}

/// `pid (name) state parent …` (proc(5)); a name may hold anything. A process that has ended and that nobody has waited
/// for does not run.
fn is_live_child(stat: &str, parent: Pid) -> bool {
    let Some((_, rest)) = stat.rsplit_once(')') else {
        return false;
    };
    let mut fields = rest.split_whitespace();
    let ended = matches!(fields.next(), Some("Z" | "X") | None);
    let its_parent = fields.next().and_then(|field| field.parse().ok());
    !ended && its_parent == Some(parent.as_raw())
}

/// One of our own threads.
pub(crate) fn of_thread(thread: Pid) -> Usage {
    schedstat(&format!("/proc/self/task/{thread}/schedstat"))
}

/// Counters of the machine, of our control group and of our network namespace, all counting up.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Surroundings {
    /// CPU time stolen by the host, and all CPU time, in the kernel's ticks.
    steal: (u64, u64),
    /// Time that some cores were busy with what would not give way, and all of their time, in the kernel's ticks.
    occupied: (u64, u64),
    /// Time in which our control group was throttled, where Linux shows it.
    throttled: Option<Duration>,
    /// TCP segments sent again, and all sent.
    resent: (u64, u64),
}

impl Surroundings {
    /// Reads them, and what ran on those cores.
    pub(crate) fn now(cores: &[usize]) -> Self {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let mut occupied = (0, 0);
        for core in cores {
            let ticks = Ticks::of(&stat, &format!("cpu{core}"));
            occupied = (occupied.0 + ticks.busy, occupied.1 + ticks.all);
        }
        let all = Ticks::of(&stat, "cpu");
        Self {
            steal: (all.steal, all.all),
            occupied,
            throttled: throttled(),
            resent: resent_segments(),
        }
    }

    /// Share of all cores' time that the host took since an earlier reading; none when no time passed.
    pub(crate) fn steal_since(self, earlier: Self) -> Option<f64> {
        share(earlier.steal, self.steal)
    }

    /// Share of its cores' time in which something ran there since an earlier reading; none when no time passed.
    pub(crate) fn occupied_since(self, earlier: Self) -> Option<f64> {
        share(earlier.occupied, self.occupied)
    }

    /// Time throttled since an earlier reading.
    pub(crate) fn throttled_since(self, earlier: Self) -> Option<Duration> {
        Some(self.throttled?.saturating_sub(earlier.throttled?))
    }

    /// Share of TCP segments that were sent again since an earlier reading; none when none was sent.
    pub(crate) fn resent_since(self, earlier: Self) -> Option<f64> {
        share(earlier.resent, self.resent)
    }
}

fn share(before: (u64, u64), after: (u64, u64)) -> Option<f64> {
    let all = after.1.saturating_sub(before.1);
    (all > 0).then(|| after.0.saturating_sub(before.0) as f64 / all as f64)
}

/// A line of `/proc/stat`, in the kernel's ticks.
#[derive(Default)]
struct Ticks {
    /// At a priority that anybody has to give way to.
    busy: u64,
    steal: u64,
    all: u64,
}

impl Ticks {
    /// `cpu user nice system idle iowait irq softirq steal …`; guest time is within user time.
    fn of(stat: &str, name: &str) -> Self {
        let is_its_own = |line: &&str| line.split_whitespace().next() == Some(name);
        let Some(line) = stat.lines().find(is_its_own) else {
            return Self::default();
        };
        let ticks: Vec<u64> = line
            .split_whitespace()
            .skip(1)
            .map_while(|field| field.parse().ok())
            .take(8)
            .collect();
        let at = |place: usize| ticks.get(place).copied().unwrap_or_default();
        Self {
            busy: at(0) + at(2) + at(5) + at(6),
            steal: at(7),
            all: ticks.iter().sum(),
        }
    }
}

/// `throttled_usec` of our control group (version 2), or of the first above it that shows one.
fn throttled() -> Option<Duration> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let root = std::path::Path::new("/sys/fs/cgroup");
    let text = root
        .join(path)
        .ancestors()
        .take_while(|folder| folder.starts_with(root))
        .find_map(|folder| fs::read_to_string(folder.join("cpu.stat")).ok())?;
    let micros = text
        .lines()
        .find_map(|line| line.strip_prefix("throttled_usec "))?;
    micros.trim().parse().ok().map(Duration::from_micros)
}

/// How many cores' time our control group may take (version 2), with those above it; none where there is no limit.
pub(crate) fn quota_cores() -> Option<f64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let root = std::path::Path::new("/sys/fs/cgroup");
    let quotas = root
        .join(path)
        .ancestors()
        .take_while(|folder| folder.starts_with(root))
        .filter_map(|folder| fs::read_to_string(folder.join("cpu.max")).ok())
        .filter_map(|text| {
            let (most, period) = text.trim().split_once(' ')?;
            Some(most.parse::<f64>().ok()? / period.parse::<f64>().ok()?)
        })
        .collect::<Vec<_>>();
    quotas.into_iter().reduce(f64::min)
}

/// `RetransSegs` and `OutSegs` of `/proc/net/snmp` (RFC 4022), of our network namespace.
fn resent_segments() -> (u64, u64) {
    let text = fs::read_to_string("/proc/net/snmp").unwrap_or_default();
    let mut tcp = text.lines().filter_map(|line| line.strip_prefix("Tcp: "));
    let (Some(names), Some(values)) = (tcp.next(), tcp.next()) else {
        return (0, 0);
    };
    let value = |wanted| {
        names
            .split_whitespace()
            .zip(values.split_whitespace())
            .find(|(name, _)| *name == wanted)
            .and_then(|(_, value)| value.parse().ok())
            .unwrap_or_default()
    };
    (value("RetransSegs"), value("OutSegs"))
}

fn threads(pid: i32) -> Vec<i32> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect()
}

/// The first fields of `schedstat`: nanoseconds on a core, and on a run queue.
fn schedstat(path: &str) -> Usage {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut fields = text
        .split_whitespace()
        .map(|field| Duration::from_nanos(field.parse().unwrap_or_default()));
    Usage {
        cpu: fields.next().unwrap_or_default(),
        waited: fields.next().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_lives_below_its_parent_until_it_has_ended_whatever_its_name() {
        let parent = Pid::from_raw(7);
        let table = [
            ("9 (sh) S 7 1 7 0", true),
            ("9 (a) Z) (b) R 7 1 7 0", true),
            ("9 (sh) Z 7 1 7 0", false),
            ("9 (sh) S 8 7 7 0", false),
            ("", false),
        ];
        for (stat, lives) in table {
            assert_eq!(is_live_child(stat, parent), lives, "{stat}");
        }
    }
}

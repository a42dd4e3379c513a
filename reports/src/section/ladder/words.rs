//! The ladder in words, and what stands above it: what every rendering writes, so that they agree.

use super::{Capacity, Rung, Table, changes::Part, given_up::joined};
use crate::{
    quantity::{self, NOT_MEASURED},
    run::{Latency, Machine, Run, Status, Verdict},
};

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

/// The names of the latencies in [`cells`]. In an open model the response time comes first, and the
/// service time second.
pub(crate) fn latency_columns(latency: Latency) -> &'static [&'static str] {
    match latency {
        Latency::Response => &["response p50", "service p50"],
        Latency::Service => &["p50"],
    }
}

/// The name of the column that compares with the baseline.
pub(crate) const AGAINST: &str = "vs base";

/// The names of [`cells`], after the first.
pub(crate) fn columns(latency: Latency) -> Vec<&'static str> {
    let others = [
        "first",
        AGAINST,
        "interval",
        "requests/s",
        "CPU s/million",
        "samples",
    ];
    [latency_columns(latency), &others].concat()
}

/// The latencies of a rung, in the order of [`latency_columns`].
pub(crate) fn latencies(latency: Latency, rung: &Rung) -> Vec<String> {
    let time =
        |ns: Option<u64>| ns.map_or(NOT_MEASURED.to_owned(), |ns| quantity::duration(ns as f64));
    match latency {
        Latency::Response => vec![time(rung.p50), time(rung.service)],
        Latency::Service => vec![time(rung.p50)],
    }
}
/// The names of [`part`].
pub(crate) const CHANGE_COLUMNS: [&str; 5] = ["change", "saved", "interval", "share", "interval"];
/// The names of [`cpu`], after those.
pub(crate) const CPU_COLUMNS: [&str; 3] = ["server CPU", "interval", "verdict"];

/// `authlab · thousandfold · EPYC, 2 cores · valid · 4m10s`
pub(crate) fn heading(heading: &Heading) -> String {
    let Heading {
        scenario,
        cpu,
        cores,
        verdict,
        elapsed_s,
        ..
    } = heading;
    let partial = if heading.cut_short.is_some() {
        " · partial"
    } else {
        ""
    };
    let (verdict, elapsed) = (verdict.label(), quantity::elapsed(*elapsed_s));
    let cores = if *cores == 1 {
        "1 core".to_owned()
    } else {
        format!("{cores} cores")
    };
    let shards = heading
        .shards
        .as_ref()
        .map_or(String::new(), |shards| format!(" · {shards}"));
    format!("authlab · {scenario}{shards} · {cpu}, {cores} · {verdict}{partial} · {elapsed}")
}

/// The columns of a rung, its name first: the same words in every rendering.
pub(crate) fn cells(latency: Latency, rung: &Rung) -> Vec<String> {
    let first = rung.first.map(|ns| quantity::duration(ns as f64));
    let mut cells = vec![rung.variant.label.clone()];
    cells.extend(latencies(latency, rung));
    cells.push(first.unwrap_or_else(|| NOT_MEASURED.to_owned()));
    cells.extend(against(rung));
    cells.extend([
        capacity(rung.capacity),
        rung.cpu_s_per_million
            .map_or(NOT_MEASURED.to_owned(), |cost| {
                quantity::number(cost.median)
            }),
        quantity::grouped(rung.samples),
    ]);
    cells
}

/// Against the baseline at p50, and its interval: words of the judge's verdict.
fn against(rung: &Rung) -> [String; 2] {
    match rung.against() {
        None if rung.p50.is_some() => ["baseline".to_owned(), String::new()],
        Some(against) if rung.p50.is_some() && against.is_measured() => {
            [against.words(), against.interval()]
        }
        _ => [NOT_MEASURED.to_owned(), String::new()],
    }
}

/// The columns of a change: name, saving, its interval, share, its interval.
pub(crate) fn part(part: &Part) -> Vec<String> {
    let Part {
        change,
        saved,
        share,
        ..
    } = part;
    vec![
        format!("{}: {} → {}", change.name, change.from, change.to),
        saved.map_or(NOT_MEASURED.to_owned(), |saved| {
            quantity::duration(saved.median)
        }),
        saved.map_or(String::new(), |saved| {
            quantity::interval(saved.interval, quantity::duration)
        }),
        share.map_or(NOT_MEASURED.to_owned(), |share| {
            quantity::share(share.median)
        }),
        share.map_or(String::new(), |share| {
            quantity::interval(share.interval, quantity::share)
        }),
    ]
}

/// The columns of a change where servers are kept busy: server CPU time of a request after it by that before it, its interval
/// and the verdict.
pub(crate) fn cpu(part: &Part) -> Option<[String; 3]> {
    let against = part.cpu?;
    let multiple = against.multiple();
    let verdict = multiple.as_ref().map(|_| against.words());
    let [ratio, interval] = multiple.unwrap_or([NOT_MEASURED.to_owned(), String::new()]);
    Some([ratio, interval, verdict.unwrap_or_default()])
}

fn capacity(capacity: Option<Capacity>) -> String {
    capacity.map_or(NOT_MEASURED.to_owned(), |Capacity { per_second, known }| {
        format!("{} {}", quantity::number(per_second.median), known.label())
    })
}

/// Room for [`given_up`] in a cell of a table.
pub(crate) const CELL: usize = 48;

/// The trade-offs of a variant, and what it failed at, in `room` characters if it can be said in so few.
pub(crate) fn given_up(table: &Table, rung: &Rung, room: usize) -> String {
    let failed =
        (rung.failures > 0).then(|| format!("{} failed", quantity::grouped(rung.failures)));
    with_counts(table, rung, room, failed)
}

/// The trade-offs of a variant, and what was retried, where what it failed at has a column.
pub(crate) fn remarks(table: &Table, rung: &Rung, room: usize) -> String {
    with_counts(table, rung, room, None)
}

fn with_counts(table: &Table, rung: &Rung, room: usize, failed: Option<String>) -> String {
    let retried = (rung.retried > 0).then(|| {
        format!(
            "{} retried on a new connection",
            quantity::grouped(rung.retried)
        )
    });
    let counted: Vec<_> = failed.into_iter().chain(retried).collect();
    let for_counted = counted.iter().map(|text| text.chars().count() + 2).sum();
    let given_up = table
        .given_up
        .at(&rung.variant.gives_up, room.saturating_sub(for_counted));
    joined(given_up.into_iter().chain(counted))
}

/// Why not to believe the figures, a sentence each.
pub(crate) fn warnings(heading: &Heading) -> Vec<String> {
    let invalid = heading.verdict.because(&heading.reasons);
    invalid
        .into_iter()
        .chain(
            heading
                .cut_short
                .iter()
                .map(|because| format!("partial: {because}")),
        )
        .collect()
}

/// The machine in one line, with its load around a run.
pub(crate) fn machine(machine: &Machine) -> String {
    let after = machine
        .load_after
        .map_or(String::new(), |after| format!(", {after:.2} after"));
    format!(
        "{}; load average {:.2} before{after}",
        machine_alone(machine),
        machine.load_before
    )
}

/// The machine in one line, for more than one run.
pub(crate) fn machine_alone(machine: &Machine) -> String {
    let Machine {
        cpu,
        cores,
        kernel,
        server_cores,
        generator_cores,
        ..
    } = machine;
    let memory = quantity::memory(machine.memory_bytes);
    let (servers, generator) = (list(server_cores), list(generator_cores));
    format!(
        "{cpu}, {cores} cores, {memory}, {kernel}; servers on core {servers}, generator on {generator}"
    )
}

fn list(cores: &[usize]) -> String {
    cores
        .iter()
        .map(usize::to_string)
        .collect::<Vec<_>>()
        .join(", ")
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

//! The ladder in words: what every rendering writes, so that they agree.

use super::{Capacity, Heading, Rung, Table, changes::Part, given_up::joined};
use crate::{
    order_statistics::Interval,
    quantity::{self, NOT_MEASURED},
    run::Machine,
};

/// The names of [`cells`], after the first.
pub(crate) const COLUMNS: [&str; 7] = [
    "p50",
    "first",
    "vs base",
    "interval",
    "requests/s",
    "CPU s/million",
    "samples",
];
/// The names of [`part`].
pub(crate) const CHANGE_COLUMNS: [&str; 5] = ["change", "saved", "interval", "share", "interval"];

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
pub(crate) fn cells(rung: &Rung) -> Vec<String> {
    let time =
        |ns: Option<u64>| ns.map_or(NOT_MEASURED.to_owned(), |ns| quantity::duration(ns as f64));
    vec![
        rung.variant.label.clone(),
        time(rung.p50),
        time(rung.first),
        speedup(rung),
        interval(rung),
        capacity(rung.capacity),
        rung.cpu_s_per_million
            .map_or(NOT_MEASURED.to_owned(), |cost| {
                quantity::number(cost.median)
            }),
        quantity::grouped(rung.samples),
    ]
}

fn speedup(rung: &Rung) -> String {
    match rung.speedup {
        Some(speedup) => quantity::times(speedup.median),
        None if rung.is_baseline && rung.p50.is_some() => "1×".to_owned(),
        None => NOT_MEASURED.to_owned(),
    }
}

fn interval(rung: &Rung) -> String {
    rung.speedup.map_or(String::new(), |speedup| {
        range(speedup.interval, quantity::times)
    })
}

/// An interval, with what it covers where that is less than 95 %; empty when there is none.
pub(crate) fn range(interval: Option<Interval>, written: impl Fn(f64) -> String) -> String {
    let Some(interval) = interval else {
        return String::new();
    };
    let covers = if interval.is_thin() {
        format!(" ({})", quantity::share(interval.coverage))
    } else {
        String::new()
    };
    quantity::range(interval.low, interval.high, written) + &covers
}

/// The columns of a change: name, saving, its interval, share, its interval.
pub(crate) fn part(part: &Part) -> Vec<String> {
    let Part {
        change,
        saved,
        share,
    } = part;
    vec![
        format!("{}: {} → {}", change.name, change.from, change.to),
        saved.map_or(NOT_MEASURED.to_owned(), |saved| {
            quantity::duration(saved.median)
        }),
        saved.map_or(String::new(), |saved| {
            range(saved.interval, quantity::duration)
        }),
        share.map_or(NOT_MEASURED.to_owned(), |share| {
            quantity::share(share.median)
        }),
        share.map_or(String::new(), |share| {
            range(share.interval, quantity::share)
        }),
    ]
}

fn capacity(capacity: Option<Capacity>) -> String {
    capacity.map_or(NOT_MEASURED.to_owned(), |Capacity { per_second, known }| {
        format!("{} {}", quantity::number(per_second.median), known.label())
    })
}

/// Room for [`given_up`] in a cell of a table.
pub(crate) const CELL: usize = 48;

/// What a variant gives up, and what it failed at, in `room` characters if it can be said in so few.
pub(crate) fn given_up(table: &Table, rung: &Rung, room: usize) -> String {
    let failed =
        (rung.failures > 0).then(|| format!("{} failed", quantity::grouped(rung.failures)));
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
    let verdict = heading.verdict.label();
    let invalid = heading
        .reasons
        .iter()
        .map(|reason| format!("{verdict}: {reason}"));
    invalid
        .chain(
            heading
                .cut_short
                .iter()
                .map(|because| format!("partial: {because}")),
        )
        .collect()
}

/// The machine in one line.
pub(crate) fn machine(machine: &Machine) -> String {
    let Machine {
        cpu,
        cores,
        kernel,
        server_cores,
        generator_cores,
        load_before,
        ..
    } = machine;
    let memory = quantity::memory(machine.memory_bytes);
    let after = machine
        .load_after
        .map_or(String::new(), |after| format!(", {after:.2} after"));
    let (servers, generator) = (list(server_cores), list(generator_cores));
    format!(
        "{cpu}, {cores} cores, {memory}, {kernel}; servers on core {servers}, generator on {generator}; load average \
         {load_before:.2} before{after}"
    )
}

/// The command as one would type it.
pub(crate) fn command(words: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%".contains(c);
    let quoted = words.iter().map(|word| {
        if !word.is_empty() && word.chars().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

fn list(cores: &[usize]) -> String {
    cores
        .iter()
        .map(usize::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

//! The calibration in tables.

use std::fmt::Write;

use authlab_reports::judge::Verdict;
use authlab_reports::order_statistics::median;
use authlab_reports::quantity;

use super::{Gate, Live, Recorded, Verdicts};

pub(super) fn render(gate: &Gate) -> String {
    let mut text = String::from("# The gate, calibrated\n\n");
    let _ = writeln!(
        text,
        "`authlab prove calibrate-gate` on {}, {} cores; {}; seed {}; load {:.2} before{}; {} in all.\n",
        gate.machine.cpu,
        gate.machine.cores,
        gate.taken,
        gate.seed,
        gate.machine.load_before,
        gate.machine
            .load_after
            .map_or(String::new(), |load| format!(" and {load:.2} after")),
        quantity::elapsed(gate.seconds),
    );
    windows(&mut text, gate);
    live(&mut text, gate);
    rivals(&mut text, gate);
    text
}

fn recorded(gate: &Gate) -> impl Iterator<Item = &Recorded> {
    gate.same.iter().chain(&gate.injected)
}

fn windows(text: &mut String, gate: &Gate) {
    if recorded(gate).next().is_none() {
        return;
    }
    text.push_str(
        "## Recorded blocks, judged in windows\n\n\
         Windows follow one another: each is a duel that begins where the one before ended. Those from every block on overlap.\n\n\
         | injected | as measured | blocks (set aside) | noise (MAD) | steal | windows | slower | faster | no change | inconclusive | blocks each | from every block: slower | faster |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for at in recorded(gate) {
        let Verdicts {
            slower,
            faster,
            no_change,
            inconclusive,
            blocks,
        } = &at.windows;
        let interval = at.interval.map_or(String::new(), |[low, high]| {
            format!(
                " ({})",
                quantity::range(low, high, |e| quantity::change(1.0 + e))
            )
        });
        let each = *blocks as f64 / at.windows.all().max(1) as f64;
        let _ = writeln!(
            text,
            "| {} | {}{interval} | {} ({}) | {} | {} | {} | {slower} | {faster} | {no_change} | {inconclusive} | {each:.0} | {} of {} | {} |",
            intended(at.intended),
            quantity::change(1.0 + at.measured),
            at.blocks,
            at.set_aside,
            quantity::share(at.noise_mad),
            quantity::share(at.steal),
            at.windows.all(),
            at.starts.slower,
            at.starts.all(),
            at.starts.faster,
        );
    }
    text.push('\n');
}

fn live(text: &mut String, gate: &Gate) {
    let fought: Vec<(String, &Live)> = gate
        .live
        .iter()
        .map(|live| ("the same server twice".to_owned(), live))
        .chain(
            gate.disturbed
                .iter()
                .map(|live| ("the same, beside a process busy in bursts".to_owned(), live)),
        )
        .chain(
            gate.live_injected
                .iter()
                .map(|live| (format!("{} injected", intended(live.intended)), live)),
        )
        .chain(
            gate.layouts
                .iter()
                .map(|live| ("the same source, another layout".to_owned(), live)),
        )
        .collect();
    if fought.is_empty() {
        return;
    }
    text.push_str(
        "## Live duels\n\n\
         | duel of | duels | alarms | slower | faster | no change | inconclusive | not judged | effect: median (least … most) | seconds: median (most) | set aside |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for (name, live) in fought {
        let count = |verdict| {
            live.duels
                .iter()
                .filter(|duel| duel.verdict == verdict)
                .count()
        };
        let effects: Vec<f64> = live.duels.iter().filter_map(|duel| duel.effect).collect();
        let seconds: Vec<f64> = live.duels.iter().map(|duel| duel.seconds).collect();
        let most = |values: &[f64]| values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let least = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
        let effect = median(effects.clone()).map_or(quantity::NOT_MEASURED.to_owned(), |middle| {
            format!(
                "{} ({})",
                quantity::change(1.0 + middle),
                quantity::range(least(&effects), most(&effects), |e| quantity::change(
                    1.0 + e
                ))
            )
        });
        let (kept, aside) = live.duels.iter().fold((0, 0), |(kept, aside), duel| {
            (kept + duel.blocks, aside + duel.set_aside)
        });
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {} | {} | {} | {effect} | {:.0} ({:.0}) | {aside} of {} |",
            live.duels.len(),
            live.duels.iter().filter(|duel| duel.alarm).count(),
            count(Some(Verdict::Slower)),
            count(Some(Verdict::Faster)),
            count(Some(Verdict::NoChange)),
            count(Some(Verdict::Inconclusive)),
            count(None),
            median(seconds.clone()).unwrap_or_default(),
            most(&seconds),
            kept + aside,
        );
    }
    text.push('\n');
}

fn rivals(text: &mut String, gate: &Gate) {
    let Some(same) = &gate.same else {
        return;
    };
    text.push_str(
        "## Beside what people use\n\n\
         On the same recorded blocks, in windows of 20; *then*: the base's slices, then the head's, as people measure; *in turn*: interleaved.\n\
         A false alarm is \"worse\" for the same server; a miss is silence about an injected cost.\n\n\
         | method | false alarms (then / in turn)",
    );
    for at in &gate.injected {
        let _ = write!(
            text,
            " | misses at {} (then / in turn)",
            intended(at.intended)
        );
    }
    text.push_str(" |\n|---|---");
    text.push_str(&"|---".repeat(gate.injected.len()));
    text.push_str("|\n");
    let Verdicts { slower, .. } = same.windows;
    let _ = write!(text, "| **the duel** | {slower} of {}", same.windows.all());
    for at in &gate.injected {
        let missed = at.windows.all() - at.windows.slower;
        let _ = write!(text, " | {missed} of {}", at.windows.all());
    }
    text.push_str(" |\n");
    for (place, rival) in same.rivals.iter().enumerate() {
        let _ = write!(
            text,
            "| {} | {} / {} of {}",
            rival.name, rival.sequential, rival.interleaved, rival.windows
        );
        for at in &gate.injected {
            let Some(rival) = at.rivals.get(place) else {
                continue;
            };
            let _ = write!(
                text,
                " | {} / {} of {}",
                rival.windows - rival.sequential,
                rival.windows - rival.interleaved,
                rival.windows
            );
        }
        text.push_str(" |\n");
    }
    text.push('\n');
}

fn intended(share: f64) -> String {
    if share == 0.0 {
        "nothing".to_owned()
    } else {
        format!("{:.0} %", share * 100.0)
    }
}

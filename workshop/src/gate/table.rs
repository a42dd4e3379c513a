//! The calibration as a page: what was measured, what was promised, and whether that is met.

mod rivals;

use std::collections::BTreeSet;
use std::fmt::Write;

use authlab_reports::judge::Verdict;
use authlab_reports::order_statistics::{mad, median};
use authlab_reports::quantity;

use super::noise::Noise;
use super::piece::{Fought, Found, Gate, Live, Other, Piece, Recorded};
use super::windows::{self, Verdicts};

pub(super) fn render(gate: &Gate) -> String {
    let mut text = String::from("# The duel's false-positive rate and statistical power\n\n");
    measured(&mut text, gate);
    noises(&mut text, gate);
    recorded(&mut text, gate);
    live(&mut text, gate);
    others(&mut text, gate);
    rivals::render(&mut text, gate);
    // One blank line at the end is one too many.
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Pieces in the order of the noises, whatever the order in which they were measured.
fn in_order(gate: &Gate) -> Vec<&Piece> {
    let mut pieces: Vec<&Piece> = gate.pieces.iter().collect();
    pieces.sort_by_key(|piece| (piece.noise, percent(piece)));
    pieces
}

fn percent(piece: &Piece) -> u8 {
    match &piece.found {
        Found::Recorded(recorded) | Found::Concurrent(recorded) => recorded.percent,
        Found::Live(live) | Found::Layouts(live) => live.percent,
        Found::Others(_) => 0,
    }
}

fn listed(values: impl Iterator<Item = String>) -> String {
    let distinct: BTreeSet<String> = values.collect();
    distinct.into_iter().collect::<Vec<_>>().join("; ")
}

fn measured(text: &mut String, gate: &Gate) {
    let pieces = &gate.pieces;
    let machines = listed(pieces.iter().map(|piece| {
        let machine = &piece.machine;
        format!(
            "{}, {} cores, {}",
            machine.cpu, machine.cores, machine.kernel
        )
    }));
    let builds = listed(pieces.iter().map(|piece| {
        let tool = &piece.tool;
        format!("{} {} ({})", tool.version, tool.commit, tool.profile)
    }));
    let taken = || pieces.iter().map(|piece| piece.taken.as_str());
    let (first, last) = (taken().min(), taken().max());
    let quiet = pieces.iter().filter(|piece| piece.noise == Noise::Quiet);
    let load = quiet.map(|piece| piece.machine.load_before);
    let load = load.fold(None, |most: Option<f64>, load| {
        Some(most.map_or(load, |most| most.max(load)))
    });
    let load = load.map_or(String::new(), |load| {
        format!(" The load average before a piece without noise was at most {load:.2}.")
    });
    let seconds = pieces.iter().map(|piece| piece.seconds).sum();
    let _ = writeln!(
        text,
        "`authlab prove calibrate-gate` measured {} pieces in {} on {machines}. The first began at {}, the last at {}. \
         Builds: {builds}.{load} `gate.json` has the time, load, seed and build of each piece, and the recorded blocks: \
         `--judge-only` makes this page from them.\n",
        pieces.len(),
        quantity::elapsed(seconds),
        first.unwrap_or_default(),
        last.unwrap_or_default(),
    );
}

fn noises(text: &mut String, gate: &Gate) {
    text.push_str("| noise | what it does |\n|---|---|\n");
    for noise in Noise::ALL {
        let of: Vec<&Piece> = gate.pieces.iter().filter(|of| of.noise == noise).collect();
        if of.is_empty() {
            continue;
        }
        let how = listed(of.iter().filter_map(|piece| piece.how.clone()));
        let how = if how.is_empty() {
            String::new()
        } else {
            format!(", {how}")
        };
        let _ = writeln!(text, "| {} | {}{how} |", noise.name(), noise.words());
    }
    text.push('\n');
}

fn injected(percent: u8) -> String {
    match percent {
        0 => "none".to_owned(),
        percent => format!("{percent} %"),
    }
}

/// Whether a promise is met, beside it.
fn promised(promise: &str, is_met: bool) -> String {
    format!("{promise}: {}", if is_met { "met" } else { "**not met**" })
}

fn whole_percent(part: usize, of: usize) -> String {
    if of == 0 {
        return quantity::NOT_MEASURED.to_owned();
    }
    format!("{:.0} %", 100.0 * part as f64 / of as f64)
}

fn most(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(f64::NEG_INFINITY, f64::max)
}

fn recorded(text: &mut String, gate: &Gate) {
    let pieces = in_order(gate);
    let recorded = pieces.iter().filter_map(|piece| match &piece.found {
        Found::Recorded(recorded) => Some((piece.noise, recorded)),
        _ => None,
    });
    let rows: Vec<String> = recorded
        .map(|(noise, of)| recorded_row(noise, of))
        .collect();
    if rows.is_empty() {
        return;
    }
    text.push_str(
        "## Recorded blocks, judged in windows\n\n\
         A window is a duel that begins where the one before it ended. It has at most the blocks that fit into two minutes. \
         The cost is injected as a share of the median request without noise. An alarm is *slower* or *faster* where \
         nothing was injected.\n\n\
         | noise | injected | measured | blocks (excluded) | MAD | windows | alarms | slower | no change | inconclusive | blocks: median (most) | promised |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        text.push_str(&row);
    }
    text.push('\n');
}

fn recorded_row(noise: Noise, recorded: &Recorded) -> String {
    let verdicts = windows::judged(recorded);
    let values = windows::differences(recorded).values;
    let effect = median(values.clone()).map_or(quantity::NOT_MEASURED.to_owned(), |middle| {
        quantity::effect(middle.exp_m1())
    });
    let Verdicts {
        slower,
        no_change,
        inconclusive,
        ref blocks,
        ..
    } = verdicts;
    let (all, alarms) = (verdicts.all(), verdicts.alarms());
    let share = |part| whole_percent(part, all);
    let found = |least: usize| {
        let promise = format!("slower in {least} %");
        self::promised(&promise, slower * 100 >= least * all)
    };
    let (alarms, promised) = match recorded.percent {
        0 => (alarms.to_string(), promised("no alarm", alarms == 0)),
        10 => (String::new(), found(95)),
        5 => (String::new(), found(75)),
        _ => Default::default(),
    };
    let promised = if all > 0 {
        promised
    } else {
        "too few blocks".to_owned()
    };
    format!(
        "| {} | {} | {effect} | {} ({}) | {} | {all} | {alarms} | {slower} ({}) | {no_change} | {inconclusive} | {} ({}) | {promised} |\n",
        noise.name(),
        injected(recorded.percent),
        recorded.blocks.len(),
        recorded.excluded,
        quantity::share(mad(&values).unwrap_or_default()),
        share(slower),
        verdicts.typical(),
        blocks.iter().max().copied().unwrap_or_default(),
    )
}

fn live(text: &mut String, gate: &Gate) {
    let mut rows = Vec::new();
    for piece in in_order(gate) {
        match &piece.found {
            Found::Live(live) => {
                let name = injected(live.percent);
                rows.push(live_row(
                    piece.noise,
                    &name,
                    &live.duels,
                    &live_promise(piece.noise, live),
                ));
            }
            Found::Layouts(live) => {
                let promise = promised("no alarm", alarms(&live.duels) == 0);
                let row = live_row(
                    piece.noise,
                    "none, functions linked in another order",
                    &live.duels,
                    &promise,
                );
                rows.push(row);
            }
            _ => {}
        }
    }
    if rows.is_empty() {
        return;
    }
    text.push_str(
        "## Live duels\n\n\
         | noise | injected | duels | slower | faster | no change | inconclusive | seconds: median (most) | MAD | effect: median (least … most) | promised |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        text.push_str(&row);
    }
    text.push('\n');
}

fn count(duels: &[Fought], verdict: Verdict) -> usize {
    let is_it = |duel: &&Fought| duel.verdict == Some(verdict);
    duels.iter().filter(is_it).count()
}

fn alarms(duels: &[Fought]) -> usize {
    count(duels, Verdict::Slower) + count(duels, Verdict::Faster)
}

fn seconds(duels: &[Fought]) -> (f64, f64) {
    let seconds = || duels.iter().map(|duel| duel.seconds);
    (
        median(seconds().collect()).unwrap_or_default(),
        most(seconds()),
    )
}

fn live_promise(noise: Noise, live: &Live) -> String {
    let all = live.duels.len();
    let slower = count(&live.duels, Verdict::Slower);
    let (typical, most) = seconds(&live.duels);
    match (live.percent, noise) {
        (0, _) => promised("no alarm", alarms(&live.duels) == 0),
        (_, Noise::Quiet) => [
            promised("slower in 11 of 12", 12 * slower >= 11 * all),
            promised("median 12 s", typical <= 12.0),
        ]
        .join("; "),
        _ => [
            promised("slower in 11 of 12", 12 * slower >= 11 * all),
            promised("median 60 s", typical <= 60.0),
            promised("most 120 s", most <= 120.0),
        ]
        .join("; "),
    }
}

fn live_row(noise: Noise, name: &str, duels: &[Fought], promise: &str) -> String {
    let effects: Vec<f64> = duels.iter().filter_map(|duel| duel.effect).collect();
    let effect = median(effects.clone()).map_or(quantity::NOT_MEASURED.to_owned(), |middle| {
        let least = -most(effects.iter().map(|effect| -effect));
        format!(
            "{} ({})",
            quantity::effect(middle),
            quantity::effects(least, most(effects.iter().copied()))
        )
    });
    let mads = duels.iter().map(|duel| duel.mad).collect();
    let (typical, longest) = seconds(duels);
    format!(
        "| {} | {name} | {} | {} | {} | {} | {} | {typical:.0} ({longest:.0}) | {} | {effect} | {promise} |\n",
        noise.name(),
        duels.len(),
        count(duels, Verdict::Slower),
        count(duels, Verdict::Faster),
        count(duels, Verdict::NoChange),
        duels.len() - alarms(duels) - count(duels, Verdict::NoChange),
        median(mads).map_or(quantity::NOT_MEASURED.to_owned(), quantity::share),
    )
}

fn others(text: &mut String, gate: &Gate) {
    let mut pairs = gate.pieces.iter().filter_map(|piece| match &piece.found {
        Found::Others(others) => Some((piece.noise, others)),
        _ => None,
    });
    let Some((noise, others)) = pairs.next() else {
        return;
    };
    let _ = write!(
        text,
        "## Servers in other languages, under {}\n\n\
         | servers | the truth | verdicts | effect: median | seconds: median (most) | promised |\n\
         |---|---|---|---|---|---|\n",
        noise.name()
    );
    for other in others {
        text.push_str(&other_row(other));
    }
    text.push('\n');
}

fn other_row(other: &Other) -> String {
    let duels = &other.duels;
    let all = [
        Verdict::Slower,
        Verdict::Faster,
        Verdict::NoChange,
        Verdict::Inconclusive,
    ];
    let verdicts: Vec<String> = all
        .into_iter()
        .filter(|verdict| count(duels, *verdict) > 0)
        .map(|verdict| format!("{} × {}", count(duels, verdict), verdict.label()))
        .collect();
    let effects = duels.iter().filter_map(|duel| duel.effect).collect();
    let (typical, longest) = seconds(duels);
    format!(
        "| {} | {} | {} | {} | {typical:.0} ({longest:.0}) | {} |\n",
        other.name,
        other.truth.label(),
        verdicts.join(", "),
        median(effects).map_or(quantity::NOT_MEASURED.to_owned(), quantity::effect),
        promised(
            "right in 2 minutes",
            count(duels, other.truth) == duels.len() && longest <= 120.0
        ),
    )
}

#[cfg(test)]
mod tests {
    use authlab_reports::outcome::Outcome;

    use super::super::piece::tests::piece;
    use super::super::windows::tests::made_up;
    use super::*;

    fn duels(verdict: Verdict, effect: f64, seconds: f64, number: usize) -> Vec<Fought> {
        let duel = Fought {
            outcome: Outcome::Ok,
            verdict: Some(verdict),
            effect: Some(effect),
            mad: 0.01,
            blocks: 20,
            excluded: 0,
            seconds,
        };
        vec![duel; number]
    }

    #[test]
    fn what_was_promised_is_beside_what_was_measured() {
        let live = |percent, duels| Found::Live(Live { percent, duels });
        let mut gate = Gate::default();
        for percent in [10, 5, 0] {
            let recorded = made_up(percent, 0.02, 200);
            gate.put(piece(Noise::Hog, Found::Recorded(recorded)));
        }
        // Wild blocks find nothing, and say so.
        gate.put(piece(Noise::Disk, Found::Recorded(made_up(10, 0.9, 400))));
        gate.put(piece(
            Noise::Hog,
            live(10, duels(Verdict::Slower, 0.1, 61.0, 12)),
        ));
        gate.put(piece(
            Noise::Hog,
            live(0, duels(Verdict::Slower, 0.05, 20.0, 1)),
        ));
        let page = render(&gate);
        for row in [
            "| hog | none | ",
            "| 0 (0 %) | 10 | 0 | 20 (20) | no alarm: met |",
            "| 10 (100 %) | 0 | 0 | 20 (20) | slower in 95 %: met |",
            "| 0 (0 %) | 0 | 2 | 200 (200) | slower in 95 %: **not met** |",
            "| hog | 10 % | 12 | 12 | 0 | 0 | 0 | 61 (61) | 1.00 % | +10 % (+10 … +10 %) | slower in 11 of 12: met; \
             median 60 s: **not met**; most 120 s: met |",
            "no alarm: **not met** |",
            "| the duel, in turn | 0 / 0 / 0 |",
        ] {
            assert!(page.contains(row), "{row}\n{page}");
        }
        let at = |text: &str| page.find(text).unwrap();
        assert!(at("| hog | none |") < at("| hog | 5 %") && at("| hog | 5 %") < at("| hog | 10 %"));
    }

    #[test]
    fn another_server_is_right_or_not() {
        let other = |truth, verdict| Other {
            name: "Node".to_owned(),
            truth,
            duels: duels(verdict, 0.11, 30.0, 3),
        };
        let right = other_row(&other(Verdict::Slower, Verdict::Slower));
        assert!(
            right.contains("| 3 × slower | ") && right.contains(": met"),
            "{right}"
        );
        let wrong = other_row(&other(Verdict::NoChange, Verdict::Slower));
        assert!(wrong.contains("**not met**"), "{wrong}");
    }
}

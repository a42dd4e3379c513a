//! The duel beside other methods, on the same blocks.

use std::fmt::Write;

use super::super::noise::Noise;
use super::super::piece::{Found, Gate, Part, Recorded};
use super::super::rivals::{self, Said};
use super::super::windows;

/// Injected costs, in the order of a cell.
const COSTS: [u8; 3] = [0, 5, 10];

pub(super) fn render(text: &mut String, gate: &Gate) {
    let is_there = |noise: &Noise| gate.find(*noise, Part::Recorded(0)).is_some();
    let noises: Vec<Noise> = Noise::ALL.into_iter().filter(is_there).collect();
    if noises.is_empty() {
        return;
    }
    let columns: Vec<[Column; 3]> = noises
        .iter()
        .map(|noise| COSTS.map(|cost| Column::of(gate, *noise, cost)))
        .collect();
    text.push_str(
        "## Other methods on the same blocks\n\n\
         Each cell has three shares of windows, in percent: false alarms / missed costs of 5 % / missed costs of 10 %. Each \
         method gets as many blocks in a window as the duel typically took for that noise and cost, and says only whether \
         the candidate is worse. *One after the other*: the slices of the baseline, then as many of the candidate, as \
         people usually measure. *In turn*: the interleaved slices of the duel. *At once*: both servers under load at the \
         same time, by two load generators, because one of authlab's loads one server at a time.\n\n\
         Welch's t-test and Mann–Whitney (on the medians of slices, as benchstat uses it) are at 5 %. Criterion's test \
         has its defaults. The minimum of three is of the means of three runs of each. Goose 0.19 keeps microseconds, \
         shows hundredths of a millisecond, and gives no verdict: any increase that it shows counts. Tango's pairs are \
         slices here, where tango alternates single calls.\n\n",
    );
    let heads: Vec<&str> = noises.iter().map(|noise| noise.name()).collect();
    let _ = writeln!(text, "| method | {} |", heads.join(" | "));
    let _ = writeln!(text, "|---|{}", "---|".repeat(noises.len()));
    let row = |said: &dyn Fn(&Column) -> Option<Said>| {
        let cells = columns.iter().map(|columns| {
            let shares = COSTS.iter().zip(columns);
            let shares = shares.map(|(cost, column)| share(*cost, said(column)));
            shares.collect::<Vec<_>>().join(" / ")
        });
        cells.collect::<Vec<_>>().join(" | ")
    };
    let _ = writeln!(text, "| the duel, in turn | {} |", row(&|of| of.duel));
    for (place, name) in rivals::names().enumerate() {
        let of = |column: &Column| column.rivals.get(place).copied();
        let cells = row(&of);
        if columns
            .iter()
            .flatten()
            .any(|column| of(column).is_some_and(|said| said.of > 0))
        {
            let _ = writeln!(text, "| {name} | {cells} |");
        }
    }
    let windows = columns.iter().map(|columns| {
        let windows = columns.each_ref().map(|column| column.windows.to_string());
        windows.join(" / ")
    });
    let _ = writeln!(
        text,
        "| *blocks of a window* | {} |\n",
        windows.collect::<Vec<_>>().join(" | ")
    );
}

/// What all methods say under one noise of one cost.
struct Column {
    duel: Option<Said>,
    rivals: Vec<Said>,
    /// Blocks of a window.
    windows: usize,
}

impl Column {
    fn of(gate: &Gate, noise: Noise, cost: u8) -> Self {
        let found = |part| gate.find(noise, part).map(|piece| &piece.found);
        let blocks = |part| -> Option<&Recorded> {
            match found(part)? {
                Found::Recorded(recorded) | Found::Concurrent(recorded) => Some(recorded),
                _ => None,
            }
        };
        let interleaved = blocks(Part::Recorded(cost));
        let verdicts = interleaved.map(windows::judged);
        let windows = verdicts.as_ref().map_or(0, windows::Verdicts::typical);
        Self {
            duel: verdicts.as_ref().map(|verdicts| Said {
                worse: verdicts.slower,
                of: verdicts.all(),
            }),
            rivals: rivals::said(interleaved, blocks(Part::Concurrent(cost)), windows),
            windows,
        }
    }
}

/// Of windows: those with a false alarm, or those in which a cost was missed.
fn share(cost: u8, said: Option<Said>) -> String {
    let Some(Said { worse, of }) = said.filter(|said| said.of > 0) else {
        return "–".to_owned();
    };
    let wrong = if cost == 0 { worse } else { of - worse };
    format!("{:.0}", 100.0 * wrong as f64 / of as f64)
}

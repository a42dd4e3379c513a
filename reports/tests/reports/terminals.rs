//! What a terminal shows, narrow and wide, with and without colours: tables fit it, and colours say nothing but what is good,
//! bad or doubtful.

use std::path::Path;

use authlab_reports::compare;
use authlab_reports::document::Document;
use authlab_reports::duel::Duel;
use authlab_reports::folder::{self, RunFolder};
use authlab_reports::judge::{Limit, run_limit};
use authlab_reports::ladder;
use authlab_reports::render::{self, Terminal};
use authlab_reports::run::{Attack, Change, Run, Status, Verdict};
use authlab_reports::section::summary;

use crate::contest::Contest;
use crate::synthetic::{Design, Noise, at, planned, slice};

const LONG: &str = "get-/api/v1/organisations/members/list";
const DESIGNS: [Design; 4] = [
    Design("base", "the base", 100e3, 100e3, 50e3, &[]),
    Design(
        "fast",
        "the fast one",
        50e3,
        50e3,
        25e3,
        &["a stolen token passes"],
    ),
    Design("slow", "the slow one", 250e3, 250e3, 125e3, &[]),
    Design("same", "the same again", 100e3, 100e3, 50e3, &[]),
];

/// A run with a verdict on every variant, and with attacks.
fn of_designs(parent: &Path, designs: &[Design], blocks: usize) -> Run {
    let mut run = planned(designs);
    run.scenario.baseline = designs[0].0.into();
    run.scenario.changes.clear();
    run.scenario.loads.truncate(1);
    run.scenario.ladder.capacity = Some(at("one-user", "items"));
    if let [first, second, ..] = designs {
        run.scenario.changes = vec![Change {
            name: "the change".into(),
            from: first.0.into(),
            to: second.0.into(),
        }];
    }
    let mut folder = RunFolder::create(parent, &run).unwrap();
    let mut noise = Noise(11);
    for block in 0..blocks {
        for design in designs {
            let (mut slice, recorded) = slice(&run, design, "one-user", block, &mut noise);
            let passed = if design.0 == "fast" { 3 } else { 0 };
            slice.attacks = [("theft".to_owned(), Attack { tried: 3, passed })].into();
            folder.append(&mut run, slice, recorded).unwrap();
        }
    }
    run.status = Status::Complete;
    folder.finish(&mut run).unwrap();
    run.validity.verdict = Verdict::Disturbed;
    run.validity.reasons = vec!["the host took 7 % of the processors' time".into()];
    run
}

/// A load of one server whose step has a long name, with its limits.
fn of_one(parent: &Path) -> (Run, Document) {
    let mut run = of_designs(parent, &DESIGNS[1..2], 4);
    for load in &mut run.scenario.loads {
        load.steps
            .iter_mut()
            .filter(|step| *step == "items")
            .for_each(|step| *step = LONG.into());
    }
    let figures = run.slices.iter_mut().flat_map(|slice| &mut slice.figures);
    for figure in figures
        .chain(&mut run.merged)
        .filter(|figure| figure.step == "items")
    {
        figure.step = LONG.into();
    }
    let limits = run_limit::RunLimit::parse_all("p95 > 1ns, errors > 1%").unwrap();
    let limits = summary::limits(&run_limit::check(&run, &limits));
    (run, limits)
}

fn compared(run: &Run) -> Document {
    let limits: [Limit; 2] = ["p50 > 20%".parse().unwrap(), "errors > 1%".parse().unwrap()];
    compare::within(run, "base", "slow", &limits)
        .unwrap()
        .document()
}

fn contest() -> Duel {
    Contest {
        latency: 0.14,
        ..Contest::default()
    }
    .duel()
}

/// The documents that a command ends with, each with its name.
fn documents(parent: &Path) -> Vec<(&'static str, Vec<Document>)> {
    let run = of_designs(&parent.join("ladder"), &DESIGNS, 20);
    let (one, limits) = of_one(&parent.join("load"));
    vec![
        ("load", vec![ladder::document(&one), limits]),
        ("ladder", vec![ladder::document(&run)]),
        ("duel", vec![contest().document(Some("runs/x/run.json"))]),
        ("compare", vec![compared(&run)]),
    ]
}

fn shown(documents: &[Document], columns: usize, is_coloured: bool) -> String {
    let terminal = Terminal {
        columns,
        is_coloured,
    };
    documents
        .iter()
        .map(|document| render::text_on(document, terminal))
        .collect()
}

/// Escapes of colours as one can read them.
fn legible(text: &str) -> String {
    let colours = [
        ("\u{1b}[31m", "<red>"),
        ("\u{1b}[32m", "<green>"),
        ("\u{1b}[33m", "<yellow>"),
        ("\u{1b}[0m", "</>"),
    ];
    colours
        .iter()
        .fold(text.to_owned(), |text, (escape, name)| {
            text.replace(escape, name)
        })
}

fn without_colours(text: &str) -> String {
    ["<red>", "<green>", "<yellow>", "</>"]
        .iter()
        .fold(legible(text), |text, name| text.replace(name, ""))
}

/// The widest row of a table: what has two columns.
fn widest(text: &str) -> usize {
    let rows = text
        .lines()
        .filter(|line| line.trim_start_matches(' ').contains("  "));
    let rows = rows.filter(|line| !line.starts_with("! "));
    rows.map(|line| line.chars().count())
        .max()
        .unwrap_or_default()
}

#[test]
fn a_terminal_of_80_and_of_120_columns_with_and_without_colours() {
    let parent = tempfile::tempdir().unwrap();
    for (name, documents) in documents(parent.path()) {
        for columns in [80, 120] {
            let plain = shown(&documents, columns, false);
            let coloured = shown(&documents, columns, true);
            assert!(widest(&plain) <= columns, "{name}: {plain}");
            assert_eq!(without_colours(&coloured), plain, "{name}");
            insta::assert_snapshot!(format!("{name}-{columns}"), plain);
            insta::assert_snapshot!(format!("{name}-{columns}-coloured"), legible(&coloured));
        }
    }
}

#[test]
fn a_long_name_is_cut_on_a_narrow_terminal_and_whole_elsewhere() {
    let parent = tempfile::tempdir().unwrap();
    let (run, _) = of_one(parent.path());
    let document = [ladder::document(&run)];
    assert!(!shown(&document, 80, false).contains(&format!("\n{LONG} ")));
    let narrow = shown(&document, 80, false);
    let is_cut =
        |line: &str| line.starts_with("get-/api") && line.contains("…") && line.contains("/list ");
    assert!(narrow.lines().any(is_cut), "{narrow}");
    assert!(shown(&document, 120, false).contains(&format!("\n{LONG} ")));
    assert!(render::markdown(&document[0]).contains(&format!("| {LONG} |")));
}

#[test]
fn every_table_of_the_published_runs_fits() {
    let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("published");
    let mut read = 0;
    for entry in std::fs::read_dir(published).unwrap() {
        let Ok(run) = folder::read(&entry.unwrap().path()) else {
            continue;
        };
        read += 1;
        let [base, .., head] = run.variants.as_slice() else {
            continue;
        };
        let documents = [
            ladder::document(&run),
            compare::within(&run, &base.name, &head.name, &[])
                .unwrap()
                .document(),
        ];
        for columns in [80, 120] {
            let text = shown(&documents, columns, false);
            assert!(widest(&text) <= columns, "{}: {text}", run.scenario.name);
        }
    }
    assert!(read > 0);
}

#[test]
fn a_coloured_terminal_is_told_nothing_else_that_it_would_obey() {
    let mut run = of_designs(tempfile::tempdir().unwrap().path(), &DESIGNS, 8);
    run.variants[1].label = "\u{1b}[31mred\u{9b}0m\u{7}".into();
    run.validity.reasons = vec!["\u{1b}]0;title\u{7}".into()];
    let text = shown(&[ladder::document(&run)], 80, true);
    assert!(text.contains('\u{1b}'), "{text:?}");
    let left = without_colours(&text);
    assert!(
        !left.contains(|c: char| c.is_control() && c != '\n'),
        "{left:?}"
    );
    let label = "[31mred";
    assert!(
        text.contains(label) && !text.contains(&format!("\u{1b}{label}")),
        "{text:?}"
    );
}

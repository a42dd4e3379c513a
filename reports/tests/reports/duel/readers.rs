//! Other people's programs read what is written for them: `PyPI` `xmlschema` the `JUnit` XML, by the
//! schema beside this folder, and `markdown-it-py` the Markdown, as GitHub does.

use std::path::Path;
use std::process::Command;

use authlab_reports::duel::{Duel, junit};
use authlab_reports::render;
use serde_json::Value;

use super::cases::{self, REPLAY};
use crate::installed::{installed, script, told_by};

/// What a page may hold of HTML: its own folds, each in a block of its own.
const FOLDS: [&str; 5] = [
    "<details><summary>Not gated</summary>",
    "<details><summary>How it was measured</summary>",
    "<details><summary>Other metrics</summary>",
    "<details><summary>Other metrics, some of which stand out</summary>",
    "</details>",
];

/// What a script says of each duel written by `render` into a file of a folder.
fn read(
    by: &str,
    ending: &str,
    with: &[&Path],
    render: impl Fn(&Duel) -> String,
) -> Option<Vec<(Duel, Value)>> {
    let tools = installed("validators", "a duel's JUnit XML and Markdown")?;
    let folder = tempfile::tempdir().unwrap();
    let mut duels = cases::all();
    duels.push(("hostile", cases::hostile()));
    if ending == "md" {
        duels.push(("huge", cases::huge()));
    }
    for (name, duel) in &duels {
        std::fs::write(folder.path().join(format!("{name}.{ending}")), render(duel)).unwrap();
    }
    let mut program = Command::new(tools.join("venv/bin/python"));
    program
        .arg(script("validators", by))
        .args(with)
        .arg(folder.path());
    let told = told_by(&mut program);
    duels.sort_by_key(|(name, _)| *name);
    assert_eq!(told.len(), duels.len());
    let both = duels.into_iter().zip(told).map(|((name, duel), told)| {
        assert_eq!(told["name"], name);
        (duel, told)
    });
    Some(both.collect())
}

#[test]
fn junit_is_as_jenkins_reads_it() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports/junit.xsd");
    let render = |duel: &Duel| junit::render(duel, Some(REPLAY)).unwrap();
    for (_, told) in read("junit.py", "xml", &[&schema], render).unwrap_or_default() {
        assert_eq!(told["faults"], serde_json::json!([]), "{told}");
    }
}

#[test]
fn the_schema_refuses_what_jenkins_does_not_know() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports/junit.xsd");
    let render = |duel: &Duel| {
        let xml = junit::render(duel, Some(REPLAY)).unwrap();
        xml.replacen("<testsuites ", "<testsuites skipped=\"0\" ", 1)
    };
    for (_, told) in read("junit.py", "xml", &[&schema], render).unwrap_or_default() {
        assert_ne!(told["faults"], serde_json::json!([]), "{told}");
    }
}

#[test]
fn markdown_has_its_tables_and_nothing_of_anybody_elses() {
    let render = |duel: &Duel| render::markdown(&duel.document(Some(REPLAY)));
    for (duel, told) in read("markdown.py", "md", &[], render).unwrap_or_default() {
        let name = told["name"].as_str().unwrap();
        let list = |key: &str| told[key].as_array().unwrap().clone();
        assert_eq!(list("headings").len(), 1, "{name}");
        assert_eq!(list("fences").len(), 1, "{name}");
        for html in list("html") {
            assert!(FOLDS.contains(&html.as_str().unwrap()), "{name}: {html}");
        }
        let tables = list("tables");
        let rows: Vec<&Vec<Value>> = tables
            .iter()
            .flat_map(|table| table.as_array().unwrap())
            .map(|row| row.as_array().unwrap())
            .collect();
        assert!(rows.iter().all(|row| row.len() == 7), "{name}: {rows:?}");
        if name == "huge" {
            continue;
        }
        let decisive = duel.rows.iter().filter(|row| row.is_decisive()).count()
            + usize::from(duel.instructions.is_some());
        let others = duel.rows.iter().filter(|row| !row.is_decisive()).count();
        let expected: Vec<usize> = [decisive, others, duel.information.len()]
            .into_iter()
            .filter(|rows| *rows > 0)
            .map(|rows| rows + 1)
            .collect();
        let found: Vec<usize> = tables
            .iter()
            .map(|table| table.as_array().unwrap().len())
            .collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_step_named_like_markup_is_read_as_it_is_named() {
    let render = |duel: &Duel| render::markdown(&duel.document(None));
    let Some(all) = read("markdown.py", "md", &[], render) else {
        return;
    };
    let (duel, told) = all
        .into_iter()
        .find(|(_, told)| told["name"] == "hostile")
        .unwrap();
    let step = duel.rows[0].step.as_ref().unwrap();
    assert_eq!(told["tables"][0][1][0], format!("p50 {step}"));
    let label = "main|`<b>bold</b>`";
    assert!(
        told["headings"][0].as_str().unwrap().contains(label),
        "{told}"
    );
}

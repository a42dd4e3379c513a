//! A duel as `JUnit` XML: a suite with a case for each gated metric.
//!
//! It is red exactly where the exit code is not 0:
//! - `slower` is a failure;
//! - what is missing, on either side, is an error;
//! - what cannot be told (`inconclusive`, undecided, nothing but advisory, or any case of an invalid run) is an error, unless
//!   the duel ended with exit code 0 all the same (`--inconclusive pass`): then it is skipped. Beside
//!   a failure it is an error, since such a duel did not pass.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::{Duel, document};
use crate::judge::Verdict;
use crate::plain;
use crate::render;

/// The duel as XML, with the table for a terminal as the suite's output; characters that XML has not
/// are dropped. `replay` is the path of its `run.json`.
///
/// # Errors
/// Never, for text: the writer is memory.
pub fn render(duel: &Duel, replay: Option<&str>) -> Result<String, SerializeError> {
    let mut suite = TestSuite::new(format!(
        "{}: {} against {}",
        duel.scenario,
        document::name(&duel.head),
        document::name(&duel.base)
    ));
    for (name, value) in [
        ("run", duel.run.clone()),
        ("verdict", duel.headline().to_owned()),
        ("exit_code", duel.exit_code.to_string()),
    ] {
        suite.add_property((name, value.as_str()));
    }
    suite.add_test_cases(cases(duel));
    if let Ok(elapsed) = Duration::try_from_secs_f64(duel.elapsed_s) {
        suite.set_time(elapsed);
    }
    suite.set_system_out(render::text(&duel.document(replay)));
    let mut report = Report::new("authlab duel");
    report.add_test_suite(suite);
    let xml = report.to_string()?;
    // XML allows what a viewer would obey: DEL, C1 and marks of writing direction.
    let xml = plain::text(&xml);
    // Jenkins' schema has no such attribute of the root, and its xUnit plugin refuses what it lacks.
    Ok(xml.replacen(&format!(" skipped=\"{}\"", report.skipped), "", 1))
}

fn cases(duel: &Duel) -> Vec<TestCase> {
    let decisive = duel.rows.iter().filter(|row| row.is_decisive());
    let rows = decisive.map(|row| {
        (
            row.name(),
            status(
                duel,
                row.verdict,
                &document::sentence(document::cells(duel, row)),
            ),
        )
    });
    let counted = duel.instructions.as_ref().map(|counted| {
        let said = document::sentence(document::cells_of_instructions(duel, counted));
        (
            document::INSTRUCTIONS.to_owned(),
            status(duel, counted.row.verdict, &said),
        )
    });
    let missing = duel
        .missing
        .iter()
        .map(|what| (what.clone(), error("missing", what)));
    let mut cases: Vec<(String, TestCaseStatus)> = rows.chain(counted).chain(missing).collect();
    if cases.is_empty() {
        let why = document::objections(duel).join("; ");
        cases.push(("gated metrics".to_owned(), untold(duel, "advisory", &why)));
    }
    let cases = cases.into_iter().map(|(name, status)| {
        let mut case = TestCase::new(name, status);
        case.set_classname(format!("duel.{}", duel.scenario));
        case
    });
    cases.collect()
}

fn status(duel: &Duel, verdict: Option<Verdict>, said: &str) -> TestCaseStatus {
    if !duel.faults.is_empty() {
        return untold(duel, "not valid", &document::listed(&duel.faults));
    }
    match verdict {
        Some(Verdict::Slower) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type(Verdict::Slower.label()).set_message(said);
            status
        }
        Some(Verdict::Faster | Verdict::NoChange) => TestCaseStatus::success(),
        Some(Verdict::Inconclusive) => untold(duel, Verdict::Inconclusive.label(), said),
        None => untold(duel, "undecided", said),
    }
}

fn untold(duel: &Duel, kind: &str, said: &str) -> TestCaseStatus {
    if duel.exit_code != 0 {
        return error(kind, said);
    }
    let mut status = TestCaseStatus::skipped();
    status.set_type(kind).set_message(said);
    status
}

fn error(kind: &str, said: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type(kind).set_message(said);
    status
}

//! The outcome as `JUnit` XML: a case for each kind of violation, which fails where one was found.

use std::time::Duration;

use authlab_reports::plain;
use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use crate::judge::Kind;
use crate::outcome::{Outcome, Verdict};

/// The outcome as XML. It is red exactly where the exit code is not 0.
///
/// # Errors
/// Never, for text: the writer is memory.
pub fn junit(outcome: &Outcome) -> Result<String, SerializeError> {
    let mut suite = TestSuite::new(format!("authlab check {}", outcome.contract));
    for kind in Kind::ALL {
        let found: Vec<_> = outcome
            .violations
            .iter()
            .filter(|violation| violation.kind == kind)
            .collect();
        let mut status = match (found.first(), outcome.verdict) {
            (Some(first), _) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_message(first.sentence.clone());
                let told = found.iter().map(|violation| {
                    let steps = violation.steps.join("\n");
                    format!(
                        "{}.\n{steps}\n{}",
                        violation.sentence,
                        violation.curl.join("\n")
                    )
                });
                status.set_description(told.collect::<Vec<_>>().join("\n\n"));
                status
            }
            (None, Verdict::Undecided) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
                status.set_message(outcome.undecided.join("; "));
                status
            }
            (None, Verdict::NothingFound) => TestCaseStatus::success(),
            // After the first violation the check may have ended: nothing is claimed of the other kinds.
            (None, Verdict::Violation) => TestCaseStatus::skipped(),
        };
        status.set_type(kind.label());
        let mut case = TestCase::new(kind.label(), status);
        case.set_classname(format!("check.{}", outcome.contract));
        suite.add_test_case(case);
    }
    if let Ok(elapsed) = Duration::try_from_secs_f64(outcome.elapsed_s) {
        suite.set_time(elapsed);
    }
    suite.set_system_out(super::text(outcome));
    let mut report = Report::new("authlab check");
    report.add_test_suite(suite);
    let xml = report.to_string()?;
    let xml = plain::text(&xml);
    // Jenkins' schema has no such attribute of the root, and its xUnit plugin refuses what it lacks.
    Ok(xml.replacen(&format!(" skipped=\"{}\"", report.skipped), "", 1))
}

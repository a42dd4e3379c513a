//! The outcome for a reader.

use std::fmt::Write as _;

use authlab_reports::plain;

use crate::outcome::{Coverage, Outcome, Verdict, Violation};

/// The outcome as text; what a terminal would obey is taken out.
#[must_use]
pub fn text(outcome: &Outcome) -> String {
    let mut text = String::new();
    for (number, violation) in outcome.violations.iter().enumerate() {
        told(&mut text, outcome, number + 1, violation);
    }
    for undecided in &outcome.undecided {
        let _ = writeln!(text, "Undecided: {undecided}.");
    }
    if !outcome.undecided.is_empty() {
        text.push('\n');
    }
    covered(&mut text, outcome);
    let said = match outcome.verdict {
        Verdict::NothingFound => "No violation was found in what was covered.".to_owned(),
        Verdict::Undecided => {
            "It could not be decided whether the gate keeps its contract.".to_owned()
        }
        Verdict::Violation => match outcome.violations.len() {
            1 => "The gate does not keep its contract: 1 violation.".to_owned(),
            many => format!("The gate does not keep its contract: {many} violations."),
        },
    };
    let _ = writeln!(text, "\n{said}");
    plain::text(&text).into_owned()
}

fn told(text: &mut String, outcome: &Outcome, number: usize, violation: &Violation) {
    let _ = writeln!(text, "Violation {number}: {}.", violation.sentence);
    let [repeated, of] = violation.repeated;
    let _ = writeln!(
        text,
        "{} {}:{} · {} requests, repeated {repeated} of {of} times\n",
        violation.kind.words(),
        outcome.file,
        violation.line,
        violation.requests
    );
    for (place, step) in violation.steps.iter().enumerate() {
        let _ = writeln!(text, "  {}. {step}", place + 1);
    }
    if let Some(note) = &violation.note {
        let _ = writeln!(text, "\n  {note}");
    }
    let _ = writeln!(text, "\n  By hand:");
    for line in &violation.curl {
        let _ = writeln!(text, "    {line}");
    }
    text.push('\n');
}

fn covered(text: &mut String, outcome: &Outcome) {
    let Coverage {
        histories,
        answers,
        errors,
        forms,
        changes,
        pairs,
        pairs_of,
        combinations,
        not_covered,
        ..
    } = &outcome.coverage;
    let _ = writeln!(
        text,
        "Covered: {histories} histories of seed {}, {} requests in {:.1} s at {}.",
        outcome.seed, outcome.requests, outcome.elapsed_s, outcome.gate
    );
    let _ = writeln!(
        text,
        "  {answers} answers judged, {errors} of them errors; {combinations} combinations of route, pair of principals and form; \
         {pairs} of {pairs_of} pairs"
    );
    let counted = |counts: &std::collections::BTreeMap<String, usize>| {
        let counts: Vec<String> = counts
            .iter()
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        counts.join(", ")
    };
    if !forms.is_empty() {
        let _ = writeln!(text, "  forms: {}", counted(forms));
    }
    if !changes.is_empty() {
        let _ = writeln!(text, "  changes: {}", counted(changes));
    }
    for missing in not_covered {
        let _ = writeln!(text, "  not covered: {missing}");
    }
}

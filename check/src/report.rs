//! A check's outcome as text, and for programs: JSON, `JUnit`, SARIF, and a contract that replays a violation.

mod junit;
mod sarif;
mod text;

use std::fmt::Write as _;

pub use junit::junit;
pub use sarif::sarif;
pub use text::text;

use crate::outcome::{Outcome, Violation};

/// The outcome as JSON.
///
/// # Errors
/// Never, for what an outcome holds.
pub fn json(outcome: &Outcome) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(outcome).map(|text| text + "\n")
}

/// The contract with the violation's history, which alone is then played. Histories that it had before are left out.
#[must_use]
pub fn replay(contract: &str, violation: &Violation) -> String {
    let kept = contract.split("\n[[history]]").next().unwrap_or(contract);
    let mut text = format!(
        "{}\n\n# {}\n[[history]]\nops = [\n",
        kept.trim_end(),
        violation.sentence
    );
    for op in &violation.history {
        let mut pairs = vec![format!("who = {}", quoted(&op.who))];
        pairs.push(format!("do = {}", quoted(&op.act)));
        if let Some(form) = op.form.filter(|form| *form != crate::history::Form::AsIs) {
            pairs.push(format!("form = {}", quoted(&form.label())));
        }
        for (name, number) in [
            ("credential", op.credential),
            ("client", op.client),
            ("way", op.way),
        ] {
            if number != 1 {
                pairs.push(format!("{name} = {number}"));
            }
        }
        if op.at_once {
            pairs.push("at_once = true".to_owned());
        }
        let _ = writeln!(text, "  {{ {} }},", pairs.join(", "));
    }
    text + "]\n"
}

/// Text of TOML.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

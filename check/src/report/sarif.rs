//! The outcome as SARIF 2.1.0, for code scanning: each violation at its route's line of the contract.

use serde_json::{Value, json};

use crate::judge::Kind;
use crate::outcome::{Outcome, Verdict};

/// The outcome as SARIF.
///
/// # Errors
/// Never, for what an outcome holds.
pub fn sarif(outcome: &Outcome) -> Result<String, serde_json::Error> {
    let rules: Vec<Value> = Kind::ALL
        .iter()
        .map(|kind| {
            json!({
                "id": kind.label(),
                "shortDescription": { "text": kind.words() },
                "defaultConfiguration": { "level": "error" },
            })
        })
        .collect();
    let results: Vec<Value> = outcome
        .violations
        .iter()
        .map(|violation| {
            let told = format!(
                "{}.\n\n{}\n\n{}",
                violation.sentence,
                violation.steps.join("\n"),
                violation.curl.join("\n")
            );
            json!({
                "ruleId": violation.kind.label(),
                "level": "error",
                "message": { "text": told },
                "locations": [{
                    "physicalLocation": {
                        "artifactLocation": { "uri": outcome.file },
                        "region": { "startLine": violation.line },
                    }
                }],
            })
        })
        .collect();
    let notifications: Vec<Value> = outcome
        .undecided
        .iter()
        .map(|said| json!({ "level": "warning", "message": { "text": said } }))
        .collect();
    let whole = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "authlab check", "rules": rules } },
            "invocations": [{
                "executionSuccessful": outcome.verdict != Verdict::Undecided,
                "exitCode": outcome.exit_code,
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    });
    serde_json::to_string_pretty(&whole).map(|text| text + "\n")
}

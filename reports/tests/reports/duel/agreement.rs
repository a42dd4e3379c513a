//! Whatever form a duel is read in, it says the same.

use authlab_reports::duel::{Duel, benchmark, junit};
use authlab_reports::render;
use quick_junit::{NonSuccessKind, Report, TestCaseStatus};
use serde_json::Value;

use super::cases::{self, REPLAY};

/// A verdict as each reader is told it: the word of people, and whether it is red in a CI.
struct Told {
    metric: String,
    word: String,
    status: &'static str,
}

/// What the JSON says, in the words of the others.
fn told(json: &Value) -> Vec<Told> {
    let spoiled = !json["faults"].as_array().unwrap().is_empty();
    let untold = match json["exit_code"].as_u64() {
        Some(0) => "skipped",
        _ => "error",
    };
    let told = |metric: String, verdict: &Value| {
        let (word, status) = match verdict.as_str() {
            Some("slower") => ("SLOWER", "failure"),
            Some("faster") => ("faster", "success"),
            Some("no-change") => ("no change", "success"),
            Some("inconclusive") => ("inconclusive", untold),
            None => ("undecided", untold),
            Some(other) => panic!("{other}"),
        };
        Told {
            metric,
            word: if spoiled && word != "undecided" {
                format!("({})", word.to_lowercase())
            } else {
                word.to_owned()
            },
            status: if spoiled { untold } else { status },
        }
    };
    let rows = json["rows"].as_array().unwrap().iter();
    let gated = rows.filter(|row| row["role"]["is"] == "gated").map(|row| {
        let metric = row["metric"].as_str().unwrap().to_owned();
        let name = row["step"]
            .as_str()
            .map_or(metric.clone(), |step| format!("{metric} {step}"));
        told(name, &row["verdict"])
    });
    let counted = json.get("instructions");
    gated
        .chain(counted.map(|counted| told("instructions".into(), &counted["verdict"])))
        .collect()
}

fn cases_of(xml: &str) -> Vec<(String, &'static str)> {
    let report = Report::deserialize_from_str(xml).unwrap();
    assert_eq!(report.test_suites.len(), 1);
    let cases = report.test_suites[0].test_cases.iter().map(|case| {
        let status = match &case.status {
            TestCaseStatus::Success { .. } => "success",
            TestCaseStatus::Skipped { .. } => "skipped",
            TestCaseStatus::NonSuccess { kind, .. } => match kind {
                NonSuccessKind::Failure => "failure",
                NonSuccessKind::Error => "error",
            },
        };
        (case.name.as_str().to_owned(), status)
    });
    cases.collect()
}

/// The last column of the line that begins with a metric.
fn word_of(table: &str, metric: &str, between: &str) -> String {
    let beginning = format!("{metric}{between}");
    let line = table
        .lines()
        .map(|line| line.trim_matches(['|', ' ']))
        .find(|line| line.starts_with(&beginning));
    line.unwrap_or_else(|| panic!("no {metric} in {table}"))
        .rsplit(between)
        .next()
        .unwrap()
        .trim()
        .to_owned()
}

#[test]
fn every_rendering_tells_the_same_verdicts_and_exit_code() {
    for (case, duel) in cases::all() {
        let json: Value = serde_json::from_str(&duel.json().unwrap()).unwrap();
        let (text, page, xml) = rendered(&duel);
        let suite = cases_of(&xml);
        for Told {
            metric,
            word,
            status,
        } in told(&json)
        {
            let in_text = word_of(&text, &metric, "  ");
            let in_page = word_of(&page, &metric, " | ");
            // A narrow table has the verdict alone, and a line below it the reason.
            let is_whole =
                in_text == in_page || text.contains(&format!("\n  {metric}: {in_page}\n"));
            assert!(
                is_whole && in_page.starts_with(&in_text),
                "{case}: {metric}"
            );
            assert!(in_text.starts_with(&word), "{case}: {metric}: {in_text}");
            let in_suite = suite.iter().find(|(name, _)| *name == metric);
            assert_eq!(in_suite.unwrap().1, status, "{case}: {metric}");
        }
        let code = json["exit_code"].as_u64().unwrap();
        assert!(text.contains(&format!("\nexit {code}, ")), "{case}: {text}");
        assert!(
            page.contains(&format!(" · exit {code}\n")),
            "{case}: {page}"
        );
        assert!(
            xml.contains(&format!(r#"<property name="exit_code" value="{code}"/>"#)),
            "{case}: {xml}"
        );
        for missing in &duel.missing {
            assert!(text.contains(missing) && page.contains(missing), "{case}");
            assert!(suite.contains(&(missing.clone(), "error")), "{case}");
        }
    }
}

#[test]
fn a_suite_is_red_exactly_where_the_exit_code_is_not_0() {
    let mut codes: Vec<u8> = Vec::new();
    for (case, duel) in cases::all() {
        for as_code in [None, Some(0), Some(1)] {
            let duel = duel.clone().with_inconclusive_as(as_code);
            let suite = cases_of(&rendered(&duel).2);
            assert!(!suite.is_empty(), "{case}");
            let red = suite
                .iter()
                .any(|(_, status)| matches!(*status, "failure" | "error"));
            assert_eq!(red, duel.exit_code != 0, "{case}: {suite:?}");
            codes.push(duel.exit_code);
        }
    }
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes, [0, 1, 2, 3]);
}

#[test]
fn a_history_of_benchmarks_has_the_heads_figures_with_their_verdicts() {
    for (case, duel) in cases::all() {
        let entries: Value = serde_json::from_str(&benchmark::render(&duel).unwrap()).unwrap();
        let entries = entries.as_array().unwrap();
        for entry in entries {
            assert!(entry["value"].is_f64(), "{case}: {entry}");
            for field in ["name", "unit", "extra"] {
                assert!(entry[field].is_string(), "{case}: {entry}");
            }
            let known =
                |key: &String| ["name", "unit", "value", "range", "extra"].contains(&key.as_str());
            assert!(entry.as_object().unwrap().keys().all(known), "{entry}");
        }
        for row in duel.rows.iter().filter(|row| row.head.is_some()) {
            let name = format!("{} {}", duel.scenario, row.name());
            let entry = entries.iter().find(|entry| entry["name"] == name);
            // More is better there.
            assert_eq!(entry.is_none(), row.metric == "capacity", "{case}: {name}");
            if let Some(entry) = entry {
                assert_eq!(entry["value"].as_f64(), row.head, "{case}: {name}");
            }
        }
    }
}

fn rendered(duel: &Duel) -> (String, String, String) {
    (
        render::text(&duel.document(Some(REPLAY))),
        render::markdown(&duel.document(Some(REPLAY))),
        junit::render(duel, Some(REPLAY)).unwrap(),
    )
}

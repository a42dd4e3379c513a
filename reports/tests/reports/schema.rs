//! `run.schema.json` and the run format say the same.

use authlab_reports::judge::When;
use authlab_reports::run::{Beside, Bytes, Interval, Run, Silent, Status, UserTime};
use serde_json::{Value, json};

use crate::synthetic::{DESIGNS, planned, written};

fn validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(include_str!("../../run.schema.json")).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

fn faults(run: &Value) -> Vec<String> {
    validator()
        .iter_errors(run)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect()
}

#[test]
fn runs_as_written_are_valid() {
    let whole = written(tempfile::tempdir().unwrap().path(), &DESIGNS, 2).1;
    let cut = Run {
        status: Status::Partial("interrupted".into()),
        ..whole.clone()
    };
    let mut marked = whole.clone();
    marked.silent = Some(Silent {
        variant: "quick".to_owned(),
        load: "one-user".to_owned(),
        slices: 2,
        timeout_ms: 500,
    });
    marked.slices[0].bytes = Some(Bytes::default());
    marked.slices[0].user_time = Some(UserTime::default());
    marked.slices[0].paused_ns = Some(3_000_000_000);
    marked.slices[0].unreached.insert("items".to_owned(), 4);
    let figures = marked.slices[0].figures.clone();
    marked.slices[0].intervals.push(Interval {
        start_ns: 1,
        length_ns: 1_000_000_000,
        ok: 7,
        failed: 1,
        bytes: Some(Bytes::default()),
        figures,
    });
    let runs = [
        with_beside(whole.clone()),
        whole,
        cut,
        marked,
        planned(&DESIGNS),
    ];
    for run in runs {
        assert_eq!(
            faults(&serde_json::to_value(run).unwrap()),
            Vec::<String>::new()
        );
    }
}

#[test]
fn a_duel_that_is_older_than_budgets_is_read_and_judged_as_any_other() {
    let whole = written(tempfile::tempdir().unwrap().path(), &DESIGNS, 2).1;
    let mut run = serde_json::to_value(whole).unwrap();
    run["duel"] = json!({
        "base": DESIGNS[0].0, "head": DESIGNS[1].0, "load": "one-user", "gates": ["p50"],
        "looks": [20, 40, 60],
    });
    assert_eq!(faults(&run), Vec::<String>::new());
    let read: Run = serde_json::from_value(run.clone()).unwrap();
    let terms = read.duel.as_ref().unwrap();
    assert_eq!(terms.within_ms, 120_000);
    assert_eq!(
        terms.rule(&read).when,
        When::EachBlock {
            ended: read.status == Status::Complete
        }
    );
    // What a newer authlab asks for is not guessed.
    run["duel"]["odds"] = json!(3);
    let refused = serde_json::from_value::<Run>(run).unwrap_err();
    assert!(
        refused.to_string().contains("unknown field `odds`"),
        "{refused}"
    );
}

/// The same run with a server beside its first variant's.
fn with_beside(mut run: Run) -> Run {
    run.variants[0].beside = vec![Beside {
        name: "redis".into(),
        target: "redis-server --port 6379".into(),
    }];
    (run.slices[0].answered_ns, run.slices[0].planned_ns) = (Some(1), Some(1));
    run.slices[0].beside_cpu_ns = [("redis".to_owned(), 7)].into();
    run
}

#[test]
fn an_unknown_field_is_refused_by_the_schema_and_by_the_reader() {
    let whole = written(tempfile::tempdir().unwrap().path(), &DESIGNS, 1).1;
    let whole = serde_json::to_value(with_beside(whole)).unwrap();
    let places = [
        "",
        "/scenario",
        "/scenario/loads/0",
        "/scenario/ladder",
        "/scenario/ladder/latency",
        "/scenario/changes/0",
        "/tool",
        "/machine",
        "/validity",
        "/variants/0",
        "/variants/0/beside/0",
        "/slices/0",
        "/slices/0/figures/0",
        "/merged/0",
    ];
    for place in places {
        let mut run = whole.clone();
        run.pointer_mut(place).unwrap()["surprise"] = json!(1);
        assert!(!faults(&run).is_empty(), "schema: {place}");
        assert!(
            serde_json::from_value::<Run>(run).is_err(),
            "reader: {place}"
        );
    }
}

/// Fields that runs written before them lack.
const LATER: [&str; 7] = [
    "curve",
    "buckets",
    "generator_busy",
    "throttled",
    "resent",
    "peak_bytes",
    "others_busy",
];

#[test]
fn every_field_of_the_format_is_required_by_the_schema() {
    let whole =
        serde_json::to_value(written(tempfile::tempdir().unwrap().path(), &DESIGNS, 1).1).unwrap();
    for place in ["", "/scenario", "/machine", "/slices/0", "/merged/0"] {
        let fields: Vec<String> = whole
            .pointer(place)
            .unwrap()
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        for field in fields
            .iter()
            .filter(|field| !LATER.contains(&field.as_str()))
        {
            let mut run = whole.clone();
            run.pointer_mut(place)
                .unwrap()
                .as_object_mut()
                .unwrap()
                .remove(field);
            assert!(!faults(&run).is_empty(), "{place}/{field}");
        }
    }
}

//! A prediction next to a run: the arithmetic of its errors, and what a reader sees of them.

use authlab_reports::document::Document;
use authlab_reports::prediction::{
    Compared, FILE_NAME, FORMAT_VERSION, LeftOut, Predicted, PredictedStep, Prediction, compared,
    document, section,
};
use authlab_reports::render::FORMATS;
use authlab_reports::run::Run;

use crate::synthetic::{DESIGNS, at, written};

/// A prediction of the synthetic run that is right but for these factors: capacity, p50, p99.
fn prediction(run: &Run, [capacity, p50, p99]: [f64; 3], utilization: f64) -> Prediction {
    let loads = DESIGNS.iter().flat_map(|design| {
        ["one-user", "capacity"].map(|load| {
            let measured = run.latency(design.0, &at(load, "items")).unwrap();
            let mut cpu: Vec<f64> = run
                .slices_of(load, design.0)
                .map(|slice| slice.cpu_ns.unwrap() as f64 / slice.ok as f64)
                .collect();
            cpu.sort_by(f64::total_cmp);
            let middle = cpu.len() / 2;
            let median = f64::midpoint(cpu[middle], cpu[(cpu.len() - 1) / 2]);
            Predicted {
                variant: design.0.to_owned(),
                load: load.to_owned(),
                utilization,
                cpu_ns: median / capacity,
                capacity_per_s: 1e9 / median * capacity,
                steps: vec![PredictedStep {
                    step: "items".to_owned(),
                    p50_ns: measured.p50() as f64 * p50,
                    p99_ns: measured.at(99.0) as f64 * p99,
                }],
            }
        })
    });
    Prediction {
        format: FORMAT_VERSION,
        scenario: run.scenario.name.clone(),
        profile: run.scenario.profile.clone(),
        taken: "2026-11-21T23:14:00Z".to_owned(),
        tool: run.tool.clone(),
        machine: run.machine.clone(),
        seed: 1,
        disturbed: None,
        loads: loads.collect(),
        left_out: vec![LeftOut {
            variant: "redis".to_owned(),
            load: None,
            because: "it depends on the service `redis`".to_owned(),
        }],
    }
}

fn text(document: &Document) -> String {
    let format = FORMATS.iter().find(|format| format.name == "text").unwrap();
    (format.print)(document)
}

#[test]
fn an_error_is_what_was_predicted_too_much_as_a_share_of_what_was_measured() {
    let parent = tempfile::tempdir().unwrap();
    let (_, run) = written(parent.path(), &DESIGNS, 5);
    let compared = Compared::of(&prediction(&run, [0.8, 1.1, 1.5], 0.5), &run);
    assert_eq!(compared.lines.len(), 2 * DESIGNS.len());
    for line in &compared.lines {
        let errors = [line.capacity, line.p50, line.p99].map(|error| error.unwrap().share());
        for (found, known) in errors.into_iter().zip([-0.2, 0.1, 0.5]) {
            assert!((found - known).abs() < 1e-9, "{line:?}");
        }
    }
    // One capacity a variant, although two loads are predicted.
    assert_eq!(compared.capacities(&run).len(), DESIGNS.len());
    assert_eq!(compared.p99s().len(), 2 * DESIGNS.len());
    let beyond = Compared::of(&prediction(&run, [1.0, 1.0, 1.0], 0.8), &run);
    assert!(beyond.p99s().is_empty(), "no aim is set at 80 %");
}

#[test]
fn what_was_not_measured_has_no_error() {
    let parent = tempfile::tempdir().unwrap();
    let (_, mut run) = written(parent.path(), &DESIGNS, 3);
    let right = prediction(&run, [1.0; 3], 0.5);
    for slice in &mut run.slices {
        slice.cpu_ns = None;
    }
    run.merged.retain(|figure| figure.variant != "md5");
    let compared = Compared::of(&right, &run);
    assert!(compared.lines.iter().all(|line| line.capacity.is_none()));
    assert!(compared.lines.iter().all(|line| line.variant != "md5"));
    assert!(compared.capacities(&run).is_empty());
}

#[test]
fn a_reader_sees_each_error_and_how_many_are_within_the_aim() {
    let parent = tempfile::tempdir().unwrap();
    let (_, run) = written(parent.path(), &DESIGNS, 5);
    let good = prediction(&run, [0.95, 1.0, 1.1], 0.5);
    let text_of = text(&compared(&good, &run));
    for wanted in [
        "Error of the capacity: within ±10.0 % for 6 of 6 variants; 5.00 % in the median",
        "Error of p99 below 80 % utilization: within ±20.0 % for 12 of 12 steps of a variant; 10.0 % in",
        "redis: not predicted, it depends on the service `redis`.",
        "one-user.items",
        "−5.00 %",
        "+10.0 %",
    ] {
        assert!(text_of.contains(wanted), "{wanted}\n{text_of}");
    }
    let bad = prediction(&run, [0.5, 1.0, 2.0], 0.5);
    let text_of = text(&compared(&bad, &run));
    assert!(text_of.contains("±10.0 % for 0 of 6 variants"), "{text_of}");
    let alone = text(&document(&good));
    assert!(alone.contains("Prediction of thousandfold") && !alone.contains("measured  error"));
    let mut elsewhere = good;
    elsewhere.machine.id = "other".to_owned();
    elsewhere.disturbed = Some("another process ran there".to_owned());
    let warned = text(&compared(&elsewhere, &run));
    assert!(warned.contains("on another machine"), "{warned}");
    assert!(
        warned.contains("disturbed: another process ran there."),
        "{warned}"
    );
}

#[test]
fn the_page_of_the_lab_has_a_picture_of_each_prediction() {
    let parent = tempfile::tempdir().unwrap();
    let (_, run) = written(parent.path(), &DESIGNS, 5);
    assert!(section(&[]).is_none());
    let predicted = [(prediction(&run, [0.8, 1.0, 1.25], 0.5), &run)];
    let section = section(&predicted).unwrap();
    let page = authlab_reports::page::site::render(&[], &[], &[], Some(&section), "authlab lab");
    for wanted in [
        "<h2 id=\"prediction\">Prediction</h2>",
        "Predicted divided by measured",
        "sha256, no cache −20.0 %",
        "Error of the capacity: within ±10.0 % for 0 of 6 variants",
        ">1×<",
    ] {
        assert!(page.contains(wanted), "{wanted}\n{page}");
    }
    assert!(!page.contains("f-unsafe\""), "colour is for safety");
}

#[test]
fn a_prediction_is_read_as_it_was_kept_and_a_newer_one_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let (_, run) = written(parent.path(), &DESIGNS, 3);
    let folder = parent.path();
    assert!(Prediction::read(folder).unwrap().is_none());
    let mut kept = prediction(&run, [1.0, 0.9, 1.1], 0.3);
    std::fs::write(folder.join(FILE_NAME), kept.json().unwrap()).unwrap();
    assert_eq!(Prediction::read(folder).unwrap().as_ref(), Some(&kept));
    kept.format = FORMAT_VERSION + 1;
    std::fs::write(folder.join(FILE_NAME), kept.json().unwrap()).unwrap();
    let refused = Prediction::read(folder).unwrap_err().to_string();
    assert!(refused.contains("this authlab reads 1"), "{refused}");
    std::fs::write(folder.join(FILE_NAME), "{").unwrap();
    let refused = Prediction::read(folder).unwrap_err().to_string();
    assert!(refused.contains(FILE_NAME), "{refused}");
}

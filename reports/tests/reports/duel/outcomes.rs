//! What is concluded: exit codes, and figures that a reader could take for something else.

use authlab_reports::{
    duel::Duel,
    judge::{Role, Row, Verdict, When},
    outcome::Outcome,
    run::{self, Instructions, Terms},
};

use crate::contest::{BASE, Contest, HEAD, judged};

fn row<'d>(duel: &'d Duel, name: &str) -> &'d Row {
    let mut all = duel.rows.iter().chain(&duel.information);
    all.find(|row| row.name() == name).unwrap()
}

#[test]
fn a_server_that_now_and_then_fails_is_slower_by_as_many_as_failed() {
    let mut run = Contest {
        blocks: 40,
        ..Contest::default()
    }
    .run();
    // Two blocks in five: the median one has no failure.
    for slice in run.slices.iter_mut().filter(|slice| slice.variant == HEAD) {
        if slice.block % 5 < 2 {
            slice.failed.insert("status 500".into(), 64);
        }
    }
    let duel = judged(&run);
    let errors = row(&duel, "errors");
    assert_eq!(errors.verdict, Some(Verdict::Slower));
    let effect = errors.effect.unwrap();
    assert!((effect - errors.head.unwrap()).abs() < 1e-12, "{effect}");
    assert!(effect > 0.03 && !errors.within_noise, "{errors:?}");
}

#[test]
fn failures_that_are_judged_are_no_fault_but_are_told() {
    let mut run = Contest {
        failed: [32, 32],
        ..Contest::default()
    }
    .run();
    run.validity.verdict = run::Verdict::ServerLimited;
    run.validity.reasons = vec!["4.76 % of requests failed".into()];
    let duel = judged(&run);
    assert_eq!(
        (duel.outcome, &duel.faults),
        (Outcome::Ok, &Vec::<String>::new())
    );
    assert_eq!(duel.caveats, ["server-limited: 4.76 % of requests failed"]);
}

#[test]
fn a_median_of_too_few_samples_is_no_pass_of_the_duel() {
    for samples in [1, 5] {
        let duel = Contest {
            samples,
            ..Contest::default()
        }
        .duel();
        assert!(matches!(row(&duel, "p50").role, Role::Advisory(_)));
        assert_eq!(row(&duel, "errors").verdict, Some(Verdict::NoChange));
        assert_eq!(duel.missing, Vec::<String>::new());
        assert_eq!(
            (duel.outcome, duel.headline()),
            (Outcome::Inconclusive, "inconclusive")
        );
    }
}

#[test]
fn a_tail_of_too_few_samples_is_advisory_and_not_missing() {
    let duel = Contest {
        gates: &["p50", "p99", "errors"],
        samples: 25,
        ..Contest::default()
    }
    .duel();
    assert_eq!(
        row(&duel, "p99").role,
        Role::Advisory("25 of 2\u{202f}000 samples a slice (about 2h40m to gate)".into())
    );
    assert_eq!(duel.outcome, Outcome::Ok);
}

#[test]
fn a_run_that_was_no_duel_is_judged_by_the_blocks_that_were_not_set_aside() {
    let mut run = Contest {
        blocks: 24,
        stolen: 3,
        latency: 0.2,
        ..Contest::default()
    }
    .run();
    run.duel = None;
    assert_eq!(Terms::of(&run, BASE, HEAD).rule(&run).when, When::Once);
    let duel = judged(&run);
    assert_eq!(row(&duel, "p50").verdict, Some(Verdict::Slower));
    assert_eq!(duel.outcome, Outcome::LimitBroken);
}

#[test]
fn fewer_instructions_alone_are_faster() {
    let mut run = Contest::default().run();
    run.instructions = Some(Instructions {
        counter: "perf".into(),
        base: vec![38_214.0],
        head: vec![36_900.0],
    });
    assert_eq!(judged(&run).headline(), "faster");
}

#[test]
fn instructions_of_one_side_have_no_change_and_are_no_pass() {
    let mut run = Contest::default().run();
    run.instructions = Some(Instructions {
        counter: "perf".into(),
        base: Vec::new(),
        head: vec![38_214.0],
    });
    let duel = judged(&run);
    let counted = duel.instructions.as_ref().unwrap();
    assert_eq!(
        (counted.row.base, counted.row.head, counted.row.effect),
        (None, Some(38_214.0), None)
    );
    assert_eq!(duel.outcome, Outcome::Inconclusive);
}

#[test]
fn a_leak_of_both_sides_makes_a_duel_longer_and_not_wrong() {
    for (latency, headline) in [(0.0, "no change"), (0.08, "slower")] {
        let contest = Contest {
            blocks: 60,
            latency,
            ..Contest::default()
        };
        let mut run = contest.run();
        let slices = run.slices.len() as f64;
        for (place, slice) in run.slices.iter_mut().enumerate() {
            // Both take three times as long at the end.
            let grown = 1.0 + 2.0 * place as f64 / slices;
            for figure in &mut slice.figures {
                for value in &mut figure.percentiles {
                    *value = (*value as f64 * grown) as u64;
                }
            }
        }
        let duel = judged(&run);
        assert_eq!(duel.headline(), headline, "{:?}", duel.rows[0]);
        let effect = duel.rows[0].effect.unwrap();
        assert!((effect - latency).abs() < 0.02, "{effect}");
        assert_eq!(duel.faults, Vec::<String>::new());
        let drift: Vec<_> = duel
            .caveats
            .iter()
            .filter(|said| said.starts_with("drift: p50 of main changed by +"))
            .collect();
        assert_eq!(drift.len(), 1, "{:?}", duel.caveats);
    }
}

#[test]
fn cpu_time_alone_makes_it_slower_and_is_named_and_a_client_of_a_server_elsewhere_is_not_judged_by_it()
 {
    let contest = Contest {
        blocks: 40,
        gates: &["p50", "errors", "cpu"],
        cpu: 0.1,
        noise: 0.01,
        ..Contest::default()
    };
    let mut run = contest.run();
    // Noise of latency that hides everything.
    for (place, slice) in run.slices.iter_mut().enumerate() {
        let times = if place % 3 == 0 { 2.0 } else { 1.0 };
        for value in slice
            .figures
            .iter_mut()
            .flat_map(|figure| &mut figure.percentiles)
        {
            *value = (*value as f64 * times) as u64;
        }
    }
    let duel = judged(&run);
    assert_eq!(
        (duel.headline(), row(&duel, "p50").verdict),
        ("slower", Some(Verdict::Inconclusive))
    );
    assert_eq!(row(&duel, "cpu").verdict, Some(Verdict::Slower));
    let said = "slower because of its CPU time for each request (+";
    assert!(
        duel.caveats.iter().any(|caveat| caveat.starts_with(said)),
        "{:?}",
        duel.caveats
    );

    // Three metrics share the error.
    let coverage = row(&duel, "cpu").interval.unwrap().coverage;
    assert!((coverage - (1.0 - 0.02 / 3.0)).abs() < 1e-9, "{coverage}");

    for slice in &mut run.slices {
        slice.cpu_ns = slice.cpu_ns.map(|ns| ns / 2_000);
    }
    let elsewhere = judged(&run);
    let role = &row(&elsewhere, "cpu").role;
    assert!(
        matches!(role, Role::Advisory(why) if why.contains("started the server elsewhere")),
        "{role:?}"
    );
    assert_eq!(elsewhere.headline(), "inconclusive");
}

#[test]
fn cpu_time_that_is_not_certain_keeps_no_duel_open_that_its_median_has_decided() {
    let contest = Contest {
        blocks: 40,
        gates: &["p50", "errors", "cpu"],
        noise: 0.005,
        ..Contest::default()
    };
    let mut run = contest.run();
    for (place, slice) in run.slices.iter_mut().enumerate() {
        let times = if place % 3 == 0 { 2.0 } else { 1.0 };
        slice.cpu_ns = slice.cpu_ns.map(|ns| (ns as f64 * times) as u64);
    }
    let duel = judged(&run);
    assert_eq!(duel.headline(), "no change");
    assert_eq!(row(&duel, "cpu").role, Role::Beside);
    // Alone it decides, and is open.
    let terms = run.duel.as_mut().unwrap();
    terms.gates = vec!["cpu".to_owned()];
    assert_eq!(judged(&run).headline(), "inconclusive");
}

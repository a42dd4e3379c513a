//! A duel of every kind, by what it is about.

use authlab_reports::{
    duel::Duel,
    run::{Instructions, Run, Status, Verdict},
};

use crate::contest::{BASE, Contest, HEAD, calibration, judged};

/// Where a duel's run is, in what is rendered.
pub(super) const REPLAY: &str = "reports/runs/20261121T231500Z-orders/run.json";

/// Every case with its name.
pub(super) fn all() -> Vec<(&'static str, Duel)> {
    let mut all = contests();
    all.extend(changed());
    all.extend(particular());
    all
}

/// Those that follow from what differs between two servers.
fn contests() -> Vec<(&'static str, Duel)> {
    let contest = |contest: Contest| contest.duel();
    let usual = Contest::default;
    vec![
        (
            "no-change",
            contest(Contest {
                blocks: 60,
                ..usual()
            }),
        ),
        (
            "slower",
            contest(Contest {
                latency: 0.14,
                cpu: 0.15,
                ..usual()
            }),
        ),
        (
            "faster",
            contest(Contest {
                latency: -0.2,
                cpu: -0.1,
                ..usual()
            }),
        ),
        (
            "inconclusive",
            contest(Contest {
                blocks: 240,
                noise: 0.6,
                ..usual()
            }),
        ),
        ("undecided", {
            let mut run = Contest {
                blocks: 27,
                noise: 0.2,
                ..usual()
            }
            .run();
            run.status = Status::Partial("interrupted".into());
            judged(&run)
        }),
        (
            "errors-worse",
            contest(Contest {
                failed: [0, 5],
                ..usual()
            }),
        ),
        (
            "advisory",
            contest(Contest {
                gates: &["p50", "p99", "errors"],
                samples: 640,
                ..usual()
            }),
        ),
        (
            "nothing-gated",
            contest(Contest {
                gates: &["p99", "max"],
                ..usual()
            }),
        ),
        (
            "several-steps",
            contest(Contest {
                steps: &["browse", "order"],
                gates: &["p50", "errors", "capacity", "memory"],
                latency: 0.08,
                ..usual()
            }),
        ),
        (
            "noisy",
            contest(Contest {
                blocks: 26,
                stolen: 3,
                ..usual()
            }),
        ),
        (
            "no-such-metric",
            contest(Contest {
                gates: &["p50", "p42"],
                ..usual()
            }),
        ),
    ]
}

/// Those of a run that something happened to.
fn changed() -> Vec<(&'static str, Duel)> {
    let slower = || {
        Contest {
            latency: 0.14,
            ..Contest::default()
        }
        .run()
    };
    let changed = |change: &dyn Fn(&mut Run)| {
        let mut run = slower();
        change(&mut run);
        judged(&run)
    };
    vec![
        (
            "disturbed",
            changed(&|run| {
                run.validity.verdict = Verdict::Disturbed;
                run.validity.reasons = vec!["the host took 12.0 % of the time".into()];
            }),
        ),
        (
            "partial",
            changed(&|run| {
                run.status = Status::Partial("interrupted".into());
                run.slices.retain(|slice| slice.block < 7);
            }),
        ),
        (
            "missing-on-head",
            changed(&|run| {
                for slice in run.slices.iter_mut().filter(|slice| slice.variant == HEAD) {
                    slice.figures.clear();
                }
            }),
        ),
        (
            "empty",
            changed(&|run| {
                run.slices.clear();
                run.merged.clear();
                run.validity.verdict = Verdict::Empty;
                run.validity.reasons = vec!["nothing was measured".into()];
            }),
        ),
        ("set-aside", {
            let mut run = Contest {
                blocks: 26,
                ..Contest::default()
            }
            .run();
            for slice in run.slices.iter_mut().filter(|slice| slice.block < 3) {
                slice.paused_ns = Some(3_000_000_000);
            }
            judged(&run)
        }),
        (
            "calibrated",
            changed(&|run| {
                if let Some(terms) = &mut run.duel {
                    terms.gates = ["p50", "p90", "p99", "errors"].map(Into::into).into();
                }
                run.calibration = Some(calibration(
                    run,
                    &[("p50", 0.009), ("p90", 0.012), ("p99", 0.19)],
                ));
            }),
        ),
    ]
}

/// Those in which something else is there, or is not.
fn particular() -> Vec<(&'static str, Duel)> {
    vec![
        ("instructions-slower", {
            let mut run = Contest::default().run();
            run.instructions = Some(Instructions {
                counter: "perf".into(),
                base: vec![38_214.0, 38_215.0],
                head: vec![39_406.0, 39_409.0],
            });
            judged(&run)
        }),
        ("elsewhere", {
            // Servers that the lab did not start: no CPU time, no machine's figures.
            let mut run = Contest::default().run();
            for slice in &mut run.slices {
                slice.cpu_ns = None;
                slice.steal = None;
                slice.peak_bytes = None;
            }
            run.merged.clear();
            judged(&run)
        }),
        (
            "too-few-samples",
            Contest {
                samples: 5,
                ..Contest::default()
            }
            .duel(),
        ),
        ("let-pass", {
            let spread = Contest {
                blocks: 240,
                noise: 0.6,
                ..Contest::default()
            };
            spread.duel().with_inconclusive_as(Some(0))
        }),
    ]
}

/// A duel whose names and commands are markup, and more than a page holds.
pub(super) fn hostile() -> Duel {
    let mut run = Contest {
        steps: &[
            "a|b`c`<img src=x onerror=alert(1)>",
            "</details>\n# *x* &amp; \u{1b}[31m\u{0}",
        ],
        ..Contest::default()
    }
    .run();
    for variant in &mut run.variants {
        variant.label = format!("{}|`<b>bold</b>`\n\n## \u{1b}[2J\u{0} [x](y)", variant.name);
        variant.target = format!("```\n</details><script>alert('{}')</script>", variant.name);
    }
    run.scenario.name = "<orders> & `co`|".into();
    run.command = vec!["authlab".into(), "```\n<script>".into()];
    judged(&run)
}

/// A duel with thousands of rows of every sort, and no sentence short.
pub(super) fn huge() -> Duel {
    let mut duel = Contest {
        latency: 0.14,
        ..Contest::default()
    }
    .duel();
    let (gated, beside) = (duel.rows[0].clone(), duel.rows[2].clone());
    let numbered = |row: &authlab_reports::judge::Row, number: usize| {
        let mut row = row.clone();
        row.step = Some(format!("step-{number}-{}", "<".repeat(300)));
        row
    };
    for number in 0..2_000 {
        duel.rows.push(numbered(&gated, number));
        duel.rows.push(numbered(&beside, number));
        duel.information
            .push(numbered(&duel.information[0].clone(), number));
        duel.faults.push(format!("{number}{}", "&".repeat(600)));
        duel.caveats.push(format!("{number}{}", "&".repeat(600)));
    }
    duel.base.target = "`".repeat(100_000);
    duel.head.target = "𝄞".repeat(100_000);
    duel.repeat = vec!["𝄞".repeat(100_000)];
    duel.base.label = "&".repeat(100_000);
    duel.head.label = format!("{BASE}{}", "&".repeat(100_000));
    duel.scenario = "&".repeat(100_000);
    duel
}

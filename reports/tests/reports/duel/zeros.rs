//! A side that is 0 has no ratio: it is compared by the difference, in every form, and never left out.

use authlab_reports::{
    compare::{self, Limit},
    duel::{self, Duel},
    judge::Verdict,
    render,
    run::Run,
};

use crate::contest::{BASE, Contest, HEAD, figure, judged};

/// A duel in which the stage `db.read` takes so long on each side, nanoseconds at p50.
fn staged(base: f64, head: f64) -> Run {
    let contest = Contest {
        gates: &["p50", "errors", "stage-db.read"],
        ..Contest::default()
    };
    let mut run = contest.run();
    for slice in &mut run.slices {
        let p50 = if slice.variant == BASE { base } else { head };
        let of_stage = figure(&slice.variant, "order", "stage-db.read", p50, 640);
        slice.figures.push(of_stage);
    }
    for (variant, p50) in [(BASE, base), (HEAD, head)] {
        let of_stage = figure(variant, "order", "stage-db.read", p50, 25_600);
        run.merged.push(of_stage);
    }
    run
}

fn forms(duel: &Duel) -> Vec<String> {
    vec![
        render::text(&duel.document(None)),
        render::markdown(&duel.document(None)),
        duel::benchmark::render(duel).unwrap(),
        duel.json().unwrap(),
    ]
}

#[test]
fn a_stage_whose_base_is_nothing_is_judged_by_its_difference() {
    for (base, head, verdict, effect, written) in [
        (0.0, 2_000.0, Verdict::Slower, 2_000.0, "+2.00 µs"),
        (2_000.0, 0.0, Verdict::Faster, -2_000.0, "−2.00 µs"),
        (0.0, 0.0, Verdict::NoChange, 0.0, "~ 0 ns"),
        // The clock is no finer.
        (0.0, 40.0, Verdict::NoChange, 40.0, "+40 ns"),
    ] {
        let duel = judged(&staged(base, head));
        let row = duel
            .rows
            .iter()
            .find(|row| row.metric == "stage-db.read")
            .unwrap();
        assert_eq!(
            (row.verdict, row.effect),
            (Some(verdict), Some(effect)),
            "{row:?}"
        );
        assert!(row.absolute && row.interval.is_some(), "{row:?}");
        assert_eq!(duel.missing, Vec::<String>::new());
        let all = forms(&duel);
        for form in &all {
            assert!(form.contains("stage-db.read"), "{form}");
            for wrong in ["inf", "NaN"] {
                assert!(!form.replace("information", "").contains(wrong), "{form}");
            }
        }
        assert!(all[0].contains(written), "{written}: {}", all[0]);
        assert!(all[3].contains("\"absolute\": true"), "{}", all[3]);
    }
}

#[test]
fn a_stage_that_takes_time_on_both_sides_is_judged_by_its_ratio() {
    let duel = judged(&staged(1_000.0, 2_000.0));
    let row = duel
        .rows
        .iter()
        .find(|row| row.metric == "stage-db.read")
        .unwrap();
    assert!(
        !row.absolute && row.verdict == Some(Verdict::Slower),
        "{row:?}"
    );
    assert!((row.effect.unwrap() - 1.0).abs() < 1e-9, "{row:?}");
    assert!(!duel.json().unwrap().contains("absolute"));
}

#[test]
fn nothing_that_is_0_in_a_slice_is_left_out_of_what_is_told_besides() {
    let contest = Contest::default();
    let mut run = contest.run();
    for slice in &mut run.slices {
        // Nothing is answered in a slice of the head.
        if slice.variant == HEAD && slice.block == 3 {
            slice.ok = 0;
        }
        if slice.variant == BASE {
            slice.cpu_ns = Some(0);
        }
    }
    let duel = judged(&run);
    let row = |name: &str| {
        let mut all = duel.rows.iter().chain(&duel.information);
        all.find(|row| row.metric == name).unwrap()
    };
    assert!(row("capacity").absolute && row("capacity").blocks == contest.blocks);
    assert!(row("capacity").effect.is_some_and(f64::is_finite));
    assert!(row("cpu").absolute && row("cpu").effect.is_some_and(|effect| effect > 0.0));
}

#[test]
fn two_runs_whose_base_takes_nothing_have_a_difference() {
    let mut run = Contest::default().run();
    for slice in &mut run.slices {
        if slice.variant == BASE {
            slice.cpu_ns = Some(0);
        }
    }
    for variant in [BASE, HEAD] {
        run.merged
            .push(figure(variant, "order", "service", 4.1e6, 25_600));
    }
    let limits = Limit::parse_all("cpu > 5%, cpu > 2ms").unwrap();
    let compared = compare::within(&run, BASE, HEAD, &limits).unwrap();
    let cpu = compared.pairs[0]
        .times
        .iter()
        .find(|time| time.metric == "cpu")
        .unwrap();
    assert_eq!(
        (cpu.ratio(), cpu.base, cpu.effect),
        (None, Some(0.0), cpu.head)
    );
    let text = render::text(&compared.document());
    let line = text.lines().find(|line| line.contains("cpu")).unwrap();
    assert!(
        line.contains(" 0 ns ") && line.contains("+910 µs"),
        "{text}"
    );
    assert!(
        text.contains(
            "limit cpu > 5% cannot be judged at main → pr-812, one-user, order: the base is 0"
        ),
        "{text}"
    );
    assert!(text.contains("limits: 1 of 2 held"), "{text}");
}

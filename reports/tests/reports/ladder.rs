//! The ladder of complete, partial, invalid, lopsided and empty runs.

use authlab_reports::{
    ladder::{self, Table, capacity::Known},
    page,
    render::{self, Terminal},
    run::{Run, Slice, Status, Verdict},
};
use insta::assert_snapshot;

use crate::synthetic::{DESIGNS, at, planned, written};

fn text_of(run: &Run) -> String {
    render::text(&ladder::document(run))
}

fn measured() -> Run {
    written(tempfile::tempdir().unwrap().path(), &DESIGNS, 6).1
}

/// The run as if only these slices had been measured.
fn keeping(keep: impl Fn(&Slice) -> bool) -> Run {
    let mut run = measured();
    run.slices.retain(keep);
    let slices = run.slices.clone();
    run.merged.retain(|merged| {
        slices
            .iter()
            .any(|slice| slice.variant == merged.variant && slice.load == merged.load)
    });
    run
}

#[test]
fn a_complete_run() {
    assert_snapshot!(text_of(&measured()));
}

#[test]
fn a_run_that_was_cut_short_says_so() {
    let mut run = keeping(|slice| slice.block < 1 || (slice.block < 2 && slice.load == "one-user"));
    run.status = Status::Partial("interrupted in block 2 of 12".into());
    assert_snapshot!(text_of(&run));
}

#[test]
fn an_invalid_run_says_why() {
    let mut run = measured();
    run.validity.verdict = Verdict::Disturbed;
    run.validity.reasons = vec!["the host took 7 % of the processors' time".into()];
    assert_snapshot!(text_of(&run));
}

#[test]
fn a_variant_without_slices_leaves_gaps_and_an_honest_sentence() {
    assert_snapshot!(text_of(&keeping(|slice| slice.variant != "md5")));
}

#[test]
fn a_run_without_a_baseline_has_no_ratios() {
    assert_snapshot!(text_of(&keeping(|slice| slice.variant != "bcrypt-12")));
}

#[test]
fn a_ladder_fits_a_terminal_and_names_the_danger_of_each_variant_below() {
    let mut run = measured();
    run.variants[4].label = "sha256 + route key".into();
    for (place, gives_up) in [
        (
            1,
            "--binding md5: collisions in MD5 are made at will; measurement only",
        ),
        (
            2,
            "--binding md5: collisions in MD5 are made at will; measurement only",
        ),
        (
            2,
            "--cache-key article: on a hit the sender is not checked, a stolen token passes",
        ),
        (
            2,
            "--freshness exp: a revoked token may pass until it expires",
        ),
        (
            5,
            "--policy allow-all: authorization is skipped, every request passes",
        ),
    ] {
        let variant = &mut run.variants[place];
        variant.gives_up.retain(|text| text.starts_with("--"));
        variant.gives_up.push(gives_up.into());
    }
    let text = text_of(&run);
    let widest = text
        .lines()
        .take_while(|line| !line.starts_with("No verdict"))
        .map(|line| line.chars().count())
        .max();
    assert!(widest <= Some(80), "{text}");
    for line in [
        "! md5, no cache: collisions in MD5 are made at will (1)",
        "! md5 + article key: a stolen token passes (2); (1) (3)",
        "! allow-all (control): every request passes (4)",
    ] {
        assert!(text.lines().any(|there| there == line), "{line}: {text}");
    }
    // A wider terminal shows more beside each other.
    let wide = Terminal {
        columns: 120,
        is_coloured: false,
    };
    let wide = render::text_on(&ladder::document(&run), wide);
    let rows = |text: &str| {
        text.lines()
            .filter(|line| line.starts_with("md5, no cache"))
            .count()
    };
    assert_eq!((rows(&text), rows(&wide)), (2, 1), "{wide}");
    assert!(
        wide.lines().take(8).all(|line| line.chars().count() <= 120),
        "{wide}"
    );
}

#[test]
fn capacity_is_measured_where_the_median_slice_kept_the_server_busy() {
    let known = |busy: [f64; 6]| {
        let mut run = measured();
        let of_capacity = |slice: &&mut Slice| slice.variant == "md5" && slice.load == "capacity";
        for (slice, busy) in run.slices.iter_mut().filter(of_capacity).zip(busy) {
            slice.busy = Some(busy);
        }
        Table::of(&run).rungs[1].capacity.unwrap().known
    };
    // Means of 0.90 and 0.972.
    assert_eq!(known([0.99, 0.99, 0.99, 0.98, 0.98, 0.47]), Known::Measured);
    assert_eq!(
        known([0.96, 0.96, 0.96, 0.96, 0.996, 0.996]),
        Known::FromCpu
    );
}

#[test]
fn capacity_of_a_load_with_several_steps_is_said_to_be_the_whole_loads() {
    let mut run = measured();
    assert_eq!(Table::of(&run).capacity_counts, None);
    run.scenario.loads[1].steps.push("login".into());
    let said = "requests/s and CPU s/million count the whole load `capacity`: items, login";
    assert!(
        text_of(&run).contains(&format!("\n! {said}\n")),
        "{}",
        text_of(&run)
    );
    assert!(page::render(&run).unwrap().contains(&format!("{said}.")));
    assert!(
        render::markdown(&ladder::document(&run))
            .contains(&format!("{}.", said.replace('`', r"\`")))
    );
}

#[test]
fn a_ladder_over_a_load_of_many_users_names_it_and_takes_its_figures() {
    let mut run = measured();
    run.scenario.ladder.latency = at("capacity", "items");
    run.scenario.ladder.first = None;
    let table = Table::of(&run);
    assert_eq!(table.heading.load, "capacity");
    let merged = run
        .figure("md5", &at("capacity", "items"), "service")
        .unwrap();
    assert_eq!(
        (table.rungs[1].p50, table.rungs[1].samples),
        (Some(merged.p50()), merged.count)
    );
    assert!(table.rungs.iter().all(|rung| rung.first.is_none()));
    let ratio = table.rungs[1].at_p50.as_ref().unwrap().ratio().unwrap();
    assert!((6_000.0..8_000.0).contains(&ratio.recip()), "{ratio}");
}

#[test]
fn an_empty_run_renders() {
    let mut run = planned(&DESIGNS);
    run.validity.verdict = Verdict::Empty;
    assert_snapshot!(text_of(&run));
}

#[test]
fn what_takes_many_words_to_give_up_stands_below_and_what_all_give_up_stands_once() {
    let mut run = measured();
    for variant in &mut run.variants {
        variant
            .gives_up
            .push("--password md5: stolen hashes are guessed by the billion a second".into());
    }
    run.variants[2]
        .gives_up
        .push("--freshness exp: a revoked token may pass until it expires".into());
    run.slices[0].failed.insert("status 500".into(), 3);
    assert_snapshot!(text_of(&run));
}

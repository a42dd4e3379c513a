//! The ladder of complete, partial, invalid, lopsided and empty runs.

use authlab_reports::{
    ladder::{Table, text},
    run::{Run, Slice, Status, Verdict},
};
use insta::assert_snapshot;

use crate::synthetic::{DESIGNS, planned, written};

fn text_of(run: &Run) -> String {
    text::render(&Table::of(run))
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

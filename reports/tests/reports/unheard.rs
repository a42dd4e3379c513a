//! Duels of a side that answered nothing, and of slices in which the load generator was stopped.

use authlab_reports::duel::junit;
use authlab_reports::outcome::Outcome;
use authlab_reports::render;
use authlab_reports::run::{Run, Silent, Status};

use crate::contest::{BASE, Contest, HEAD, judged};

/// A duel that ended after so many blocks because this side answered nothing.
fn silenced(blocks: usize, side: &str) -> Run {
    let mut run = Contest {
        blocks,
        ..Contest::default()
    }
    .run();
    let silent = Silent {
        variant: side.to_owned(),
        load: run.duel.as_ref().unwrap().load.clone(),
        slices: 2,
        timeout_ms: 2_000,
    };
    run.status = Status::Partial(silent.to_string());
    run.silent = Some(silent);
    run
}

#[test]
fn a_head_that_answers_nothing_has_lost_and_a_base_that_does_not_cannot_be_compared_with() {
    for blocks in [0, 3, 20] {
        for (side, outcome, headline) in [
            (HEAD, Outcome::LimitBroken, "does not answer"),
            (BASE, Outcome::BadInput, "cannot be compared"),
        ] {
            let duel = judged(&silenced(blocks, side));
            assert_eq!((duel.outcome, duel.headline()), (outcome, headline));
            assert_eq!(duel.exit_code, outcome.exit_code());
            let sentence = format!("{side}: no request was answered in 2 slices in a row");
            assert!(duel.faults[0].starts_with(&sentence), "{:?}", duel.faults);
            let rendered = [
                render::text(&duel.document(None)),
                render::markdown(&duel.document(None)),
                junit::render(&duel, None).unwrap(),
            ];
            for text in rendered {
                assert!(text.contains("in 2 slices in a row"), "{text}");
                assert!(!text.contains("slower"), "{text}");
            }
        }
    }
}

#[test]
fn an_inconclusive_end_that_passes_is_no_pass_for_a_head_that_answers_nothing() {
    let duel = judged(&silenced(3, HEAD)).with_inconclusive_as(Some(0));
    assert_eq!(duel.exit_code, 1);
}

#[test]
fn a_block_in_which_the_load_generator_was_stopped_is_set_aside() {
    let contest = Contest {
        blocks: 21,
        ..Contest::default()
    };
    let calm = contest.duel();
    let mut run = contest.run();
    for slice in run
        .slices
        .iter_mut()
        .filter(|slice| slice.block == 7)
        .take(1)
    {
        slice.paused_ns = Some(3_000_000_000);
        for figure in &mut slice.figures {
            figure.percentiles.fill(3_000_000_000);
        }
    }
    let duel = judged(&run);
    assert_eq!((duel.blocks.kept, duel.blocks.set_aside), (20, 1));
    assert!(
        duel.blocks
            .because
            .unwrap()
            .contains("the load generator was stopped")
    );
    assert_eq!(duel.outcome, calm.outcome);
    let shown = |duel: &authlab_reports::duel::Duel| duel.rows[0].head.unwrap();
    assert!((shown(&judged(&run)) / shown(&calm) - 1.0).abs() < 0.05);
}

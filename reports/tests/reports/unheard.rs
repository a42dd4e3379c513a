//! Duels of a side that answered nothing, of slices in which the load generator was stopped, and of shards that were late.

use authlab_reports::duel::junit;
use authlab_reports::judge::aside::SetAside;
use authlab_reports::outcome::Outcome;
use authlab_reports::render;
use authlab_reports::run::{Run, Shard, Silent, Status};

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

/// A duel of so many blocks, of which each slice of the first so many began 60 ms late at a shard, and took longer.
fn late(blocks: usize, late: usize) -> Run {
    let mut run = Contest {
        blocks,
        ..Contest::default()
    }
    .run();
    for slice in &mut run.slices {
        slice.late_ns = Some(49_000_000);
        if slice.block < late {
            slice.late_ns = Some(60_000_000);
            for figure in &mut slice.figures {
                let times = if slice.variant == HEAD { 3 } else { 1 };
                figure.percentiles.iter_mut().for_each(|at| *at *= times);
            }
        }
    }
    run
}

#[test]
fn a_block_in_which_a_shard_was_late_is_set_aside_and_most_of_them_are_told() {
    let (few, most) = (late(25, 5), late(25, 13));
    let duel = judged(&few);
    assert_eq!((duel.blocks.kept, duel.blocks.set_aside), (20, 5));
    assert_eq!(duel.headline(), "no change");
    let because = duel.blocks.because.unwrap();
    assert_eq!(because, "a shard began a slice more than 50 ms late");
    assert_eq!(judged(&most).outcome, Outcome::Inconclusive);
    let is_told = |run: &Run| SetAside::of(run, "one-user").is_of_late_shard(run, "one-user");
    assert!(is_told(&most) && !is_told(&few));
    // Of a run that is no duel its validity says it, and nothing is set aside.
    let mut other = late(25, 5);
    other.duel = None;
    assert_eq!(SetAside::of(&other, "one-user").count(), 0);
}

#[test]
fn a_share_of_a_duel_claims_nothing_whatever_it_measured() {
    for silent in [false, true] {
        let mut run = Contest {
            latency: 0.5,
            ..Contest::default()
        }
        .run();
        assert_eq!(judged(&run).headline(), "slower");
        if silent {
            run = silenced(20, HEAD);
        }
        run.shard = Some(Shard {
            number: 1,
            of: 4,
            start_at: "2026-11-30T12:00:00Z".into(),
        });
        let duel = judged(&run);
        assert_eq!((duel.headline(), duel.exit_code), ("not valid", 3));
        assert!(duel.faults[0].starts_with("shard 1/4: only the sum of all shards is judged"));
        let text = render::text(&duel.document(None));
        assert!(!text.contains("SLOWER"), "{text}");
    }
}

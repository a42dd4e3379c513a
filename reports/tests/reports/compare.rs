//! Comparisons: what is shown, and what a script sees.

use authlab_reports::{
    compare::{self, Limit, Report},
    outcome::Outcome,
    render,
    run::{Run, Status, Verdict},
};

use crate::searched::calibration;
use crate::synthetic::{DESIGNS, planned, written};

/// On a machine that knows its noise: 0.9 % of p50 a block.
fn measured() -> Run {
    let mut run = written(tempfile::tempdir().unwrap().path(), &DESIGNS, 6).1;
    run.calibration = Some(calibration(&run));
    run
}

fn later(base: &Run) -> Run {
    let mut head = base.clone();
    head.id = "20261122T080000Z-thousandfold".into();
    head
}

fn keep(run: &mut Run, variants: &[&str]) {
    run.variants
        .retain(|variant| variants.contains(&variant.name.as_str()));
    run.merged
        .retain(|figure| variants.contains(&figure.variant.as_str()));
}

fn limits(text: &str) -> Vec<Limit> {
    Limit::parse_all(text).unwrap()
}

fn within(run: &Run, base: &str, head: &str, limit: &str) -> Report {
    compare::within(run, base, head, &limits(limit)).unwrap()
}

#[test]
fn two_variants_of_a_run() {
    let comparison = within(
        &measured(),
        "md5",
        "md5-article",
        "p50 > 20%, errors > 0.1%",
    );
    insta::assert_snapshot!(render::text(&comparison.document()));
    insta::assert_snapshot!("markdown", render::markdown(&comparison.document()));
}

#[test]
fn two_runs_are_described_with_a_caveat() {
    let mut base = measured();
    let mut head = later(&base);
    head.machine.id = "another".into();
    keep(&mut base, &["md5", "allow-all"]);
    keep(&mut head, &["md5", "sha256"]);
    let comparison = compare::between(&base, &head, &[]);
    assert_eq!(comparison.outcome, Outcome::BadInput);
    insta::assert_snapshot!(render::text(&comparison.document()));
}

#[test]
fn every_way_to_end_has_its_exit_code() {
    let run = measured();
    let slower = |limit: &str| within(&run, "md5", "bcrypt-12", limit).exit_code;
    assert_eq!(within(&run, "md5", "md5-article", "p50 > 20%").exit_code, 0);
    assert_eq!(slower("p50 > 20%"), 1);
    assert_eq!(slower("p50 > 100ms"), 1);
    assert_eq!(slower("p50 > 2s"), 0);
    assert_eq!(slower("p99.9 > 2s"), 3, "24 samples carry no p99.9");
    assert_eq!(
        compare::between(&run, &later(&run), &limits("p50 > 10%, errors > 0%")).exit_code,
        0
    );
}

#[test]
fn more_errors_than_before_break_a_limit() {
    let base = measured();
    let mut head = later(&base);
    for slice in head
        .slices
        .iter_mut()
        .filter(|slice| slice.variant == "md5")
    {
        slice.failed.insert("status 500".into(), 40);
    }
    let broken = compare::between(&base, &head, &limits("errors > 1%"));
    assert_eq!(broken.outcome, Outcome::LimitBroken);
    assert!(
        render::text(&broken.document()).contains("limit errors > 1% broken: +"),
        "{}",
        render::text(&broken.document())
    );
    assert_eq!(
        compare::between(&head, &base, &limits("errors > 1%")).outcome,
        Outcome::Ok
    );
}

#[test]
fn a_head_that_fails_more_is_no_pass_of_a_limit_on_what_it_answered() {
    let base = measured();
    let failing = |failures: u64| {
        let mut head = later(&base);
        let mut of_md5 = head
            .slices
            .iter_mut()
            .filter(|slice| slice.variant == "md5");
        of_md5
            .next()
            .unwrap()
            .failed
            .insert("status 500".into(), failures);
        head
    };
    let outcome = |head: &Run, limit: &str| compare::between(&base, head, &limits(limit)).outcome;
    assert_eq!(outcome(&failing(5), "p50 > 20%"), Outcome::Inconclusive);
    assert_eq!(outcome(&failing(4), "p50 > 20%"), Outcome::Ok, "a mishap");
    assert_eq!(outcome(&failing(40), "p50 > 20%, errors > 5%"), Outcome::Ok);
    assert_eq!(outcome(&failing(40), "errors > 0.5%"), Outcome::LimitBroken);
    let better = compare::between(&failing(40), &base, &limits("p50 > 20%"));
    assert_eq!(better.outcome, Outcome::Ok);
    let faults = compare::between(&base, &failing(40), &[]).faults;
    assert_eq!(
        faults,
        [
            "md5, one-user: 1.10 % of the head's requests failed and 0 % of the base's, and latencies are those of \
             answered requests: limit errors too, for example `errors > 1%`"
        ]
    );
}

#[test]
fn two_runs_are_gated_by_no_less_than_identical_servers_differ() {
    let base = measured();
    let said = |base: &Run, head: &Run, limit: &str| {
        let comparison = compare::between(base, head, &limits(limit));
        (comparison.exit_code, render::text(&comparison.document()))
    };
    let with = |change: fn(&mut Run)| {
        let mut head = later(&base);
        change(&mut head);
        head
    };
    let same = later(&base);
    assert_eq!(said(&base, &same, "p50 > 6%").0, 0);
    assert_eq!(
        said(&base, &same, "p50 > 10s").0,
        0,
        "absolute limits always"
    );
    let uncalibrated = with(|run| run.calibration = None);
    let stale = with(|run| {
        run.calibration.as_mut().unwrap().stale = Some("it is of another machine".into());
    });
    let other_machine = with(|run| run.machine.cpu = "another".into());
    let other_question = with(|run| run.scenario.name = "another".into());
    let refused: [(&Run, &str, &str); 6] = [
        (&same, "p50 > 5%", "tell only more than 5.82 % apart"),
        (&same, "mean > 50%", "does not know the noise of mean"),
        (&uncalibrated, "p50 > 50%", "carries no calibration"),
        (
            &stale,
            "p50 > 50%",
            "does not hold (it is of another machine)",
        ),
        (&other_machine, "p50 > 50%", "the machines differ"),
        (&other_question, "p50 > 50%", "the scenarios differ"),
    ];
    for (head, limit, why) in refused {
        let (exit_code, text) = said(&base, head, limit);
        assert_eq!(exit_code, 3, "{limit}: {text}");
        assert!(
            text.contains(&format!("limit {limit} cannot be judged at ")) && text.contains(why),
            "{text}"
        );
    }
}

#[test]
fn limits_that_held_are_no_warning() {
    let run = measured();
    let said = render::text(&within(&run, "md5", "md5-article", "p50 > 20%").document());
    assert!(said.ends_with("\nlimits: 3 of 3 held\nexit 0\n"), "{said}");
    let said = render::text(&within(&run, "md5", "bcrypt-12", "p50 > 20%").document());
    assert!(
        said.contains("\n! limit p50 > 20% broken")
            && said.ends_with("\nlimits: 0 of 3 held\nexit 1\n"),
        "{said}"
    );
}

#[test]
fn a_run_that_may_not_be_judged_is_never_a_pass_and_never_gated() {
    let sound = measured();
    let mut disturbed = later(&sound);
    disturbed.validity.verdict = Verdict::Disturbed;
    let mut cut = later(&sound);
    cut.status = Status::Partial("interrupted".into());
    let mut empty = planned(&DESIGNS);
    empty.validity.verdict = Verdict::Empty;
    for run in [disturbed, cut, empty] {
        for limit in ["p50 > 1ns", "p50 > 500%"] {
            assert_eq!(
                compare::between(&sound, &run, &limits(limit)).outcome,
                Outcome::Inconclusive
            );
            assert_eq!(
                compare::between(&run, &sound, &limits(limit)).outcome,
                Outcome::Inconclusive
            );
        }
    }
}

#[test]
fn what_is_missing_on_either_side_is_listed_and_never_a_pass() {
    let whole = measured();
    let mut lacking = later(&whole);
    lacking
        .merged
        .retain(|figure| figure.step != "first" || figure.variant != "md5");
    let base_lacks = compare::between(&lacking, &whole, &[]);
    let head_lacks = compare::between(&whole, &lacking, &[]);
    assert_eq!(
        (base_lacks.outcome, head_lacks.outcome),
        (Outcome::BadInput, Outcome::BadInput)
    );
    assert!(
        render::text(&base_lacks.document()).contains("! missing on base: md5, one-user, first")
    );
    assert!(
        render::text(&head_lacks.document()).contains("! missing on head: md5, one-user, first")
    );
    assert!(
        render::text(&within(&lacking, "md5", "sha256", "p50 > 1%").document())
            .contains("missing on base")
    );
}

#[test]
fn a_variant_that_is_not_there_is_answered_with_those_that_are() {
    let refused = compare::within(&measured(), "md5", "md6", &[])
        .unwrap_err()
        .to_string();
    assert_eq!(
        refused,
        "run 20261121T231500Z-thousandfold has no variant `md6`: it has bcrypt-12, md5, md5-article, sha256, \
         sha256-route, allow-all; did you mean `md5`?"
    );
}

#[test]
fn cpu_per_request_is_compared_within_blocks_and_can_be_limited() {
    let run = measured();
    let cached = within(&run, "allow-all", "sha256-route", "cpu > 5%");
    assert_eq!(
        cached.outcome,
        Outcome::Ok,
        "{}",
        render::text(&cached.document())
    );
    assert_eq!(
        within(&run, "allow-all", "md5", "cpu > 5%").outcome,
        Outcome::LimitBroken
    );
    let mut elsewhere = run;
    for slice in &mut elsewhere.slices {
        slice.cpu_ns = None;
    }
    assert_eq!(
        within(&elsewhere, "md5", "sha256", "cpu > 5%").outcome,
        Outcome::Inconclusive
    );
}

#[test]
fn json_holds_what_the_table_shows() {
    let comparison = within(&measured(), "md5", "sha256", "p50 > 20%");
    let json: serde_json::Value = serde_json::from_str(&comparison.json().unwrap()).unwrap();
    assert_eq!(json["outcome"], "ok");
    assert_eq!(json["exit_code"], 0);
    assert_eq!(json["pairs"][0]["load"], "one-user");
    assert_eq!(json["pairs"][0]["times"][0]["statistic"], "p50");
    assert!(json["pairs"][0]["times"][0]["ratio"].is_f64());
    assert_eq!(json["limits"][0]["verdict"], "held");
}

#[test]
fn failures_count_in_a_block_that_is_set_aside_too() {
    let mut run = measured();
    let other = run
        .slices
        .iter_mut()
        .find(|slice| slice.block == 0 && slice.variant == "md5")
        .unwrap();
    other.paused_ns = Some(3_000_000_000);
    let failing = run
        .slices
        .iter_mut()
        .find(|slice| slice.block == 0 && slice.variant == "md5-article")
        .unwrap();
    failing.failed.insert("status 500".into(), failing.ok);
    let comparison = within(&run, "md5", "md5-article", "errors > 0.1%");
    assert_eq!(comparison.exit_code, 1, "{comparison:?}");
    let said = render::text(&comparison.document());
    assert!(said.contains("one-user: ratios leave out 1 of"), "{said}");
    let comparison = within(&run, "md5", "md5-article", "p50 > 20%");
    assert_eq!(comparison.exit_code, 3, "{comparison:?}");
}

#[test]
fn a_limit_of_the_head_is_judged_by_all_its_requests() {
    let mut run = measured();
    // Half of the blocks are as before, so that the median ratio is.
    let of_head = run
        .merged
        .iter_mut()
        .filter(|figure| figure.variant == "md5-article");
    for figure in of_head {
        for value in &mut figure.percentiles {
            *value *= 1000;
        }
    }
    let broken = within(&run, "md5", "md5-article", "p50 > 5ms");
    assert_eq!(broken.exit_code, 1, "{broken:?}");
    let held = within(&run, "md5", "md5-article", "p50 > 20%");
    assert_eq!(held.exit_code, 0, "{held:?}");
}

#[test]
fn a_word_beyond_what_can_be_padded_is_written_whole() {
    let mut run = measured();
    let long = "x".repeat(70_000);
    run.variants[0].gives_up = vec![long.clone(); 3];
    run.variants[0].label = long;
    let said = render::text(&authlab_reports::ladder::document(&run));
    assert!(said.contains("xxx"));
}

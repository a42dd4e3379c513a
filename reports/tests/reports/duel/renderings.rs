//! What people read of a duel.

use authlab_reports::duel::{Duel, MOST_BYTES, benchmark, junit};
use authlab_reports::run::Terms;
use authlab_reports::{ladder, page, render};

use super::cases::{self, REPLAY};
use crate::contest::{BASE, Contest, HEAD};

#[test]
fn a_terminal_shows_every_kind_of_duel() {
    for (name, duel) in cases::all() {
        insta::assert_snapshot!(
            format!("text-{name}"),
            render::text(&duel.document(Some(REPLAY)))
        );
    }
}

#[test]
fn a_pull_request_shows_every_kind_of_duel() {
    for (name, duel) in cases::all() {
        insta::assert_snapshot!(
            format!("markdown-{name}"),
            render::markdown(&duel.document(Some(REPLAY)))
        );
    }
}

#[test]
fn a_ci_is_told_the_verdict_in_its_own_form() {
    let shown = [
        "slower",
        "errors-worse",
        "disturbed",
        "missing-on-head",
        "let-pass",
        "instructions-slower",
    ];
    for (name, duel) in cases::all()
        .into_iter()
        .filter(|(name, _)| shown.contains(name))
    {
        insta::assert_snapshot!(
            format!("junit-{name}"),
            junit::render(&duel, Some(REPLAY)).unwrap()
        );
        insta::assert_snapshot!(
            format!("benchmark-{name}"),
            benchmark::render(&duel).unwrap()
        );
    }
}

#[test]
fn a_terminal_is_told_nothing_that_it_would_obey() {
    let shown = render::text(&cases::hostile().document(None));
    assert!(!shown.contains(|c: char| c.is_control() && c != '\n'));
    insta::assert_snapshot!(shown);
}

#[test]
fn a_page_has_an_end_and_says_how_much_was_left_out() {
    let page = render::markdown(&cases::huge().document(None));
    assert!(page.len() <= MOST_BYTES, "{}", page.len());
    assert!(
        page.len() > MOST_BYTES * 3 / 4,
        "{} bytes: more would fit",
        page.len()
    );
    assert_eq!(page.matches(" more left out").count(), 5);
    assert_eq!(page.matches("<details>").count(), 3);
    assert_eq!(page.matches("\n\n</details>").count(), 3);
}

#[test]
fn the_summary_and_the_page_of_a_duel_begin_with_its_verdict() {
    let contest = Contest {
        latency: 0.14,
        ..Contest::default()
    };
    let mut run = contest.run();
    run.duel = Some(Terms::usual(&run, BASE, HEAD));
    let duel = Duel::of(&run, run.duel.as_ref().unwrap()).unwrap();
    let verdict = format!("{}.", duel.sentence());
    assert!(verdict.starts_with("Slower: "), "{verdict}");
    let summary = render::markdown(&ladder::document(&run));
    let shown = summary.lines().filter(|line| !line.is_empty()).nth(1);
    assert_eq!(shown, Some(format!("**{verdict}**").as_str()), "{summary}");
    let page = page::render(&run).unwrap();
    let (_, headline) = page.split_once(r#"<p class="headline">"#).unwrap();
    assert!(headline.starts_with(&verdict), "{headline}");
}

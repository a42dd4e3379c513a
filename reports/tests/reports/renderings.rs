//! What people read of a run: Markdown, page and picture, whatever the run is like.

use std::fs;

use authlab_reports::finding::Finding;
use authlab_reports::{
    folder, ladder, page, render,
    run::{Run, Status, Verdict},
};

use crate::synthetic::{DESIGNS, planned, written};

pub(crate) fn measured() -> Run {
    written(tempfile::tempdir().unwrap().path(), &DESIGNS, 6).1
}

#[test]
fn a_summary_in_markdown() {
    insta::assert_snapshot!(render::markdown(&ladder::document(&measured())));
}

#[test]
fn the_picture_stands_alone_in_either_scheme_with_its_headline_on_one_logarithmic_axis() {
    let picture = page::picture(&measured()).unwrap().unwrap();
    assert!(picture.contains("prefers-color-scheme:dark") && picture.contains("class=\"f-paper\""));
    let headline = Finding::of(&measured()).sentences[0].clone();
    let first: Vec<&str> = headline.split(' ').take(4).collect();
    for said in [
        &first.join(" "),
        "bcrypt-12, no cache",
        ">397 ms<",
        ">100 µs<",
        ">1 ms<",
        ">100 ms<",
        "Median service time of items, load one-user (logarithmic scale)",
        ">baseline<",
    ] {
        assert!(picture.contains(said), "{said}: {picture}");
    }
    assert_eq!(picture.matches("<circle").count(), DESIGNS.len());
}

#[test]
fn rendering_again_from_run_json_alone_gives_the_same_files() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, _) = written(parent.path(), &DESIGNS, 2);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let before = ["summary.md", "index.html", "ladder.svg"].map(read);
    for name in ["summary.md", "index.html", "ladder.svg", "md5.hlog"] {
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    folder::render(folder.path()).unwrap();
    assert_eq!(["summary.md", "index.html", "ladder.svg"].map(read), before);
}

#[test]
fn rendering_again_gives_the_distributions_that_the_logs_hold() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, _) = written(parent.path(), &DESIGNS, 3);
    let distributions = || {
        let files = fs::read_dir(folder.path())
            .unwrap()
            .map(|file| file.unwrap().path());
        let files = files.filter(|path| path.extension().is_some_and(|kind| kind == "hgrm"));
        let texts = files.map(|path| (path.clone(), fs::read_to_string(path).unwrap()));
        texts.collect::<std::collections::BTreeMap<_, _>>()
    };
    let before = distributions();
    assert!(before.len() > 1);
    for path in before.keys() {
        fs::remove_file(path).unwrap();
    }
    folder::render(folder.path()).unwrap();
    assert_eq!(distributions(), before);
}

#[test]
fn rendering_answers_with_the_folder_whether_given_it_or_its_run_json() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, _) = written(parent.path(), &DESIGNS, 1);
    for given in [folder.path().to_owned(), folder.path().join("run.json")] {
        assert_eq!(folder::render(&given).unwrap(), folder.path());
    }
}

#[test]
fn no_text_of_a_run_is_taken_for_markup() {
    let evil = "<script>alert('x')</script> & \"quotes\" | pipe";
    let mut run = measured();
    run.scenario.question = evil.into();
    run.scenario.name = evil.into();
    run.machine.cpu = evil.into();
    run.command.push(evil.into());
    run.validity.reasons.push(evil.into());
    for variant in &mut run.variants {
        variant.label = evil.into();
        variant.gives_up = vec![evil.into()];
    }
    for load in &mut run.scenario.loads {
        load.name.push('<');
    }
    let page = page::render(&run).unwrap();
    // Ours alone: one that runs, and the data of each chart.
    assert_eq!(page.matches("<script>").count(), 1, "unescaped");
    let data = page
        .matches("<script type=\"application/json\" class=\"points\">")
        .count();
    assert_ne!(data, 0);
    assert_eq!(page.matches("<script").count(), 1 + data);
    assert_eq!(page.matches("</script").count(), 1 + data);
    let summary = render::markdown(&ladder::document(&run));
    let (prose, _) = summary.split_once("\n```").unwrap();
    assert!(
        prose.contains("\\| pipe") && !prose.contains("<script"),
        "{prose}"
    );
}

#[test]
fn no_text_of_a_run_is_taken_for_markdown() {
    let evil = "# *bold* _under_ `code` <b>\n- item";
    let safe = r"\# \*bold\* \_under\_ \`code\` &lt;b> - item";
    let mut run = measured();
    run.scenario.question = evil.into();
    run.validity.reasons = vec![evil.into()];
    run.variants[0].label = evil.into();
    run.variants[0].gives_up = vec![evil.into(), format!("--flag: {evil} and many more words")];
    let summary = render::markdown(&ladder::document(&run));
    assert!(
        summary.contains(&format!("\n\n{safe}\n")),
        "question: {summary}"
    );
    let everywhere = summary.matches(safe.trim_start_matches(r"\# ")).count();
    assert!(everywhere >= 5, "{summary}");
    for marked in ["*bold*", "_under_", "`code`", "<b>", "\n- item"] {
        let loose = summary
            .replace(r"\*", "")
            .replace(r"\_", "")
            .replace(r"\`", "");
        assert!(!loose.contains(marked), "{marked} in {summary}");
    }
}

#[test]
fn runs_that_are_not_whole_render_and_say_so() {
    let mut invalid = measured();
    invalid.validity.verdict = Verdict::ClientLimited;
    invalid.validity.reasons = vec!["the generator was 3.1 ms late at p99".into()];
    let mut cut = measured();
    cut.status = Status::Partial("interrupted".into());
    let mut lacking = measured();
    lacking.slices.retain(|slice| slice.variant != "md5");
    lacking.merged.retain(|figure| figure.variant != "md5");
    let mut zero = planned(&DESIGNS);
    zero.validity.verdict = Verdict::Empty;
    for (run, said) in [
        (
            invalid,
            "client-limited: the generator was 3.1 ms late at p99",
        ),
        (cut, "partial: interrupted"),
        (lacking, "ashing: not measured"),
        (zero, "empty"),
    ] {
        assert!(page::render(&run).unwrap().contains(said), "{said}");
        assert!(
            render::markdown(&ladder::document(&run)).contains(said),
            "{said}"
        );
    }
}

#[test]
fn a_run_with_one_sample_of_nothing_still_draws() {
    let mut run = measured();
    run.variants.truncate(1);
    for figure in &mut run.merged {
        figure.count = 1;
        figure.curve = vec![(0.0, 0), (100.0, 0)];
    }
    assert!(page::render(&run).unwrap().contains("<svg"));
}

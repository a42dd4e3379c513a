use super::*;
use crate::micro::stand_in::estimated;
use crate::render;

fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for (id, main, pr) in [("hit/1", 2.31, 2.5), ("hit/100", 1_840.0, 1_700.0)] {
        estimated(home.path(), id, "main", main);
        estimated(home.path(), id, "pr", pr);
    }
    home
}

#[test]
fn two_baselines_are_described_side_by_side_and_said_to_be_no_more() {
    let home = home();
    let both = read(home.path(), "main", "pr").unwrap();
    assert_eq!(both.exit_code, 0);
    insta::assert_snapshot!(render::text(&both.document()));
    insta::assert_snapshot!(render::markdown(&both.document()));
    insta::assert_snapshot!(both.json().unwrap());
}

#[test]
fn what_one_side_lacks_is_listed_and_no_pass() {
    let home = home();
    estimated(home.path(), "miss/10", "main", 1.0);
    estimated(home.path(), "miss/9", "main", 1.0);
    estimated(home.path(), "insert", "pr", 1.0);
    let both = read(home.path(), "main", "pr").unwrap();
    assert_eq!(both.exit_code, 2);
    let text = render::text(&both.document());
    assert!(
        text.contains("only in main: miss/9, miss/10\n! only in pr: insert\n"),
        "{text}"
    );
}

#[test]
fn a_baseline_that_nobody_saved_is_told_with_those_there_are() {
    let home = home();
    let error = |base, new| read(home.path(), base, new).unwrap_err().to_string();
    let expected = format!(
        "{} has no baseline `mian`: it has main, pr; did you mean `main`?",
        home.path().display()
    );
    assert_eq!(error("mian", "pr"), expected);
    assert_eq!(error("main", "mian"), expected);
    let empty = tempfile::tempdir().unwrap();
    let error = read(empty.path(), "main", "pr").unwrap_err().to_string();
    assert!(
        error.ends_with("no baseline `main`: it has none"),
        "{error}"
    );
    let nowhere = empty.path().join("nowhere");
    let error = read(&nowhere, "main", "pr").unwrap_err().to_string();
    assert!(
        error.ends_with("nowhere: No such file or directory (os error 2)"),
        "{error}"
    );
}

/// As criterion 0.8 leaves a benchmark of this id, directory and title.
fn saved(home: &std::path::Path, [id, directory, title]: [&str; 3], baseline: &str, median: f64) {
    let folder = estimated(home, directory, baseline, median);
    let about = format!(
        r#"{{"group_id":"g","full_id":"{id}","directory_name":"{directory}","title":"{title}"}}"#
    );
    std::fs::write(folder.join("benchmark.json"), about).unwrap();
}

#[test]
fn slashes_of_a_baselines_name_are_folders() {
    let home = tempfile::tempdir().unwrap();
    for (baseline, median) in [
        ("feature", 1.0),
        ("feature/x", 2.0),
        ("feature/x/new", 3.0),
        ("new", 4.0),
    ] {
        estimated(home.path(), "group/hit/1", baseline, median);
        estimated(home.path(), "alone", baseline, median);
    }
    let both = read(home.path(), "feature", "feature/x").unwrap();
    assert_eq!(both.exit_code, 0);
    let rows: Vec<_> = both
        .rows
        .iter()
        .map(|row| (row.benchmark.as_str(), row.new.median_ns))
        .collect();
    assert_eq!(rows, [("alone", 2.0), ("group/hit/1", 2.0)]);
    let again = read(home.path(), "feature/", "feature//x").unwrap();
    assert_eq!(again.rows, both.rows);
    let both = read(home.path(), "feature/x/new", "new").unwrap();
    assert_eq!(
        (both.rows[0].base.median_ns, both.rows[0].new.median_ns),
        (3.0, 4.0)
    );
    let error = read(home.path(), "feature/y", "new")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("it has feature, feature/x, feature/x/new, new; did you mean `feature/x`?"),
        "{error}"
    );
    // A baseline's `new` is not the last run.
    let all = crate::micro::read(home.path(), std::time::SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(
        all.iter().map(|at| at.median_ns).collect::<Vec<_>>(),
        [4.0, 4.0]
    );
}

#[test]
fn benchmarks_whose_ids_titles_or_folders_agree_are_told_apart() {
    let home = tempfile::tempdir().unwrap();
    let long = "x".repeat(110);
    let (one, other) = (format!("{long}1"), format!("{long}2"));
    let start = format!("{}...", &long[..100]);
    let folder = &long[..64];
    for baseline in ["main", "pr"] {
        // The order in which they run, and so their folders, may change between two baselines.
        let [first, second] = if baseline == "main" {
            [&one, &other]
        } else {
            [&other, &one]
        };
        let ns = |id: &String| if *id == one { 1.0 } else { 2.0 };
        saved(home.path(), [first, folder, &start], baseline, ns(first));
        saved(
            home.path(),
            [second, &format!("{folder}_2"), &format!("{start} #2")],
            baseline,
            ns(second),
        );
        saved(home.path(), ["a/b", "a/b", "a/b"], baseline, 3.0);
        saved(home.path(), ["a/b", "a_b", "a/b #2"], baseline, 4.0);
        saved(home.path(), ["a?b", "a_b_2", "a?b"], baseline, 5.0);
    }
    let both = read(home.path(), "main", "pr").unwrap();
    let rows: BTreeMap<_, _> = both
        .rows
        .iter()
        .map(|row| (row.benchmark.as_str(), (row.base.median_ns, row.change)))
        .collect();
    let expected = [
        (one.as_str(), 1.0),
        (&other, 2.0),
        ("a/b", 3.0),
        ("a/b #2", 4.0),
        ("a?b", 5.0),
    ];
    assert_eq!(
        rows,
        expected.map(|(name, ns)| (name, (ns, Some(0.0)))).into()
    );
}

#[test]
fn a_base_of_nothing_has_a_difference_and_no_share() {
    let home = tempfile::tempdir().unwrap();
    for (id, main, pr) in [("gone", 2.0, 0.0), ("new", 0.0, 2.5), ("none", 0.0, 0.0)] {
        estimated(home.path(), id, "main", main);
        estimated(home.path(), id, "pr", pr);
    }
    let both = read(home.path(), "main", "pr").unwrap();
    for shown in [
        render::text(&both.document()),
        render::markdown(&both.document()),
        both.json().unwrap(),
    ] {
        for wrong in ["inf", "NaN", "null"] {
            assert!(!shown.contains(wrong), "{shown}");
        }
    }
    let text = render::text(&both.document());
    for cells in ["−100.0 %", "+2.50 ns", "0 ns … 0 ns     0 ns"] {
        assert!(text.contains(cells), "{cells}: {text}");
    }
    assert!(both.json().unwrap().contains(r#""difference_ns": 2.5"#));
}

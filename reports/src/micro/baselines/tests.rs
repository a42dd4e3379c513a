use super::*;
use crate::micro::stand_in::estimated;

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
    insta::assert_snapshot!(text::render(&both));
    insta::assert_snapshot!(markdown::render(&both));
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
    let text = text::render(&both);
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

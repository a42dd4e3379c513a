//! The figures that README, docs and FINDINGS quote from published runs are those of the runs.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "lab/command.rs"]
mod command;

use std::process::Command;

use command::{Place, stderr};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn a_marked_figure_is_that_of_the_run_that_it_names() {
    let output = Command::new(env!("CARGO_BIN_EXE_authlab"))
        .args(["prove", "figures"])
        .current_dir(ROOT)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let hint = "run `authlab prove figures --write` in the checkout";
    assert!(output.status.success(), "{said}{}{hint}", stderr(&output));
    let checked: u32 = said.split(' ').next().unwrap().parse().unwrap();
    assert!(checked >= 100, "{said}");
}

#[test]
fn a_figure_that_differs_is_reported_and_can_be_written() {
    let place = Place::new();
    let runs = format!("{ROOT}/reports/published");
    let check = |more: &[&str]| {
        let words = ["prove", "figures", "page.md", "--runs", &runs];
        place.authlab(&[&words, more].concat())
    };
    let page = "a <!--figure devices/memory/p50-->1 s<!--/--> b\n";
    place.write("page.md", page);
    let output = check(&[]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let named = said.split_once("devices/memory/p50 is ");
    let (figure, _) = named.unwrap().1.split_once(", not 1 s").unwrap();
    let summary = std::fs::read_to_string(format!("{runs}/devices/summary.md")).unwrap();
    assert!(
        summary.contains(&format!("| sessions in memory | {figure} |")),
        "{figure}"
    );
    assert!(check(&["--write"]).status.success());
    let written = std::fs::read_to_string(place.path().join("page.md")).unwrap();
    assert_eq!(written, page.replace("1 s", figure));
    assert!(check(&[]).status.success());
    for (key, said) in [
        ("devices/memory/cpu", "run devices has no such figure"),
        ("devices/none/p50", "run devices has no such variant"),
        ("devices", "is not RUN/VARIANT/NAME"),
        ("none/memory/p50", "none"),
    ] {
        place.write("page.md", &format!("<!--figure {key}-->1 s<!--/-->"));
        let words = ["prove", "figures", "page.md", "--runs", &runs];
        let refused = place.refused(&words);
        assert!(refused.contains(said), "{refused}");
    }
}

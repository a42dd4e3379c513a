//! The exact channel's judgement: a count more is named, and what cannot be judged is never a pass in silence.

use authlab_reports::exact::Toolchain;
use authlab_reports::exact::comparison::Report;
use authlab_reports::exact::{Case, Counts};
use authlab_reports::outcome::Outcome;
use authlab_reports::render;

fn case(name: &str, instructions: u64, allocations: u64) -> Case {
    Case {
        name: name.to_owned(),
        requests: 1_000,
        instructions,
        allocations,
        bytes: allocations * 24,
    }
}

fn counts(cases: &[Case]) -> Counts {
    let toolchain = Toolchain {
        rustc: "rustc 1.95.0".to_owned(),
        valgrind: "valgrind-3.19.0".to_owned(),
        cc: "cc 12.2.0".to_owned(),
        libc: "glibc 2.36".to_owned(),
        processor: "x86_64, AVX2".to_owned(),
    };
    Counts::new(toolchain, cases.to_vec())
}

fn base() -> Counts {
    counts(&[
        case("authorize-hit/cache-key=route", 725_333, 0),
        case("login/sha256", 57_123_639, 15_000),
    ])
}

#[test]
fn more_than_a_hundredth_of_instructions_or_one_allocation_is_slower_and_each_is_named() {
    let hit = |instructions, allocations| {
        let now = counts(&[
            case("authorize-hit/cache-key=route", instructions, allocations),
            case("login/sha256", 57_123_639, 15_000),
        ]);
        let compared = Report::of(&base(), &now).unwrap();
        let label = |verdict: Option<authlab_reports::judge::Verdict>| verdict.unwrap().label();
        let row = &compared.cases[0];
        (
            label(row.instructions.verdict),
            label(row.allocations.verdict),
            compared.outcome().exit_code(),
        )
    };
    let table = [
        ((725_333, 0), ("no change", "no change", 0)),
        ((732_586, 0), ("no change", "no change", 0)),
        ((732_587, 0), ("slower", "no change", 1)),
        ((725_333, 1), ("no change", "slower", 1)),
        ((700_000, 1), ("faster", "slower", 1)),
        ((700_000, 0), ("faster", "no change", 0)),
        ((718_080, 0), ("no change", "no change", 0)),
    ];
    for ((instructions, allocations), verdicts) in table {
        assert_eq!(
            hit(instructions, allocations),
            verdicts,
            "{instructions} {allocations}"
        );
    }
}

#[test]
fn requests_are_compared_however_many_were_counted() {
    let mut now = base();
    for case in &mut now.cases {
        case.requests *= 2;
        case.instructions *= 2;
        case.allocations *= 2;
    }
    let compared = Report::of(&base(), &now).unwrap();
    assert_eq!(compared.outcome(), Outcome::Ok);
}

#[test]
fn a_case_that_is_missing_on_either_side_is_an_error_in_one_line() {
    let (hit, login) = (base().cases[0].clone(), base().cases[1].clone());
    let said = |base: &[Case], now: &[Case]| {
        Report::of(&counts(base), &counts(now))
            .unwrap_err()
            .to_string()
    };
    let both = [hit.clone(), login];
    assert_eq!(
        said(&both, std::slice::from_ref(&hit)),
        "not counted, but in the baseline: login/sha256; `make exact-accept` if that is meant"
    );
    assert_eq!(
        said(std::slice::from_ref(&hit), &both),
        "counted, but not in the baseline: login/sha256; `make exact-accept` adds it"
    );
}

#[test]
fn another_toolchain_is_described_whatever_the_counts_say() {
    let mut now = base();
    now.toolchain.rustc = "rustc 1.96.0".to_owned();
    now.toolchain.libc = "glibc 2.39".to_owned();
    now.cases[0].instructions *= 2;
    let compared = Report::of(&base(), &now).unwrap();
    assert_eq!(compared.outcome(), Outcome::Ok);
    insta::assert_snapshot!(render::text(&compared.document()));
}

#[test]
fn the_table_shows_base_now_change_and_verdict_of_each_case() {
    let now = counts(&[
        case("authorize-hit/cache-key=route", 790_333, 1_000),
        case("login/sha256", 57_124_001, 15_000),
    ]);
    insta::assert_snapshot!(render::text(&Report::of(&base(), &now).unwrap().document()));
}

#[test]
fn a_baseline_that_is_none_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exact.json");
    base().write(&path).unwrap();
    assert_eq!(Counts::read(&path).unwrap(), base());
    let good = std::fs::read_to_string(&path).unwrap();
    let table = [
        (
            good.replace("\"format\": 1", "\"format\": 2"),
            "format 2 is not read here; accepted: 1",
        ),
        (
            good.replace("\"instructions\": 725333", "\"instructions\": 0"),
            "`authorize-hit/cache-key=route`: 0 instructions of 1000 requests",
        ),
        (
            good.replace("\"requests\": 1000", "\"requests\": 0"),
            "`authorize-hit/cache-key=route`: 725\u{202f}333 instructions of 0 requests",
        ),
        (
            good.replace("login/sha256", "authorize-hit/cache-key=route"),
            "`authorize-hit/cache-key=route` is there twice",
        ),
        (
            good.replace("\"rustc\"", "\"rust\""),
            "unknown field `rust`, expected one of `rustc`, `valgrind`, `cc`, `libc`, `processor` at line 9 column 10",
        ),
        (good[..good.len() / 2].to_owned(), "EOF while parsing"),
    ];
    for (text, expected) in table {
        std::fs::write(&path, text).unwrap();
        let error = Counts::read(&path).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(
            error.ends_with("; `make exact-accept` writes one"),
            "{error}"
        );
        assert!(!error.contains('\n'), "{error}");
    }
    let none = Counts::read(&folder.path().join("none.json")).unwrap_err();
    let none = none.to_string();
    assert!(
        none.contains("No such file") && none.ends_with("writes one"),
        "{none}"
    );
}

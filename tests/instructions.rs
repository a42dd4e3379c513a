//! Instructions a request of real servers under a real counter: identical commands give the same figure, a design that
//! does more gives more. Without valgrind a plain line says that nothing was tried; in CI it has to be there.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::PathBuf;
use std::time::Duration;

use authlab_loadtest::cores::Cores;
use authlab_loadtest::instructions::{Amount, Counter, count};
use authlab_loadtest::scenario::Scenario;
use authlab_loadtest::server::Launcher;
use authlab_reports::duel::Counted;
use authlab_reports::run::Instructions;

const AUTHLAB: &str = env!("CARGO_BIN_EXE_authlab");

/// A request with a token, signed in once.
const ITEMS: &str = r#"
[[step]]
name = "login"
request = "POST /token"
json = { username = "john", password = "password123" }
save = { token = "json:/access_token" }
[[step]]
name = "items"
request = "GET /items/"
bearer = "{token}"
[[load]]
name = "one-user"
users = 1
prepare = ["login"]
journey = ["items"]
profile.quick = { blocks = 1, slice = "1ms" }
"#;

const GET: &str = r#"
[[step]]
name = "get"
request = "GET /"
[[load]]
name = "open"
users = 8
rate = 100
journey = ["get*2"]
profile.quick = { blocks = 1, slice = "1ms" }
"#;

const FEW: Amount = Amount {
    passes: 1,
    journeys: 200,
    within: Duration::from_secs(30),
};

/// The reference server, with and without a cache, and the first once more.
fn designs() -> String {
    let variant = |name: &str, cache: &str| {
        format!(
            "[[variant]]\nname = \"{name}\"\n\
             flags = {{ password = \"sha256\", threads = 1, cache = \"{cache}\" }}\n"
        )
    };
    let variants = [
        variant("a", "decision"),
        variant("b", "decision"),
        variant("c", "none"),
    ];
    scenario(&variants.concat(), ITEMS)
}

/// A server that dies of SIGTERM, started by a shell that stays its parent.
fn null() -> String {
    let words = format!("{AUTHLAB} null --listen 127.0.0.1:{{port}} & wait $!");
    let variant =
        format!("[[variant]]\nname = \"null\"\ncommand = [\"sh\", \"-c\", \"{words}\"]\n");
    scenario(&variant, GET)
}

fn scenario(variants: &str, rest: &str) -> String {
    format!("name = \"s\"\nquestion = \"?\"\n{variants}{rest}")
}

fn counted(text: &str, sides: [usize; 2], counter: Counter) -> Instructions {
    let scenario = Scenario::parse("s.toml", text, "quick").unwrap();
    let launcher = Launcher {
        authlab: PathBuf::from(AUTHLAB),
        cores: Cores::split().server,
    };
    let mut passes = Vec::new();
    let told = |pass: authlab_loadtest::instructions::Pass<'_>| {
        passes.push((pass.variant.to_owned(), pass.number));
    };
    let instructions = count(&scenario, sides, &launcher, counter, FEW, told).unwrap();
    assert_eq!(passes.len(), 2 * FEW.passes);
    assert_eq!(instructions.base.len(), FEW.passes);
    println!("{instructions:?}");
    instructions
}

fn has(program: &str, words: &[&str]) -> bool {
    let output = std::process::Command::new(program).args(words).output();
    let there = output.is_ok_and(|output| output.status.success());
    if !there {
        println!("skipped: {program} is missing");
        assert!(
            std::env::var_os("CI").is_none_or(|ci| ci != "true") || program == "perf",
            "CI has to have {program}"
        );
    }
    there
}

#[test]
fn identical_servers_give_the_same_count_and_one_that_does_more_gives_more() {
    if !has("valgrind", &["--version"]) {
        return;
    }
    let same = Counted::of(&counted(&designs(), [0, 1], Counter::Cachegrind)).row;
    assert!(same.effect.unwrap().abs() < 0.01, "{same:?}");
    assert_eq!(same.verdict.unwrap().label(), "no change");
    let more = Counted::of(&counted(&designs(), [0, 2], Counter::Cachegrind)).row;
    assert!(more.effect.unwrap() > 0.1, "{more:?}");
    assert_eq!(more.verdict.unwrap().label(), "slower");
}

#[test]
fn a_server_that_dies_of_the_signal_leaves_its_count_and_those_of_all_its_processes_are_added() {
    if !has("valgrind", &["--version"]) {
        return;
    }
    let null = Counted::of(&counted(&null(), [0, 0], Counter::Cachegrind)).row;
    // A shell would count nothing for a request; a debug build of the null server counts thousands.
    assert!(null.base.unwrap() > 1_000.0, "{null:?}");
    assert!(null.effect.unwrap().abs() < 0.01, "{null:?}");
}

/// With an event that every machine has: many have no counter of instructions for perf to read.
#[test]
fn perf_outlives_the_server_that_it_counts_and_writes() {
    let event = "task-clock:u";
    if !has("perf", &["stat", "-e", event, "--", "true"]) {
        return;
    }
    let counted = counted(&null(), [0, 0], Counter::Perf { event });
    assert!(counted.base.iter().all(|ms| *ms > 0.0), "{counted:?}");
}

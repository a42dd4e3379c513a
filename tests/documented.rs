//! What the pages and the help tell a reader to type is typed, in a folder as the reader has it; what they show is what comes
//! out; where a page points, something is.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "lab/benchmarks.rs"]
mod benchmarks;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "lab/command.rs"]
mod command;
#[path = "documented/pages.rs"]
mod pages;
#[path = "documented/stage.rs"]
mod stage;
#[path = "documented/table.rs"]
mod table;

use std::process::Command;

use command::stderr;
use pages::{Block, PAGES, ROOT, blocks, commands, help, inline, read};
use stage::{AUTHLAB, Stage};
use table::{NOT_RUN, SHORTENED, SYNOPSES};

fn run_blocks<'b>(blocks: impl Iterator<Item = &'b Block>) {
    let run = blocks.map(|block| Stage::new().run(block));
    assert!(run.count() > 0);
}

#[test]
fn the_examples_of_each_verbs_help_run() {
    let help = help();
    for block in &help {
        let verb = block.page.split(' ').nth(1).unwrap();
        let first = commands(block);
        assert!(!first.is_empty(), "{} has no example", block.page);
        let own = verb == "--help" || first.iter().any(|line| line.contains(verb));
        assert!(own, "{}: {first:?}", block.page);
    }
    run_blocks(help.iter().filter(|block| !takes_its_time(block)));
}

#[test]
fn the_examples_of_the_verbs_that_take_their_time_run() {
    run_blocks(help().iter().filter(|block| takes_its_time(block)));
}

/// Apart, so that both halves run at once.
fn takes_its_time(block: &Block) -> bool {
    let verbs = ["duel", "merge"];
    verbs.iter().any(|verb| block.page.contains(verb))
}

#[test]
fn an_example_of_the_help_fits_a_terminal() {
    for block in help() {
        for line in block.text.lines() {
            assert!(line.chars().count() + 2 <= 80, "{}: {line}", block.page);
        }
    }
}

#[test]
fn the_commands_of_the_readme_run_on_its_own_scenario() {
    let mut scenarios = blocks("README.md", "toml").into_iter();
    let scenario = scenarios.next().unwrap();
    assert!(scenarios.next().is_none());
    for block in blocks("README.md", "sh") {
        let mut stage = Stage::new();
        stage.place.write("mine.toml", &small(&scenario.text));
        stage.run(&block);
    }
}

/// The same scenario, sooner done.
fn small(text: &str) -> String {
    let sizes = "{ blocks = 20, slice = \"100ms\" }";
    assert!(text.contains(sizes), "{text}");
    text.replace(
        sizes,
        "{ blocks = 2, slice = \"10ms\", warm_up = \"10ms\" }",
    )
}

#[test]
fn the_commands_of_the_other_pages_run() {
    let pages = PAGES.iter().filter(|page| **page != "README.md");
    let all: Vec<Block> = pages.flat_map(|page| blocks(page, "sh")).collect();
    run_blocks(all.iter());
}

#[test]
fn what_a_page_shows_is_what_comes_out() {
    let shown: Vec<Block> = PAGES
        .iter()
        .flat_map(|page| blocks(page, "console"))
        .collect();
    assert!(shown.len() >= 2);
    let stage = Stage::new();
    for block in shown {
        let mut lines = block.text.lines();
        let typed = lines.next().unwrap().strip_prefix("$ ").unwrap();
        let output = stage.bash(typed);
        let said = String::from_utf8(output.stdout).unwrap();
        let mut said = said.lines();
        for line in lines.filter(|line| *line != "…") {
            assert!(said.any(|other| other == line), "{}: {line}", block.page);
        }
    }
}

#[test]
fn the_other_files_of_the_pages_are_accepted() {
    let head = "name = \"s\"\nquestion = \"?\"\nvariant = [{ name = \"a\", command = [\"./server-old\", \"--port\", \"{port}\"] }]\n";
    let scenarios = blocks("docs/scenarios.md", "toml");
    // Those after them are parsed by loadtest/tests/journey_errors.rs.
    let [whole, replay, _, _] = scenarios.as_slice() else {
        panic!("{}", scenarios.len());
    };
    let stage = Stage::new();
    stage.place.write("mine.toml", &small(&whole.text));
    stage
        .place
        .write("replay.toml", &format!("{head}{}", replay.text));
    let line = "127.0.0.1 - john [31/Jan/2026:08:00:00 +0000] \"GET /things/1 HTTP/1.1\" 200 5 \"-\" \"curl\"\n";
    stage.place.write("access.log", &line.repeat(20));
    for file in ["mine.toml", "replay.toml"] {
        let output = stage.bash(&format!("authlab run {file}"));
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 3)), "{file}: {}", stderr(&output));
    }
    let server = blocks("docs/server.md", "toml");
    let [routes] = server.as_slice() else {
        panic!("{}", server.len());
    };
    let mut stage = Stage::new();
    stage.place.write("routes.toml", &routes.text);
    let serve = "authlab serve --trusted-proxy 127.0.0.1 --routes routes.toml\n";
    stage.run(&Block {
        page: "docs/server.md".to_owned(),
        text: serve.to_owned(),
    });
    let [policies] = &blocks("docs/server.md", "cedar")[..] else {
        panic!("one file of policies");
    };
    let mut stage = Stage::new();
    stage.place.write("items.cedar", &policies.text);
    let serve = "authlab serve --policy cedar --cedar-policies items.cedar\n";
    stage.run(&Block {
        page: "docs/server.md".to_owned(),
        text: serve.to_owned(),
    });
}

#[test]
fn the_program_of_a_page_is_the_one_that_is_built() {
    let plain = |text: &str| {
        let dense: String = text.split_whitespace().collect();
        dense.replace(",)", ")")
    };
    let example = plain(&read("server/examples/adopt.rs"));
    let shown = blocks("docs/server.md", "rust");
    for line in shown[0].text.lines() {
        // A statement may go on there.
        let line = plain(line.trim_end_matches(';'));
        assert!(example.contains(&line), "{line}");
    }
}

#[test]
fn every_file_and_program_of_a_page_is_looked_at_by_a_test() {
    let tested = [
        ("README.md", "toml", 1),
        ("README.md", "yaml", 1),
        ("docs/scenarios.md", "toml", 4),
        ("docs/check.md", "toml", 1), // check/tests/contracts.rs
        ("docs/ci.md", "yaml", 1),
        ("docs/server.md", "toml", 1),
        ("docs/server.md", "cedar", 1),
        ("docs/server.md", "rust", 1),
        // By the server's own tests (`evaluation`).
        ("docs/server.md", "json", 1),
    ];
    for page in PAGES {
        let fences = read(page).matches("```").count() / 2;
        let of = |language| blocks(page, language).len();
        let known = tested.iter().filter(|(of_page, ..)| *of_page == page);
        let known = known.map(|(_, language, count)| {
            assert_eq!(of(language), *count, "{page}: {language}");
            count
        });
        let known: usize = known.sum();
        assert_eq!(known + of("sh") + of("console"), fences, "{page}");
    }
}

#[test]
fn what_is_shortened_or_not_run_is_documented_and_is_what_it_was() {
    let mut documented: Vec<String> = help().iter().flat_map(commands).collect();
    for page in PAGES {
        documented.extend(blocks(page, "sh").iter().flat_map(commands));
    }
    let stands = |line: &str| documented.iter().any(|known| known == line);
    for (line, run) in SHORTENED {
        assert!(stands(line), "nobody documents {line}");
        let words: Vec<_> = run.split(' ').collect();
        let kept = line.split(' ').filter(|word| words.contains(word)).count();
        // At most a length is another.
        assert!(kept + 1 >= line.split(' ').count(), "{line} is not {run}");
    }
    for (line, why) in NOT_RUN {
        assert!(stands(line) && !why.is_empty(), "nobody documents {line}");
        accepted(line);
    }
}

#[test]
fn a_command_within_prose_is_one_that_there_is() {
    let mut looked_at = 0;
    for page in PAGES {
        for span in inline(page).iter().flat_map(|span| span.split(" && ")) {
            if SYNOPSES.contains(&span) {
                continue;
            }
            looked_at += usize::from(accepted(span));
        }
    }
    assert!(looked_at >= 20, "{looked_at}");
}

/// Whether it is a command of ours; then it has to be accepted, though nothing is run.
fn accepted(line: &str) -> bool {
    let words = shlex::split(line).unwrap_or_default();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let output = match words.as_slice() {
        ["authlab" | "target/release/authlab", words @ ..] if !words.is_empty() => {
            // Help is given once every word before it was accepted.
            Command::new(AUTHLAB).args(words).arg("--help").output()
        }
        ["make", words @ ..] => Command::new("make")
            .arg("-n")
            .args(words)
            .current_dir(ROOT)
            .output(),
        _ => return false,
    };
    let output = output.unwrap();
    assert!(output.status.success(), "{line}: {}", stderr(&output));
    true
}

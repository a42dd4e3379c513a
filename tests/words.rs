//! What users read says things in the field's own terms: the worst words that the guide on language names are in no page and
//! no help text, nor in the comments of the modules in [`COMMENTED`]. Its table is in CONTRIBUTING.md, under Language.
//!
//! A new phrase is a line of [`WORDS`]; another text is a line in [`texts`]. Code, links and comments are left out.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What is not written, and what is written in its place.
const WORDS: &[(&str, &str)] = &[
    ("anew", "again"),
    (
        "beside",
        "next to, compared with, with; a service that it depends on",
    ),
    ("boarded", "followers, with single-flight"),
    ("cannot be told", "not distinguishable from"),
    ("cannot tell", "inconclusive, not distinguishable from"),
    ("closed users", "a closed model"),
    ("cries wolf", "false-positive rate"),
    ("cry wolf", "false-positive rate"),
    ("dearer", "slower, more expensive"),
    ("dearest", "slowest, most expensive"),
    ("exact channel", "instruction counts"),
    ("from planned", "response time"),
    ("from sent", "service time"),
    ("gave up", "trade-off, traded away"),
    ("give up", "trade-off, trade away"),
    ("given up", "trade-off, traded away"),
    ("gives up", "trade-off, trades away"),
    ("in other hands", "used by another client"),
    ("lateness", "send delay (generator lag)"),
    ("never called one", "reported as no change"),
    ("nobody", "no client, no user, no request"),
    ("open arrivals", "an open model, arrival rate"),
    ("planned instant", "intended start time"),
    ("set aside", "excluded"),
    ("so it is without a word", "default"),
    ("somebody", "a client, a user, a reader"),
    ("stands first", "comes first"),
    ("stands second", "comes second"),
    ("still passes", "stale grant, revocation lag"),
    ("taken together", "batched (batch means)"),
    ("the same server twice", "A/A test"),
    ("what it takes", "what it needs, how long it takes"),
    ("whoever", "the client, the user that"),
];

/// Modules of `reports/src` whose comments are read too; the others still have some of these words.
const COMMENTED: [&str; 4] = ["chart", "finding", "page", "section"];

/// Each text that is read, with its name.
fn texts() -> Vec<(String, String)> {
    let mut pages: Vec<String> = ["README.md", "CONTRIBUTING.md", "reports/FINDINGS.md"]
        .map(str::to_owned)
        .into();
    for folder in ["docs", "docs/adr"] {
        for path in files(&Path::new(ROOT).join(folder), "md") {
            let name = path.file_name().unwrap().to_string_lossy();
            pages.push(format!("{folder}/{name}"));
        }
    }
    let read = |page: String| {
        let text = std::fs::read_to_string(Path::new(ROOT).join(&page)).unwrap();
        let prose = prose(&text);
        (page, prose)
    };
    let mut texts: Vec<_> = pages.into_iter().map(read).collect();
    for module in COMMENTED {
        texts.push((
            format!("comments of reports/src/{module}"),
            comments(module),
        ));
    }
    for verb in verbs() {
        let words = [verb.as_str(), "--help"];
        let words = if verb.is_empty() { &words[1..] } else { &words };
        texts.push((format!("authlab {}", words.join(" ")), said(words)));
    }
    texts
}

/// Files of that kind in a folder.
fn files(folder: &Path, kind: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|of| of == kind))
        .collect()
}

/// The comments of a module of `reports/src` and of what is in its folder, without code and without tests.
fn comments(module: &str) -> String {
    let source = Path::new(ROOT).join("reports/src");
    let mut folders = vec![source.join(module)];
    let mut paths = vec![source.join(format!("{module}.rs"))];
    while let Some(folder) = folders.pop() {
        paths.extend(files(&folder, "rs"));
        let entries = std::fs::read_dir(&folder).unwrap();
        let entries = entries.map(|entry| entry.unwrap().path());
        folders.extend(entries.filter(|path| path.is_dir()));
    }
    let mut text = String::new();
    for path in paths {
        let source = std::fs::read_to_string(&path).unwrap();
        let source = source.split("\n#[cfg(test)]\nmod tests").next().unwrap();
        for line in source.lines() {
            let comment = line.trim_start().strip_prefix("//");
            text.push_str(comment.map_or("", |said| said.trim_start_matches(['/', '!'])));
            text.push('\n');
        }
    }
    text.split('`').step_by(2).collect()
}

/// The command itself, and each verb that its help lists.
fn verbs() -> Vec<String> {
    let overview = said(&["--help"]);
    let listed = overview.split("Commands:").nth(1).unwrap();
    let listed = listed.split("Options:").next().unwrap();
    let verbs = listed.lines().filter_map(|line| {
        let verb = line.strip_prefix("  ")?.split(' ').next()?;
        (!verb.is_empty() && verb != "help").then(|| verb.to_owned())
    });
    std::iter::once(String::new()).chain(verbs).collect()
}

fn said(words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_authlab"))
        .args(words)
        .output()
        .unwrap();
    assert!(output.status.success(), "{words:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A page without its code, the targets of its links, and its comments. The table that names these words is left out.
fn prose(text: &str) -> String {
    let text = match text.split_once("\n## Language\n") {
        Some((before, after)) => {
            let rest = after.split_once("\n## ").map_or("", |(_, rest)| rest);
            format!("{before}\n{rest}")
        }
        None => text.to_owned(),
    };
    let text: String = text.split("```").step_by(2).collect();
    let text: String = text.split('`').step_by(2).collect();
    let without = |text: &str, open: &str, close: &str| {
        let mut parts = text.split(open);
        let mut kept = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            kept.push(' ');
            kept.push_str(part.split_once(close).map_or("", |(_, rest)| rest));
        }
        kept
    };
    without(&without(&text, "<!--", "-->"), "](", ")")
}

/// In lower case, on one line, words apart by one space, at the beginning and the end too.
fn words(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '-');
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    format!(" {} ", words.join(" "))
}

#[test]
fn what_users_read_is_in_the_terms_of_the_field() {
    let texts = texts();
    assert!(texts.len() >= 20, "{}", texts.len());
    let mut found = Vec::new();
    for (name, text) in &texts {
        let text = words(text);
        assert!(text.len() > 100, "{name}");
        for (phrase, instead) in WORDS {
            for (at, _) in text.match_indices(&format!(" {phrase} ")) {
                let before: String = text[..at].chars().rev().take(40).collect();
                let before: String = before.chars().rev().collect();
                let after: String = text[at..].chars().take(40 + phrase.len()).collect();
                found.push(format!("{name}: …{before}{after}… (write: {instead})"));
            }
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn a_phrase_is_found_across_lines_and_not_in_code_or_links() {
    let page = "It cries\nWolf. `beside` [a](beside.md) <!--beside--> besides\n```\nbeside\n```\n";
    let text = words(&prose(page));
    assert!(text.contains(" cries wolf "), "{text}");
    assert!(!text.contains(" beside "), "{text}");
}

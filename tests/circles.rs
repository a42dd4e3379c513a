//! Modules do not import each other in a circle: in each crate, for the modules of one level, each with its folder.
//!
//! A module and its own parts may use each other; what stands beside each other is layered.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const CRATES: [&str; 7] = [
    "src",
    "bench/src",
    "check/src",
    "loadtest/src",
    "reports/src",
    "server/src",
    "workshop/src",
];

/// The path of a module, from the root of its crate.
type Module = Vec<String>;

#[test]
fn modules_of_one_level_do_not_import_each_other_in_a_circle() {
    let mut circles = Vec::new();
    for folder in CRATES {
        let modules = modules(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder));
        assert!(!modules.is_empty(), "{folder}");
        let parents: BTreeSet<&[String]> = modules.keys().filter_map(|m| parent(m)).collect();
        for parent in parents {
            for circle in circles_below(parent, &modules) {
                circles.push(format!("{folder}: {}", circle.join(" → ")));
            }
        }
    }
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn imports_are_found_however_they_are_written() {
    let all: BTreeMap<Module, String> = ["a", "a::b", "a::c", "d", "e", "f"]
        .map(|name| (split(name), String::new()))
        .into();
    let found = |of: &str, text: &str| {
        let found = imports(&split(of), text, &all);
        found.iter().map(|m| m.join("::")).collect::<Vec<_>>()
    };
    assert_eq!(
        found("d", "use crate::a::{self, b::{X, Y}, c};"),
        ["a", "a::b", "a::c"]
    );
    assert_eq!(
        found("a::b", "use super::c::X;\nuse super::super::d;"),
        ["a::c", "d"]
    );
    assert_eq!(
        found("a", "fn f() -> crate::e::E { self::b::g(c::h()) }"),
        ["a::b", "a::c", "e"]
    );
    assert_eq!(
        found("d", "// crate::e\nlet x = \"crate::f\";"),
        Vec::<String>::new()
    );
    assert_eq!(
        found("d", "#[cfg(test)]\nmod tests {\n    use crate::e;\n}\n"),
        Vec::<String>::new()
    );
    let chain = BTreeMap::from([
        (split("x"), "use crate::y;".to_owned()),
        (split("y"), "use crate::z::w;".to_owned()),
        (split("z"), String::new()),
        (split("z::w"), "use crate::x::Y;".to_owned()),
    ]);
    assert_eq!(circles_below(&[], &chain), [["x", "y", "z"]]);
}

fn split(name: &str) -> Module {
    name.split("::").map(str::to_owned).collect()
}

fn parent(module: &Module) -> Option<&[String]> {
    module.split_last().map(|(_, above)| above)
}

/// Every module of a crate but its root, with its text.
fn modules(src: &Path) -> BTreeMap<Module, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![src.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let inside = path.strip_prefix(src).unwrap().with_extension("");
                let name: Module = inside
                    .iter()
                    .map(|part| part.to_string_lossy().into_owned())
                    .collect();
                let is_root = name == ["lib"] || name == ["main"];
                if !is_root && name.last().unwrap() != "tests" {
                    found.insert(name, fs::read_to_string(path).unwrap());
                }
            }
        }
    }
    found
}

/// Strongly connected modules among the children of `parent`, each with everything in its folder.
fn circles_below(parent: &[String], modules: &BTreeMap<Module, String>) -> Vec<Vec<String>> {
    let depth = parent.len();
    let child = |module: &Module| {
        (module.len() > depth && module.starts_with(parent)).then(|| module[depth].clone())
    };
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (module, text) in modules {
        let Some(from) = child(module) else { continue };
        let to = imports(module, text, modules);
        let to = to.iter().filter_map(child).filter(|to| *to != from);
        uses.entry(from.clone()).or_default().extend(to);
    }
    let reached = |from: &String| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(one) = next.pop() {
            for to in uses.get(&one).into_iter().flatten() {
                if seen.insert(to.clone()) {
                    next.push(to.clone());
                }
            }
        }
        seen
    };
    let reach: BTreeMap<&String, BTreeSet<String>> =
        uses.keys().map(|one| (one, reached(one))).collect();
    let circles: BTreeSet<Vec<String>> = reach
        .iter()
        .filter(|(one, seen)| seen.contains(**one))
        .map(|(one, seen)| {
            let others = seen.iter().filter(|other| reach[other].contains(*one));
            others.cloned().collect()
        })
        .collect();
    circles.into_iter().collect()
}

/// The modules of the crate that a module names, in `use` lines and in paths.
fn imports(module: &Module, text: &str, all: &BTreeMap<Module, String>) -> BTreeSet<Module> {
    let code = code(text);
    let mut paths = Vec::new();
    let mut rest = code.as_str();
    while let Some(at) = rest.find("use ") {
        let is_word = !rest[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let tree = &rest[at + 4..];
        let end = tree.find(';').unwrap_or(tree.len());
        if is_word {
            expand("", &tree[..end], &mut paths);
        }
        rest = &tree[if is_word { end } else { 0 }..];
    }
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    paths.extend(
        code.split(|c| !is_path(c))
            .filter(|word| word.contains("::"))
            .map(str::to_owned),
    );
    paths
        .iter()
        .filter_map(|path| resolve(module, path, all))
        .filter(|found| found != module)
        .collect()
}

/// Each path of a `use` tree.
fn expand(before: &str, tree: &str, paths: &mut Vec<String>) {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        paths.push(format!(
            "{before}{}",
            path.trim().trim_end_matches("::self")
        ));
        return;
    };
    let before = format!("{before}{}", &tree[..open]);
    let inside = &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())];
    let (mut depth, mut from) = (0, 0);
    for (at, c) in inside.char_indices().chain([(inside.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                match inside[from..at].trim() {
                    "" => {}
                    "self" => paths.push(before.trim_end_matches("::").to_owned()),
                    branch => expand(&before, branch, paths),
                }
                from = at + 1;
            }
            _ => {}
        }
    }
}

/// The deepest module that a path leads into.
fn resolve(module: &Module, path: &str, all: &BTreeMap<Module, String>) -> Option<Module> {
    let mut parts = path.split("::").map(str::trim).peekable();
    let mut at: Module = match *parts.peek()? {
        "crate" => {
            parts.next();
            Vec::new()
        }
        "super" => {
            let mut above = module.clone();
            while parts.next_if_eq(&"super").is_some() {
                above.pop();
            }
            above
        }
        "self" => {
            parts.next();
            module.clone()
        }
        // One of its own parts, or another crate.
        _ => module.clone(),
    };
    let begun = at.len();
    for part in parts {
        at.push(part.to_owned());
        if !all.contains_key(&at) {
            at.pop();
            break;
        }
    }
    let is_named = path.starts_with("crate") || path.starts_with("super");
    (!at.is_empty() && (is_named || at.len() > begun)).then_some(at)
}

/// Without comments, texts and tests.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod ").enumerate();
    // What follows a file's own tests is code again only behind a line that closes them.
    let mut kept = String::new();
    for (number, part) in text {
        let is_declared = part.find(';') < part.find('{');
        let part = match (number, is_declared) {
            (0, _) | (_, true) => part,
            (_, false) => part.split_once("\n}\n").map_or("", |(_, after)| after),
        };
        for line in part.lines() {
            let mut quoted = false;
            let mut before = ' ';
            for c in line.chars() {
                match c {
                    '"' if before != '\\' && before != '\'' => quoted = !quoted,
                    '/' if before == '/' && !quoted => break,
                    _ if !quoted => kept.push(c),
                    _ => {}
                }
                before = c;
            }
            kept.push('\n');
        }
    }
    kept
}

//! What the pages of this repository and the command's help tell a reader to type.

use std::path::Path;
use std::process::Command;

/// The folder of the checkout.
pub(crate) const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The pages whose examples are run.
pub(crate) const PAGES: [&str; 14] = [
    "README.md",
    "docs/choose.md",
    "docs/load.md",
    "docs/scenarios.md",
    "docs/duel.md",
    "docs/check.md",
    "docs/ci.md",
    "docs/compare.md",
    "docs/server.md",
    "docs/cache.md",
    "docs/how-it-measures.md",
    "docs/reference.md",
    "docs/predict.md",
    "deploy/README.md",
];

/// A fenced block of a page.
pub(crate) struct Block {
    pub(crate) page: String,
    pub(crate) text: String,
}

pub(crate) fn read(page: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(page)).unwrap()
}

/// The fenced blocks of one language, also those within a list.
pub(crate) fn blocks(page: &str, language: &str) -> Vec<Block> {
    let text = read(page);
    let mut parts = text.split("```").skip(1).step_by(2);
    let mut found = Vec::new();
    for part in parts.by_ref() {
        let (named, body) = part.split_once('\n').unwrap();
        if named == language {
            let indent = body.len() - body.trim_start_matches(' ').len();
            let lines = body.lines().map(|line| line.get(indent..).unwrap_or(""));
            let lines: Vec<_> = lines.collect();
            found.push(Block {
                page: page.to_owned(),
                text: lines.join("\n") + "\n",
            });
        }
    }
    found
}

/// `code` within prose.
pub(crate) fn inline(page: &str) -> Vec<String> {
    let text = read(page);
    let prose: String = text.split("```").step_by(2).collect();
    let spans = prose.split('`').skip(1).step_by(2);
    spans.map(|span| span.replace('\n', " ")).collect()
}

/// The examples of the command's own help and of each verb's, a block each.
pub(crate) fn help() -> Vec<Block> {
    let mut words = vec![vec!["--help".to_owned()]];
    for above in [&[][..], &["prove"]] {
        let overview = said(&[above, &["--help"]].concat());
        let listed = overview.split("Commands:").nth(1).unwrap();
        let listed = listed.split("Options:").next().unwrap();
        let verbs = listed.lines().filter_map(|line| {
            let verb = line.strip_prefix("  ")?.split(' ').next()?;
            (!verb.is_empty() && verb != "help").then_some(verb)
        });
        let asked = |verb| [above, &[verb, "--help"][..]].concat();
        let owned = |words: Vec<&str>| words.into_iter().map(str::to_owned).collect();
        words.extend(verbs.map(asked).map(owned));
    }
    let block = |words: Vec<String>| Block {
        page: format!("authlab {}", words.join(" ")),
        text: examples(&said(&words)),
    };
    words.into_iter().map(block).collect()
}

fn said<W: AsRef<std::ffi::OsStr>>(words: &[W]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_authlab"))
        .args(words)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn examples(help: &str) -> String {
    let lines = help.lines().skip_while(|line| !line.starts_with("Example"));
    let lines = lines.skip(1).take_while(|line| !line.is_empty());
    let bare: Vec<_> = lines.map(|line| line.strip_prefix("  ").unwrap()).collect();
    bare.join("\n") + "\n"
}

/// The commands of a block, each on one line, without what follows a `#`.
pub(crate) fn commands(block: &Block) -> Vec<String> {
    let joined = block.text.replace("\\\n", " ");
    let bare = |line: &str| {
        let code = line.split(" #").next().unwrap_or_default();
        code.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let lines = joined.lines().map(bare);
    lines.filter(|line| !line.is_empty()).collect()
}

//! Markdown, escaped: what a run says of itself is never taken for markup, a mention or a reference.

use std::fmt::Write as _;

use crate::document::{Block, Document, Place, Table, full_stop};
use crate::plain;

/// The document in Markdown, an empty line between two blocks.
#[must_use]
pub fn render(document: &Document) -> String {
    let mut page = String::new();
    for (place, block) in document.at(Place::Page).enumerate() {
        if place > 0 {
            page.push('\n');
        }
        write(&mut page, block);
    }
    page
}

fn write(page: &mut String, block: &Block) {
    match block {
        Block::Title(said) => line(page, "# ", said, ""),
        Block::Heading(said) => line(page, "### ", said, ""),
        Block::Line(said) => line(page, "", said, ""),
        Block::Strong(said) => line(page, "**", said, "**"),
        Block::Note(said) => line(page, "", &full_stop(said), ""),
        Block::Warning(said) => line(page, "> ", said, ""),
        Block::Legend(said) => {
            let _ = writeln!(page, "{said}");
        }
        Block::List(_) | Block::Table(_) => {
            items(page, block, usize::MAX);
        }
        Block::Most(most, block) => {
            let left_out = items(page, block, most.end);
            if left_out > 0 {
                let _ = writeln!(page, "\n{}", (most.left_out)(left_out));
            }
        }
        Block::Code(code) => {
            let _ = writeln!(page, "{}", code_block(code));
        }
        Block::Facts(facts) => {
            for (name, fact) in facts {
                line(page, "- ", &format!("{name}: {fact}"), "");
            }
        }
        Block::Chart(chart) => {
            for found in &chart.found {
                line(page, "- ", found, "");
            }
        }
        Block::Fold { summary, blocks } => {
            let _ = writeln!(page, "<details><summary>{}</summary>", escaped(summary));
            for block in blocks {
                page.push('\n');
                write(page, block);
            }
            page.push_str("\n</details>\n");
        }
        Block::Toned(_, block) => write(page, block),
        Block::Part(part) => *page += &render(part),
    }
}

fn line(page: &mut String, before: &str, said: &str, after: &str) {
    let _ = writeln!(page, "{before}{}{after}", escaped(said));
}

/// A list or a table, as many items as end before `end`; how many were left out.
fn items(page: &mut String, block: &Block, end: usize) -> usize {
    let items: Vec<String> = match block {
        Block::List(items) => items
            .iter()
            .map(|item| format!("- {}", escaped(item)))
            .collect(),
        Block::Table(table) => {
            *page += &header(table);
            table
                .rows
                .iter()
                .map(|cells| {
                    let texts = cells.iter().map(|cell| cell.text.as_str());
                    let filled = texts.chain(std::iter::repeat("")).take(table.header.len());
                    row(filled)
                })
                .collect()
        }
        other => {
            write(page, other);
            return 0;
        }
    };
    for (place, item) in items.iter().enumerate() {
        if page.len() + item.len() >= end {
            return items.len() - place;
        }
        *page += item;
        page.push('\n');
    }
    0
}

fn header(table: &Table) -> String {
    let [space, figures, words] = if table.tight {
        ["", "---:|", "---|"]
    } else {
        [" ", " ---: |", " --- |"]
    };
    let columns = (1..table.header.len()).map(|column| {
        if table.words.contains(&column) {
            words
        } else {
            figures
        }
    });
    let names = row(table.header.iter().map(String::as_str)).replacen("|  |", "| |", 1);
    format!(
        "{names}\n|{space}---{space}|{}\n",
        columns.collect::<String>()
    )
}

fn row<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.map(escaped).collect();
    format!("| {} |", cells.join(" | "))
}

/// Ends what GitHub would take for a mention or a reference: it looks for those in the rendered text, where no escape is left.
const JOINER: char = '\u{200d}';

/// Text as it may stand in a paragraph, a list or a cell of a table, on one line.
///
/// A backslash makes punctuation plain (`CommonMark` 0.31, 2.4), also where GitHub would make a link of an address; `<` and
/// `&` become entities, which hold also where HTML is let through. `@name`, `#123` and `GH-123` get a joiner of no width.
pub(crate) fn escaped(text: &str) -> String {
    let line = plain::line(text);
    let line = line
        .split(' ')
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let block_mark = block_mark(&line);
    let mut safe = String::with_capacity(line.len());
    for (at, c) in line.char_indices() {
        let rest = &line[at + c.len_utf8()..];
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '\\' | '*' | '_' | '`' | '[' | ']' | '|' | '~' | '$' | '^' => safe.extend(['\\', c]),
            '@' => safe.extend([c, JOINER]),
            '#' if block_mark == Some(at) && rest.starts_with(char::is_alphanumeric) => {
                safe.extend(['\\', c, JOINER]);
            }
            '#' if rest.starts_with(char::is_alphanumeric) => safe.extend([c, JOINER]),
            '-' if ends_with_gh(&line[..at]) => safe.extend([c, JOINER]),
            ':' if rest.starts_with("//") => safe.extend(['\\', c]),
            '.' if ends_with_www(&line[..at]) => safe.extend(['\\', c]),
            _ if block_mark == Some(at) => safe.extend(['\\', c]),
            _ => safe.push(c),
        }
    }
    safe
}

fn ends_with_gh(before: &str) -> bool {
    before.len() >= 2
        && before.is_char_boundary(before.len() - 2)
        && before[before.len() - 2..].eq_ignore_ascii_case("gh")
}

fn ends_with_www(before: &str) -> bool {
    before.len() >= 3
        && before.is_char_boundary(before.len() - 3)
        && before[before.len() - 3..].eq_ignore_ascii_case("www")
}

/// A block of code that nothing in it can end.
pub(crate) fn code_block(text: &str) -> String {
    let text = plain::text(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}\n{text}\n{fence}")
}

/// Where the line begins with what would make it a heading, a quotation, a rule or an item.
fn block_mark(line: &str) -> Option<usize> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &line[digits..];
    let marked = match digits {
        0 => rest.starts_with(['#', '>', '-', '=']) || rest == "+" || rest.starts_with("+ "),
        _ => rest
            .strip_prefix(['.', ')'])
            .is_some_and(|item| item.is_empty() || item.starts_with(' ')),
    };
    marked.then_some(digits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

    use super::*;

    #[test]
    fn what_marks_up_becomes_plain_and_what_does_not_stays() {
        for (text, safe) in [
            (
                "plain, as it is: 3 µs (1) 99.9 %",
                "plain, as it is: 3 µs (1) 99.9 %",
            ),
            ("<b>bold</b> & more", "&lt;b>bold&lt;/b> &amp; more"),
            (
                "*a* _b_ `c` ~~d~~ [e](f)",
                r"\*a\* \_b\_ \`c\` \~\~d\~\~ \[e\](f)",
            ),
            (r"a | b \ c", r"a \| b \\ c"),
            ("# heading", r"\# heading"),
            ("no # heading", "no # heading"),
            ("--binding md5", r"\--binding md5"),
            ("+ item", r"\+ item"),
            ("+14.0 %", "+14.0 %"),
            ("1. item", r"1\. item"),
            ("1.39 measured", "1.39 measured"),
            ("89\u{202f}000 from CPU", "89\u{202f}000 from CPU"),
            ("two\n# lines\r\n\n> of it", "two # lines > of it"),
            ("@team @a/b a@b", "@\u{200d}team @\u{200d}a/b a@\u{200d}b"),
            (
                "#12 a#12 GH-3 # 1",
                "\\#\u{200d}12 a#\u{200d}12 GH-\u{200d}3 # 1",
            ),
            ("at http://h and www.h", r"at http\://h and www\.h"),
            ("a\u{1b}[1m\u{202e}b", "a \\[1m b"),
            ("", ""),
        ] {
            assert_eq!(escaped(text), safe);
        }
    }

    /// What GitHub's Markdown knows beyond `CommonMark`, and footnotes.
    fn parsed(markdown: &str) -> Vec<Event<'_>> {
        Parser::new_ext(markdown, Options::all()).collect()
    }

    /// The text of a page that is nothing but paragraphs or cells of text.
    fn text_of(markdown: &str) -> Result<String, String> {
        let mut text = String::new();
        for event in parsed(markdown) {
            match event {
                Event::Text(part) => text += &part,
                Event::Start(
                    Tag::Paragraph
                    | Tag::Table(_)
                    | Tag::TableHead
                    | Tag::TableRow
                    | Tag::TableCell
                    | Tag::List(None)
                    | Tag::Item,
                )
                | Event::End(
                    TagEnd::Paragraph
                    | TagEnd::Table
                    | TagEnd::TableHead
                    | TagEnd::TableRow
                    | TagEnd::TableCell
                    | TagEnd::List(false)
                    | TagEnd::Item,
                ) => {}
                other => return Err(format!("{other:?} in {markdown:?}")),
            }
        }
        Ok(text)
    }

    /// Text made of what Markdown, HTML and GitHub give a meaning.
    fn active() -> impl Strategy<Value = String> {
        const PARTS: &[&str] = &[
            "@team",
            "@",
            "#12",
            "#",
            "GH-7",
            "gh-1",
            "<!--",
            "-->",
            "<b>",
            "</b>",
            "<script>",
            "<a href=x>",
            "&amp;",
            "&#64;me",
            "&",
            "[a](b)",
            "![a](b)",
            "[a]: b",
            "[^1]",
            "[ ]",
            "- ",
            "+ ",
            "* ",
            "1. ",
            "1) ",
            "> ",
            "---",
            "===",
            "***",
            "```",
            "``",
            "`a`",
            "~~a~~",
            "~",
            "|",
            "||",
            "\\",
            "\n",
            "\r\n",
            "\n\n",
            "\t",
            "    ",
            " ",
            "_a_",
            "**a**",
            "$a$",
            "$$",
            ":::",
            "http://a.b",
            "www.a.b",
            "<http://a>",
            "a@b.c",
            "{#id}",
            "# ",
            "##",
            ": a",
            "\u{1b}[2J",
            "\u{202e}",
            "\u{9b}",
            "\u{85}",
            "\u{2028}",
            "\0",
            "x",
            "é",
            "7",
            "^",
            "=",
            "!",
            "\"",
            "'",
            "...",
            "--",
            "<details>",
            "%",
            "[!NOTE]",
        ];
        proptest::collection::vec(proptest::sample::select(PARTS), 0..12)
            .prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn a_parser_sees_text_and_nothing_else_and_nobody_is_mentioned(label in active()) {
            let safe = escaped(&label);
            prop_assert!(!safe.contains(plain::is_active));
            let shown: String = plain::line(&label).split(' ').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
            for page in [safe.clone(), format!("- {safe}\n"), format!("| a |\n|---|\n| {safe} |\n"), format!("| {safe} |\n|---|\n"), format!("x {safe} y")] {
                let text = text_of(&page).map_err(TestCaseError::fail)?;
                let without = text.replace(JOINER, "");
                // Smart punctuation of the parser, which GitHub does not have, is none of ours.
                prop_assert!(smart(&without).contains(&smart(&shown)), "{without:?} of {label:?}");
                for mark in ['@', '#'] {
                    let mentions = text.split(mark).skip(1).any(|after| after.starts_with(char::is_alphanumeric));
                    prop_assert!(!mentions, "{text:?}");
                }
            }
        }

        #[test]
        fn code_is_one_block_whatever_is_in_it(code in active()) {
            let page = code_block(&code);
            let blocks = parsed(&page).into_iter().filter(|event| !matches!(event, Event::Text(_))).count();
            prop_assert_eq!(blocks, 2, "{}", page);
        }
    }

    /// Without what a parser of smart punctuation changes.
    fn smart(text: &str) -> String {
        text.chars()
            .filter(|c| !"\"'‘’“”-–—.…".contains(*c))
            .collect()
    }

    #[test]
    fn code_cannot_end_its_block() {
        assert_eq!(code_block("a"), "```\na\n```");
        assert_eq!(code_block("```\nb"), "````\n```\nb\n````");
    }
}

//! Text into Markdown, escaped: what a run says of itself is never taken for markup.

/// Text as it may stand in a paragraph, a list or a cell of a table, on one line.
///
/// A backslash makes punctuation plain (`CommonMark` 0.31, 2.4); `<` and `&` become entities, which
/// hold also where HTML is let through.
pub(crate) fn escaped(text: &str) -> String {
    let line = text
        .split(['\n', '\r'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let block_mark = block_mark(&line);
    let mut safe = String::with_capacity(line.len());
    for (at, c) in line.char_indices() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '\\' | '*' | '_' | '`' | '[' | ']' | '|' | '~' => safe.extend(['\\', c]),
            _ if block_mark == Some(at) => safe.extend(['\\', c]),
            _ => safe.push(c),
        }
    }
    safe
}

/// A block of code that nothing in it can end.
pub(crate) fn code_block(text: &str) -> String {
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
            ("", ""),
        ] {
            assert_eq!(escaped(text), safe);
        }
    }

    #[test]
    fn code_cannot_end_its_block() {
        assert_eq!(code_block("a"), "```\na\n```");
        assert_eq!(code_block("```\nb"), "````\n```\nb\n````");
    }
}

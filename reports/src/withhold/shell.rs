//! A command as a person types it for a shell: its words, with what stands between them.

/// A word of a command as typed.
pub(super) struct Token<'a> {
    pub(super) before: &'a str,
    pub(super) raw: &'a str,
    /// Without its quotes.
    pub(super) plain: String,
    pub(super) end: usize,
}

/// The words of a command as typed, with what stands between them. A quote that is not closed ends with the text.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut end = 0;
    loop {
        let rest = &text[end..];
        let blank = rest.len() - rest.trim_start().len();
        let start = end + blank;
        if start == text.len() {
            return tokens;
        }
        let mut plain = String::new();
        let mut quote = None;
        let mut escaped = false;
        let length = text[start..].char_indices().find(|(_, c)| {
            if std::mem::take(&mut escaped) {
                plain.push(*c);
                return false;
            }
            match (quote, *c) {
                (Some('\''), '\'') | (Some('"'), '"') => quote = None,
                (None, '\'' | '"') => quote = Some(*c),
                (None | Some('"'), '\\') => escaped = true,
                (None, c) if c.is_whitespace() => return true,
                (_, c) => plain.push(c),
            }
            false
        });
        let length = length.map_or(text.len() - start, |(at, _)| at);
        tokens.push(Token {
            before: &text[end..start],
            raw: &text[start..start + length],
            plain,
            end: start + length,
        });
        end = start + length;
    }
}

/// A word for a shell; braces of a placeholder and the mark need no quotes.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%{}…".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

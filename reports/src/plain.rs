//! Foreign text, without what a terminal or a page would obey instead of showing.
//!
//! Names, labels, commands and messages of a run may have been written by anybody. Control characters (C0, DEL, C1, and with
//! them every escape sequence) and marks that turn the direction of writing are replaced where text is shown; the run itself
//! keeps what it holds.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Stands in the place of such a character.
const REPLACED: char = '\u{fffd}';

/// Whether a terminal or a browser would obey the character: a control, a mark of writing direction, or a separator that
/// ends a line.
#[must_use]
pub fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// The text with every such character replaced; lines and tabulators stay.
#[must_use]
pub fn text(text: &str) -> Cow<'_, str> {
    let active = |c: char| is_active(c) && c != '\n' && c != '\t';
    if text.contains(active) {
        text.replace(active, REPLACED.encode_utf8(&mut [0; 4]))
            .into()
    } else {
        text.into()
    }
}

/// The same on one line: every such character becomes a space, as what ends a line does.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    if !text.contains(is_active) {
        return text.into();
    }
    text.replace(is_active, " ").into()
}

/// JSON, where such a character only stands inside of a text, with each of them escaped.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    let active = |c: char| is_active(c) && !matches!(c, '\n' | '\t' | '\r');
    if !text.contains(active) {
        return text.into();
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if active(c) {
            // Writing into a String cannot fail.
            let _ = write!(safe, "\\u{:04x}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    safe.into()
}

/// Words as one would type them for a shell.
#[must_use]
pub fn command(words: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%".contains(c);
    let quoted = words.iter().map(|word| {
        if !word.is_empty() && word.chars().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOSTILE: &str = "a\x1b[2J\x1b]0;b\x07c\u{9b}31m\x7f\u{202e}d\u{2066}\r\ne";

    #[test]
    fn escapes_controls_and_turned_writing_are_shown_and_not_obeyed() {
        assert_eq!(text("µs — 3 “ok”\n\tb"), "µs — 3 “ok”\n\tb");
        assert_eq!(text(HOSTILE), "a�[2J�]0;b�c�31m��d��\ne");
        assert_eq!(line(HOSTILE), "a [2J ]0;b c 31m  d   e");
        let quoted = serde_json::to_string(HOSTILE).unwrap();
        assert!(!json(&quoted).contains(is_active));
        assert_eq!(
            serde_json::from_str::<String>(&json(&quoted)).unwrap(),
            HOSTILE
        );
    }

    proptest! {
        #[test]
        fn nothing_active_is_left_of_any_text(any in proptest::collection::vec(any::<char>(), 0..40)) {
            let any: String = any.into_iter().collect();
            prop_assert!(!line(&any).contains(is_active));
            prop_assert!(!text(&any).contains(|c| is_active(c) && c != '\n' && c != '\t'));
            let quoted = serde_json::to_string(&any).unwrap();
            prop_assert_eq!(serde_json::from_str::<String>(&json(&quoted)).unwrap(), any);
        }
    }

    #[test]
    fn a_shell_reads_each_word_as_it_was() {
        let words = ["a/b-c", "hit|miss", "it's", ""].map(str::to_owned);
        assert_eq!(command(&words), r"a/b-c 'hit|miss' 'it'\''s' ''");
    }
}

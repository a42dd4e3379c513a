//! The directionality of a control (WHATWG HTML §3.2.6.4), which `dirname` sends.

use super::document::Document;

/// Whether a control that has this value is written from right to left.
pub(super) fn is_right_to_left(document: &Document, control: usize, value: &str) -> bool {
    if document.is(control, "dir", "auto") {
        return first_strong(value).unwrap_or(false);
    }
    if !has_direction(document, control) && document.is(control, "type", "tel") {
        return false;
    }
    let mut next = Some(control);
    while let Some(node) = next {
        if document.is(node, "dir", "rtl") {
            return true;
        }
        if document.is(node, "dir", "ltr") {
            return false;
        }
        if document.is(node, "dir", "auto") || document.name(node) == "bdi" {
            let is_apart = |below| {
                matches!(
                    document.name(below),
                    "bdi" | "script" | "style" | "textarea"
                ) || has_direction(document, below)
            };
            return first_strong(&document.text(node, is_apart)).unwrap_or(false);
        }
        next = document.parent(node);
    }
    false
}

fn has_direction(document: &Document, node: usize) -> bool {
    ["ltr", "rtl", "auto"]
        .iter()
        .any(|keyword| document.is(node, "dir", keyword))
}

/// Whether the first character of strong direction is of one written from right to left. Blocks
/// stand for the character's bidirectional class (Unicode Standard Annex #9).
fn first_strong(text: &str) -> Option<bool> {
    text.chars().find_map(|c| match c {
        '\u{200e}' => Some(false),
        '\u{200f}' => Some(true),
        '\u{590}'..='\u{8ff}'
        | '\u{fb1d}'..='\u{fdff}'
        | '\u{fe70}'..='\u{feff}'
        | '\u{10800}'..='\u{10fff}'
        | '\u{1e800}'..='\u{1efff}' => c.is_alphabetic().then_some(true),
        _ => c.is_alphabetic().then_some(false),
    })
}

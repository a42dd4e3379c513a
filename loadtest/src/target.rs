//! Request targets as people write them: a path, perhaps with a query, checked before anything is sent.

use std::fmt::Write;

/// A target that no request can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It is no path.
    #[error("a path begins with `/`")]
    NoPath,
    /// A space ends the target in a request (RFC 9112 §3).
    #[error("a path cannot hold a space; write %20")]
    Space,
    /// A control character.
    #[error("a path cannot hold the control character U+{0:04X}; write it percent-encoded")]
    Control(u32),
    /// What follows `#` is never sent (RFC 9110 §7.1).
    #[error("`#` begins a fragment, which is never sent; write %23 for the character")]
    Fragment,
}

/// A path and query as they are sent. Characters beyond ASCII and those that the URL standard encodes in a path
/// and in a query are percent-encoded; what is percent-encoded already stays as it is.
///
/// # Errors
/// It is not a path, or holds what cannot be meant.
pub fn path(text: &str) -> Result<String, TargetError> {
    if text.starts_with('/') {
        encoded(text)
    } else {
        Err(TargetError::NoPath)
    }
}

/// The same for a target that begins with a value which is filled in later.
pub(crate) fn encoded(text: &str) -> Result<String, TargetError> {
    let mut sent = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            ' ' => return Err(TargetError::Space),
            '#' => return Err(TargetError::Fragment),
            control if control.is_ascii_control() => {
                return Err(TargetError::Control(control.into()));
            }
            '"' | '<' | '>' | '`' => encode(character, &mut sent),
            character if character.is_ascii() => sent.push(character),
            character => encode(character, &mut sent),
        }
    }
    Ok(sent)
}

fn encode(character: char, sent: &mut String) {
    for octet in character.encode_utf8(&mut [0; 4]).bytes() {
        let _ = write!(sent, "%{octet:02X}");
    }
}

#[cfg(test)]
mod tests {
    use http::uri::PathAndQuery;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_cannot_be_sent_is_refused_or_encoded() {
        let table = [
            ("/", Ok("/")),
            ("/a%20b?c=%zz", Ok("/a%20b?c=%zz")),
            (
                "/gr\u{f6}\u{df}e?q=\u{20ac}",
                Ok("/gr%C3%B6%C3%9Fe?q=%E2%82%AC"),
            ),
            ("/<a>\"`", Ok("/%3Ca%3E%22%60")),
            ("/{name}|^\\", Ok("/{name}|^\\")),
            ("", Err(TargetError::NoPath)),
            ("a", Err(TargetError::NoPath)),
            ("?x=1", Err(TargetError::NoPath)),
            ("/a b", Err(TargetError::Space)),
            ("/a?b c", Err(TargetError::Space)),
            ("/a\tb", Err(TargetError::Control(9))),
            ("/a\r\nb: c", Err(TargetError::Control(13))),
            ("/\u{7f}", Err(TargetError::Control(127))),
            ("/a#b", Err(TargetError::Fragment)),
        ];
        for (text, expected) in table {
            assert_eq!(path(text), expected.map(str::to_owned), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_a_request_target_as_it_stands(text in "/[\\PC\r\t]{0,20}") {
            if let Ok(sent) = path(&text) {
                let parsed = PathAndQuery::try_from(sent.as_str());
                prop_assert_eq!(parsed.map(|parsed| parsed.as_str().to_owned()).ok(), Some(sent));
            }
        }
    }
}

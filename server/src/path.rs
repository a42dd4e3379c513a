//! The one form of a path, made before a request is routed and before its decision is looked for: two texts that some server
//! takes for one path are one here, or are refused. Keycloak's path cache took them for two.

use std::borrow::Cow;

use crate::bytes;

/// A path that two servers could read in two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ambiguous;

/// The one form of a path (RFC 3986 §6.2.2), borrowed where it is that already. An encoded character that a path can hold as
/// it is is decoded, other escapes are written in capitals; then dot segments are removed and runs of slashes are one. A
/// slash at the end stays: a route is the same with and without it.
///
/// # Errors
/// [`Ambiguous`]: what some servers split, cut or decode once more: an encoded slash, backslash, percent, semicolon,
/// question mark, hash or control character, the same in plain where a path cannot hold it, and a broken escape. Escapes
/// that are not UTF-8 as well: a lax decoder reads a dot in `%C0%AE`.
pub(crate) fn normal(path: &str) -> Result<Cow<'_, str>, Ambiguous> {
    if is_normal(path.as_bytes()) {
        return Ok(Cow::Borrowed(path));
    }
    let decoded = decoded(path)?;
    Ok(Cow::Owned(without_dots(&decoded)))
}

/// Letters, digits and marks that mean nothing, after a slash that no other and no dot follows: what nearly every request has.
fn is_normal(path: &[u8]) -> bool {
    let mut follows_slash = false;
    for &byte in path {
        let is_slash = byte == b'/';
        if !(is_slash || is_plain(byte)) || follows_slash && (is_slash || byte == b'.') {
            return false;
        }
        follows_slash = is_slash;
    }
    path.first() == Some(&b'/')
}

/// What a path can hold as it is (RFC 3986 §3.3, `pchar`), but for the semicolon: some servers cut a path there.
fn is_plain(byte: u8) -> bool {
    static PLAIN: [bool; 256] = bytes::letters_digits_and(b"-._~!$&'()*+,=:@");
    PLAIN[usize::from(byte)]
}

fn decoded(path: &str) -> Result<String, Ambiguous> {
    let mut bytes = path.bytes();
    let mut text = String::with_capacity(path.len());
    // A run of escaped octets beyond ASCII.
    let mut run: Vec<u8> = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            end_of_run(&mut run)?;
        }
        match byte {
            b'%' => {
                let digit = |byte: Option<u8>| byte.and_then(|byte| (byte as char).to_digit(16));
                let (high, low) = (digit(bytes.next()), digit(bytes.next()));
                let (Some(high), Some(low)) = (high, low) else {
                    return Err(Ambiguous);
                };
                let byte = ((high << 4) | low) as u8;
                if byte.is_ascii() {
                    end_of_run(&mut run)?;
                } else {
                    run.push(byte);
                }
                match byte {
                    _ if is_plain(byte) => text.push(byte as char),
                    b'/' | b'\\' | b'%' | b';' | b'?' | b'#' => return Err(Ambiguous),
                    _ if byte.is_ascii_control() => return Err(Ambiguous),
                    _ => {
                        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                        text.push('%');
                        text.push(DIGITS[high as usize] as char);
                        text.push(DIGITS[low as usize] as char);
                    }
                }
            }
            b'/' => text.push('/'),
            _ if is_plain(byte) => text.push(byte as char),
            _ => return Err(Ambiguous),
        }
    }
    end_of_run(&mut run)?;
    if text.starts_with('/') {
        Ok(text)
    } else {
        Err(Ambiguous)
    }
}

/// A run of octets beyond ASCII is UTF-8 (RFC 3629) and holds no control character.
fn end_of_run(run: &mut Vec<u8>) -> Result<(), Ambiguous> {
    let text = std::str::from_utf8(run).map_err(|_| Ambiguous)?;
    if text.contains(char::is_control) {
        return Err(Ambiguous);
    }
    run.clear();
    Ok(())
}

/// RFC 3986 §5.2.4, of a path that begins with a slash; segments that are empty go as well.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    let mut ends_open = false;
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "" | "." => ends_open = is_last,
            ".." => {
                kept.pop();
                ends_open = is_last;
            }
            _ => kept.push(segment),
        }
    }
    let mut text = String::with_capacity(path.len());
    for segment in &kept {
        text.push('/');
        text.push_str(segment);
    }
    if ends_open || kept.is_empty() {
        text.push('/');
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_servers_take_for_one_path_is_one() {
        for (path, one) in [
            ("/items", "/items"),
            ("/items/", "/items/"),
            ("/%69tems", "/items"),
            ("/items/%7Ejohn", "/items/~john"),
            ("/items//7", "/items/7"),
            ("//items", "/items"),
            ("/a/../items", "/items"),
            ("/a/%2e%2E/items", "/items"),
            ("/./items/.", "/items/"),
            ("/..", "/"),
            ("/", "/"),
            ("/items/a%20b%c3%a4", "/items/a%20b%C3%A4"),
            ("/items/.hidden", "/items/.hidden"),
            ("/items/%40", "/items/@"),
        ] {
            assert_eq!(normal(path).as_deref(), Ok(one), "{path}");
        }
        assert!(matches!(normal("/items/7"), Ok(Cow::Borrowed(_))));
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for path in [
            "",
            "items",
            "/a%2fb",
            "/a%5cb",
            "/a\\b",
            "/a;b",
            "/a%3Bb",
            "/a%00",
            "/a%0a",
            "/a%7f",
            "/a%25",
            "/a%",
            "/a%4",
            "/a%4g",
            "/a%+4",
            "/a?b",
            "/a#b",
            "/a%3f",
            "/\u{e4}",
            "/a b",
            "/a%c0%ae",
            "/%C0%AE%C0%AE/a",
            "/a%ff",
            "/a%c3",
            "/a%c3/%a4",
            "/a%c3x%a4",
            "/%a4",
            "/%ed%a0%80",
            "/%f4%90%80%80",
            "/%e4",
            "/a%c2%85",
            "/a{b}",
            "/a%c3%2fa4",
        ] {
            assert_eq!(normal(path), Err(Ambiguous), "{path}");
        }
    }

    /// A character of a path, as a client may write it: itself, or its octets escaped in digits of either case.
    fn spelled() -> impl Strategy<Value = (String, String)> {
        let character = prop_oneof![
            prop::sample::select(vec![
                'a', 'Z', '7', '-', '~', '@', '*', ' ', '"', '{', '}', '|'
            ]),
            prop::sample::select(vec!['\u{e4}', '\u{20ac}', '\u{1f600}', '\u{fffd}']),
        ];
        let writing = (any::<bool>(), any::<u16>());
        (character, writing).prop_map(|(character, (escaped, cases))| {
            let mut octets = [0; 4];
            let (mut plain, mut text) = (String::new(), String::new());
            for (i, octet) in character.encode_utf8(&mut octets).bytes().enumerate() {
                if is_plain(octet) && !escaped {
                    text.push(octet as char);
                } else {
                    let digits = format!("{octet:02x}");
                    for (j, digit) in digits.chars().enumerate() {
                        text.push_str(if j == 0 { "%" } else { "" });
                        let upper = cases >> (2 * i + j) & 1 == 1;
                        text.push(if upper {
                            digit.to_ascii_uppercase()
                        } else {
                            digit
                        });
                    }
                }
                if is_plain(octet) {
                    plain.push(octet as char);
                } else {
                    let escape = format!("%{octet:02X}");
                    plain.push_str(&escape);
                }
            }
            (plain, text)
        })
    }

    proptest! {
        /// However a client writes a path, its form is one: escapes or not, in digits of either case, with dot segments and
        /// runs of slashes between.
        #[test]
        fn every_spelling_of_a_path_has_the_same_form(
            segments in prop::collection::vec(prop::collection::vec(spelled(), 1..5), 1..5),
            between in prop::collection::vec(
                prop::sample::select(vec!["/", "//", "/./", "/%2e/", "/x/../", "/%2E%2e/"]), 5
            ),
        ) {
            let (mut plain, mut text) = (String::new(), String::new());
            for (i, (segment, between)) in segments.iter().zip(&between).enumerate() {
                // A step up from the root goes nowhere; further down it would take a segment away.
                let between = if i > 0 && between.starts_with("/%2E") { "/" } else { between };
                text.push_str(between);
                plain.push('/');
                for (one, another) in segment {
                    plain.push_str(one);
                    text.push_str(another);
                }
            }
            prop_assert_eq!(normal(&plain), Ok(Cow::Borrowed(&*plain)));
            prop_assert_eq!(normal(&text), Ok(Cow::Borrowed(&*plain)), "{}", &text);
        }

        /// One form is one form: made again it stays, and no text of it is longer than what it came from.
        #[test]
        fn a_form_is_its_own_form(path in "(/|[a-z.]|%2[0-9a-fA-F]|%[4-7][0-9a-fA-F]|\\.\\.){0,12}") {
            if let Ok(form) = normal(&path) {
                prop_assert!(form.len() <= path.len());
                prop_assert_eq!(normal(&form), Ok(form.clone()));
                prop_assert!(!form.split('/').any(|segment| segment == ".." || segment == "."));
                prop_assert!(!form.contains("//"));
            }
        }
    }
}

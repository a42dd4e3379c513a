//! The one form of an account's name, so that two accounts never look the same because of how a name was typed.
//!
//! The rule follows RFC 8265 §3.4 (`UsernameCasePreserved`): full-width and half-width characters become ordinary ones,
//! the text is put into Unicode normal form C, and what is left consists of letters, digits, marks and visible ASCII
//! (the `IdentifierClass` of RFC 8264 §4.2), with single spaces between words. Controls, invisible and formatting
//! characters, private use, unassigned code points, symbols and compatibility characters are refused. So are the few
//! characters that RFC 5892 allows in some contexts only. Upper and lower case are different names, and letters of
//! different scripts that look alike (Latin `a`, Cyrillic `а`) are not merged: RFC 8264 §12.5 leaves both to the operator.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{BidiClass, DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

use super::fits_into_a_path;

const MOST_CHARACTERS: usize = 64;

/// The name as it is kept and compared; `None` for a text that no account can be called.
pub(crate) fn normal(typed: &str) -> Option<Cow<'_, str>> {
    if is_plain(typed) {
        return Some(Cow::Borrowed(typed));
    }
    let name = if typed.is_ascii() {
        Cow::Borrowed(typed)
    } else {
        composed(typed)
    };
    fits(&name).then_some(name)
}

/// The name as it is looked for: in its normal form, or as it was typed where it has none and so names no account.
pub(crate) fn called(typed: &str) -> Cow<'_, str> {
    normal(typed).unwrap_or(Cow::Borrowed(typed))
}

/// A name in ASCII, for a message: what cannot be seen would not be found.
pub(crate) fn escaped(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        if c == ' ' || c.is_ascii_graphic() {
            text.push(c);
        } else {
            text.extend(c.escape_unicode());
        }
    }
    text
}

fn composed(typed: &str) -> Cow<'_, str> {
    let composing = ComposingNormalizerBorrowed::new_nfc();
    let is_wide = |c: char| matches!(c, '\u{3000}' | '\u{ff01}'..='\u{ffee}');
    if !typed.contains(is_wide) {
        return composing.normalize(typed);
    }
    // Every character with a <wide> or <narrow> mapping is one of these.
    let compatible = ComposingNormalizerBorrowed::new_nfkc();
    let mut narrow = String::with_capacity(typed.len());
    for c in typed.chars() {
        if is_wide(c) {
            narrow.push_str(&compatible.normalize(c.encode_utf8(&mut [0; 4])));
        } else {
            narrow.push(c);
        }
    }
    Cow::Owned(composing.normalize(&narrow).into_owned())
}

/// Letters, digits and hyphens alone, which mean nothing anywhere: what nearly every name is made of.
fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=MOST_CHARACTERS).contains(&name.len()) && name.bytes().all(plain)
}

/// RFC 7617 §2 splits a name from its password at the first colon, a path names an account to administrators, and a
/// header's value loses the spaces around it (RFC 9110 §5.5).
fn fits(name: &str) -> bool {
    let characters = name.chars().count();
    (1..=MOST_CHARACTERS).contains(&characters)
        && !name.contains(':')
        && fits_into_a_path(name)
        && name.split(' ').all(|word| !word.is_empty())
        && (name.chars().all(|c| c == ' ' || c.is_ascii_graphic()) || fits_beyond_ascii(name))
}

fn fits_beyond_ascii(name: &str) -> bool {
    let first_is_letter = !name.chars().next().is_some_and(is_mark);
    let digits = |from, to| name.chars().any(|c| (from..=to).contains(&c));
    // RFC 5892 A.8 and A.9: digits of one kind.
    let mixed_digits = digits('\u{660}', '\u{669}') && digits('\u{6f0}', '\u{6f9}');
    first_is_letter
        && !mixed_digits
        && name.chars().all(is_identifier)
        && ComposingNormalizerBorrowed::new_nfkc().is_normalized(name)
        && reads_in_one_direction(name)
}

fn is_mark(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    matches!(
        category,
        GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark
    )
}

/// `IdentifierClass`, and the space between words.
fn is_identifier(c: char) -> bool {
    if c.is_ascii() {
        return c == ' ' || c.is_ascii_graphic();
    }
    let exception = matches!(
        c,
        '\u{640}' | '\u{7fa}' | '\u{302e}' | '\u{302f}' | '\u{3031}'..='\u{3035}' | '\u{303b}'
    );
    let old_jamo = matches!(
        c,
        '\u{1100}'..='\u{11ff}' | '\u{a960}'..='\u{a97f}' | '\u{d7b0}'..='\u{d7ff}'
    );
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    let letter_or_digit = is_mark(c)
        || matches!(
            category,
            GeneralCategory::UppercaseLetter
                | GeneralCategory::LowercaseLetter
                | GeneralCategory::OtherLetter
                | GeneralCategory::ModifierLetter
                | GeneralCategory::DecimalNumber
        );
    letter_or_digit
        && !exception
        && !old_jamo
        && !CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// The rule of RFC 5893 §2 for the whole name: letters that are shown in another order than they are typed look like
/// another name.
fn reads_in_one_direction(name: &str) -> bool {
    let class = |c| CodePointMapData::<BidiClass>::new().get(c);
    let has = |wanted: BidiClass| name.chars().any(|c| class(c) == wanted);
    let (hebrew, arabic) = (BidiClass::RightToLeft, BidiClass::ArabicLetter);
    let (here, there) = (BidiClass::EuropeanNumber, BidiClass::ArabicNumber);
    if !(has(hebrew) || has(arabic) || has(there)) {
        return true;
    }
    let mut classes = name.chars().map(class);
    let starts = classes
        .next()
        .is_some_and(|first| first == hebrew || first == arabic);
    let last = name
        .chars()
        .rev()
        .map(class)
        .find(|class| *class != BidiClass::NonspacingMark);
    let ends = last.is_some_and(|last| [hebrew, arabic, here, there].contains(&last));
    starts && ends && !has(BidiClass::LeftToRight) && !(has(here) && has(there))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_name_are_one_name() {
        for (typed, name) in [
            ("john", "john"),
            ("John Smith", "John Smith"),
            ("jos\u{e9}", "jos\u{e9}"),
            ("jose\u{301}", "jos\u{e9}"),
            ("\u{212b}ngstr\u{f6}m", "\u{c5}ngstr\u{f6}m"),
            ("\u{ff4a}\u{ff4f}\u{ff48}\u{ff4e}", "john"),
            ("\u{ff76}\u{ff9e}", "\u{30ac}"),
            ("\u{1100}\u{1161}", "\u{ac00}"),
            ("\u{5d0}\u{5d1}1", "\u{5d0}\u{5d1}1"),
            ("\u{5f20}\u{4e09}", "\u{5f20}\u{4e09}"),
            ("mary@example.com", "mary@example.com"),
        ] {
            assert_eq!(normal(typed).as_deref(), Some(name), "{}", escaped(typed));
        }
    }

    #[test]
    fn a_name_with_what_cannot_be_seen_or_told_apart_is_none() {
        for typed in [
            "",
            " john",
            "john ",
            "john  smith",
            "a:b",
            "a\u{ff1a}b",
            "a/b",
            ".",
            "..",
            "jo\u{200b}hn",
            "jo\u{200d}hn",
            "jo\u{feff}hn",
            "jo\u{ad}hn",
            "jo\u{2060}hn",
            "jo\u{202e}hn",
            "jo\u{a0}hn",
            "jo\u{3000}\u{3000}hn",
            "jo\u{7f}hn",
            "jo\u{85}hn",
            "jo\nhn",
            "jo\u{fe0f}hn",
            "jo\u{34f}hn",
            "jo\u{115f}hn",
            "jo\u{3164}hn",
            "jo\u{e000}hn",
            "jo\u{378}hn",
            "jo\u{fffe}hn",
            "jo\u{fffd}hn",
            "jo\u{2028}hn",
            "\u{301}john",
            "\u{fb01}n",
            "x\u{b2}",
            "\u{2460}",
            "j\u{f6}hn\u{1f600}",
            "\u{5d0}john",
            "john\u{5d0}",
            "\u{661}\u{6f1}",
            "ab\u{640}",
            &"x".repeat(65),
            &"\u{e9}".repeat(65),
        ] {
            assert_eq!(normal(typed), None, "{}", escaped(typed));
        }
    }

    proptest! {
        #[test]
        fn a_name_in_its_normal_form_stays_as_it_is(typed in "\\PC{1,12}") {
            if let Some(name) = normal(&typed) {
                let again = normal(&name);
                prop_assert_eq!(again.as_deref(), Some(&*name));
            }
        }

        #[test]
        fn what_differs_in_normal_form_alone_is_one_name(typed in "[a-z\u{e0}-\u{f6}\u{1e00}-\u{1e99}\u{ac00}-\u{ac80}]{1,8}") {
            let nfd = icu_normalizer::DecomposingNormalizerBorrowed::new_nfd().normalize(&typed);
            prop_assert_eq!(normal(&typed), normal(&nfd));
            prop_assert!(normal(&nfd).is_some(), "{}", escaped(&typed));
        }
    }
}

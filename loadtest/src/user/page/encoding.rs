//! A page's character encoding (WHATWG HTML §13.2.3): its forms are sent in it.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};

use super::document::{Document, TooLarge};

/// How much of a page is searched for its declaration before it is decoded.
const PRESCAN_BYTES: usize = 1024;

/// The `charset` parameter of a `Content-Type`.
pub(super) fn of_content_type(value: &str) -> Option<&'static Encoding> {
    value.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        let value = value.trim().trim_matches('"');
        is_charset.then(|| Encoding::for_label(value.as_bytes()))?
    })
}

/// Decodes and parses a page: by its byte order mark, else by the `charset` of its `Content-Type`, else
/// by its `<meta>`, else as windows-1252, which the standard suggests and Chromium takes.
pub(super) fn parse(
    body: &[u8],
    declared: Option<&'static Encoding>,
) -> Result<(Document, &'static Encoding), TooLarge> {
    if let Some((encoding, mark)) = Encoding::for_bom(body) {
        let text = encoding.decode_without_bom_handling(&body[mark..]).0;
        return Ok((Document::parse(&text)?, encoding));
    }
    let certain = declared.or_else(|| prescan(&body[..body.len().min(PRESCAN_BYTES)]));
    let decoded = |encoding: &'static Encoding| {
        let document = Document::parse(&encoding.decode_without_bom_handling(body).0)?;
        Ok((document, encoding))
    };
    if let Some(encoding) = certain {
        return decoded(encoding);
    }
    // A declaration after the part that is searched makes a browser decode the page again.
    let (document, _) = decoded(WINDOWS_1252)?;
    match of_meta(&document) {
        Some(encoding) if encoding != WINDOWS_1252 => decoded(encoding),
        _ => Ok((document, WINDOWS_1252)),
    }
}

fn of_meta(document: &Document) -> Option<&'static Encoding> {
    let mut metas = document
        .elements()
        .filter(|node| document.name(*node) == "meta");
    metas.find_map(|meta| {
        if let Some(label) = document.attribute(meta, "charset") {
            return declared(label.as_bytes());
        }
        let content = document.attribute(meta, "content")?;
        let is_type = document.is(meta, "http-equiv", "content-type");
        is_type.then(|| within_content(content.as_bytes()))?
    })
}

/// An encoding as a `<meta>` may declare it: what is written in UTF-16 cannot be read there.
fn declared(label: &[u8]) -> Option<&'static Encoding> {
    let encoding = Encoding::for_label(label)?;
    Some(if encoding == X_USER_DEFINED {
        WINDOWS_1252
    } else if encoding == UTF_16BE || encoding == UTF_16LE {
        UTF_8
    } else {
        encoding
    })
}

/// "Prescan a byte stream to determine its encoding" (WHATWG HTML §13.2.3.2).
fn prescan(bytes: &[u8]) -> Option<&'static Encoding> {
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        if rest.starts_with(b"<!--") {
            // The two dashes of the beginning may be those of the end.
            at += 2 + find(&rest[2..], b"-->")? + 3;
        } else if starts_tag(rest, b"<meta") {
            at += 5;
            if let Some(encoding) = prescan_meta(bytes, &mut at) {
                return Some(encoding);
            }
        } else if is_tag(rest) {
            let end = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'>';
            at += rest.iter().position(end)?;
            while attribute(bytes, &mut at).is_some() {}
        } else if rest.len() > 1 && rest[0] == b'<' && matches!(rest[1], b'!' | b'/' | b'?') {
            at += rest.iter().position(|byte| *byte == b'>')? + 1;
        } else {
            at += 1;
        }
    }
    None
}

fn prescan_meta(bytes: &[u8], at: &mut usize) -> Option<&'static Encoding> {
    let (mut of_content, mut of_charset) = (None, None);
    let mut is_pragma = false;
    let mut seen: Vec<Vec<u8>> = Vec::new();
    while let Some((name, value)) = attribute(bytes, at) {
        if seen.contains(&name) {
            continue;
        }
        match name.as_slice() {
            b"http-equiv" => is_pragma = value == b"content-type",
            b"content" if of_content.is_none() => of_content = within_content(&value),
            b"charset" => of_charset = Some(declared(&value)),
            _ => {}
        }
        seen.push(name);
    }
    match of_charset {
        Some(encoding) => encoding,
        None => of_content.filter(|_| is_pragma),
    }
}

fn find(within: &[u8], wanted: &[u8]) -> Option<usize> {
    within
        .windows(wanted.len())
        .position(|window| window == wanted)
}

fn starts_tag(rest: &[u8], tag: &[u8]) -> bool {
    rest.len() > tag.len()
        && rest[..tag.len()].eq_ignore_ascii_case(tag)
        && (rest[tag.len()].is_ascii_whitespace() || rest[tag.len()] == b'/')
}

fn is_tag(rest: &[u8]) -> bool {
    let after = rest.strip_prefix(b"<");
    let after = after.map(|after| after.strip_prefix(b"/").unwrap_or(after));
    after.is_some_and(|after| after.first().is_some_and(u8::is_ascii_alphabetic))
}

/// "Get an attribute": its name and value in lower case; none at the tag's end.
fn attribute(bytes: &[u8], at: &mut usize) -> Option<(Vec<u8>, Vec<u8>)> {
    let next = |at: usize| bytes.get(at).copied();
    while next(*at).is_some_and(|byte| byte.is_ascii_whitespace() || byte == b'/') {
        *at += 1;
    }
    if next(*at)? == b'>' {
        return None;
    }
    let mut name = Vec::new();
    loop {
        match next(*at)? {
            b'=' if !name.is_empty() => break,
            b'/' | b'>' => return Some((name, Vec::new())),
            byte if byte.is_ascii_whitespace() => break,
            byte => name.push(byte.to_ascii_lowercase()),
        }
        *at += 1;
    }
    while next(*at)?.is_ascii_whitespace() {
        *at += 1;
    }
    if next(*at)? != b'=' {
        return Some((name, Vec::new()));
    }
    *at += 1;
    while next(*at)?.is_ascii_whitespace() {
        *at += 1;
    }
    let mut value = Vec::new();
    let quote = next(*at).filter(|byte| matches!(byte, b'"' | b'\''));
    *at += usize::from(quote.is_some());
    loop {
        let byte = next(*at)?;
        if quote == Some(byte) {
            *at += 1;
            break;
        }
        if quote.is_none() && (byte.is_ascii_whitespace() || byte == b'>') {
            break;
        }
        value.push(byte.to_ascii_lowercase());
        *at += 1;
    }
    Some((name, value))
}

/// "Extracting a character encoding from a meta element": of `text/html; charset=…`.
fn within_content(content: &[u8]) -> Option<&'static Encoding> {
    let lower = content.to_ascii_lowercase();
    let mut rest = &lower[..];
    loop {
        rest = &rest[find(rest, b"charset")? + b"charset".len()..];
        rest = rest.trim_ascii_start();
        if let Some(value) = rest.strip_prefix(b"=") {
            rest = value.trim_ascii_start();
            break;
        }
    }
    let value = if let quote @ (b'"' | b'\'') = rest.first()? {
        let end = rest[1..].iter().position(|byte| byte == quote)?;
        &rest[1..=end]
    } else {
        let end = |byte: &u8| byte.is_ascii_whitespace() || *byte == b';';
        &rest[..rest.iter().position(end).unwrap_or(rest.len())]
    };
    declared(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pages_encoding_is_found_as_the_standard_says() {
        let cases: &[(Option<&str>, &[u8], &str)] = &[
            (None, b"<p>", "windows-1252"),
            (
                Some("text/html; charset=utf-8"),
                b"<meta charset=latin1>",
                "UTF-8",
            ),
            (Some("text/html;CHARSET=\"Shift_JIS\""), b"", "Shift_JIS"),
            (
                Some("text/html; charset=latin1"),
                b"\xef\xbb\xbf<p>",
                "UTF-8",
            ),
            (None, b"\xff\xfe<\0p\0>\0", "UTF-16LE"),
            (None, b"<meta charset=utf-8>", "UTF-8"),
            (None, b"<META CharSet = 'UTF-8' >", "UTF-8"),
            (None, b"<meta charset=utf-16>", "UTF-8"),
            (None, b"<meta charset=x-user-defined>", "windows-1252"),
            (
                None,
                b"<meta charset=nonsense><meta charset=koi8-r>",
                "KOI8-R",
            ),
            (
                None,
                b"<!-- <meta charset=utf-8> --><meta charset=gbk>",
                "GBK",
            ),
            (None, b"<!--><meta charset=utf-8>", "UTF-8"),
            (None, b"<metadata charset=utf-8>", "windows-1252"),
            (None, b"<p title='<meta charset=utf-8>'>", "windows-1252"),
            (
                None,
                b"<meta http-equiv=Content-Type content='text/html; charset=euc-jp'>",
                "EUC-JP",
            ),
            (
                None,
                b"<meta content='text/html; charset=\"big5\"' http-equiv=content-type>",
                "Big5",
            ),
            (
                None,
                b"<meta content='text/html; charset=utf-8'>",
                "windows-1252",
            ),
        ];
        for (content_type, body, encoding) in cases {
            let declared = content_type.and_then(of_content_type);
            let found = parse(body, declared)
                .ok()
                .map(|(_, encoding)| encoding.name());
            assert_eq!(found, Some(*encoding), "{}", String::from_utf8_lossy(body));
        }
        let late = format!("{}<meta charset=utf-8>", " ".repeat(PRESCAN_BYTES));
        let found = parse(late.as_bytes(), None).ok();
        assert_eq!(found.map(|(_, encoding)| encoding), Some(UTF_8));
    }
}

//! The forms of a request: what is sent is what stands here, octet for octet.

use authlab_loadtest::caller::Head;

use crate::contract::Contract;
use crate::history::Form;

/// A name that no server has (RFC 6761).
const OTHER_HOST: &str = "authlab-check.invalid";
/// An address that no client has (RFC 5737).
const OTHER_ADDRESS: &str = "203.0.113.9";
/// A credential that no server has issued.
const INVALID: &str = "Bearer authlab-check.invalid.credential";
/// A shorter text is no token.
const LEAST_TOKEN: usize = 16;
/// How far from its end, or beginning, a token is changed: its last characters may encode bits that count for nothing.
const INSIDE: usize = 8;
/// What a long token has more.
const LONG: usize = 6_000;

/// What a form is made of besides the request itself.
pub(crate) struct Around<'a> {
    pub(crate) contract: &'a Contract,
    /// The values that the principal got by signing in.
    pub(crate) tokens: &'a [String],
    /// The same request of the next principal.
    pub(crate) other: Option<&'a Head>,
    /// A target to which the principal has a right, or anyone.
    pub(crate) permitted: Option<&'a str>,
    /// Whether the credential is in the body, which asks for a decision about it.
    pub(crate) asks_about: bool,
}

/// The request in its form; nothing where it has no such form.
pub(crate) fn vary(head: &Head, form: Form, around: &Around<'_>) -> Option<Head> {
    let mut varied = head.clone();
    match form {
        Form::AsIs => return Some(varied),
        Form::Head if head.method == "GET" => "HEAD".clone_into(&mut varied.method),
        Form::Head => return None,
        Form::LowerMethod => varied.method = head.method.to_ascii_lowercase(),
        Form::Options => "OPTIONS".clone_into(&mut varied.method),
        Form::UnknownMethod => "AUTHLAB".clone_into(&mut varied.method),
        Form::OtherHost => put(&mut varied, "host", OTHER_HOST),
        Form::NoHost => varied.headers.retain(|(name, _)| name != "host"),
        Form::TwoHosts => {
            let at = position(head, "host")?;
            let other = ("host".to_owned(), OTHER_HOST.into());
            varied.headers.insert(at + 1, other);
        }
        Form::HeaderCase => {
            for (name, _) in &mut varied.headers {
                name.make_ascii_uppercase();
            }
        }
        Form::SecondCredential | Form::FirstCredential => {
            let at = position(head, "authorization")?;
            let at = if form == Form::FirstCredential {
                at
            } else {
                at + 1
            };
            varied
                .headers
                .insert(at, ("authorization".to_owned(), INVALID.into()));
        }
        Form::TwoPrincipals => {
            let theirs = around.other?.headers.iter();
            let carries = |name: &str| name == "authorization" || name == "cookie";
            let theirs: Vec<_> = theirs.filter(|(name, _)| carries(name)).cloned().collect();
            if theirs.is_empty() {
                return None;
            }
            varied.headers.extend(theirs);
        }
        Form::TokenTail | Form::TokenHead | Form::TokenCut | Form::TokenLong => {
            token(&mut varied, form, around.tokens, around.asks_about)?;
        }
        Form::NoCredential => {
            let before = varied.headers.len();
            varied
                .headers
                .retain(|(name, value)| !is_credential(name, value, around.tokens));
            if varied.headers.len() == before {
                return None;
            }
        }
        Form::OtherTenant => {
            let (name, value) = around.contract.tenant.as_ref()?;
            put(&mut varied, name, value);
        }
        Form::OtherSender => {
            let (name, value) = around.contract.sender.as_ref()?;
            put(&mut varied, name, value);
        }
        Form::NoCache => put(&mut varied, "cache-control", "no-cache"),
        Form::Accept => put(&mut varied, "accept", "text/plain"),
        Form::Range => put(&mut varied, "range", "bytes=0-0"),
        Form::IfNoneMatch => put(&mut varied, "if-none-match", "*"),
        Form::ForwardedFor => put(&mut varied, "x-forwarded-for", OTHER_ADDRESS),
        Form::ForwardedUnknown => put(&mut varied, "x-forwarded-for", "unknown"),
        Form::OriginalUri => {
            let uri = around.permitted?;
            for name in [
                "x-original-uri",
                "x-forwarded-uri",
                "x-original-url",
                "x-rewrite-url",
            ] {
                put(&mut varied, name, uri);
            }
        }
        Form::OriginalMethod => {
            let method = if head.method == "GET" {
                "OPTIONS"
            } else {
                "GET"
            };
            for name in [
                "x-original-method",
                "x-forwarded-method",
                "x-http-method-override",
            ] {
                put(&mut varied, name, method);
            }
        }
        _ => varied.target = target(&head.target, form)?,
    }
    (varied != *head).then_some(varied)
}

/// A target in its form; nothing where it has no such form.
fn target(whole: &str, form: Form) -> Option<String> {
    let (path, query) = match whole.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (whole, None),
    };
    let (folder, last) = last_segment(path)?;
    let path = match form {
        Form::QueryAdded => return Some(with_query(whole, "authlab-more=1")),
        Form::QueryOrder => {
            let mut pairs: Vec<_> = query?.split('&').collect();
            pairs.reverse();
            return Some(format!("{path}?{}", pairs.join("&")));
        }
        Form::UpperCase => path.to_ascii_uppercase(),
        Form::OtherCase => {
            let at = last.find(|c: char| c.is_ascii_alphabetic())?;
            let letter = last.get(at..=at)?;
            let other = if letter.chars().all(|c| c.is_ascii_uppercase()) {
                letter.to_ascii_lowercase()
            } else {
                letter.to_ascii_uppercase()
            };
            format!("{folder}{}{other}{}", last.get(..at)?, last.get(at + 1..)?)
        }
        Form::TrailingSlash => match path.strip_suffix('/') {
            Some("") => return None,
            Some(without) => without.to_owned(),
            None => format!("{path}/"),
        },
        Form::DoubleSlash => format!("{folder}/{last}"),
        Form::Dot => format!("/.{path}"),
        Form::DotDot => format!("/authlab/..{path}"),
        Form::EncodedDotDot => format!("/authlab/%2e%2e{path}"),
        Form::UpperEncodedDotDot => format!("/authlab/%2E%2E{path}"),
        Form::OverlongDotDot => format!("/authlab/%c0%ae%c0%ae{path}"),
        Form::EncodedLetter => letter(folder, last, |byte| format!("%{byte:02X}"))?,
        Form::DoubleEncoded => letter(folder, last, |byte| format!("%25{byte:02X}"))?,
        Form::HexCase => hex_case(path)?,
        Form::EncodedSlash => {
            let folder = folder
                .strip_suffix('/')
                .filter(|folder| !folder.is_empty())?;
            format!("{folder}%2F{last}")
        }
        Form::Matrix => format!("{path};authlab=1"),
        Form::Semicolon => format!("{path};"),
        _ => return None,
    };
    Some(match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    })
}

/// A path with one more query parameter.
pub(crate) fn with_query(target: &str, pair: &str) -> String {
    let sign = if target.contains('?') { '&' } else { '?' };
    format!("{target}{sign}{pair}")
}

/// The last segment that is not empty, with what comes after it; and what comes before it, with its slash.
fn last_segment(path: &str) -> Option<(&str, &str)> {
    let trimmed = path.trim_end_matches('/');
    let slash = trimmed.rfind('/')?;
    Some(path.split_at(slash + 1))
}

/// A path whose last segment has its first letter encoded.
fn letter(folder: &str, last: &str, encoded: impl Fn(u8) -> String) -> Option<String> {
    let at = last.find(|c: char| c.is_ascii_alphabetic())?;
    // Within `%2F` it is no letter.
    if last.get(..at)?.contains('%') {
        return None;
    }
    let byte = *last.as_bytes().get(at)?;
    Some(format!(
        "{folder}{}{}{}",
        last.get(..at)?,
        encoded(byte),
        last.get(at + 1..)?
    ))
}

/// A path with its percent-encodings in the other case.
fn hex_case(path: &str) -> Option<String> {
    let mut parts = path.split('%');
    let mut other = parts.next()?.to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        let is_upper = digits.bytes().any(|byte| byte.is_ascii_uppercase());
        let digits = if is_upper {
            digits.to_ascii_lowercase()
        } else {
            digits.to_ascii_uppercase()
        };
        other.push('%');
        other.push_str(&digits);
        other.push_str(rest);
    }
    Some(other)
}

fn position(head: &Head, wanted: &str) -> Option<usize> {
    head.headers.iter().position(|(name, _)| name == wanted)
}

fn put(head: &mut Head, name: &str, value: &str) {
    match position(head, name) {
        Some(at) => {
            if let Some((_, there)) = head.headers.get_mut(at) {
                *there = value.into();
            }
        }
        None => head.headers.push((name.to_owned(), value.into())),
    }
}

/// Whether a header carries the credential.
fn is_credential(name: &str, value: &[u8], tokens: &[String]) -> bool {
    let has = |token: &String| {
        value
            .windows(token.len().max(1))
            .any(|part| part == token.as_bytes())
    };
    ["authorization", "cookie", "dpop"].contains(&name)
        || tokens
            .iter()
            .any(|token| token.len() >= LEAST_TOKEN && has(token))
}

/// Changes the tokens wherever they stand. Nothing where a header would keep a credential that is valid; that of a service which
/// asks about a token in the body stays.
fn token(head: &mut Head, form: Form, tokens: &[String], asks_about: bool) -> Option<()> {
    let mut tokens: Vec<_> = tokens
        .iter()
        .filter(|token| token.len() >= LEAST_TOKEN)
        .collect();
    tokens.sort_by_key(|token| std::cmp::Reverse(token.len()));
    tokens.dedup();
    let mut changes_any = false;
    let headers = head.headers.iter_mut();
    let places = headers.map(|(name, value)| (&**name, value));
    let body = asks_about.then_some(("", &mut head.body));
    for (name, value) in places.chain(body) {
        let text = str::from_utf8(value).ok()?;
        let token = tokens.iter().find(|token| text.contains(token.as_str()));
        let Some(token) = token else {
            if !asks_about && ["authorization", "cookie"].contains(&name) {
                return None;
            }
            continue;
        };
        let other = match form {
            Form::TokenTail => changed(token, token.len() - INSIDE)?,
            Form::TokenHead => changed(token, INSIDE)?,
            Form::TokenCut => token.get(..token.len() - INSIDE)?.to_owned(),
            _ => format!("{token}{}", "A".repeat(LONG)),
        };
        *value = text.replace(token.as_str(), &other).into_bytes();
        changes_any = true;
    }
    changes_any.then_some(())
}

/// A token with another character at one place.
fn changed(token: &str, at: usize) -> Option<String> {
    let there = token.get(at..=at)?;
    let other = if there == "A" { "B" } else { "A" };
    Some(format!(
        "{}{other}{}",
        token.get(..at)?,
        token.get(at + 1..)?
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_target_has_its_forms() {
        let table = [
            ("/a/items", Form::TrailingSlash, Some("/a/items/")),
            ("/a/items/", Form::TrailingSlash, Some("/a/items")),
            ("/", Form::TrailingSlash, None),
            (
                "/a/items?x=1&y=2",
                Form::QueryOrder,
                Some("/a/items?y=2&x=1"),
            ),
            ("/a/items", Form::QueryOrder, None),
            (
                "/a/items?x=1",
                Form::QueryAdded,
                Some("/a/items?x=1&authlab-more=1"),
            ),
            ("/a/items/?x=1", Form::DoubleSlash, Some("/a//items/?x=1")),
            ("/a/items", Form::EncodedSlash, Some("/a%2Fitems")),
            ("/items", Form::EncodedSlash, None),
            ("/a/items", Form::EncodedLetter, Some("/a/%69tems")),
            ("/a/items", Form::DoubleEncoded, Some("/a/%2569tems")),
            ("/a/b%2Fc", Form::HexCase, Some("/a/b%2fc")),
            ("/a/b%2fc%2e", Form::HexCase, Some("/a/b%2Fc%2E")),
            ("/a/items", Form::OtherCase, Some("/a/Items")),
            ("/a/1", Form::OtherCase, None),
            ("/a?x", Form::Matrix, Some("/a;authlab=1?x")),
        ];
        for (whole, form, wanted) in table {
            assert_eq!(target(whole, form).as_deref(), wanted, "{whole} {form:?}");
        }
    }

    #[test]
    fn a_changed_token_differs_in_one_place() {
        let token = "abcdefghijklmnopqrstuvwxyz";
        for (form, wanted) in [
            (Form::TokenTail, "abcdefghijklmnopqrAtuvwxyz"),
            (Form::TokenHead, "abcdefghAjklmnopqrstuvwxyz"),
            (Form::TokenCut, "abcdefghijklmnopqr"),
        ] {
            let mut head = Head {
                method: "GET".to_owned(),
                target: "/".to_owned(),
                headers: vec![(
                    "authorization".to_owned(),
                    format!("Bearer {token}").into_bytes(),
                )],
                body: Vec::new(),
            };
            let tokens = [token.to_owned()];
            super::token(&mut head, form, &tokens, false).unwrap();
            assert_eq!(head.headers[0].1, format!("Bearer {wanted}").into_bytes());

            // A service that asks about a token in the body shows a credential of its own.
            head.headers[0].1 = b"Basic c2VydmljZTpzZWNyZXQ=".to_vec();
            head.body = format!("about {token}").into_bytes();
            let before = head.clone();
            assert_eq!(super::token(&mut head, form, &tokens, false), None);
            super::token(&mut head, form, &tokens, true).unwrap();
            assert_eq!(head.headers, before.headers);
            assert_eq!(head.body, format!("about {wanted}").into_bytes());
        }
    }
}

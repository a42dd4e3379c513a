//! A form's request (WHATWG HTML §4.10.21.3, "form submission algorithm", and the three encodings of
//! its entry list).

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};
use url::{Url, form_urlencoded};

use super::document::Document;
use super::form::{Entry, Form};

/// A request as a form makes it.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::user) struct Submission {
    /// Where it goes.
    pub(in crate::user) url: Url,
    /// Content type and body of a POST; none for a GET.
    pub(in crate::user) post: Option<(String, Vec<u8>)>,
}

/// How a form is sent.
#[derive(Clone, Copy)]
enum Enctype {
    Urlencoded,
    Multipart,
    Plain,
}

/// What a form's page is.
pub(super) struct Context<'d> {
    pub(super) document: &'d Document,
    pub(super) url: &'d Url,
    pub(super) encoding: &'static Encoding,
}

/// The request of a form after these fields have been filled in. `boundary` makes the boundary of a
/// multipart body.
pub(super) fn submission(
    context: &Context<'_>,
    form: &Form<'_>,
    fields: &[(&str, String)],
    boundary: impl FnOnce() -> String,
) -> Result<Submission, String> {
    let document = context.document;
    let of_form = |name: &str| document.attribute(form.node?, name);
    let encoding = accepted(of_form("accept-charset"), context.encoding);
    let filled = form.fill(fields, encoding.name())?;
    // A pressed button speaks for the form where it has the attribute.
    let said = |name: &str| {
        let of_button = filled
            .submitter
            .and_then(|button| document.attribute(button, &format!("form{name}")));
        of_button.or_else(|| of_form(name)).unwrap_or_default()
    };
    let method = said("method");
    if method.eq_ignore_ascii_case("dialog") {
        return Err("the page's form has the method `dialog`, which sends no request".to_owned());
    }
    let mut url = action(context, said("action"))?;
    if url.origin() != context.url.origin() {
        return Err("the page's form goes to another server".to_owned());
    }
    url.set_fragment(None);
    let entries = filled.entries;
    if !method.eq_ignore_ascii_case("post") {
        url.set_query(Some(&urlencoded(&entries, encoding)));
        return Ok(Submission { url, post: None });
    }
    let post = match Enctype::of(said("enctype")) {
        Enctype::Urlencoded => (
            "application/x-www-form-urlencoded".to_owned(),
            urlencoded(&entries, encoding).into_bytes(),
        ),
        Enctype::Multipart => {
            let boundary = boundary();
            let body = multipart(&entries, encoding, &boundary);
            (format!("multipart/form-data; boundary={boundary}"), body)
        }
        Enctype::Plain => ("text/plain".to_owned(), plain(&entries, encoding)),
    };
    Ok(Submission {
        url,
        post: Some(post),
    })
}

impl Enctype {
    fn of(keyword: &str) -> Self {
        if keyword.eq_ignore_ascii_case("multipart/form-data") {
            Self::Multipart
        } else if keyword.eq_ignore_ascii_case("text/plain") {
            Self::Plain
        } else {
            Self::Urlencoded
        }
    }
}

/// "Picking an encoding for the form".
fn accepted(accept_charset: Option<&str>, of_page: &'static Encoding) -> &'static Encoding {
    let picked = match accept_charset {
        None => of_page,
        Some(labels) => labels
            .split_ascii_whitespace()
            .find_map(|label| Encoding::for_label(label.as_bytes()))
            .unwrap_or(UTF_8),
    };
    picked.output_encoding()
}

/// Where a form goes: an empty action is the page itself, any other is relative to its base.
fn action(context: &Context<'_>, action: &str) -> Result<Url, String> {
    if action.is_empty() {
        return Ok(context.url.clone());
    }
    let parse = |base: &Url, text: &str| {
        let encoding = context.encoding.output_encoding();
        let encode: &dyn Fn(&str) -> Cow<'_, [u8]> = &|text| Cow::Owned(encoded(text, encoding));
        let parsed = Url::options()
            .base_url(Some(base))
            .encoding_override(Some(encode))
            .parse(text);
        parsed.ok()
    };
    let document = context.document;
    let mut elements = document.elements();
    let href = elements
        .find(|node| document.name(*node) == "base" && document.has(*node, "href"))
        .and_then(|base| document.attribute(base, "href"));
    let base = href
        .and_then(|href| parse(context.url, href))
        .filter(|base| !matches!(base.scheme(), "data" | "javascript"));
    parse(base.as_ref().unwrap_or(context.url), action)
        .ok_or_else(|| "the page's form goes to no address".to_owned())
}

/// Line breaks as forms send them: CR LF for each kind.
fn with_crlf(text: &str) -> String {
    let mut normalized = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' => {
                characters.next_if_eq(&'\n');
                normalized.push_str("\r\n");
            }
            '\n' => normalized.push_str("\r\n"),
            other => normalized.push(other),
        }
    }
    normalized
}

/// Text in the form's encoding; what that lacks becomes a decimal character reference.
fn encoded(text: &str, encoding: &'static Encoding) -> Vec<u8> {
    encoding.encode(text).0.into_owned()
}

/// The file name of an empty file is empty too.
fn value_of(entry: &Entry) -> &str {
    entry.value.as_deref().unwrap_or_default()
}

fn urlencoded(entries: &[Entry], encoding: &'static Encoding) -> String {
    let mut text = String::new();
    for entry in entries {
        if !text.is_empty() {
            text.push('&');
        }
        let name = encoded(&with_crlf(&entry.name), encoding);
        text.extend(form_urlencoded::byte_serialize(&name));
        text.push('=');
        let value = encoded(&with_crlf(value_of(entry)), encoding);
        text.extend(form_urlencoded::byte_serialize(&value));
    }
    text
}

fn multipart(entries: &[Entry], encoding: &'static Encoding, boundary: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for entry in entries {
        let name = with_crlf(&entry.name)
            .replace('\r', "%0D")
            .replace('\n', "%0A")
            .replace('"', "%22");
        body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        body.extend_from_slice(b"Content-Disposition: form-data; name=\"");
        body.extend_from_slice(&encoded(&name, encoding));
        body.extend_from_slice(match entry.value {
            Some(_) => b"\"\r\n\r\n",
            None => b"\"; filename=\"\"\r\nContent-Type: application/octet-stream\r\n\r\n",
        });
        body.extend_from_slice(&encoded(&with_crlf(value_of(entry)), encoding));
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    body
}

fn plain(entries: &[Entry], encoding: &'static Encoding) -> Vec<u8> {
    let lines = entries.iter();
    let lines = lines.map(|entry| {
        let (name, value) = (with_crlf(&entry.name), with_crlf(value_of(entry)));
        format!("{name}={value}\r\n")
    });
    encoded(&lines.collect::<String>(), encoding)
}

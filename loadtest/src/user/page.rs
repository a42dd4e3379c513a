//! Forms of an HTML page, as a browser sends them.
//!
//! `document` builds the page's tree, `encoding` finds what it is written in, `form` constructs the entry
//! list of a form (with `sanitized` and `direction`), and `submission` makes the request of it.

mod direction;
mod document;
mod encoding;
mod form;
mod sanitized;
mod submission;
#[cfg(test)]
mod tests;

use encoding_rs::Encoding;
use http::{HeaderMap, header};
use hyper::body::Bytes;
use url::Url;

use document::{Document, TooLarge};
use submission::Context;
pub(super) use submission::Submission;

/// A page that a step got.
pub(super) struct Page {
    url: Url,
    /// The encoding that its `Content-Type` declares.
    declared: Option<&'static Encoding>,
    body: Bytes,
}

impl Page {
    /// The page that an answer from `url` has as its body.
    pub(super) fn new(url: Url, headers: &HeaderMap, body: Bytes) -> Self {
        Self {
            url,
            declared: declared(headers),
            body,
        }
    }

    /// The request of the page's form, with the fields over its own: of several forms the first that has
    /// a control for each field, or else the first. `boundary` makes the boundary of a multipart body.
    pub(super) fn submission(
        &self,
        fields: &[(&str, String)],
        boundary: impl FnOnce() -> String,
    ) -> Result<Submission, String> {
        let (document, encoding) = parse(&self.body, self.declared)?;
        let mut forms = form::forms(&document);
        forms.retain(|form| form.node.is_some());
        let has_all = |form: &&form::Form<'_>| fields.iter().all(|(name, _)| form.has(name));
        let form = forms.iter().find(has_all).or_else(|| forms.first());
        let form = form.ok_or_else(|| NO_FORM.to_owned())?;
        let context = Context {
            document: &document,
            url: &self.url,
            encoding,
        };
        submission::submission(&context, form, fields, boundary)
    }
}

/// Why a step cannot submit a form.
pub(super) const NO_FORM: &str = "the step before it got no page with a form";

/// The value of a field of any of the page's forms, or else of a control outside of them.
pub(super) fn field(
    headers: &HeaderMap,
    body: &[u8],
    name: &str,
) -> Result<Option<String>, String> {
    let (document, encoding) = parse(body, declared(headers))?;
    let charset = encoding.output_encoding().name();
    for form in form::forms(&document) {
        let mut entries = form.fill(&[], charset)?.entries.into_iter();
        if let Some(entry) = entries.find(|entry| entry.name == name) {
            return Ok(Some(entry.value.unwrap_or_default()));
        }
    }
    Ok(None)
}

fn declared(headers: &HeaderMap) -> Option<&'static Encoding> {
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    encoding::of_content_type(content_type)
}

fn parse(
    body: &[u8],
    declared: Option<&'static Encoding>,
) -> Result<(Document, &'static Encoding), String> {
    encoding::parse(body, declared).map_err(|TooLarge| {
        "the page has too many elements, or nests them too deeply, for its forms to be read"
            .to_owned()
    })
}

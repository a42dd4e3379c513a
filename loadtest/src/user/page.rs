//! Forms of an HTML page, as a browser would send them (WHATWG HTML §4.10.21.4), without a DOM.

use std::collections::BTreeMap;
use std::convert::Infallible;

use html5gum::{DefaultEmitter, HtmlString, Spanned, StartTag, Token, Tokenizer};
use hyper::body::Bytes;
use url::Url;

/// A page that a step got.
pub(super) struct Page {
    pub(super) url: Url,
    pub(super) body: Bytes,
}

/// A form of a page.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    /// Where it goes, as written: relative to the page.
    pub(super) action: String,
    /// Whether its fields go into the body.
    pub(super) is_post: bool,
    /// Whether it wants an encoding other than urlencoded.
    pub(super) is_multipart: bool,
    /// What it would send untouched: names and values, in the page's order.
    pub(super) fields: Vec<(String, String)>,
}

impl Form {
    fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(field, _)| field == name)
    }

    /// Puts `value` in the field, which is added when the form has none of that name.
    pub(super) fn set(&mut self, name: &str, value: String) {
        match self.fields.iter_mut().find(|(field, _)| field == name) {
            Some((_, old)) => *old = value,
            None => self.fields.push((name.to_owned(), value)),
        }
    }
}

/// The form of the page that has every field named, or else its first.
pub(super) fn form_with(body: &[u8], fields: &[&str]) -> Option<Form> {
    let mut forms = forms(body);
    let best = forms
        .iter()
        .position(|form| fields.iter().all(|name| form.has(name)))
        .unwrap_or(0);
    (best < forms.len()).then(|| forms.swap_remove(best))
}

/// The value of a field of any of the page's forms.
pub(super) fn field(body: &[u8], name: &str) -> Option<String> {
    forms(body)
        .into_iter()
        .flat_map(|form| form.fields)
        .find(|(field, _)| field == name)
        .map(|(_, value)| value)
}

/// The page's forms in order. Fields outside of any form are not sent by a browser; here they
/// stand in a last form of their own, when there are any.
fn forms(body: &[u8]) -> Vec<Form> {
    let mut emitter = DefaultEmitter::default();
    // Text of `<script>`, `<style>` and `<textarea>` is not markup.
    emitter.naively_switch_states(true);
    let mut reader = Reader::default();
    for token in Tokenizer::new_with_emitter(body, emitter) {
        let Ok::<_, Infallible>(token) = token;
        match token {
            Token::StartTag(tag) => reader.start(&tag),
            Token::EndTag(tag) => reader.end(&tag.name),
            Token::String(text) => reader.text(&text),
            _ => {}
        }
    }
    reader.finish()
}

#[derive(Default)]
struct Reader {
    forms: Vec<Form>,
    open: Option<Form>,
    outside: Form,
    /// The `<textarea>` that text belongs to.
    textarea: Option<(String, String)>,
    select: Option<Select>,
}

/// A `<select>`: it sends its selected option, or its first.
#[derive(Default)]
struct Select {
    name: String,
    chosen: Option<String>,
    is_selected: bool,
    /// The text of an `<option>` without a value.
    option: Option<String>,
}

impl Reader {
    fn start(&mut self, tag: &StartTag<()>) {
        let attributes = &tag.attributes;
        let text = |name: &str| attribute(attributes, name);
        let name = text("name").filter(|name| !name.is_empty());
        let has = |name: &str| attributes.contains_key(name.as_bytes());
        match &*tag.name.0 {
            // A form within a form is not one.
            b"form" if self.open.is_none() => {
                self.open = Some(Form {
                    action: text("action").unwrap_or_default(),
                    is_post: text("method").is_some_and(|m| m.eq_ignore_ascii_case("post")),
                    is_multipart: text("enctype").is_some_and(|kind| {
                        !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
                    }),
                    fields: Vec::new(),
                });
            }
            b"input" if !has("disabled") => {
                let Some(name) = name else { return };
                let kind = text("type").unwrap_or_default().to_ascii_lowercase();
                let sent = match kind.as_str() {
                    "submit" | "button" | "image" | "reset" | "file" => false,
                    "checkbox" | "radio" => has("checked"),
                    _ => true,
                };
                if sent {
                    let checked = matches!(kind.as_str(), "checkbox" | "radio");
                    let value = text("value").unwrap_or(if checked { "on" } else { "" }.to_owned());
                    self.field(name, value);
                }
            }
            b"textarea" if !has("disabled") => {
                self.textarea = name.map(|name| (name, String::new()));
            }
            b"select" if !has("disabled") => {
                self.select = name.map(|name| Select {
                    name,
                    ..Select::default()
                });
            }
            b"option" => {
                self.end_option();
                if let Some(select) = &mut self.select
                    && (has("selected") && !select.is_selected || select.chosen.is_none())
                {
                    select.is_selected = has("selected");
                    match text("value") {
                        Some(value) => select.chosen = Some(value),
                        None => select.option = Some(String::new()),
                    }
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &[u8]) {
        match name {
            b"form" => self.forms.extend(self.open.take()),
            b"option" => self.end_option(),
            b"textarea" => {
                if let Some((name, text)) = self.textarea.take() {
                    // A newline right after the tag is not part of it.
                    let text = text.strip_prefix('\n').unwrap_or(&text).to_owned();
                    self.field(name, text);
                }
            }
            b"select" => {
                self.end_option();
                if let Some(select) = self.select.take()
                    && let Some(chosen) = select.chosen
                {
                    self.field(select.name, chosen);
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        if let Some((_, value)) = &mut self.textarea {
            value.push_str(&text);
        } else if let Some(option) = self.select.as_mut().and_then(|s| s.option.as_mut()) {
            option.push_str(&text);
        }
    }

    fn end_option(&mut self) {
        if let Some(select) = &mut self.select
            && let Some(text) = select.option.take()
        {
            select.chosen = Some(text.trim().to_owned());
        }
    }

    fn field(&mut self, name: String, value: String) {
        let form = self.open.as_mut().unwrap_or(&mut self.outside);
        form.fields.push((name, value));
    }

    fn finish(mut self) -> Vec<Form> {
        self.forms.extend(self.open.take());
        if !self.outside.fields.is_empty() {
            self.forms.push(self.outside);
        }
        self.forms
    }
}

fn attribute(
    attributes: &BTreeMap<HtmlString, Spanned<HtmlString, ()>>,
    name: &str,
) -> Option<String> {
    let value = attributes.get(name.as_bytes())?;
    Some(String::from_utf8_lossy(value).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<!doctype html><script>"<form action=/no>"</script>
<form action="/search"><input name=q></form>
<form method="POST" action="../login?next=%2F&amp;x=1">
  <input type="hidden" name="csrf" value="a&quot;b&#43;c"><input name='username' required>
  <input type=password name=password><input type=checkbox name=keep><input type=checkbox name=terms checked>
  <input type=submit name=go value=Go><input name=off disabled value=x>
  <textarea name=note>
<b>hi</b></textarea>
  <select name=realm><option value=1>one<option selected>two</option><option value=3>three</select>
</form><input name=stray value=s>"#;

    #[test]
    fn a_form_sends_what_a_browser_would() {
        let form = form_with(PAGE.as_bytes(), &["username", "password"]).unwrap();
        assert_eq!(form.action, "../login?next=%2F&x=1");
        assert!(form.is_post && !form.is_multipart);
        let sent: Vec<(&str, &str)> = form
            .fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            sent,
            [
                ("csrf", "a\"b+c"),
                ("username", ""),
                ("password", ""),
                ("terms", "on"),
                ("note", "<b>hi</b>"),
                ("realm", "two"),
            ]
        );
    }

    #[test]
    fn without_a_form_that_has_every_field_the_first_is_sent() {
        let form = form_with(PAGE.as_bytes(), &["unknown"]).unwrap();
        assert_eq!((form.action.as_str(), form.is_post), ("/search", false));
        assert_eq!(form_with(b"{}", &[]), None);
    }

    #[test]
    fn a_field_is_found_in_any_form() {
        assert_eq!(field(PAGE.as_bytes(), "csrf").as_deref(), Some("a\"b+c"));
        assert_eq!(field(PAGE.as_bytes(), "stray").as_deref(), Some("s"));
        assert_eq!(field(PAGE.as_bytes(), "none"), None);
    }
}

//! Text with `{name}` places in it, split once so that filling it in is concatenation.

/// Text with `{name}` places.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Template {
    parts: Vec<Part>,
}

/// Its places alone: the text may be a password.
impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.places()).finish()
    }
}

#[derive(Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(String),
}

/// A place whose value no earlier step has saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfilled(pub String);

impl Template {
    /// Splits `text`. A brace pair that holds anything but a name is text: JSON needs no escapes.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let (before, after) = rest.split_at(open);
            plain.push_str(before);
            match after.find('}').map(|close| &after[1..close]) {
                Some(name) if is_name(name) => {
                    if !plain.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut plain)));
                    }
                    parts.push(Part::Place(name.to_owned()));
                    rest = &after[name.len() + 2..];
                }
                _ => {
                    plain.push('{');
                    rest = &after[1..];
                }
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Self { parts }
    }

    /// The names of its places, in order.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Place(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The text with every place filled in by `push`, which appends the value of the name given and
    /// says whether there is one.
    ///
    /// # Errors
    /// A place has no value.
    pub fn fill(
        &self,
        mut push: impl FnMut(&str, &mut String) -> bool,
    ) -> Result<String, Unfilled> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Place(name) => {
                    if !push(name, &mut text) {
                        return Err(Unfilled(name.clone()));
                    }
                }
            }
        }
        Ok(text)
    }
}

/// Whether a value may have this name.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_braces_are_text_and_names_are_places() {
        let template = Template::new(r#"{"user":"{name}","tag":{"a":1}}"#);
        assert_eq!(template.places().collect::<Vec<_>>(), ["name"]);
        let filled = template.fill(|_, text| {
            text.push_str("john");
            true
        });
        assert_eq!(filled.unwrap(), r#"{"user":"john","tag":{"a":1}}"#);
    }

    #[test]
    fn a_place_without_a_value_is_named() {
        let template = Template::new("Bearer {token}");
        assert_eq!(
            template.fill(|_, _| false),
            Err(Unfilled("token".to_owned()))
        );
    }
}

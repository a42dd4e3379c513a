//! Where a scenario's tables come from, and how a mistake in them is told: file, line, what is accepted.

use std::collections::BTreeMap;
use std::time::Duration;

use authlab_reports::duration;
use authlab_reports::nearest::did_you_mean;

use crate::scenario::ScenarioError;
use crate::scenario::tables::Typed;

/// What made the tables.
pub struct Source<'a> {
    /// The file's name, or what stands for one.
    pub path: &'a str,
    /// The file's text; none for tables that a program has filled in.
    pub text: Option<&'a str>,
}

impl Source<'_> {
    /// What is wrong with a value, told with its line.
    pub fn refuse<T>(&self, at: &Typed<T>, what: impl Into<String>) -> ScenarioError {
        self.refuse_at(at.span().start, what.into())
    }

    fn refuse_at(&self, byte: usize, what: String) -> ScenarioError {
        match self.text {
            None => ScenarioError::Unaccepted { what },
            Some(text) => ScenarioError::Refused {
                path: self.path.to_owned(),
                line: line_of(text, byte),
                what,
            },
        }
    }

    /// The line of a value, from 1.
    #[must_use]
    pub fn line<T>(&self, at: &Typed<T>) -> usize {
        line_of(self.text.unwrap_or_default(), at.span().start)
    }

    /// What TOML or its types refuse, without the value.
    #[must_use]
    pub fn syntax(&self, error: &toml::de::Error) -> ScenarioError {
        let message = without_value(error.message()).replace('\n', "; ");
        let near = near_in_message(&message);
        self.refuse_at(
            error.span().map_or(0, |span| span.start),
            format!("{message}{near}"),
        )
    }

    /// A name of letters, digits, `-`, `+` and `.`.
    ///
    /// # Errors
    /// It has others.
    pub fn name(&self, name: &Typed<String>) -> Result<String, ScenarioError> {
        let text = name.get_ref();
        let accepted = |b: u8| b.is_ascii_alphanumeric() || b"-.+".contains(&b);
        if text.is_empty() || text.starts_with('.') || !text.bytes().all(accepted) {
            return Err(self.refuse(
                name,
                format!("name `{text}` is not accepted; use letters, digits, `-`, `+` and `.`"),
            ));
        }
        Ok(text.clone())
    }

    /// The same, where no other has it.
    ///
    /// # Errors
    /// It is no name, or taken.
    pub fn unique(
        &self,
        what: &str,
        name: &Typed<String>,
        taken: &[&str],
    ) -> Result<String, ScenarioError> {
        let name_text = self.name(name)?;
        if taken.contains(&name_text.as_str()) {
            return Err(self.refuse(name, format!("{what} `{name_text}` is already there")));
        }
        Ok(name_text)
    }

    /// Where a name is among others.
    ///
    /// # Errors
    /// It is not among them.
    pub fn position<'n>(
        &self,
        what: &str,
        wanted: &Typed<String>,
        names: impl Iterator<Item = &'n String>,
    ) -> Result<usize, ScenarioError> {
        let names: Vec<_> = names.map(String::as_str).collect();
        let text = wanted.get_ref().as_str();
        names.iter().position(|name| *name == text).ok_or_else(|| {
            let there = match &names[..] {
                [] => "there is none".to_owned(),
                names => {
                    let near = did_you_mean(text, names.iter().copied());
                    format!("there are: {}{near}", names.join(", "))
                }
            };
            self.refuse(wanted, format!("no {what} is named `{text}`; {there}"))
        })
    }

    /// A duration of more than nothing.
    ///
    /// # Errors
    /// It is none.
    pub fn duration(&self, text: &Typed<String>) -> Result<Duration, ScenarioError> {
        duration::parse(text.get_ref()).map_err(|error| self.refuse(text, error.to_string()))
    }

    /// A duration that may be nothing.
    ///
    /// # Errors
    /// It is no duration.
    pub fn duration_or_zero(&self, text: &Typed<String>) -> Result<Duration, ScenarioError> {
        duration::parse_or_zero(text.get_ref())
            .map_err(|error| self.refuse(text, error.to_string()))
    }

    pub(super) fn flags(
        &self,
        at: &Typed<String>,
        table: &BTreeMap<String, toml::Value>,
    ) -> Result<BTreeMap<String, String>, ScenarioError> {
        table
            .iter()
            .map(|(flag, value)| match value {
                toml::Value::String(text) => Ok((flag.clone(), text.clone())),
                toml::Value::Integer(number) => Ok((flag.clone(), number.to_string())),
                toml::Value::Boolean(switch) => Ok((flag.clone(), switch.to_string())),
                other => Err(self.refuse(
                    at,
                    format!(
                        "flag `{flag}` is a {}; use text, a whole number, true or false",
                        other.type_str()
                    ),
                )),
            })
            .collect()
    }
}

fn line_of(text: &str, byte: usize) -> usize {
    let before = text.get(..byte).unwrap_or(text);
    before.matches('\n').count() + 1
}

/// serde repeats a value of the wrong kind, which may be a password or a PIN: `invalid type: string "…", expected a map`.
fn without_value(message: &str) -> String {
    let wrong = ["invalid type: ", "invalid value: "]
        .iter()
        .find(|wrong| message.starts_with(**wrong));
    let (Some(wrong), Some(end)) = (wrong, message.rfind(", expected ")) else {
        return message.to_owned();
    };
    // The value itself may contain these words: the last ones are serde's.
    let (found, expected) = message.split_at(end);
    let kind = found[wrong.len()..].split(['"', '`']).next();
    match kind.unwrap_or_default().trim_end() {
        "string" => format!("{wrong}a text{expected}"),
        kind => format!("{wrong}{kind}{expected}"),
    }
}

/// From serde's "unknown field `x`, expected one of `a`, `b`": the nearest of the accepted names.
fn near_in_message(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    match quoted.next() {
        Some(wrong) if message.starts_with("unknown") => did_you_mean(wrong, quoted),
        _ => String::new(),
    }
}

//! JSON that keeps what a map would lose: members that are there twice, in their order.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::choices::Choices;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
    /// Only to be written.
    Raw(&'static str),
}

impl Json {
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        // The library has no number as large as these; JSON has, and the model takes them for a very large one.
        let text = std::str::from_utf8(bytes).ok()?.replace("1e999", "1e300");
        serde_json::from_str(&text).ok()
    }

    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn object<const N: usize>(members: [(&str, Self); N]) -> Self {
        let named = members.map(|(name, value)| (name.to_owned(), value));
        Self::Object(named.into())
    }

    pub(crate) fn texts(texts: &[&str]) -> Self {
        Self::List(texts.iter().map(|text| Self::text(*text)).collect())
    }

    pub(crate) fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    /// Every value of that name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        let named = self
            .members()
            .iter()
            .filter(move |(known, _)| known == name);
        named.map(|(_, value)| value)
    }

    /// The last value of that name, which is the one that RFC 7515 §4 lets a reader take.
    pub(crate) fn get<'a>(&'a self, name: &'a str) -> Option<&'a Self> {
        self.all(name).last()
    }

    /// The same; null is as good as nothing.
    pub(crate) fn given<'a>(&'a self, name: &'a str) -> Option<&'a Self> {
        self.get(name).filter(|value| **value != Self::Null)
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// This name, or a list with it.
    pub(crate) fn names(&self, wanted: &str) -> bool {
        match self {
            Self::Text(text) => text == wanted,
            Self::List(all) => all.iter().any(|one| one.as_text() == Some(wanted)),
            _ => false,
        }
    }

    /// Whether no object in it has two members of a name.
    pub(crate) fn is_unique(&self) -> bool {
        match self {
            Self::List(all) => all.iter().all(Self::is_unique),
            Self::Object(members) => {
                let once = |(at, (name, value)): (usize, &(String, Self))| {
                    value.is_unique() && members[..at].iter().all(|(known, _)| known != name)
                };
                members.iter().enumerate().all(once)
            }
            _ => true,
        }
    }

    /// Sets a member, or takes it away.
    pub(crate) fn set(&mut self, name: &str, value: Option<Self>) {
        if let Self::Object(members) = self {
            members.retain(|(known, _)| known != name);
            members.extend(value.map(|value| (name.to_owned(), value)));
        }
    }

    /// One small change of an object. `more` are members that are worth adding.
    pub(crate) fn edit(&mut self, choices: &mut Choices<'_>, more: &[(&str, Self)]) {
        let Self::Object(members) = self else {
            *self = choices.pick(&odd()).clone();
            return;
        };
        let at = choices.below(members.len().max(1));
        match choices.below(7) {
            0 if !more.is_empty() => {
                let (name, value) = choices.pick(more).clone();
                members.retain(|(known, _)| known != name);
                members.push((name.to_owned(), value));
            }
            1 if !more.is_empty() => {
                // Perhaps a second time.
                let (name, value) = choices.pick(more).clone();
                let place = choices.below(members.len() + 1);
                members.insert(place, (name.to_owned(), value));
            }
            _ if members.is_empty() => {}
            2 => {
                members.remove(at);
            }
            3 => {
                let again = (members[at].0.clone(), choices.pick(&odd()).clone());
                let place = choices.below(members.len() + 1);
                members.insert(place, again);
            }
            4 => {
                let mut name = members[at].0.clone().into_bytes();
                choices.edit(&mut name);
                members[at].0 = String::from_utf8_lossy(&name).into_owned();
            }
            5 => match &mut members[at].1 {
                Self::Text(text) => {
                    let mut bytes = std::mem::take(text).into_bytes();
                    choices.edit(&mut bytes);
                    *text = String::from_utf8_lossy(&bytes).into_owned();
                }
                Self::Number(number) => {
                    *number +=
                        choices.pick(&[0.5, -0.5, 1.0, -1.0, 60.0, -60.0, 1e6, -1e6, 2e9, -2e9]);
                }
                nested @ Self::Object(_) => nested.edit(choices, more),
                other => *other = choices.pick(&odd()).clone(),
            },
            _ => members[at].1 = choices.pick(&odd()).clone(),
        }
    }

    /// As text; choices of zero write it without spaces and escapes.
    pub(crate) fn write(&self, choices: &mut Choices<'_>) -> String {
        let style = choices.below(6);
        let mut text = String::new();
        self.write_in(style, &mut text);
        text
    }

    fn write_in(&self, style: usize, into: &mut String) {
        let gap = match style {
            4 => " ",
            5 => "\r\n\t",
            _ => "",
        };
        match self {
            Self::Null => into.push_str("null"),
            Self::Bool(is) => into.push_str(if *is { "true" } else { "false" }),
            Self::Number(number) => into.push_str(&number.to_string()),
            Self::Text(text) => quoted(text, style == 3, into),
            Self::Raw(text) => into.push_str(text),
            Self::List(all) => {
                into.push('[');
                for (at, one) in all.iter().enumerate() {
                    into.push_str(if at == 0 { "" } else { "," });
                    into.push_str(gap);
                    one.write_in(style, into);
                }
                into.push(']');
            }
            Self::Object(members) => {
                into.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    into.push_str(if at == 0 { "" } else { "," });
                    into.push_str(gap);
                    quoted(name, style == 3, into);
                    into.push_str(gap);
                    into.push(':');
                    value.write_in(style, into);
                }
                into.push_str(gap);
                into.push('}');
            }
        }
    }
}

fn quoted(text: &str, escaped: bool, into: &mut String) {
    use fmt::Write as _;
    if !escaped {
        into.push_str(&serde_json::to_string(text).unwrap());
        return;
    }
    into.push('"');
    for unit in text.encode_utf16() {
        let _ = write!(into, "\\u{unit:04x}");
    }
    into.push('"');
}

/// Values that a reader may take for others.
fn odd() -> [Json; 20] {
    [
        Json::Null,
        Json::Bool(true),
        Json::Bool(false),
        Json::Number(0.0),
        Json::Number(-1.0),
        Json::Number(1.5),
        Json::Raw("1e300"),
        Json::Raw("1e999"),
        Json::Raw("01"),
        Json::Raw("18446744073709551616"),
        Json::Raw("-0"),
        Json::text(""),
        Json::text("true"),
        Json::text("1800000000"),
        Json::text("\u{0}"),
        Json::text("\u{200b}john"),
        Json::List(Vec::new()),
        Json::List(vec![Json::Null]),
        Json::Object(Vec::new()),
        // Not half of one: RFC 8259 §8.2 leaves that to each reader, and the library skips over it where nobody reads.
        Json::Raw("\"\\ud83d\\ude00\""),
    ]
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Json;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }
            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }
            fn visit_bool<E>(self, is: bool) -> Result<Json, E> {
                Ok(Json::Bool(is))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
                Ok(Json::Number(number as f64))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
                Ok(Json::Number(number as f64))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
                Ok(Json::Number(number))
            }
            fn visit_str<E>(self, text: &str) -> Result<Json, E> {
                Ok(Json::text(text))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = list.next_element()? {
                    all.push(one);
                }
                Ok(Json::List(all))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Json::Object(members))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

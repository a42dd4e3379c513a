//! Servers beside a variant's own: a store that it keeps its state in, or another server that it asks.

use super::{Load, Scenario, Target};

/// A server that runs beside a variant's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beside {
    /// Its name: letters, digits, `-`. Where a variant names it, `{name}` stands for its address, `127.0.0.1:PORT`; of one
    /// that a variant has, what it is there: several may be the same to different variants.
    pub name: String,
    /// How it is started: [`Target::Authlab`] or [`Target::Command`].
    pub target: Target,
}

/// A step for which a variant has no server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "step `{step}` is sent at `{at}`, which variant `{variant}` has not beside it; every variant makes the step: add beside = [\"{at}\"] to it"
)]
pub struct Misplaced {
    /// The step.
    pub step: String,
    /// Where it is to be sent.
    pub at: String,
    /// The variant.
    pub variant: String,
}

/// What a command already says `{…}` for.
pub(super) const PORT: &str = "port";

impl Target {
    /// The names that stand in its flags, words or environment as `{name}`, but for its own `{port}`.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let (flags, words, env) = match self {
            Self::Authlab { flags, .. } => (Some(flags), &[][..], None),
            Self::Command { words, env, .. } => (None, words.as_slice(), Some(env)),
            Self::Url { .. } => (None, &[][..], None),
        };
        let values = flags
            .into_iter()
            .chain(env)
            .flat_map(|table| table.values());
        values
            .chain(words)
            .flat_map(|text| names(text))
            .filter(|name| *name != PORT)
    }
}

impl Scenario {
    /// Whether every variant has the servers that its steps are sent at.
    ///
    /// # Errors
    /// One has not.
    pub fn check_places(&self) -> Result<(), Misplaced> {
        for index in self.loads.iter().flat_map(Load::all_steps) {
            for (number, variant) in self.variants.iter().enumerate() {
                let step = &self.steps_at(number)[index];
                let Some(at) = &step.at else { continue };
                if !variant.besides.iter().any(|beside| beside.name == *at) {
                    return Err(Misplaced {
                        step: step.name.clone(),
                        at: at.clone(),
                        variant: variant.name.clone(),
                    });
                }
            }
        }
        Ok(())
    }
}

/// The names in braces. A brace pair that holds anything else, `{ print }` too, is text.
pub(super) fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|after| {
        let (name, _) = after.split_once('}')?;
        is_name(name).then_some(name)
    })
}

/// Whether a server beside a variant's own may have this name.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_alone_in_braces_is_one() {
        let table: [(&str, &[&str]); 5] = [
            ("redis://{redis}/0", &["redis"]),
            ("{a}{b-2}", &["a", "b-2"]),
            (r#"{"a":"{b}"}"#, &["b"]),
            ("awk { print } {} {a b} {a_b}", &[]),
            ("{open", &[]),
        ];
        for (text, expected) in table {
            assert_eq!(names(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }
}

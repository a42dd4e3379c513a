//! The credentials themselves, searched for in what another program says.

use super::{Hiding, WITHHELD, is_placeholder};

/// Credentials of a command, to be searched for in what another program says.
#[derive(Clone, Default)]
pub struct Secrets(Vec<String>);

impl Secrets {
    /// The credentials in a command's words.
    #[must_use]
    pub fn of(words: &[String]) -> Self {
        let mut hiding = Hiding::default();
        hiding.words(words, 0, true);
        Self(hiding.secrets).sorted()
    }

    /// The same of a command line of `authlab serve`: its `--password`, `--cache-key` and `--credential` are choices of a
    /// design, which a message may repeat when they are mistyped.
    #[must_use]
    pub fn of_own(words: &[String]) -> Self {
        let mut hiding = Hiding {
            own: true,
            ..Hiding::default()
        };
        hiding.words(words, 0, true);
        Self(hiding.secrets).sorted()
    }

    /// The credentials in a command line of this program, where a word may be a command itself, and in its variables
    /// (`AUTHLAB_NAME` is `--name`).
    #[must_use]
    pub fn of_command_line(words: &[String], variables: &[(String, String)]) -> Self {
        let mut hiding = Hiding {
            own: words.iter().any(|word| word == "serve"),
            ..Hiding::default()
        };
        hiding.words(words, 0, true);
        for word in words
            .iter()
            .filter(|word| word.contains(char::is_whitespace))
        {
            hiding.command(word, 0, true);
        }
        for (name, value) in variables {
            let flag = name.to_ascii_lowercase().replace('_', "-");
            let flag = flag.strip_prefix("authlab-").unwrap_or(&flag);
            hiding.words(&[format!("--{flag}={value}")], 0, false);
        }
        Self(hiding.secrets).sorted()
    }

    /// These and the values of environment variables.
    #[must_use]
    pub fn with_values<'a>(mut self, values: impl Iterator<Item = &'a String>) -> Self {
        let mut hiding = Hiding::default();
        for value in values {
            hiding.value(value);
        }
        self.0.extend(hiding.secrets);
        self.sorted()
    }

    /// The text without any of them. Short ones are replaced only where they are whole words.
    #[must_use]
    pub fn conceal(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| {
            if secret.chars().count() >= LEAST_ANYWHERE {
                text.replace(secret.as_str(), WITHHELD)
            } else {
                replace_whole_words(&text, secret)
            }
        })
    }

    /// The longest first: one may contain another.
    fn sorted(mut self) -> Self {
        self.0
            .retain(|secret| secret.chars().count() >= LEAST && !is_placeholder(secret));
        self.0
            .sort_by(|one, other| other.len().cmp(&one.len()).then(one.cmp(other)));
        self.0.dedup();
        self
    }
}

/// A single character would hide half of a message.
const LEAST: usize = 2;
/// From this length on a secret is replaced inside of words as well.
const LEAST_ANYWHERE: usize = 6;

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

fn replace_whole_words(text: &str, secret: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = None;
    while let Some(at) = rest.find(secret) {
        let end = at + secret.len();
        let left = rest[..at].chars().next_back().or(before);
        let right = rest[end..].chars().next();
        safe.push_str(&rest[..at]);
        let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        safe.push_str(if inside(left) || inside(right) {
            secret
        } else {
            WITHHELD
        });
        before = rest[..end].chars().next_back();
        rest = &rest[end..];
    }
    safe + rest
}

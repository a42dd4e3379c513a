//! Credentials in what a person typed, withheld before it enters a run or a message.
//!
//! One rule for commands, flags, URLs and headers. What is withheld becomes [`WITHHELD`]; the rest of the text stays as it
//! was typed, so that a reader still recognises the command: `TOKEN=… ./srv --key … {port}`. Withheld are
//! - values of environment assignments, unless the value is only a placeholder such as `127.0.0.1:{port}`;
//! - values of flags, query parameters, JSON members and headers whose name is one of a credential;
//! - the user information of a URL, with its scheme or without (`user:password@host`), and the password of `-u user:password`;
//! - values of short options of known programs, as in `mysql -px`;
//! - JSON Web Tokens, and words of 24 or more characters that look random and are no path.
//!
//! [`Secrets`] are the values themselves: what another program says of its arguments is searched for them.

pub mod looks;
mod programs;
mod secrets;
mod shell;

use self::looks::{information, is_credential, is_header, is_public_choice, looks_random};
use self::programs::{
    LOGIN, Place, begins_a_command, is_environment_flag, is_header_flag, is_known, is_pair_flag,
    is_paired, is_registry, tool,
};
pub use self::secrets::Secrets;
use self::shell::{quoted, tokens};

/// Stands in the place of a credential.
pub const WITHHELD: &str = "…";

/// A command inside a word of a command (`sh -c '…'`) is read this deep.
const DEEPEST: usize = 4;

/// A command's words, without its credentials.
#[must_use]
pub fn words(words: &[String]) -> Vec<String> {
    Hiding::default().words(words, 0, true)
}

/// A command as it is typed for a shell, without its credentials.
#[must_use]
pub fn command(text: &str) -> String {
    Hiding::default().command(text, 0, true)
}

/// A URL, or a path with a query, without its credentials.
#[must_use]
pub fn url(text: &str) -> String {
    Hiding::default().within(text)
}

/// What the next word of a command is.
#[derive(Default)]
enum Next {
    /// A word like any other.
    #[default]
    Any,
    /// The value of a flag of this name, which holds a credential.
    Value(String),
    /// `user:password`.
    Pair,
    /// `Name: value`.
    Header,
    /// `NAME=value`, whatever the case of the name.
    Assignment,
    /// A command for a shell.
    Script,
}

/// The pass over a command: what it found is collected.
#[derive(Default)]
struct Hiding {
    secrets: Vec<String>,
    /// Of a command line of `authlab serve`.
    own: bool,
    /// Within a value that is withheld as a whole.
    nested: bool,
}

impl Hiding {
    fn words(&mut self, words: &[impl AsRef<str>], depth: usize, leads: bool) -> Vec<String> {
        let mut next = Next::Any;
        // As a shell has it: `NAME=value` in front of the program is its environment.
        let mut leading = leads;
        let mut hidden = Vec::with_capacity(words.len());
        let mut program = String::new();
        for word in words {
            let word = word.as_ref();
            let is_flag = word.starts_with("--") && word.len() > 2;
            hidden.push(match std::mem::take(&mut next) {
                Next::Value(flag) if !is_flag => {
                    if is_public_choice(&flag, Some(word)) {
                        word.to_owned()
                    } else {
                        self.value(word)
                    }
                }
                Next::Pair if word.contains(':') => self.after(word, ':'),
                Next::Header => self.header(word),
                Next::Assignment if word.contains('=') => self.after(word, '='),
                Next::Script => self.several(word, depth, true),
                _ if leading && is_assignment(word) => self.after(word, '='),
                _ => {
                    let (text, then) = match self.short_option(&program, word) {
                        Some(known) => {
                            // What follows may be another program: `sshpass -p x ssh -p 22`.
                            program.clear();
                            known
                        }
                        None => self.word(word, depth),
                    };
                    next = then;
                    leading = begins_a_command(word);
                    let name = word.rsplit('/').next().unwrap_or_default();
                    if leading || is_known(name) {
                        name.clone_into(&mut program);
                    } else if name == "login" && is_registry(&program) {
                        LOGIN.clone_into(&mut program);
                    }
                    text
                }
            });
        }
        hidden
    }

    /// A command as typed: words that hold nothing are left exactly as they are.
    fn command(&mut self, text: &str, depth: usize, leads: bool) -> String {
        let tokens = tokens(text);
        let plain: Vec<&str> = tokens.iter().map(|token| token.plain.as_str()).collect();
        let hidden = self.words(&plain, depth, leads);
        let mut safe = String::with_capacity(text.len());
        for (token, hidden) in tokens.iter().zip(hidden) {
            safe.push_str(token.before);
            if hidden == token.plain {
                safe.push_str(token.raw);
            } else {
                safe.push_str(&quoted(&hidden));
            }
        }
        let end = tokens.last().map_or(0, |token| token.end);
        safe + &text[end..]
    }

    /// A word that no other one speaks for, and what it says of the next.
    fn word(&mut self, word: &str, depth: usize) -> (String, Next) {
        let Some(flag) = word.strip_prefix('-') else {
            return (self.argument(word, depth), Next::Any);
        };
        let long = flag.starts_with('-');
        // `-uuser:password` and `-Hname: value`.
        let glued = flag.chars().next().filter(|_| !long);
        if let (Some('u' | 'U' | 'H'), true) = (
            glued,
            flag.find([':', '='])
                .is_some_and(|at| flag[at..].starts_with(':')),
        ) {
            return (self.after(word, ':'), Next::Any);
        }
        // `curl -b name=value`, where `-b` alone may be an address.
        if word == "-b" {
            return (word.to_owned(), Next::Assignment);
        }
        if let Some(cookie) = flag.strip_prefix('b').filter(|_| !long)
            && cookie
                .split_once('=')
                .is_some_and(|(name, _)| is_credential(name))
        {
            return (self.after(word, '='), Next::Any);
        }
        if let Some((name, value)) = word.split_once('=') {
            let value = if is_pair_flag(name) && value.contains(':') {
                self.after(value, ':')
            } else if is_header_flag(name) {
                self.header(value)
            } else if self.is_secret_flag(name) && !is_public_choice(name, Some(value)) {
                self.value(value)
            } else if is_assignment(value) && (is_environment_flag(name) || is_upper(value)) {
                self.after(value, '=')
            } else {
                self.argument(value, depth)
            };
            return (format!("{name}={value}"), Next::Any);
        }
        if is_pair_flag(word) {
            return (word.to_owned(), Next::Pair);
        }
        if is_header_flag(word) {
            return (word.to_owned(), Next::Header);
        }
        if is_environment_flag(word) {
            return (word.to_owned(), Next::Assignment);
        }
        // `sh -c`, `bash -lc`.
        if !long
            && flag.ends_with('c')
            && flag.bytes().all(|b| b.is_ascii_lowercase())
            && flag.len() < 4
        {
            return (word.to_owned(), Next::Script);
        }
        if self.is_secret_flag(word) {
            return (word.to_owned(), Next::Value(word.to_owned()));
        }
        (self.argument(word, depth), Next::Any)
    }

    /// A short option of a known program whose value is a credential, in this word or the next.
    fn short_option(&mut self, program: &str, word: &str) -> Option<(String, Next)> {
        if is_paired(program, word) {
            return Some((word.to_owned(), Next::Pair));
        }
        let (letter, place) = match program {
            LOGIN => ('p', Place::Either),
            other => tool(other)?,
        };
        let value = word.strip_prefix('-')?.strip_prefix(letter)?;
        if value.is_empty() {
            let next = || (word.to_owned(), Next::Value(word.to_owned()));
            return (place != Place::SameWord).then(next);
        }
        (place != Place::NextWord).then(|| (format!("-{letter}{}", self.value(value)), Next::Any))
    }

    fn argument(&mut self, word: &str, depth: usize) -> String {
        if is_assignment(word) && is_upper(word) {
            return self.after(word, '=');
        }
        self.several(word, depth, false)
    }

    /// A word that may hold several; a command `leads` with its environment.
    fn several(&mut self, word: &str, depth: usize, leads: bool) -> String {
        let safe = self.within(word);
        if word.trim().contains(char::is_whitespace) && depth < DEEPEST {
            self.command(&safe, depth + 1, leads)
        } else {
            safe
        }
    }

    /// What a word holds in itself. What is withheld of it may show that there is more.
    fn within(&mut self, word: &str) -> String {
        const MOST: usize = 4;
        let mut safe = word.to_owned();
        for _ in 0..MOST {
            let again = self.once_within(&safe);
            if again == safe {
                break;
            }
            safe = again;
        }
        safe
    }

    fn once_within(&mut self, word: &str) -> String {
        let safe = self.user_information(word);
        let safe = self.bare_information(&safe);
        let safe = self.members(&safe);
        self.random(&safe)
    }

    /// `scheme://user:password@host` → `scheme://…@host`.
    fn user_information(&mut self, word: &str) -> String {
        const MARK: &str = "://";
        let mut safe = String::with_capacity(word.len());
        let mut rest = word;
        while let Some(at) = rest.find(MARK) {
            let (before, after) = rest.split_at(at + MARK.len());
            safe.push_str(before);
            let end = after
                .find(|c: char| c.is_whitespace() || "\"'<>".contains(c))
                .unwrap_or(after.len());
            let (url, beyond) = after.split_at(end);
            let web = ["http://", "https://", "ws://", "wss://"];
            let is_web = web
                .iter()
                .any(|scheme| before.to_ascii_lowercase().ends_with(scheme));
            let information = end_of_user_information(url, is_web);
            if information > 0 {
                let (user, host) = url.split_at(information);
                let user = user.trim_end_matches('@');
                safe.push_str(&self.value(user));
                safe.push('@');
                for part in user.splitn(2, ':') {
                    self.secrets.push(part.to_owned());
                }
                safe.push_str(host);
            } else {
                safe.push_str(url);
            }
            rest = beyond;
        }
        safe + rest
    }

    /// `user:password@host` → `…@host`, where no `scheme://` is before it: a connection string, or a mistyped address.
    fn bare_information(&mut self, word: &str) -> String {
        let ends = |c: char| c.is_whitespace() || "\"'<>".contains(c);
        let mut safe = String::with_capacity(word.len());
        for part in word.split_inclusive(ends) {
            let text = part.trim_end_matches(ends);
            let at = text.rfind('@').filter(|at| !text[..*at].contains("://"));
            let found = at.and_then(|at| {
                let (before, after) = (&text[..at], &text[at + 1..]);
                let start = assigned(before);
                let scheme = information(&before[start..], after)?;
                Some((start + scheme, at))
            });
            let Some((start, at)) = found else {
                safe.push_str(part);
                continue;
            };
            let information = &text[start..at];
            if information.ends_with(WITHHELD) || information.split(':').any(is_placeholder) {
                safe.push_str(part);
                continue;
            }
            safe.push_str(&text[..start]);
            safe.push_str(&self.value(information));
            for part in information.splitn(2, ':') {
                self.secrets.push(part.to_owned());
            }
            safe.push_str(&part[at..]);
        }
        safe
    }

    /// Query parameters, JSON members, parts of connection strings, headers.
    fn members(&mut self, word: &str) -> String {
        let mut safe = String::with_capacity(word.len());
        let mut rest = word;
        while let Some(at) = rest.find(['=', ':']) {
            let (before, after) = rest.split_at(at);
            let name = before.trim_end_matches(['"', '\'', '\\', ' ', '\t']);
            let start = name
                .rfind(|c: char| !(c.is_ascii_alphanumeric() || "_.-%[]".contains(c)))
                .map_or(0, |at| {
                    at + name[at..].chars().next().map_or(1, char::len_utf8)
                });
            let is_quoted = before.len() > name.len() && before.ends_with(['"', '\'']);
            let host = safe.ends_with("//") || before[..start].ends_with("//");
            let name = &name[start..];
            let sign = after.as_bytes()[0];
            let value = &after[1..];
            let wanted = if sign == b'=' {
                is_credential(name)
            } else {
                !host
                    && (is_quoted && is_credential(name)
                        || is_header(name)
                        || value.starts_with([' ', '\t']) && is_credential(name))
            };
            safe.push_str(before);
            safe.push_str(&after[..1]);
            if !wanted {
                rest = value;
                continue;
            }
            let blank = value.len() - value.trim_start_matches([' ', '\t']).len();
            let (space, value) = value.split_at(blank);
            safe.push_str(space);
            let query = before.contains(['?', '&']) || safe.contains('?');
            let header = sign == b':' && !is_quoted;
            let (quote, length) = value_length(value, query, header);
            let (value, beyond) = value.split_at(length);
            let (mark, inner) = value.split_at(quote);
            safe.push_str(mark);
            safe.push_str(&self.value(inner));
            rest = beyond;
        }
        safe + rest
    }

    /// JSON Web Tokens, and long words that look random.
    fn random(&mut self, word: &str) -> String {
        let part = |c: char| c.is_ascii_alphanumeric() || "+/_-.".contains(c);
        let mut safe = String::with_capacity(word.len());
        let mut rest = word;
        while let Some(at) = rest.find(part) {
            safe.push_str(&rest[..at]);
            rest = &rest[at..];
            let end = rest.find(|c: char| !part(c)).unwrap_or(rest.len());
            let (text, beyond) = rest.split_at(end);
            if looks_random(text) {
                safe.push_str(&self.value(text));
            } else {
                safe.push_str(text);
            }
            rest = beyond;
        }
        safe + rest
    }

    /// `Name: value`; without a name all of it may be the value.
    fn header(&mut self, text: &str) -> String {
        if text.contains(':') {
            self.after(text, ':')
        } else {
            self.value(text)
        }
    }

    /// What follows the first `mark`, and the blanks after it.
    fn after(&mut self, text: &str, mark: char) -> String {
        let at = text.find(mark).map_or(text.len(), |at| at + 1);
        let value = text[at..].trim_start();
        let (kept, value) = text.split_at(text.len() - value.len());
        kept.to_owned() + &self.value(value)
    }

    fn value(&mut self, text: &str) -> String {
        if text.is_empty() || text == WITHHELD || is_placeholder(text) {
            return text.to_owned();
        }
        self.secrets.push(text.to_owned());
        // The password in a URL is one by itself.
        if !std::mem::replace(&mut self.nested, true) {
            self.within(text);
            self.nested = false;
        }
        // `openssl -passin pass:x`.
        if let Some(password) = text.strip_prefix("pass:") {
            self.secrets.push(password.to_owned());
        }
        // So is each of several cookies, or the value of one.
        let is_part = |part: &&str| part.len() < text.len() || part.contains('=');
        for part in text.split(';').filter(is_part) {
            let value = part.split_once('=').map_or(part, |(_, value)| value);
            self.secrets.push(value.trim().to_owned());
        }
        // `Bearer …`: another program may repeat the last part alone.
        if let Some((scheme, last)) = text.rsplit_once(char::is_whitespace)
            && !scheme.contains(char::is_whitespace)
        {
            self.secrets.push(last.to_owned());
        }
        WITHHELD.to_owned()
    }

    fn is_secret_flag(&self, name: &str) -> bool {
        is_credential(name) && !(self.own && is_public_choice(name, None))
    }
}

/// Where the value of `name=value` begins, 0 where there is no name.
fn assigned(text: &str) -> usize {
    text.split_once('=').map_or(0, |(name, _)| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if name.chars().all(plain) {
            name.len() + 1
        } else {
            0
        }
    })
}

/// Where the user information of what follows `scheme://` ends, its `@` included; 0 where there is none. A password may hold
/// `/`, `?` or `#`, though a URL should have them escaped: a port that is no number betrays that. Only the paths of the web
/// hold an `@` themselves.
fn end_of_user_information(url: &str, is_web: bool) -> usize {
    if !is_web {
        return url.rfind('@').map_or(0, |at| at + 1);
    }
    let mut end = 0;
    loop {
        let rest = &url[end..];
        let authority = rest.find(['/', '?', '#']).map_or(rest, |at| &rest[..at]);
        if let Some(at) = authority.rfind('@') {
            end += at + 1;
            continue;
        }
        let port = authority.rsplit_once(':').map_or("", |(_, port)| port);
        let odd = !port.chars().all(|c| c.is_ascii_digit())
            && !port.starts_with('{')
            && !authority.ends_with(']');
        match rest.rfind('@') {
            Some(at) if odd => end += at + 1,
            _ => return end,
        }
    }
}

/// How many bytes of it are an opening quote, and how many bytes the value has with that.
fn value_length(text: &str, query: bool, header: bool) -> (usize, usize) {
    let (opening, quote) = match text.as_bytes() {
        [b'\\', b'"', ..] => (2, Some('"')),
        [b'"', ..] => (1, Some('"')),
        [b'\'', ..] => (1, Some('\'')),
        _ => (0, None),
    };
    let inner = &text[opening..];
    let mut escaped = false;
    let end = inner.char_indices().find(|(_, c)| {
        if std::mem::take(&mut escaped) {
            return false;
        }
        match quote {
            Some(quote) => {
                escaped = *c == '\\' && opening == 1;
                *c == quote || opening == 2 && *c == '\\'
            }
            None if header => "\"'".contains(*c),
            None if query => "&#\"'<>".contains(*c) || c.is_whitespace(),
            None => "\"'".contains(*c) || c.is_whitespace(),
        }
    });
    (opening, opening + end.map_or(inner.len(), |(at, _)| at))
}

/// `{port}`, alone or after an address of this machine.
fn is_placeholder(value: &str) -> bool {
    let Some(at) = value.find('{') else {
        return false;
    };
    let (before, place) = value.split_at(at);
    let name = place
        .strip_prefix('{')
        .and_then(|place| place.strip_suffix('}'));
    let plain = |name: &str| {
        name.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let before = before.strip_prefix("http://").unwrap_or(before);
    let local = [
        "",
        ":",
        "127.0.0.1:",
        "0.0.0.0:",
        "localhost:",
        "[::1]:",
        "[::]:",
    ];
    name.is_some_and(|name| plain(name) && name.len() < 24) && local.contains(&before)
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// Whether the name of an assignment is written as those of an environment are.
fn is_upper(word: &str) -> bool {
    let name = word.split('=').next().unwrap_or_default();
    name.contains(|c: char| c.is_ascii_uppercase())
        && !name.contains(|c: char| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests;

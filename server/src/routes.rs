//! What forward authorization asks for each path: a proxy in front of other servers asks here, and has no routes of ours.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;

use crate::denied::Denied;
use crate::path::normal;
use crate::policy::{Action, Scope};

mod table;

use table::{MOST_SEGMENTS, Table};

const SHAPE: &str = r#"expected [[route]] with method = "GET" (or "*"), path = "/reports/{id}" and, where being signed in is not enough, scope = "items:read""#;

/// Where the routes of other servers are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoutesFrom {
    /// Nowhere: any path is for whoever is signed in.
    Nowhere,
    /// A TOML file.
    File(PathBuf),
}

/// Why there are no routes, in one line.
#[derive(Debug, thiserror::Error)]
#[error("routes file {path}: {problem}")]
pub struct RoutesError {
    path: PathBuf,
    problem: String,
}

/// Path patterns, each with what its methods need.
#[derive(Default)]
pub(crate) struct Routes {
    /// Of a file; without one, any path is a route.
    listed: bool,
    table: Table,
    patterns: Vec<Pattern>,
}

struct Pattern {
    /// In its one form; see [`pattern`].
    path: Box<str>,
    /// A method, or all that are not named.
    methods: Vec<(Option<Box<str>>, Action)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    route: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    method: Box<str>,
    path: Box<str>,
    scope: Option<Scope>,
}

impl Routes {
    pub(crate) fn open(from: &RoutesFrom) -> Result<Self, RoutesError> {
        let entries = match from {
            RoutesFrom::Nowhere => return Ok(Self::default()),
            RoutesFrom::File(path) => read(path)?,
        };
        let RoutesFrom::File(file) = from else {
            return Ok(Self::default());
        };
        let refuse = |entry: &Entry, problem: &str| RoutesError {
            path: file.clone(),
            problem: format!("{} {}: {problem}; {SHAPE}", entry.method, entry.path),
        };
        let mut routes = Self {
            listed: true,
            ..Self::default()
        };
        for entry in &entries {
            let any = &*entry.method == "*";
            if !any && !is_named(&entry.method) {
                let problem = "a method is one or more capital letters or hyphens";
                return Err(refuse(entry, problem));
            }
            let path = pattern(&entry.path).map_err(|problem| refuse(entry, problem))?;
            let method = (!any).then(|| entry.method.clone());
            let action = Action::needing(entry.scope);
            let known = routes.position(&path);
            let place = known.unwrap_or_else(|| routes.add(&path));
            let pattern = &mut routes.patterns[place];
            if pattern.methods.iter().any(|(known, _)| *known == method) {
                let problem = "the same method and path are listed twice";
                return Err(refuse(entry, problem));
            }
            pattern.methods.push((method, action));
        }
        match routes.ambiguous_rest() {
            Some(problem) => Err(RoutesError {
                path: file.clone(),
                problem,
            }),
            None => Ok(routes),
        }
    }

    fn position(&self, path: &str) -> Option<usize> {
        let mut patterns = self.patterns.iter();
        patterns.position(|pattern| &*pattern.path == path)
    }

    /// Adds a pattern: its place.
    fn add(&mut self, path: &str) -> usize {
        let place = self.patterns.len();
        self.table.add(path, place);
        self.patterns.push(Pattern {
            path: path.into(),
            methods: Vec::new(),
        });
        place
    }

    /// `/img{*rest}` and `/img/{*rest}` are `/img` too, both of them: a reader of the file could take either for the closer
    /// one, so it must list that path itself.
    fn ambiguous_rest(&self) -> Option<String> {
        let mut covered: HashMap<&str, &str> = HashMap::new();
        for Pattern { path: one, .. } in &self.patterns {
            let Some(above) = one.strip_suffix(REST).map(without_slash) else {
                continue;
            };
            let Some(other) = covered.insert(above, one) else {
                continue;
            };
            if self.position(above).is_none() {
                return Some(format!(
                    "{other} and {one} both cover {above}: list {above} itself; {SHAPE}"
                ));
            }
        }
        None
    }

    /// The route of a path, and what it needs. What is matched is the path's one form, in which patterns are kept as well.
    ///
    /// # Errors
    /// [`Denied::NoRoute`]: an unknown one, a path that two servers could read in two ways, or a method that some servers take
    /// for another.
    pub(crate) fn find(&self, method: &str, path: &str) -> Result<(&str, Action), Denied> {
        let form = normal(path).map_err(|_| Denied::NoRoute)?;
        // The proxy passes on the text that it asked about, so a path must have its one form already: what one server
        // decodes, merges or cuts and the next does not is how checks are bypassed. Only the case of an escape's digits is
        // free, which no server tells apart (RFC 3986 §6.2.2.1); whatever else changes a path changes its length.
        if !form.eq_ignore_ascii_case(path) || !is_asked(method) {
            return Err(Denied::NoRoute);
        }
        if !self.listed {
            return Ok(("/{*path}", Action::needing(None)));
        }
        let found = self.table.find(without_slash(&form));
        let pattern = found.and_then(|place| self.patterns.get(place));
        let pattern = pattern.ok_or(Denied::NoRoute)?;
        let action = pattern.action(method).ok_or(Denied::NoRoute)?;
        Ok((&pattern.path, action))
    }
}

impl Pattern {
    /// What a method needs: its own entry says so, then, for HEAD, that of GET, whose answer it is without the content (RFC
    /// 9110 §9.3.2), then that of all methods.
    fn action(&self, method: &str) -> Option<Action> {
        let entry = |wanted: Option<&str>| {
            let mut methods = self.methods.iter();
            methods
                .find(|(known, _)| known.as_deref() == wanted)
                .map(|(_, action)| *action)
        };
        let as_get = || (method == "HEAD").then(|| entry(Some("GET"))).flatten();
        entry(Some(method)).or_else(as_get).or_else(|| entry(None))
    }
}

/// A method that an entry may name.
fn is_named(method: &str) -> bool {
    let capital = |byte: u8| byte.is_ascii_uppercase() || byte == b'-';
    !method.is_empty() && method.bytes().all(capital)
}

/// A method that a proxy may ask about: a token (RFC 9110 §5.6.2) without small letters. Methods are told apart by case
/// (§9.1), but a server that takes `get` for GET would answer what was judged as another method.
fn is_asked(method: &str) -> bool {
    let fits = |byte: u8| {
        byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte)
    };
    !method.is_empty() && method.bytes().all(fits)
}

/// More than any path of a pattern needs.
const MOST_PARAMETERS: usize = 16;

/// What a parameter is in a pattern's one form: its name tells no paths apart.
const PARAMETER: &str = "{p}";
const REST: &str = "{*p}";

/// The one form of a pattern, or what is wrong with it. Its literal text is in the form of [`normal`], text beyond ASCII
/// escaped, a slash at the end dropped, and parameters have one name.
fn pattern(typed: &str) -> Result<String, &'static str> {
    const ROOTED: &str = "a path begins with a slash";
    const SEGMENTS: &str = "a path has no empty segments and none that are . or ..";
    const PARAMETERS: &str = "a parameter is {name} at the end of a segment, or {*name} at the end of the path; write %7B and %7D for braces of the path itself";
    const TEXT: &str = "a path has no encoded slash, percent, semicolon or control character, no broken escape, and no character that a path cannot hold";
    const DEEP: &str = "a path has at most 128 segments";
    let segments = without_slash(typed).strip_prefix('/').ok_or(ROOTED)?;
    if segments.split('/').count() > MOST_SEGMENTS {
        return Err(DEEP);
    }
    let mut form = String::with_capacity(typed.len());
    if segments.is_empty() {
        return Ok("/".to_owned());
    }
    let (mut parameters, mut ended) = (0, false);
    for segment in segments.split('/') {
        if ended {
            return Err(PARAMETERS);
        }
        let (literal, parameter) = segment.split_at(segment.find('{').unwrap_or(segment.len()));
        if literal.contains('}') {
            return Err(PARAMETERS);
        }
        // The placeholder stands where the value will: a dot before a value is no dot segment.
        let placeholder = if parameter.is_empty() { "" } else { "x" };
        let escaped = escaped(literal);
        let whole = format!("/{escaped}{placeholder}");
        let formed = normal(&whole).map_err(|_| TEXT)?;
        let formed = formed.strip_suffix(placeholder).ok_or(TEXT)?;
        if formed == "/" && parameter.is_empty() {
            return Err(SEGMENTS);
        }
        form.push_str(formed);
        if parameter.is_empty() {
            continue;
        }
        let name = parameter
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'))
            .ok_or(PARAMETERS)?;
        let rest = name.strip_prefix('*');
        let name = rest.unwrap_or(name);
        parameters += 1;
        if name.is_empty() || name.contains(['{', '}', '*']) || parameters > MOST_PARAMETERS {
            return Err(PARAMETERS);
        }
        ended = rest.is_some();
        form.push_str(if ended { REST } else { PARAMETER });
    }
    Ok(form)
}

/// Text beyond ASCII as its escapes: a file is written by people.
fn escaped(literal: &str) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(literal.len());
    for character in literal.chars() {
        if character.is_ascii() {
            text.push(character);
        } else {
            let mut octets = [0; 4];
            for octet in character.encode_utf8(&mut octets).bytes() {
                let _ = write!(text, "%{octet:02X}");
            }
        }
    }
    text
}

/// A route is the same with and without a slash at its end.
fn without_slash(path: &str) -> &str {
    let shorter = path.strip_suffix('/').filter(|path| !path.is_empty());
    shorter.unwrap_or(path)
}

fn read(path: &Path) -> Result<Vec<Entry>, RoutesError> {
    let refuse = |problem: String| RoutesError {
        path: path.to_owned(),
        problem,
    };
    let text = crate::files::read_text(path).map_err(|error| refuse(error.to_string()))?;
    let file: File = toml::from_str(&text).map_err(|error| {
        let line = error
            .span()
            .map_or(1, |span| 1 + text[..span.start].matches('\n').count());
        let problem = error.message().replace('\n', "; ");
        refuse(format!("line {line}: {problem}; {SHAPE}"))
    })?;
    Ok(file.route)
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes")
            .field("patterns", &self.patterns.len())
            .finish_non_exhaustive()
    }
}

impl FromStr for RoutesFrom {
    type Err = std::convert::Infallible;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        Ok(Self::File(path.into()))
    }
}

impl<'de> Deserialize<'de> for RoutesFrom {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        PathBuf::deserialize(deserializer).map(Self::File)
    }
}

#[cfg(test)]
#[allow(
    clippy::format_push_string,
    reason = "a test reads better so, and need not be fast"
)]
mod tests;

//! What forward authorization asks for each path: a proxy in front of other servers asks here, and has no routes of ours.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;

use crate::denied::Denied;
use crate::path::normal;
use crate::policy::{Action, Scope};

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
    paths: matchit::Router<usize>,
    patterns: Vec<Pattern>,
}

struct Pattern {
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
            if !any
                && !entry
                    .method
                    .bytes()
                    .all(|c| c.is_ascii_uppercase() || c == b'-')
            {
                return Err(refuse(entry, "a method is written in capitals"));
            }
            let path = pattern(&entry.path).ok_or_else(|| refuse(entry, "not a path"))?;
            let method = (!any).then(|| entry.method.clone());
            let action = Action::needing(entry.scope);
            let known = routes
                .patterns
                .iter()
                .position(|pattern| &*pattern.path == path);
            let place = match known {
                Some(place) => place,
                None => routes
                    .add(path)
                    .map_err(|problem| refuse(entry, &problem))?,
            };
            let pattern = &mut routes.patterns[place];
            if pattern.methods.iter().any(|(known, _)| *known == method) {
                return Err(refuse(entry, "is there twice"));
            }
            pattern.methods.push((method, action));
        }
        Ok(routes)
    }

    /// Adds a pattern: its place, or what is wrong with it.
    fn add(&mut self, path: &str) -> Result<usize, String> {
        let place = self.patterns.len();
        self.paths
            .insert(path, place)
            .map_err(|error| error.to_string().replace('\n', " "))?;
        self.patterns.push(Pattern {
            path: path.into(),
            methods: Vec::new(),
        });
        Ok(place)
    }

    /// The route of a path, and what it needs.
    ///
    /// # Errors
    /// [`Denied::NoRoute`]: an unknown one, or a path that two servers could read in two ways.
    pub(crate) fn find(&self, method: &str, path: &str) -> Result<(&str, Action), Denied> {
        let path = bare(path).ok_or(Denied::NoRoute)?;
        if !self.listed {
            return Ok(("/{*path}", Action::needing(None)));
        }
        let found = self.paths.at(path).map_err(|_| Denied::NoRoute)?;
        let pattern = self.patterns.get(*found.value).ok_or(Denied::NoRoute)?;
        let named = pattern
            .methods
            .iter()
            .find(|(known, _)| known.as_deref() == Some(method));
        let any = || pattern.methods.iter().find(|(known, _)| known.is_none());
        let (_, action) = named.or_else(any).ok_or(Denied::NoRoute)?;
        Ok((&pattern.path, *action))
    }
}

/// A path with parameters in braces, whose rest is a path.
fn pattern(path: &str) -> Option<&str> {
    bare(&path.replace(['{', '}'], ""))?;
    let shorter = path.strip_suffix('/').filter(|path| !path.is_empty());
    Some(shorter.unwrap_or(path))
}

/// A path that is in its one form already, without a trailing slash; `None` for any other: whoever passes it on passes on
/// the text that was asked about, and what one server decodes, merges or cuts and the next does not is how checks are
/// passed by.
fn bare(path: &str) -> Option<&str> {
    // An escape may be written in small letters; whatever else changes changes the length.
    let formed = normal(path).is_ok_and(|form| form.eq_ignore_ascii_case(path));
    let shorter = path.strip_suffix('/').filter(|path| !path.is_empty());
    formed.then_some(shorter.unwrap_or(path))
}

fn read(path: &Path) -> Result<Vec<Entry>, RoutesError> {
    let refuse = |problem: String| RoutesError {
        path: path.to_owned(),
        problem,
    };
    let text = std::fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
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
mod tests {
    use super::*;

    fn routes() -> Routes {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = r#"
            [[route]]
            method = "GET"
            path = "/reports/{id}"
            scope = "items:read"
            [[route]]
            method = "*"
            path = "/reports/{id}"
            scope = "items:write"
            [[route]]
            method = "GET"
            path = "/me/"
        "#;
        std::fs::write(file.path(), text).unwrap();
        Routes::open(&RoutesFrom::File(file.path().to_owned())).unwrap()
    }

    #[test]
    fn a_path_needs_what_its_route_says_by_method() {
        let routes = routes();
        let needs = |method, path| routes.find(method, path).map(|(_, action)| action.scope());
        assert_eq!(needs("GET", "/reports/7"), Ok(Some(Scope::ItemsRead)));
        assert_eq!(needs("GET", "/reports/7/"), Ok(Some(Scope::ItemsRead)));
        assert_eq!(needs("PUT", "/reports/7"), Ok(Some(Scope::ItemsWrite)));
        assert_eq!(needs("GET", "/me"), Ok(None));
        assert_eq!(needs("POST", "/me"), Err(Denied::NoRoute));
        assert_eq!(needs("GET", "/other"), Err(Denied::NoRoute));
    }

    #[test]
    fn a_path_that_can_be_read_in_two_ways_has_no_route() {
        let (known, none) = (routes(), Routes::default());
        for path in [
            "/reports/../me",
            "/reports/./7",
            "//reports/7",
            "/reports//7",
            "/reports%2f7",
            "/reports/%2E%2e/me",
            "/reports/7;x=1",
            "/reports\\7",
            "/reports/%00",
            "/reports/%252e",
            "/%72eports/7",
            "/reports/%7",
            "/reports/%",
            "/reports/%+7",
            "/reports/7#x",
            "reports/7",
            "",
            "/r\u{e4}",
        ] {
            assert_eq!(
                known.find("GET", path).map(|_| ()),
                Err(Denied::NoRoute),
                "{path}"
            );
            assert_eq!(
                none.find("GET", path).map(|_| ()),
                Err(Denied::NoRoute),
                "{path}"
            );
        }
        assert!(none.find("GET", "/any/thing").is_ok());
        assert!(known.find("GET", "/reports/a%20b%c3%A4").is_ok());
    }

    #[test]
    fn a_file_that_lists_nothing_opens_nothing() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "route = []").unwrap();
        let routes = Routes::open(&RoutesFrom::File(file.path().to_owned())).unwrap();
        assert_eq!(routes.find("GET", "/").map(|_| ()), Err(Denied::NoRoute));
    }
}

//! The patterns of a routes file as a tree of segments: which of them a path reaches.
//!
//! In each segment, from the left to the right, literal text is tried before a parameter, a longer text before a parameter
//! or a catch-all before a shorter one, and a parameter before a catch-all. Where the rest of the path does not fit, the
//! next choice is tried. The pattern that is found therefore depends on neither the order of the file nor on what else is
//! in it that matches less closely.
//!
//! Each node is reached by one way only. A search visits it at most once, so it takes no more steps than the table has
//! segments, whatever the path is, and it allocates nothing.

use super::{PARAMETER, REST};

/// More segments than any path of a pattern needs: a search goes so deep at most.
pub(super) const MOST_SEGMENTS: usize = 128;

/// Patterns in their one form, each with its place in a list.
pub(super) struct Table(Vec<Node>);

#[derive(Default)]
struct Node {
    /// The next segment as literal text, in order: the node behind it.
    literals: Vec<(Box<str>, usize)>,
    /// Parameters and catch-alls, in the order in which they are tried.
    open: Vec<Open>,
    /// The pattern that ends here.
    end: Option<usize>,
}

/// A part of a pattern that is not literal text alone.
struct Open {
    /// The text before the value.
    before: Box<str>,
    to: To,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum To {
    /// A parameter: the node behind it.
    Node(usize),
    /// A catch-all: the pattern.
    Pattern(usize),
}

impl Default for Table {
    fn default() -> Self {
        Self(vec![Node::default()])
    }
}

impl Table {
    /// Adds a pattern in its one form, which is not in the table yet.
    pub(super) fn add(&mut self, pattern: &str, place: usize) {
        let mut at = 0;
        for segment in segments(pattern) {
            if let Some(before) = segment.strip_suffix(REST) {
                self.open(at, before, To::Pattern(place));
                return;
            }
            at = match segment.strip_suffix(PARAMETER) {
                Some(before) => self.parameter(at, before),
                None => self.literal(at, segment),
            };
        }
        self.0[at].end = Some(place);
    }

    fn literal(&mut self, at: usize, text: &str) -> usize {
        let new = self.0.len();
        let literals = &mut self.0[at].literals;
        match literals.binary_search_by(|(known, _)| (**known).cmp(text)) {
            Ok(known) => literals[known].1,
            Err(between) => {
                literals.insert(between, (text.into(), new));
                self.0.push(Node::default());
                new
            }
        }
    }

    fn parameter(&mut self, at: usize, before: &str) -> usize {
        for open in &self.0[at].open {
            if let To::Node(node) = open.to
                && *open.before == *before
            {
                return node;
            }
        }
        let new = self.0.len();
        self.open(at, before, To::Node(new));
        self.0.push(Node::default());
        new
    }

    fn open(&mut self, at: usize, before: &str, to: To) {
        let open = &mut self.0[at].open;
        open.push(Open {
            before: before.into(),
            to,
        });
        // A parameter comes before a catch-all, as it does in the enumeration.
        open.sort_by(|one, other| {
            let longer_first = other.before.len().cmp(&one.before.len());
            longer_first.then(one.to.cmp(&other.to))
        });
    }

    /// The pattern that a path without a slash at its end reaches.
    pub(super) fn find(&self, path: &str) -> Option<usize> {
        let path = path.strip_prefix('/')?;
        self.search(0, (!path.is_empty()).then_some(path))
    }

    fn search(&self, at: usize, path: Option<&str>) -> Option<usize> {
        let node = self.0.get(at)?;
        let Some(path) = path else {
            // `/admin/{*rest}` is `/admin` too: servers answer it with what is below.
            return node.end.or_else(|| node.empty_rest());
        };
        let (segment, beyond) = match path.split_once('/') {
            Some((segment, beyond)) => (segment, Some(beyond)),
            None => (path, None),
        };
        let literals = &node.literals;
        if let Ok(known) = literals.binary_search_by(|(text, _)| (**text).cmp(segment))
            && let Some(found) = self.search(literals[known].1, beyond)
        {
            return Some(found);
        }
        node.open.iter().find_map(|open| {
            let value = segment.strip_prefix(&*open.before)?;
            match open.to {
                // A parameter is at least a character.
                To::Node(next) if !value.is_empty() => self.search(next, beyond),
                To::Node(_) => None,
                To::Pattern(place) => Some(place),
            }
        })
    }
}

impl Node {
    fn empty_rest(&self) -> Option<usize> {
        self.open.iter().find_map(|open| match open.to {
            To::Pattern(place) if open.before.is_empty() => Some(place),
            _ => None,
        })
    }
}

/// The segments of a pattern without a slash at its end; of `/`, none.
fn segments(pattern: &str) -> impl Iterator<Item = &str> {
    let path = pattern.strip_prefix('/').unwrap_or(pattern);
    path.split('/').filter(|segment| !segment.is_empty())
}

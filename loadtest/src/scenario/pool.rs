//! A population: members that journeys draw from, with values of their own.

use std::time::Duration;

/// Members that journeys draw from.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    /// Its place among the scenario's pools.
    pub number: usize,
    /// Its name, and that of the value that holds a member's number.
    pub name: String,
    /// How many members it has.
    pub size: usize,
    /// What every member has from the start.
    pub table: Table,
    /// How often each is drawn.
    pub popularity: Popularity,
    /// Steps made once for each member and server, untimed.
    pub fill: Vec<usize>,
    /// Names of the values that `fill` saves on a member.
    pub saved: Vec<String>,
    /// How long a revoked member is drawn before it is filled anew.
    pub probe_for: Duration,
}

/// How often each member is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Popularity {
    /// All alike.
    #[default]
    Uniform,
    /// One after another.
    Turn,
    /// Member `k` (from 1) in proportion to `k⁻ˢ`.
    Zipf(f64),
}

/// Values by row and column, in one piece of memory.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// Names of the columns.
    pub columns: Vec<String>,
    text: String,
    /// Where each value ends in `text`, row by row.
    ends: Vec<usize>,
}

/// Its columns alone: the values may be passwords.
impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table")
            .field("columns", &self.columns)
            .field("values", &self.ends.len())
            .finish_non_exhaustive()
    }
}

impl Table {
    /// A table without rows.
    #[must_use]
    pub fn new(columns: Vec<String>) -> Self {
        Self {
            columns,
            ..Self::default()
        }
    }

    /// Appends the next value, row by row.
    pub fn push(&mut self, value: &str) {
        self.text.push_str(value);
        self.ends.push(self.text.len());
    }

    /// How many rows it has.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.ends.len().checked_div(self.columns.len()).unwrap_or(0)
    }

    /// The value at `row` of the column named.
    #[must_use]
    pub fn value(&self, row: usize, column: &str) -> Option<&str> {
        let column = self.columns.iter().position(|name| name == column)?;
        let at = row * self.columns.len() + column;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.text.get(start..*self.ends.get(at)?)
    }
}

impl Pool {
    /// Whether the value is one of its members'.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.names().any(|own| own == name)
    }

    /// The values that its members have.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [&self.name]
            .into_iter()
            .chain(&self.table.columns)
            .chain(&self.saved)
            .map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_finds_each_value_in_its_place() {
        let mut table = Table::new(vec!["name".into(), "password".into()]);
        for value in ["john", "secret", "", "päss"] {
            table.push(value);
        }
        assert_eq!(table.rows(), 2);
        assert_eq!(table.value(0, "name"), Some("john"));
        assert_eq!(table.value(0, "password"), Some("secret"));
        assert_eq!(table.value(1, "name"), Some(""));
        assert_eq!(table.value(1, "password"), Some("päss"));
        assert_eq!(table.value(2, "name"), None);
        assert_eq!(table.value(0, "other"), None);
    }
}

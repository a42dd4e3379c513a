//! Text into HTML, escaped; marks that would turn the direction of writing are shown.

use std::fmt::Write;

use crate::plain::is_active;

/// Text as it may stand between tags and within quoted attributes.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(c),
            active if is_active(active) => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
    }
    safe
}

/// An element of a class with text in it.
pub(crate) fn element(tag: &str, class: &str, text: &str) -> String {
    format!("<{tag} class=\"{class}\">{}</{tag}>", escaped(text))
}

/// The column of words, beside columns of figures.
const WORDS: &str = "given up";

/// A cell of a table.
pub(crate) struct Cell {
    /// What it says.
    pub(crate) text: String,
    /// How it looks; empty for as any other.
    pub(crate) class: &'static str,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, class: "" }
    }
}

/// A wide table, which scrolls by itself where the page is not wide enough and not yet narrow.
pub(crate) fn scrolled(label: &str, table: &str) -> String {
    format!(
        "<div class=\"scrolled\" role=\"region\" aria-label=\"{}, scrolled\" tabindex=\"0\">{table}</div>",
        escaped(label)
    )
}

/// A table of texts.
pub(crate) fn table(label: &str, header: &[String], rows: &[Vec<String>]) -> String {
    let cells = |row: &Vec<String>| row.iter().cloned().map(Cell::from).collect();
    let rows: Vec<Vec<Cell>> = rows.iter().map(cells).collect();
    table_of(label, header, &rows)
}

/// A table that turns into cards where the page is narrow. Roles are spelled out: a table shown as
/// blocks loses them in some browsers.
pub(crate) fn table_of(label: &str, header: &[String], rows: &[Vec<Cell>]) -> String {
    let label = escaped(label);
    let mut table = format!(
        "<table role=\"table\" aria-label=\"{label}\"><thead role=\"rowgroup\"><tr role=\"row\">"
    );
    for name in header {
        let _ = write!(
            table,
            "<th role=\"columnheader\" scope=\"col\"{}>{}</th>",
            if name == WORDS {
                " class=\"words\""
            } else {
                ""
            },
            escaped(name)
        );
    }
    table.push_str("</tr></thead><tbody role=\"rowgroup\">\n");
    for cells in rows {
        row(&mut table, header, cells);
    }
    table.push_str("</tbody></table>\n");
    table
}

fn row(table: &mut String, header: &[String], cells: &[Cell]) {
    table.push_str("<tr role=\"row\">");
    for (place, (name, cell)) in header.iter().zip(cells).enumerate() {
        let (name, text) = (escaped(name), escaped(&cell.text));
        let class = match cell.class {
            "" => String::new(),
            class => format!(" class=\"{class}\""),
        };
        let _ = match place {
            0 => write!(table, "<th role=\"rowheader\" scope=\"row\">{text}</th>"),
            _ => write!(
                table,
                "<td role=\"cell\" data-column=\"{name}\"{class}>{text}</td>"
            ),
        };
    }
    table.push_str("</tr>\n");
}

//! Text into HTML, escaped.

use std::fmt::Write;

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
            other => safe.push(other),
        }
    }
    safe
}

/// An element of a class with text in it.
pub(crate) fn element(tag: &str, class: &str, text: &str) -> String {
    format!("<{tag} class=\"{class}\">{}</{tag}>", escaped(text))
}

/// A table that turns into cards where the page is narrow. Roles are spelled out: a table shown as
/// blocks loses them in some browsers.
pub(crate) fn table(label: &str, header: &[String], rows: &[Vec<String>]) -> String {
    let label = escaped(label);
    let mut table = format!(
        "<table role=\"table\" aria-label=\"{label}\"><thead role=\"rowgroup\"><tr role=\"row\">"
    );
    for name in header {
        let _ = write!(
            table,
            "<th role=\"columnheader\" scope=\"col\">{}</th>",
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

fn row(table: &mut String, header: &[String], cells: &[String]) {
    table.push_str("<tr role=\"row\">");
    for (place, (name, cell)) in header.iter().zip(cells).enumerate() {
        let (name, cell) = (escaped(name), escaped(cell));
        let _ = match place {
            0 => write!(table, "<th role=\"rowheader\" scope=\"row\">{cell}</th>"),
            _ => write!(
                table,
                "<td role=\"cell\" data-column=\"{name}\">{cell}</td>"
            ),
        };
    }
    table.push_str("</tr>\n");
}

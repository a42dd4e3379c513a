//! The frame of every chart: its legend, its picture for a page and for a phone, and the table behind it.

use super::html::{element, escaped, table};
use crate::chart::{Size, palette};

/// For a page, and for a phone: text keeps its size, which a scaled picture's would not.
pub(super) const WIDE: Size = Size {
    width: 940,
    height: 440,
};
pub(super) const NARROW: Size = Size {
    width: 358,
    height: 300,
};

/// A chart's section; `figures` is its table, or where that is long, a [`folded`] one.
pub(super) fn section(title: &str, chart: &str, figures: &str) -> String {
    format!(
        "<section aria-label=\"{0}\"><h2>{0}</h2><figure>{chart}</figure>{figures}</section>\n",
        escaped(title)
    )
}

/// A table to be opened, below the chart that it stands behind.
pub(super) fn folded(
    summary: &str,
    title: &str,
    header: &[String],
    rows: &[Vec<String>],
) -> String {
    format!(
        "<details><summary>{}</summary>{}</details>",
        escaped(summary),
        table(title, header, rows)
    )
}

/// Both pictures, one of which is shown.
pub(super) fn responsive(label: &str, wide: &str, narrow: &str) -> String {
    picture("plot wide", label, wide) + &picture("plot narrow", label, narrow)
}

/// A picture and what is said of it to those who do not see it.
pub(super) fn picture(class: &str, label: &str, svg: &str) -> String {
    let labelled = format!("<svg role=\"img\" aria-label=\"{}\" ", escaped(label));
    let svg = svg.replacen("<svg ", &labelled, 1);
    format!("<div class=\"{class}\">{svg}</div>")
}

/// An entry of a legend.
pub(super) struct Entry<'a> {
    /// How it is drawn.
    pub(super) swatch: String,
    /// Its name.
    pub(super) label: &'a str,
    /// The figure beside it; empty for none.
    pub(super) figure: String,
    /// The variant whose curves the script may hide; none for what is no variant.
    pub(super) hides: Option<usize>,
}

impl<'a> Entry<'a> {
    /// A variant's line.
    pub(super) fn line(place: usize, label: &'a str, figure: String) -> Self {
        Self {
            swatch: line_swatch(place),
            label,
            figure,
            hides: Some(place),
        }
    }
}

/// Swatch, name and figure of each entry.
pub(super) fn legend<'a>(entries: impl Iterator<Item = Entry<'a>>) -> String {
    let entry = |entry: Entry<'_>| {
        let hides = entry
            .hides
            .map_or_else(String::new, |place| format!(" data-hides=\"{place}\""));
        format!(
            "<li{hides}>{}{} <span class=\"figure\">{}</span></li>",
            entry.swatch,
            escaped(entry.label),
            escaped(&entry.figure)
        )
    };
    let entries: String = entries.map(entry).collect();
    if entries.is_empty() {
        element("p", "note", "Nothing was measured.")
    } else {
        format!("<ul class=\"legend\">{entries}</ul>")
    }
}

/// A line as in the chart, its dashes too.
fn line_swatch(place: usize) -> String {
    let class = palette::series(place).class();
    format!(
        "<svg class=\"swatch\" viewBox=\"0 0 24 6\" aria-hidden=\"true\"><path d=\"M0 3H24\" class=\"s-{class}\" \
         stroke-width=\"3\"/></svg>"
    )
}

/// A bar as in the chart.
pub(super) fn bar_swatch(place: usize) -> String {
    let class = palette::series(place).class();
    format!(
        "<svg class=\"swatch\" viewBox=\"0 0 24 12\" aria-hidden=\"true\"><path d=\"M0 0H24V12H0Z\" class=\"f-{class}\"/>\
         </svg>"
    )
}

//! Charts, each with its legend and the table behind it.

use super::html::{element, escaped, table};
use crate::{
    chart::{self, DrawError, Size, palette},
    curves::{Curves, Line},
    quantity::{self, NOT_MEASURED},
    run::PERCENTILES,
    stages::{Row, Stages},
};

/// For a page, and for a phone: text keeps its size, which a scaled picture's would not.
pub(super) const WIDE: Size = Size {
    width: 940,
    height: 440,
};
pub(super) const NARROW: Size = Size {
    width: 358,
    height: 300,
};

/// The section of one load and step.
pub(crate) fn curves(curves: &Curves) -> Result<String, DrawError> {
    let title = format!("Percentiles: {}, {}", curves.at.load, curves.at.step);
    let label = format!(
        "{title}. Latency of each variant by percentile, both axes logarithmic, that of latencies broken where nothing lies; figures \
         below."
    );
    let pictures = responsive(
        &label,
        &chart::curves::draw(curves, WIDE)?,
        &chart::curves::draw(curves, NARROW)?,
    );
    let legend = legend(
        curves
            .lines
            .iter()
            .map(|line| (line_swatch(line.place), line.label.as_str(), median(line))),
    );
    let header: Vec<String> = ["variant".to_owned()]
        .into_iter()
        .chain(PERCENTILES.map(quantity::percentile))
        .chain(["max".to_owned(), "samples".to_owned()])
        .collect();
    let rows: Vec<Vec<String>> = curves.lines.iter().map(percentiles).collect();
    Ok(section(
        &title,
        &format!("{legend}{pictures}"),
        &format!(
            "<details><summary>Figures</summary>{}</details>",
            table(&title, &header, &rows)
        ),
    ))
}

/// The section of the stages' costs.
pub(crate) fn stages(stages: &Stages) -> Result<String, DrawError> {
    let title = &format!(
        "Where the server's time goes: {}, {}",
        stages.at.load, stages.at.step
    );
    let label = format!(
        "{title}. Mean time of each stage, a bar for each variant, on an axis of its own where a variant is \
         ten times as slow as the others; figures below."
    );
    let pictures = responsive(
        &label,
        &chart::stages::draw(stages, WIDE.width)?,
        &chart::stages::draw(stages, NARROW.width)?,
    );
    let legend = legend(
        stages
            .names
            .iter()
            .enumerate()
            .map(|(place, name)| (bar_swatch(place), name.as_str(), String::new())),
    );
    let header: Vec<String> = ["variant", "total"]
        .map(str::to_owned)
        .into_iter()
        .chain(stages.names.clone())
        .chain(["samples".to_owned()])
        .collect();
    let rows: Vec<Vec<String>> = stages.rows.iter().map(costs).collect();
    // In the open: a stage of nanoseconds is a hair in any picture.
    Ok(section(
        title,
        &format!("{legend}{pictures}"),
        &table(title, &header, &rows),
    ))
}

fn percentiles(line: &Line) -> Vec<String> {
    let value =
        |ns: &Option<u64>| ns.map_or(NOT_MEASURED.to_owned(), |ns| quantity::duration(ns as f64));
    let name = std::iter::once(line.label.clone());
    let rest = [
        quantity::duration(line.max as f64),
        quantity::grouped(line.count),
    ];
    name.chain(line.percentiles.iter().map(value))
        .chain(rest)
        .collect()
}

fn costs(row: &Row) -> Vec<String> {
    let times = std::iter::once(&row.total_ns)
        .chain(&row.mean_ns)
        .map(|ns| quantity::duration(*ns));
    std::iter::once(row.label.clone())
        .chain(times)
        .chain([quantity::grouped(row.samples)])
        .collect()
}

pub(super) fn section(title: &str, chart: &str, figures: &str) -> String {
    format!(
        "<section aria-label=\"{0}\"><h2>{0}</h2><figure>{chart}</figure>{figures}</section>\n",
        escaped(title)
    )
}

pub(super) fn responsive(label: &str, wide: &str, narrow: &str) -> String {
    let label = escaped(label);
    let picture = |class: &str, svg: &str| {
        let svg = svg.replacen(
            "<svg ",
            &format!("<svg role=\"img\" aria-label=\"{label}\" "),
            1,
        );
        format!("<div class=\"{class}\">{svg}</div>")
    };
    picture("wide", wide) + &picture("narrow", narrow)
}

fn median(line: &Line) -> String {
    let p50 = line.percentiles.first().copied().flatten();
    p50.map_or(String::new(), |ns| {
        format!("p50 {}", quantity::duration(ns as f64))
    })
}

/// A line as in the chart, its dashes too.
pub(super) fn line_swatch(place: usize) -> String {
    let class = palette::series(place).class();
    format!(
        "<svg class=\"swatch\" viewBox=\"0 0 24 6\" aria-hidden=\"true\"><path d=\"M0 3H24\" class=\"s-{class}\" \
         stroke-width=\"3\"/></svg>"
    )
}

fn bar_swatch(place: usize) -> String {
    let class = palette::series(place).class();
    format!(
        "<svg class=\"swatch\" viewBox=\"0 0 24 12\" aria-hidden=\"true\"><path d=\"M0 0H24V12H0Z\" class=\"f-{class}\"/>\
         </svg>"
    )
}

/// Swatch, name and figure of each entry.
pub(super) fn legend<'a>(entries: impl Iterator<Item = (String, &'a str, String)>) -> String {
    let entry = |(swatch, label, figure): (String, &str, String)| {
        format!(
            "<li>{swatch}{} <span class=\"figure\">{}</span></li>",
            escaped(label),
            escaped(&figure)
        )
    };
    let entries: String = entries.map(entry).collect();
    if entries.is_empty() {
        element("p", "note", "Nothing was measured.")
    } else {
        format!("<ul class=\"legend\">{entries}</ul>")
    }
}

//! What the stages of a request cost, as bars and as a table.

use super::{
    charts::{Entry, NARROW, WIDE, bar_swatch, legend, responsive, section},
    html::table,
};
use crate::{
    chart::{self, DrawError},
    quantity,
    stages::{Row, Stages},
};

/// The section.
pub(super) fn render(stages: &Stages) -> Result<String, DrawError> {
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
    let legend = legend(stages.names.iter().enumerate().map(|(place, name)| Entry {
        swatch: bar_swatch(place),
        label: name.as_str(),
        figure: String::new(),
        hides: None,
    }));
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

fn costs(row: &Row) -> Vec<String> {
    let times = std::iter::once(&row.total_ns)
        .chain(&row.mean_ns)
        .map(|ns| quantity::duration(*ns));
    std::iter::once(row.label.clone())
        .chain(times)
        .chain([quantity::grouped(row.samples)])
        .collect()
}

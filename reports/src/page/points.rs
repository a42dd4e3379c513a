//! What the script says of each point of a chart: data beside the pictures, whose lines hold the same points in the
//! same order.

use serde::Serialize;

/// A variant's lines in one chart.
#[derive(Serialize)]
pub(super) struct Points<'a> {
    /// The variant's place in the run.
    pub(super) place: usize,
    /// As people read it.
    pub(super) label: &'a str,
    /// What is said of each point of each line, in the order in which the lines are drawn.
    pub(super) lines: Vec<Vec<String>>,
}

/// A block of data: not run, so that no policy of scripts is against it.
pub(super) fn render(points: &[Points<'_>]) -> String {
    // Numbers and texts alone cannot fail to be written.
    let json = serde_json::to_string(points).unwrap_or_default();
    // A label may not end the block.
    let json = json.replace('<', "\\u003c");
    format!("<script type=\"application/json\" class=\"points\">{json}</script>")
}

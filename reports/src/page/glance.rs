//! The run at a glance: what a request takes, what it costs the server, how long it still passes after a revoke.

use super::html::{element, escaped};
use crate::{
    chart::palette,
    ladder::{Rung, Table, words},
    quantity::NOT_MEASURED,
    run::Latency,
    safety::{self, Row, Safety, Shown},
};

/// The section; empty for a run without variants.
pub(super) fn render(ladder: &Table, safety: &Safety) -> String {
    let tiles: String = safety::beside(ladder, safety)
        .enumerate()
        .map(|(place, (rung, row))| tile(ladder.latency, place, rung, row))
        .collect();
    if tiles.is_empty() {
        return tiles;
    }
    let note = format!(
        "{} of {}; CPU is the server's time for a million requests; stale is the longest that a request still passed after a revoke. \
         {NOT_MEASURED}: not measured.",
        match ladder.latency {
            Latency::Response =>
                "response p50 is of the response time, from the intended start, and service p50 of the service time",
            Latency::Service => "p50 is",
        },
        ladder.heading.load
    );
    format!(
        "<section aria-labelledby=\"glance\"><h2 id=\"glance\">At a glance</h2>\n<ul class=\"tiles\">{tiles}</ul>\n{}</section>\n",
        element("p", "note", &note)
    )
}

fn tile(latency: Latency, place: usize, rung: &Rung, row: &Row) -> String {
    let colour = palette::series(place).class();
    let [_, cpu, _] = safety::costs(rung, row);
    let cpu = if rung.cpu_s_per_million.is_some() {
        format!("{cpu} s")
    } else {
        cpu
    };
    let latencies: Vec<String> = words::latency_columns(latency)
        .iter()
        .zip(words::latencies(latency, rung))
        .map(|(name, time)| format!("<div><dt>{name}</dt><dd>{time}</dd></div>"))
        .collect();
    let latencies = latencies.concat();
    let (stale, shown) = row.stale_window();
    let class = match shown {
        Shown::NotTried => "",
        Shown::Refused => " class=\"safe\"",
        Shown::Passed => " class=\"unsafe\"",
    };
    let baseline = if rung.is_baseline {
        " <span class=\"mark\">baseline</span>"
    } else {
        ""
    };
    format!(
        "<li><h3><svg class=\"swatch\" viewBox=\"0 0 12 12\" aria-hidden=\"true\"><circle cx=\"6\" cy=\"6\" r=\"6\" \
         class=\"f-{colour}\"/></svg>{label}{baseline}</h3><dl>{latencies}<div><dt>CPU/million</dt>\
         <dd>{cpu}</dd></div><div><dt>stale</dt><dd{class}>{stale}</dd></div></dl></li>\n",
        label = escaped(&rung.variant.label),
    )
}

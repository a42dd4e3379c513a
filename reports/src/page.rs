//! `index.html`: a run on one page, in one file that needs no network.

mod badge;
mod calibration;
mod charts;
mod curves;
mod findings;
mod glance;
mod html;
mod ladder;
mod points;
mod rates;
mod safety;
pub mod site;
mod stages;
mod staleness;
mod timeline;

use self::html::escaped;
use crate::{
    chart::{self, DrawError, Size, palette},
    finding::Finding,
    ladder::{Table, words},
    run::Run,
    safety::Safety,
    stages::Stages,
    timeline::Timeline,
};

const STYLE: &str = include_str!("page/style.css");
/// Hover and hide. The page is whole without it: each chart has its table.
const SCRIPT: &str = include_str!("page/script.js");
/// The picture for a README, without its legend.
const PICTURE: Size = Size {
    width: 800,
    height: 420,
};

/// The page of a run.
///
/// # Errors
/// When a chart cannot be drawn.
pub fn render(run: &Run) -> Result<String, DrawError> {
    let table = Table::of(run);
    let heading = &table.heading;
    let safety = Safety::of(run);
    let curves = crate::curves::of(run);
    let curves = all(&curves, curves::render)?;
    let searches = all(&crate::rates::of(run), rates::render)?;
    let timeline = all(Timeline::of(run).as_slice(), timeline::render)?;
    let staleness = staleness::render(&crate::staleness::of(run))?;
    let stages = all(Stages::of(run).as_slice(), stages::render)?;
    Ok(format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{scenario} · authlab</title>
<style>
{STYLE}{palette}</style>
</head>
<body>
<main>
<header>
<h1>{scenario}</h1>
<p class="question">{question}</p>
{badge}
{findings}
</header>
{glance}<section aria-labelledby="ladder"><h2 id="ladder">The ladder</h2>
{ladder}
</section>
{safety}{staleness}{curves}{searches}{timeline}{stages}{calibration}
<section aria-labelledby="repeat"><h2 id="repeat">Repeat it</h2>
<pre tabindex="0"><code>{command}</code></pre>
<dl>
<dt>Machine</dt><dd>{machine}</dd>
<dt>Run</dt><dd>{id}, profile {profile}, seed {seed}, started {started}</dd>
<dt>Tool</dt><dd>authlab {version} {commit}, {build} build</dd>
</dl>
</section>
</main>
<script>
{SCRIPT}</script>
</body>
</html>
"#,
        scenario = escaped(&heading.scenario),
        question = escaped(&heading.question),
        palette = palette::style(),
        badge = badge::render(heading),
        findings = findings::render(&Finding::of(run)),
        glance = glance::render(&table, &safety),
        safety = safety::render(&table, &safety),
        ladder = ladder::render(&table),
        calibration = calibration::render(&table, run.calibration.as_ref()),
        command = escaped(&words::command(&run.command)),
        machine = escaped(&words::machine(&run.machine)),
        id = escaped(&run.id),
        profile = escaped(&run.scenario.profile),
        seed = run.seed,
        started = escaped(&run.started),
        version = escaped(&run.tool.version),
        commit = escaped(&run.tool.commit),
        build = escaped(&run.tool.profile),
    ))
}

/// The sections of all charts of a kind.
fn all<T>(
    charts: &[T],
    render: impl Fn(&T) -> Result<String, DrawError>,
) -> Result<String, DrawError> {
    charts.iter().map(render).collect()
}

/// `ladder.svg`: the percentile curves of the ladder's step, for a README; none without samples.
///
/// # Errors
/// When it cannot be drawn.
pub fn picture(run: &Run) -> Result<Option<String>, DrawError> {
    let charts = crate::curves::of(run);
    let of_ladder = charts
        .iter()
        .find(|curves| curves.at == run.scenario.ladder.latency);
    of_ladder
        .map(|curves| chart::curves::picture(curves, PICTURE))
        .transpose()
}

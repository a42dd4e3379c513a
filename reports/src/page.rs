//! `index.html`: a run on one page, in one file that needs no network.

mod badge;
mod calibration;
mod charts;
mod html;
mod ladder;
mod rates;
pub mod site;

use self::html::escaped;
use crate::{
    chart::{self, DrawError, Size, palette},
    curves,
    ladder::{Table, words},
    run::Run,
    stages::Stages,
};

const STYLE: &str = include_str!("page/style.css");
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
    let charts = curves::of(run)
        .iter()
        .map(charts::curves)
        .collect::<Result<String, _>>()?;
    let searches = crate::rates::of(run)
        .iter()
        .map(rates::render)
        .collect::<Result<String, _>>()?;
    let stages = Stages::of(run).map_or(Ok(String::new()), |stages| charts::stages(&stages))?;
    let sentence = table
        .changes
        .sentence()
        .map(|sentence| html::element("p", "headline", &sentence));
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
{sentence}
</header>
<section aria-labelledby="ladder"><h2 id="ladder">The ladder</h2>
{ladder}
</section>
{searches}{charts}{stages}{calibration}
<section aria-labelledby="repeat"><h2 id="repeat">Repeat it</h2>
<pre tabindex="0"><code>{command}</code></pre>
<dl>
<dt>Machine</dt><dd>{machine}</dd>
<dt>Run</dt><dd>{id}, profile {profile}, seed {seed}, started {started}</dd>
<dt>Tool</dt><dd>authlab {version} {commit}, {build} build</dd>
</dl>
</section>
</main>
</body>
</html>
"#,
        scenario = escaped(&heading.scenario),
        question = escaped(&heading.question),
        palette = palette::style(),
        badge = badge::render(heading),
        sentence = sentence.unwrap_or_default(),
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

/// `ladder.svg`: the percentile curves of the ladder's step, for a README; none without samples.
///
/// # Errors
/// When it cannot be drawn.
pub fn picture(run: &Run) -> Result<Option<String>, DrawError> {
    let charts = curves::of(run);
    let of_ladder = charts
        .iter()
        .find(|curves| curves.at == run.scenario.ladder.latency);
    of_ladder
        .map(|curves| chart::curves::picture(curves, PICTURE))
        .transpose()
}

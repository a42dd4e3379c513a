//! `authlab prove figures`: the figures that pages quote from published runs are those of the runs.
//!
//! A page marks a figure as `<!--figure RUN/VARIANT/NAME-->63.9 µs<!--/-->`. The comments do not show where the page is
//! read. The figure comes from the same estimates as the run's ladder, so that no two pages can disagree. Names:
//! - columns of the ladder: `p50`, `p99` (open loads), `first`, `ratio`, `cpu` (CPU seconds a million requests), `rate`;
//! - `memory`; `stale`, `probed` and `lag` of revoked credentials; `passed:ATTACK` and `tried:ATTACK`;
//! - `hits:LOAD` and `ideal:LOAD`, shares of a load's requests; `cpu:LOAD`, server CPU time of one of its requests;
//! - `saved` and `share` of the scenario's change that ends in the variant;
//! - `LOAD.STEP/p99`, or another percentile, of the latency that comes first in that load; `LOAD.STEP/service-p99`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use authlab_loadtest::output;
use authlab_reports::folder;
use authlab_reports::ladder::Table;
use authlab_reports::quantity;
use authlab_reports::run::{LoadStep, Run};
use authlab_reports::section::ladder::changes::Part;
use authlab_reports::section::safety::Safety;
use authlab_reports::section::summary;

const OPEN: &str = "<!--figure ";
const OPEN_END: &str = "-->";
const CLOSE: &str = "<!--/-->";
const EXIT_DIFFERS: u8 = 1;

/// What was typed.
#[derive(clap::Args)]
pub struct Arguments {
    /// Pages to check [default: README.md, docs/*.md and reports/FINDINGS.md]
    pages: Vec<PathBuf>,
    /// Folder of the published runs
    #[arg(long, value_name = "FOLDER", default_value = "reports/published")]
    runs: PathBuf,
    /// Write the figures of the runs into the pages
    #[arg(long)]
    write: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let pages = if arguments.pages.is_empty() {
        usual_pages()?
    } else {
        arguments.pages.clone()
    };
    let mut published = Published {
        folder: &arguments.runs,
        read: BTreeMap::new(),
    };
    let (mut checked, mut differ) = (0, 0);
    for page in &pages {
        let shown = page.display();
        let text = std::fs::read_to_string(page).with_context(|| format!("{shown}"))?;
        let filled = fill(&text, |key, written| {
            let figure = published.figure(key)?;
            checked += 1;
            if figure != flat(written) {
                differ += 1;
                output::line(format_args!("{shown}: {key} is {figure}, not {written}"));
            }
            Ok(figure)
        });
        let filled = filled.with_context(|| format!("{shown}"))?;
        if arguments.write && filled != text {
            std::fs::write(page, filled).with_context(|| format!("{shown}"))?;
        }
    }
    output::line(format_args!(
        "{checked} figures on {} pages: {differ} {}",
        pages.len(),
        if arguments.write { "written" } else { "differ" }
    ));
    Ok(if differ > 0 && !arguments.write {
        ExitCode::from(EXIT_DIFFERS)
    } else {
        ExitCode::SUCCESS
    })
}

fn usual_pages() -> anyhow::Result<Vec<PathBuf>> {
    let docs = std::fs::read_dir("docs").context("docs: run this in a checkout")?;
    let mut pages = vec!["README.md".into(), "reports/FINDINGS.md".into()];
    for entry in docs {
        let path = entry.context("docs")?.path();
        if path.extension().is_some_and(|kind| kind == "md") {
            pages.push(path);
        }
    }
    pages.sort();
    Ok(pages)
}

/// A page with each marked figure replaced by what `figure` makes of its key and its text.
fn fill(
    text: &str,
    mut figure: impl FnMut(&str, &str) -> anyhow::Result<String>,
) -> anyhow::Result<String> {
    let mut parts = text.split(OPEN);
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let marked = part.split_once(OPEN_END).and_then(|(key, rest)| {
            let (written, after) = rest.split_once(CLOSE)?;
            Some((key, written, after))
        });
        let Some((key, written, after)) = marked else {
            let start: String = part.chars().take(40).collect();
            bail!("`{OPEN}{start}` has no `{OPEN_END}` or no `{CLOSE}` after it");
        };
        let figure = figure(key, written)?;
        // A line break within a figure that is right stays where it is.
        let kept = if figure == flat(written) {
            written
        } else {
            &figure
        };
        filled.extend([OPEN, key, OPEN_END, kept, CLOSE, after]);
    }
    Ok(filled)
}

/// On one line; thin spaces stay.
fn flat(text: &str) -> String {
    let words = text.split([' ', '\n']).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// The published runs, each read once.
struct Published<'f> {
    folder: &'f Path,
    read: BTreeMap<String, (Run, Table)>,
}

impl Published<'_> {
    fn figure(&mut self, key: &str) -> anyhow::Result<String> {
        let Some((name, (variant, figure))) = key
            .split_once('/')
            .and_then(|(run, rest)| Some((run, rest.split_once('/')?)))
        else {
            bail!("`{key}` is not RUN/VARIANT/NAME");
        };
        if !self.read.contains_key(name) {
            let run = folder::read(&self.folder.join(name))?;
            let table = Table::of(&run);
            self.read.insert(name.to_owned(), (run, table));
        }
        let (run, table) = &self.read[name];
        let place = run.variants.iter().position(|one| one.name == variant);
        let place = place.with_context(|| format!("{key}: run {name} has no such variant"))?;
        of(run, table, place, figure)
            .with_context(|| format!("{key}: run {name} has no such figure"))
    }
}

/// A figure of one variant, as reports write it.
fn of(run: &Run, table: &Table, place: usize, figure: &str) -> Option<String> {
    let rung = table.rungs.get(place)?;
    let time = |ns: u64| quantity::duration(ns as f64);
    if let Some((at, percentile)) = figure.split_once('/') {
        let (load, step) = at.split_once('.')?;
        let at = LoadStep {
            load: load.to_owned(),
            step: step.to_owned(),
        };
        let (service, percentile) = match percentile.strip_prefix("service-p") {
            Some(percentile) => (true, percentile),
            None => (false, percentile.strip_prefix('p')?),
        };
        let measured = if service {
            run.figure(&rung.variant.name, &at, "service")
        } else {
            run.latency(&rung.variant.name, &at)
        };
        return Some(time(measured?.at(percentile.parse().ok()?)));
    }
    if let Some((count, of)) = figure.split_once(':') {
        let mut hits = table.hits.iter();
        let hits = hits.find(|hits| hits.load == of && hits.variant == rung.variant.label);
        match count {
            "hits" => return Some(quantity::share(hits?.ratio())),
            "ideal" => return Some(quantity::share(hits?.ideal()?)),
            "cpu" => {
                let cost = summary::cpu_ns(run, of, &rung.variant.name)?;
                return Some(quantity::duration(cost.median));
            }
            _ => {}
        }
        let mut attacks = table.attacks.iter();
        let one = attacks.find(|one| one.name == rung.variant.name && one.attack == of)?;
        let number = match count {
            "passed" => one.outcome.passed,
            "tried" => one.outcome.tried,
            _ => return None,
        };
        return Some(quantity::grouped(number));
    }
    let safety = Safety::of(run, table);
    let row = safety.rows.get(place)?;
    let stale = row.staleness.as_ref();
    match figure {
        "p50" => rung.p50.map(time),
        "p99" => rung.p99.map(time),
        "first" => rung.first.map(time),
        "ratio" => rung.against().map(|it| it.words()),
        "cpu" => rung
            .cpu_s_per_million
            .as_ref()
            .map(|it| quantity::number(it.median)),
        "saved" => saved_by(table, &rung.variant.name)?
            .saved
            .map(|it| quantity::duration(it.median)),
        "share" => saved_by(table, &rung.variant.name)?
            .share
            .map(|it| quantity::share(it.median)),
        "rate" => rung
            .capacity
            .as_ref()
            .map(|it| quantity::number(it.per_second.median)),
        "memory" => row.memory_bytes.map(|it| quantity::bytes(it as f64)),
        "probed" => stale.map(|it| quantity::grouped(it.probed)),
        "stale" => stale.map(|it| quantity::share(it.stale as f64 / it.probed as f64)),
        "lag" => stale.map(|it| match it.longest.filter(|_| it.stale > 0) {
            Some(longest) => time(longest),
            None => "none".to_owned(),
        }),
        _ => None,
    }
}

/// The change of the scenario that ends in this variant.
fn saved_by<'t>(table: &'t Table, variant: &str) -> Option<&'t Part> {
    let mut parts = table.changes.parts.iter();
    parts.find(|part| part.change.to == variant)
}

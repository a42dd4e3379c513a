//! `index.html`: a run on one page, in one file that needs no network.

pub mod site;

use maud::{Markup, PreEscaped, html};

use crate::{
    chart::{DrawError, Size, palette},
    document::full_stop,
    finding::{Finding, told},
    plain, quantity,
    render::html::{self as written, fold, section},
    run::{Run, Verdict},
    section::{
        self, curves,
        ladder::{Heading, Table, words},
    },
};

const STYLE: &str = include_str!("page/style.css");
/// Hover and hide. The page is whole without it: each chart has its table.
const SCRIPT: &str = include_str!("page/script.js");
/// Percentile curves for a README, without their legend.
const PICTURE: Size = Size {
    width: 800,
    height: 420,
};
/// So many reasons stand in the open; a run that was disturbed all along has a page of them.
const REASONS_SHOWN: usize = 3;

/// The page of a run.
///
/// # Errors
/// When a chart cannot be drawn.
pub fn render(run: &Run) -> Result<String, DrawError> {
    let table = Table::of(run);
    let heading = &table.heading;
    let tool = &run.tool;
    let finding = Finding::of(run);
    Ok(page(
        &format!("{} · authlab", heading.scenario),
        &html! {
            header {
                "\n" h1 { (heading.scenario) }
                "\n" p class="question" { (heading.question) }
                "\n" (badge(heading))
                "\n" (headline(&finding)) (pictured(&finding)) (others(&finding)) "\n"
            }
            "\n"
            @for one in &section::all(run, &table)? { (section(one)) }
            "\n"
            (repeat(
                &plain::command(&run.command),
                &[
                    ("Machine", words::machine(&run.machine)),
                    (
                        "Run",
                        format!(
                            "{}, profile {}, seed {}, started {}",
                            run.id, run.scenario.profile, run.seed, run.started
                        ),
                    ),
                    (
                        "Tool",
                        format!("authlab {} {}, {} build", tool.version, tool.commit, tool.profile),
                    ),
                ],
            ))
        },
        Some(SCRIPT),
    ))
}

/// The frame of a page. What would turn the direction of writing is shown, as a terminal's escapes are.
fn page(title: &str, main: &Markup, script: Option<&str>) -> String {
    let page = html! {
        (PreEscaped("<!doctype html>\n"))
        html lang="en" {
            "\n"
            head {
                "\n" meta charset="utf-8";
                "\n" meta name="viewport" content="width=device-width, initial-scale=1";
                "\n" meta name="color-scheme" content="light dark";
                "\n" title { (title) }
                "\n" style { "\n" (PreEscaped(STYLE)) (PreEscaped(palette::style())) } "\n"
            }
            "\n"
            body {
                "\n" main { "\n" (main) "\n" } "\n"
                @if let Some(script) = script { script { "\n" (PreEscaped(script)) } "\n" }
            }
            "\n"
        }
        "\n"
    };
    plain::text(&page.into_string()).into_owned()
}

/// How the page is made again, and where it was made.
fn repeat(command: &str, facts: &[(&str, String)]) -> Markup {
    html! {
        section aria-labelledby="repeat" {
            h2 id="repeat" { "Repeat it" }
            "\n" pre tabindex="0" { code { (command) } }
            "\n" dl { "\n" @for (name, fact) in facts { dt { (name) } dd { (fact) } "\n" } } "\n"
        }
    }
}

/// Whether to believe the run, before anything else on the page.
fn badge(heading: &Heading) -> Markup {
    let partial = heading.cut_short.is_some();
    let sound = heading.verdict == Verdict::Valid && !partial;
    let warnings = words::warnings(heading);
    let (first, others) = warnings.split_at(warnings.len().min(REASONS_SHOWN));
    let list = |warnings: &[String]| {
        html! { ul class="reasons" { @for warning in warnings { li class="warning" { (warning) } } } }
    };
    html! {
        p class="facts" {
            span class=(if sound { "badge good" } else { "badge bad" }) {
                (heading.verdict.label()) @if partial { ", partial" }
            }
            " " @if let Some(shards) = &heading.shards { (shards) " · " }
            (heading.cpu) ", " (heading.cores) " cores · " (quantity::elapsed(heading.elapsed_s))
        }
        @if !first.is_empty() { (list(first)) }
        @if !others.is_empty() { (fold(&format!("{} more", others.len()), &list(others))) }
    }
}

/// The most telling sentence, with what belongs to it in a second paragraph; nothing for a run that found nothing.
fn headline(finding: &Finding) -> Markup {
    let doubted = finding.doubt.is_some();
    let first = finding.sentences.first().map(|first| full_stop(first));
    html! {
        @if let Some(first) = first {
            @let (first, rest) = told(&first);
            p class=(if doubted { "headline doubted" } else { "headline" }) { (first) }
            @if !rest.is_empty() { p class="also" { (rest) } }
        }
    }
}

/// What the headline says, as a picture.
fn pictured(finding: &Finding) -> Markup {
    html! {
        @if let (Some(shown), Some(headline)) = (&finding.picture, finding.sentences.first()) {
            @let [wide, narrow] = shown.both();
            @let label = shown.label(&full_stop(headline));
            figure class="finding" {
                (written::picture("plot wide", &label, &wide))
                (written::picture("plot narrow", &label, &narrow))
                figcaption class="note" { (shown.note) }
            }
        }
    }
}

/// The other sentences, folded away.
fn others(finding: &Finding) -> Markup {
    let others = finding.sentences.iter().skip(1);
    let list = html! {
        ul class="findings" { @for sentence in others.clone() { li { (full_stop(sentence)) } } }
    };
    html! { @if others.len() > 0 { (fold("What else it found", &list)) } }
}

/// `ladder.svg`, for a README: the picture of the finding, or the percentile curves of the ladder's step where the finding
/// compares nothing; none without samples.
///
/// # Errors
/// When it cannot be drawn.
pub fn picture(run: &Run) -> Result<Option<String>, DrawError> {
    let finding = Finding::of(run);
    if let (Some(shown), Some(headline)) = (&finding.picture, finding.sentences.first()) {
        return Ok(Some(shown.alone(&full_stop(headline))));
    }
    let charts = curves::of(run);
    let of_ladder = charts
        .iter()
        .find(|curves| curves.at == run.scenario.ladder.latency);
    of_ladder
        .map(|curves| curves::picture(curves, PICTURE))
        .transpose()
}

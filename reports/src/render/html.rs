//! HTML, by a template that escapes every text.

use maud::{Markup, PreEscaped, html};

use crate::chart::Swatch;
use crate::document::{
    Block, Cell, Chart, Document, Entry, Place, Points, Section, Table, Tone, full_stop,
};

pub(crate) fn section(section: &Section) -> Markup {
    let title = &section.title;
    html! {
        @if let Some(id) = section.id {
            section aria-labelledby=(id) { h2 id=(id) { (title) } "\n" (blocks(&section.blocks)) }
        } @else {
            section aria-label=(title) { h2 { (title) } (blocks(&section.blocks)) }
        }
        "\n"
    }
}

fn document(document: &Document) -> Markup {
    html! { @for one in document.at(Place::Page) { (block(one)) } }
}

fn blocks(blocks: &[Block]) -> Markup {
    html! { @for one in blocks { (block(one)) } }
}

fn block(block: &Block) -> Markup {
    match block {
        Block::Title(text) => html! { h1 { (text) } },
        Block::Heading(text) => html! { h3 { (text) } },
        Block::Line(text) => html! { p { (text) } },
        Block::Strong(text) => html! { p { strong { (text) } } },
        Block::Note(text) => html! { p class="note" { (full_stop(text)) } },
        Block::Legend(text) => html! { p class="note" { (text) } },
        Block::Warning(text) => html! { p class="stale" { (text) } },
        Block::List(items) => html! {
            ul class="notes" { @for item in items { li class="given-up" { (item) } } }
        },
        Block::Table(shown) if shown.wide => html! {
            div class="scrolled" role="region" aria-label={ (shown.label) ", scrolled" } tabindex="0" {
                (table(shown))
            }
        },
        Block::Table(shown) => table(shown),
        Block::Facts(facts) => html! {
            dl { @for (name, fact) in facts { dt { (name) } dd { (fact) } } }
        },
        Block::Code(code) => html! { pre tabindex="0" { code { (code) } } },
        Block::Chart(shown) => chart(shown),
        Block::Fold { summary, blocks } => fold(summary, &self::blocks(blocks)),
        Block::Most(_, block) | Block::Toned(_, block) => self::block(block),
        Block::Part(part) => document(part),
    }
}

/// What is shown when it is asked for.
pub(crate) fn fold(summary: &str, content: &Markup) -> Markup {
    html! { details { summary { (summary) } (content) } }
}

/// A table that turns into cards where the page is narrow. Roles are spelled out: a table shown as
/// blocks loses them in some browsers.
fn table(table: &Table) -> Markup {
    html! {
        table role="table" aria-label=(table.label) {
            thead role="rowgroup" {
                tr role="row" {
                    @for (place, name) in table.header.iter().enumerate() {
                        th role="columnheader" scope="col" class=[table.words.contains(&place).then_some("words")] {
                            (name)
                        }
                    }
                }
            }
            tbody role="rowgroup" {
                "\n"
                @for row in &table.rows { (self::row(table, row)) "\n" }
            }
        }
        "\n"
    }
}

fn row(table: &Table, row: &[Cell]) -> Markup {
    html! {
        tr role="row" {
            @for (place, (name, cell)) in table.header.iter().zip(row).enumerate() {
                @if place == 0 {
                    th role="rowheader" scope="row" { (cell.text) }
                } @else {
                    td role="cell" data-column=(name) class=[class(cell.tone, table.words.contains(&place))] { (cell.text) }
                }
            }
        }
    }
}

/// Of a cell: its tone, or that it holds words.
fn class(tone: Tone, words: bool) -> Option<&'static str> {
    match tone {
        Tone::Plain | Tone::Better | Tone::Worse | Tone::Doubtful => words.then_some("words"),
        Tone::Safe => Some("safe"),
        Tone::Unsafe => Some("unsafe"),
    }
}

fn chart(chart: &Chart) -> Markup {
    html! {
        figure {
            @for sentence in &chart.found { p class="found" { (sentence) } }
            @if let Some([wide, narrow]) = &chart.pictures {
                @if !chart.legend.is_empty() {
                    ul class="legend" { @for entry in &chart.legend { (self::entry(entry)) } }
                }
                (picture("plot wide", &chart.label, wide))
                (picture("plot narrow", &chart.label, narrow))
                @if !chart.points.is_empty() { (points(&chart.points)) }
                @if !chart.caption.is_empty() { figcaption class="note" { (chart.caption) } }
            }
        }
    }
}

/// A variant may be hidden: the script makes a button of its entry.
fn entry(entry: &Entry) -> Markup {
    let hides = match entry.swatch {
        Swatch::Line(place) => Some(place),
        Swatch::Bar(_) | Swatch::Dot(_) => None,
    };
    html! {
        li data-hides=[hides] {
            (swatch(entry.swatch)) (entry.label) " " span class="figure" { (entry.figure) }
        }
    }
}

fn swatch(swatch: Swatch) -> Markup {
    PreEscaped(swatch.svg())
}

/// A picture and what is said of it to those who do not see it.
pub(crate) fn picture(class: &str, label: &str, svg: &str) -> Markup {
    let rest = svg.strip_prefix("<svg ").unwrap_or(svg);
    html! {
        div class=(class) {
            (PreEscaped("<svg role=\"img\" aria-label=\"")) (label) (PreEscaped("\" ")) (PreEscaped(rest))
        }
    }
}

/// What the script says of each point of a chart: data beside the pictures, whose lines hold the same points in the same
/// order. It is not run, so that no policy of scripts is against it.
fn points(points: &[Points]) -> Markup {
    // Numbers and texts alone cannot fail to be written.
    let json = serde_json::to_string(points).unwrap_or_default();
    // A label may not end the block.
    let json = PreEscaped(json.replace('<', "\\u003c"));
    html! { script type="application/json" class="points" { (json) } }
}

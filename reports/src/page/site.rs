//! The page of a lab: what each of its runs found, with the run's own page behind it. One file that needs no network.

use maud::{Markup, PreEscaped, html};
use plotters::style::Color as _;

use super::{findings, page, repeat};
use crate::{
    chart::{
        DrawError, NARROW,
        bars::{self, Axes, Bar},
        palette,
    },
    finding::Finding,
    quantity,
    render::html::picture,
    run::{Machine, Run},
    section::ladder::{Rung, Table, words},
};

/// A run of the lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it found.
    pub finding: Finding,
    /// Its page, relative to the lab's.
    pub page: String,
    /// The median of each variant, as HTML; empty when none was measured.
    pub picture: String,
}

impl Entry {
    /// Of a run whose page is there.
    ///
    /// # Errors
    /// When its picture cannot be drawn.
    pub fn of(run: &Run, page: String) -> Result<Self, DrawError> {
        let rungs = Table::of(run).rungs;
        let bars: Vec<Bar> = rungs.iter().enumerate().filter_map(bar).collect();
        let said = rungs.iter().filter_map(|rung| {
            let p50 = quantity::duration(rung.p50? as f64);
            Some(format!("{} {p50}", rung.variant.label))
        });
        let said = said.collect::<Vec<_>>().join(", ");
        let label = format!("{}: p50 of each variant: {said}", run.scenario.name);
        Ok(Self {
            finding: Finding::of(run),
            page,
            picture: if bars.is_empty() {
                String::new()
            } else {
                let medians = bars::draw(&bars, Axes::Broken, NARROW.width, "medians")?;
                picture("picture", &label, &medians).into_string()
            },
        })
    }
}

/// The median of a variant as a bar; none when it was not measured.
fn bar((place, rung): (usize, &Rung)) -> Option<Bar> {
    let p50 = rung.p50.filter(|p50| *p50 > 0)? as f64;
    Some(Bar {
        title: format!("{} · {}", rung.variant.label, quantity::duration(p50)),
        parts: vec![(p50, palette::variant(place).to_rgba())],
    })
}

/// The page; `ran` says on which machine the run of each scenario was made, `command` how the page is made again, and
/// `missing` which scenarios have no run yet.
#[must_use]
pub fn render(
    entries: &[Entry],
    missing: &[String],
    ran: &[(&str, &Machine)],
    command: &str,
) -> String {
    let main = html! {
        header {
            "\n" h1 { "What authorizing a request costs here" }
            "\n" p class="question" {
                "Each finding is made from its run's figures; its name leads to the run."
            }
            "\n"
            @if !missing.is_empty() {
                p class="warning" { "No run yet: " (missing.join(", ")) "; the same command goes on" }
            }
            "\n"
        }
        "\n"
        @for entry in entries { (card(entry)) "\n" }
        "\n"
        (repeat(command, &[("Machine", machines(ran))]))
    };
    page("authlab", &main, None)
}

/// The machines of the runs that the page shows; with their scenarios where there are several.
fn machines(ran: &[(&str, &Machine)]) -> String {
    let mut machines: Vec<(&str, String, Vec<&str>)> = Vec::new();
    for (scenario, machine) in ran {
        let words = words::machine_alone(machine);
        let same =
            |known: &&mut (&str, String, Vec<&str>)| known.0 == machine.id && known.1 == words;
        match machines.iter_mut().find(same) {
            Some((_, _, scenarios)) => scenarios.push(scenario),
            None => machines.push((&machine.id, words, vec![scenario])),
        }
    }
    match machines.as_slice() {
        [] => "none yet".to_owned(),
        [(_, only, _)] => only.clone(),
        several => several
            .iter()
            .map(|(_, words, scenarios)| format!("{}: {words}", scenarios.join(", ")))
            .collect::<Vec<_>>()
            .join(". "),
    }
}

/// One run: whether to believe it, what it found, and its picture.
fn card(entry: &Entry) -> Markup {
    let finding = &entry.finding;
    let id = &finding.scenario;
    html! {
        section class="card" aria-labelledby=(id) {
            h2 id=(id) {
                a href=(entry.page) { (id) } " "
                @match &finding.doubt {
                    None => span class="badge good" { "valid" },
                    Some(doubt) => span class="badge bad" { (doubt.split(':').next().unwrap_or(doubt)) },
                }
            }
            "\n"
            div class="found" {
                p class="question" { (finding.question) }
                @if let Some(doubt) = &finding.doubt {
                    p class="warning" { "Not to be believed: " (doubt) }
                }
                (findings(finding))
            }
            (PreEscaped(&entry.picture))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_stands_on_the_page_with_its_doubt_and_its_run() {
        let entry = Entry {
            finding: Finding {
                scenario: "one".to_owned(),
                question: "Is <it> fast?".to_owned(),
                doubt: Some("disturbed: a neighbour".to_owned()),
                sentences: vec!["a & b".to_owned()],
            },
            page: "20261126T000000Z-one/index.html".to_owned(),
            picture: "<svg></svg>".to_owned(),
        };
        let page = render(&[entry], &["two".to_owned()], &[], "authlab lab");
        for wanted in [
            "<a href=\"20261126T000000Z-one/index.html\">one</a>",
            "Is &lt;it&gt; fast?",
            "Not to be believed: disturbed: a neighbour",
            "<p class=\"headline doubted\">a &amp; b.</p>",
            "<span class=\"badge bad\">disturbed</span>",
            "<svg></svg>",
            "No run yet: two; the same command goes on",
            "<code>authlab lab</code>",
        ] {
            assert!(page.contains(wanted), "{wanted}\n{page}");
        }
    }

    #[test]
    fn the_machine_is_that_of_the_runs_that_are_shown() {
        let machine = |id: &str, cpu: &str, load_before: f64| Machine {
            cpu: cpu.to_owned(),
            cores: 2,
            memory_bytes: 8 << 30,
            kernel: "Linux 6.1.0".to_owned(),
            id: id.to_owned(),
            server_cores: vec![0],
            generator_cores: vec![1],
            load_before,
            load_after: None,
        };
        let (one, again, other) = (
            machine("1", "A", 0.1),
            machine("1", "A", 0.9),
            machine("2", "B", 0.1),
        );
        let footer = |ran: &[(&str, &Machine)]| machines(ran);
        let a = "A, 2 cores, 8.0 GiB, Linux 6.1.0; servers on core 0, generator on 1";
        assert_eq!(footer(&[]), "none yet");
        assert_eq!(footer(&[("x", &one), ("y", &again)]), a);
        assert_eq!(
            footer(&[("x", &one), ("y", &other), ("z", &again)]),
            format!("x, z: {a}. y: {}", a.replace('A', "B"))
        );
    }
}

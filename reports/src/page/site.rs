//! The page of a lab: what each of its runs found, with the run's own page behind it. One file that needs no network.

use maud::{Markup, PreEscaped, html};

use super::{headline, others, page, repeat};
use crate::{
    document::{Section, full_stop},
    finding::Finding,
    quantity,
    render::html::{fold, picture, section},
    run::{Machine, Run},
    section::ladder::{Heading, words},
};

/// A run of the lab.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What it found.
    pub finding: Finding,
    /// Its page, relative to the lab's.
    pub page: String,
    /// Where and when it ran, and for how long.
    pub facts: String,
    /// What its headline is about, as HTML; empty where that is no comparison of variants.
    pub picture: String,
}

impl Entry {
    /// Of a run whose page is there.
    #[must_use]
    pub fn of(run: &Run, page: String) -> Self {
        let finding = Finding::of(run);
        let shown = finding.picture.as_ref().zip(finding.sentences.first());
        let picture = shown.map_or_else(String::new, |(shown, headline)| {
            let label = format!(
                "{}: {}",
                finding.scenario,
                shown.label(&full_stop(headline))
            );
            let [wide, narrow] = shown.both();
            html! {
                div class="picture" {
                    (picture("plot wide", &label, &wide)) (picture("plot narrow", &label, &narrow))
                    p class="note" { (shown.note) }
                }
            }
            .into_string()
        });
        let Heading {
            cpu,
            cores,
            elapsed_s,
            ..
        } = Heading::of(run);
        let day = run.started.split('T').next().unwrap_or_default();
        let took = quantity::elapsed(elapsed_s);
        Self {
            finding,
            page,
            facts: format!("{cpu}, {cores} cores · {day} · {took}"),
            picture,
        }
    }
}

/// The page; `ran` says on which machine the run of each scenario was made, `command` how the page is made again,
/// `missing` which scenarios have no run yet, and `prediction` how far the runs were from what was predicted of them.
#[must_use]
pub fn render(
    entries: &[Entry],
    missing: &[String],
    ran: &[(&str, &Machine)],
    prediction: Option<&Section>,
    command: &str,
) -> String {
    let main = html! {
        header {
            "\n" h1 { "What authorizing a request costs here" }
            "\n" p class="question" {
                "Every sentence and every picture is made from the figures of one run. The name of a scenario links to that run."
            }
            "\n"
            @if !missing.is_empty() {
                p class="warning" { "No run yet: " (missing.join(", ")) ". The command below resumes." }
            }
            "\n"
        }
        "\n"
        @for entry in entries { (card(entry)) "\n" }
        "\n"
        @if let Some(prediction) = prediction { (section(prediction)) }
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
        [(_, only, _)] if ran.len() == 1 => only.clone(),
        [(_, only, scenarios)] => format!("all {} runs: {only}", scenarios.len()),
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
                @if !entry.facts.is_empty() { p class="facts" { (entry.facts) } }
                p class="question" { (finding.question) }
                @if let Some(doubt) = &finding.doubt {
                    p class="warning" { "This run is not valid, so that it has no finding. " (full_stop(doubt)) }
                    (measured(finding))
                } @else {
                    (headline(finding))
                    (others(finding))
                }
            }
            @if finding.doubt.is_none() { (PreEscaped(&entry.picture)) }
        }
    }
}

/// The sentences of a run that is not valid, none of which is a headline.
fn measured(finding: &Finding) -> Markup {
    let list = html! {
        ul class="findings" { @for sentence in &finding.sentences { li { (full_stop(sentence)) } } }
    };
    html! { @if !finding.sentences.is_empty() { (fold("What it measured", &list)) } }
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
                picture: None,
            },
            page: "20261126T000000Z-one/index.html".to_owned(),
            facts: "A, 2 cores · 2026-11-26 · 9s".to_owned(),
            picture: "<svg></svg>".to_owned(),
        };
        let mut sound = entry.clone();
        sound.finding.doubt = None;
        let missing = ["two".to_owned()];
        let page = render(&[sound], &missing, &[], None, "authlab lab");
        let doubted = render(&[entry], &missing, &[], None, "authlab lab");
        for wanted in [
            "<a href=\"20261126T000000Z-one/index.html\">one</a>",
            "Is &lt;it&gt; fast?",
            "<p class=\"facts\">A, 2 cores · 2026-11-26 · 9s</p>",
            "<p class=\"headline\">a &amp; b.</p>",
            "<span class=\"badge good\">valid</span>",
            "<svg></svg>",
            "No run yet: two. The command below resumes.",
            "<code>authlab lab</code>",
        ] {
            assert!(page.contains(wanted), "{wanted}\n{page}");
        }
        for wanted in [
            "This run is not valid, so that it has no finding. disturbed: a neighbour.",
            "<span class=\"badge bad\">disturbed</span>",
            "<summary>What it measured</summary><ul class=\"findings\"><li>a &amp; b.</li>",
        ] {
            assert!(doubted.contains(wanted), "{wanted}\n{doubted}");
        }
        assert!(!doubted.contains("headline\">") && !doubted.contains("<svg>"));
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
        assert_eq!(footer(&[("x", &one)]), a);
        assert_eq!(
            footer(&[("x", &one), ("y", &again)]),
            format!("all 2 runs: {a}")
        );
        assert_eq!(
            footer(&[("x", &one), ("y", &other), ("z", &again)]),
            format!("x, z: {a}. y: {}", a.replace('A', "B"))
        );
    }
}

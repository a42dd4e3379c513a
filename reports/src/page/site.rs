//! The page of a lab: what each of its runs found, with the run's own page behind it. One file that needs no network.

use super::{
    STYLE,
    charts::{NARROW, picture},
    findings,
    html::{element, escaped},
};
use crate::{
    chart::{self, DrawError, palette},
    finding::Finding,
    ladder::{Table, words},
    quantity,
    run::{Machine, Run},
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
        let medians = chart::medians::draw(&rungs, NARROW.width)?;
        let said = rungs.iter().filter_map(|rung| {
            let p50 = quantity::duration(rung.p50? as f64);
            Some(format!("{} {p50}", rung.variant.label))
        });
        let said = said.collect::<Vec<_>>().join(", ");
        let label = format!("{}: p50 of each variant: {said}", run.scenario.name);
        Ok(Self {
            finding: Finding::of(run),
            page,
            picture: if medians.is_empty() {
                medians
            } else {
                picture("picture", &label, &medians)
            },
        })
    }
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
    let machine = machines(ran);
    let findings: String = entries.iter().map(card).collect();
    let missing = if missing.is_empty() {
        String::new()
    } else {
        element(
            "p",
            "warning",
            &format!(
                "No run yet: {}; the same command goes on",
                missing.join(", ")
            ),
        )
    };
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>authlab</title>
<style>
{STYLE}{palette}</style>
</head>
<body>
<main>
<header>
<h1>What authorizing a request costs here</h1>
<p class="question">Each finding is made from its run's figures; its name leads to the run.</p>
{missing}
</header>
{findings}
<section aria-labelledby="repeat"><h2 id="repeat">Repeat it</h2>
<pre tabindex="0"><code>{command}</code></pre>
<dl>
<dt>Machine</dt><dd>{machine}</dd>
</dl>
</section>
</main>
</body>
</html>
"#,
        palette = palette::style(),
        command = escaped(command),
        machine = escaped(&machine),
    )
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
fn card(entry: &Entry) -> String {
    let finding = &entry.finding;
    let (id, page) = (escaped(&finding.scenario), escaped(&entry.page));
    let badge = match &finding.doubt {
        None => element("span", "badge good", "valid"),
        Some(doubt) => element(
            "span",
            "badge bad",
            doubt.split(':').next().unwrap_or(doubt),
        ),
    };
    let doubt = finding.doubt.as_ref().map_or_else(String::new, |doubt| {
        element("p", "warning", &format!("Not to be believed: {doubt}"))
    });
    format!(
        "<section class=\"card\" aria-labelledby=\"{id}\"><h2 id=\"{id}\"><a href=\"{page}\">{id}</a> {badge}</h2>\n\
         <div class=\"found\">{question}{doubt}{said}</div>{picture}</section>\n",
        question = element("p", "question", &finding.question),
        said = findings::render(finding),
        picture = entry.picture,
    )
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

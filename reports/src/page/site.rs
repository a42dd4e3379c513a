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

/// The page; `machine` and `command` say where and how it came about, and `missing` which scenarios have no run yet.
#[must_use]
pub fn render(
    entries: &[Entry],
    missing: &[String],
    machine: Option<&Machine>,
    command: &str,
) -> String {
    let machine = machine.map_or_else(|| "none yet".to_owned(), words::machine);
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
        let page = render(&[entry], &["two".to_owned()], None, "authlab lab");
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
}

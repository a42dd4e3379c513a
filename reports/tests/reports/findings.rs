//! A finding says no more than its table holds: of runs that are faster, slower, unclear, invalid, cut short, empty.

use std::collections::BTreeMap;
use std::path::Path;

use authlab_reports::finding::Finding;
use authlab_reports::folder::RunFolder;
use authlab_reports::judge;
use authlab_reports::ladder::{Rung, Table};
use authlab_reports::run::{Attack, CacheUse, Run, Slice, Status, Verdict};

use crate::synthetic::{Design, Noise, at, planned, recording, slice};

const DESIGNS: [Design; 4] = [
    Design("base", "the base", 100e3, 100e3, 50e3, &[]),
    Design("fast", "the fast one", 50e3, 50e3, 25e3, &[]),
    Design("slow", "the slow one", 250e3, 250e3, 125e3, &[]),
    Design("same", "the same again", 100e3, 100e3, 50e3, &[]),
];

/// A run of these designs, without changes to ask about; `also` adds to each slice.
fn run(parent: &Path, designs: &[Design], blocks: usize, also: impl Fn(&mut Slice)) -> Run {
    let mut run = planned(designs);
    run.scenario.changes.clear();
    run.scenario.baseline = designs[0].0.into();
    let mut folder = RunFolder::create(parent, &run).unwrap();
    let mut noise = Noise(11);
    for block in 0..blocks {
        for design in designs {
            let (mut slice, recorded) = slice(&run, design, "one-user", block, &mut noise);
            also(&mut slice);
            folder.append(&mut run, slice, recorded).unwrap();
        }
    }
    run.status = Status::Complete;
    folder.finish(&mut run).unwrap();
    run
}

/// What the sentence about a rung may say, by the rung's own verdict.
fn agrees(sentence: &str, rung: &Rung) -> bool {
    let is_faster = sentence.contains("× faster than ");
    let is_slower = sentence.contains("× slower than ");
    let no_change = sentence.contains(", no change from ");
    let cannot_tell = sentence.contains(", not distinguishable from ");
    let no_verdict = sentence.contains(", no verdict against ");
    let no_interval = sentence.contains("too few blocks");
    let nothing = sentence.contains("nothing was measured");
    // Of open arrivals it is the ladder's 99th percentile of what was waited for.
    let measured = rung.p99.or(rung.p50);
    let judged = rung.judged.as_ref().unwrap();
    let right = match (measured, judged.interval, judged.verdict) {
        (None, ..) => nothing,
        (_, None, _) => no_interval,
        (_, _, None) => no_verdict,
        (_, _, Some(judge::Verdict::Faster)) => is_faster,
        (_, _, Some(judge::Verdict::Slower)) => is_slower,
        (_, _, Some(judge::Verdict::NoChange)) => no_change,
        (_, _, Some(judge::Verdict::Inconclusive)) => cannot_tell || no_verdict,
    };
    let said = [
        is_faster,
        is_slower,
        no_change,
        cannot_tell,
        no_verdict,
        no_interval,
        nothing,
    ];
    right && said.iter().filter(|said| **said).count() == 1
}

/// Every rung has its sentence, and each agrees with it.
fn assert_agreement(run: &Run) -> Finding {
    let (finding, table) = (Finding::of(run), Table::of(run));
    for rung in table.rungs.iter().filter(|rung| !rung.is_baseline) {
        let label = format!("{}: ", rung.variant.label);
        let mut of_rung = finding
            .sentences
            .iter()
            .filter(|said| said.starts_with(&label));
        let sentence = of_rung
            .next()
            .unwrap_or_else(|| panic!("{label} {:#?}", finding.sentences));
        assert!(agrees(sentence, rung), "{sentence}\n{rung:?}");
    }
    finding
}

#[test]
fn what_is_faster_slower_or_unclear_is_called_so_and_counted_so() {
    let parent = tempfile::tempdir().unwrap();
    let run = run(parent.path(), &DESIGNS, 20, |_| {});
    let finding = assert_agreement(&run);
    assert_eq!(finding.doubt, None);
    let headline = &finding.sentences[0];
    assert!(
        headline.starts_with("Median service time of items ranges from "),
        "{headline}"
    );
    for wanted in [
        "(the fast one)",
        "(the slow one)",
        "Of the 3 alternatives to the base, 1 is faster, 1 is slower and 1 shows no change (99 % confidence)",
    ] {
        assert!(headline.contains(wanted), "{headline}");
    }
    let of = |label: &str| {
        finding
            .sentences
            .iter()
            .find(|said| said.starts_with(label))
            .unwrap()
    };
    assert!(of("the fast one").contains("× faster than the base"));
    assert!(of("the slow one").contains("× slower than the base"));
    assert!(of("the same again").contains("no change from the base"));
}

#[test]
fn one_block_says_nothing_of_faster_or_slower() {
    let parent = tempfile::tempdir().unwrap();
    let run = run(parent.path(), &DESIGNS, 1, |_| {});
    let finding = assert_agreement(&run);
    let headline = &finding.sentences[0];
    assert!(
        headline.starts_with("Median service time of items ranges from "),
        "{headline}"
    );
    assert!(
        !headline.contains("faster") && !headline.contains("slower"),
        "{headline}"
    );
    for label in ["the fast one: ", "the slow one: ", "the same again: "] {
        let said = finding
            .sentences
            .iter()
            .find(|said| said.starts_with(label));
        assert!(
            said.is_some_and(|said| said.ends_with("(too few blocks for a confidence interval)")),
            "{finding:#?}"
        );
    }
}

#[test]
fn a_change_that_cannot_be_told_from_nothing_is_not_called_one() {
    let parent = tempfile::tempdir().unwrap();
    let mut changed = run(parent.path(), &DESIGNS, 20, |_| {});
    for (from, to, clear) in [("base", "same", false), ("base", "fast", true)] {
        changed.scenario.changes = vec![authlab_reports::run::Change {
            name: "it".into(),
            from: from.into(),
            to: to.into(),
        }];
        let headline = &Finding::of(&changed).sentences[0];
        let part = Table::of(&changed).changes.parts[0].saved.unwrap();
        assert_eq!(part.spans(0.0), !clear);
        assert_eq!(headline.contains("cannot tell"), !clear, "{headline}");
    }
}

#[test]
fn a_run_that_is_invalid_or_cut_short_or_empty_says_so_first() {
    let parent = tempfile::tempdir().unwrap();
    let good = run(parent.path(), &DESIGNS, 20, |_| {});
    for verdict in [
        Verdict::Disturbed,
        Verdict::ClientLimited,
        Verdict::ServerLimited,
    ] {
        let mut invalid = good.clone();
        invalid.validity.verdict = verdict;
        invalid.validity.reasons = vec!["a neighbour".into()];
        let doubt = assert_agreement(&invalid).doubt.unwrap();
        assert_eq!(doubt, format!("{}: a neighbour", verdict.label()));
    }
    let mut partial = good.clone();
    partial.status = Status::Partial("interrupted".into());
    assert_eq!(
        assert_agreement(&partial).doubt.unwrap(),
        "cut short: interrupted"
    );

    let mut empty = planned(&DESIGNS);
    empty.scenario.changes.clear();
    empty.scenario.baseline = "base".into();
    empty.status = Status::Complete;
    empty.validity.verdict = Verdict::Empty;
    let finding = assert_agreement(&empty);
    assert_eq!(finding.doubt.as_deref(), Some("empty"));
    assert_eq!(finding.sentences.len(), 3, "{finding:#?}");
}

#[test]
fn stale_grants_and_attacks_are_counted_as_they_were() {
    let parent = tempfile::tempdir().unwrap();
    let run = run(parent.path(), &DESIGNS, 2, |slice| {
        slice.probed = 500;
        slice.stale = if slice.variant == "slow" { 25 } else { 0 };
        let passed = if slice.variant == "fast" { 40 } else { 0 };
        slice.attacks = BTreeMap::from([("theft".to_owned(), Attack { tried: 40, passed })]);
    });
    let finding = assert_agreement(&run);
    assert_eq!(
        finding.sentences[0],
        "After a revoke, requests still passed with the slow one. None of 3\u{202f}000 passed with the base · the fast one · the same again"
    );
    assert_eq!(
        finding.sentences.last().unwrap(),
        "Attack theft: all passed with the fast one (80 tried); none passed with the base · the slow one · the same again \
         (240 tried)"
    );
}

#[test]
fn hits_stand_beside_the_ideal_and_the_nearest_comes_first() {
    let parent = tempfile::tempdir().unwrap();
    let run = run(parent.path(), &DESIGNS, 2, |slice| {
        let hits = match slice.variant.as_str() {
            "fast" => 90,
            "slow" => 45,
            _ => 0,
        };
        slice.cache = Some(CacheUse {
            asked: 200,
            hits,
            ideal: (hits > 0).then_some(100),
        });
    });
    let finding = assert_agreement(&run);
    assert_eq!(
        finding.sentences[0],
        "The caches answered between 22.5 % (the slow one under one-user) and 45.0 % (the fast one under one-user) of the \
         requests. That is between 45.0 % (the slow one under one-user) and 90.0 % (the fast one under one-user) of what an \
         ideal cache of the same size answers"
    );
    assert_eq!(
        finding.sentences[1],
        "Hits under one-user: the fast one 45.0 % (ideal 50.0 %); the slow one 22.5 % (ideal 50.0 %)"
    );
}

/// A quiet load and a storm: what others feel is told by the 99th percentile of what they waited for.
#[test]
fn open_loads_are_told_by_what_the_slowest_of_a_hundred_waited() {
    let parent = tempfile::tempdir().unwrap();
    let mut run = planned(&DESIGNS[..2]);
    run.scenario.changes.clear();
    run.scenario.baseline = "base".into();
    for load in &mut run.scenario.loads {
        load.open = true;
    }
    run.scenario.ladder.capacity = None;
    let mut folder = RunFolder::create(parent.path(), &run).unwrap();
    let mut noise = Noise(3);
    for block in 0..8 {
        for design in &DESIGNS[..2] {
            for (load, factor) in [("one-user", 1.0), ("capacity", 30.0)] {
                let (mut slice, _) = slice(&run, design, load, block, &mut noise);
                slice.planned = Some(100);
                let waited = recording("items", "response", design.2 * factor, 100, &mut noise);
                let served = recording("items", "service", design.2, 100, &mut noise);
                folder
                    .append(&mut run, slice, vec![waited, served])
                    .unwrap();
            }
        }
    }
    run.status = Status::Complete;
    folder.finish(&mut run).unwrap();
    let finding = assert_agreement(&run);
    let told = |variant: &str, load: &str, metric: &str| {
        let figure = run.figure(variant, &at(load, "items"), metric).unwrap();
        authlab_reports::quantity::duration(figure.at(99.0) as f64)
    };
    let p99 = |variant: &str, load: &str| told(variant, load, "response");
    let storm = finding
        .sentences
        .iter()
        .find(|said| said.starts_with("p99 of items under capacity: "))
        .unwrap();
    for (name, label) in [("base", "the base"), ("fast", "the fast one")] {
        let wanted = format!(
            "{label} {} response time ({} service time), ",
            p99(name, "capacity"),
            told(name, "capacity", "service")
        );
        assert!(storm.contains(&wanted), "{wanted}: {storm}");
    }
    let fast = finding
        .sentences
        .iter()
        .find(|said| said.starts_with("the fast one: p99 "))
        .unwrap();
    assert!(
        fast.starts_with(&format!("the fast one: p99 {}", p99("fast", "one-user"))),
        "{fast}"
    );
}

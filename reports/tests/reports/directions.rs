//! No words claim a direction that the judge does not: of random runs, the sentences of findings, ladders, summaries and
//! pages, beside what [`Comparison`] says under the same rule, and beside the duel of the same two variants.

use authlab_reports::duel::Duel;
use authlab_reports::finding::Finding;
use authlab_reports::judge::{Comparison, Metric, Rule, Verdict};
use authlab_reports::ladder::{self, Table};
use authlab_reports::run::{Change, Run, Status, Terms};
use authlab_reports::{compare, page, render};
use proptest::prelude::*;

use crate::contest::figure;
use crate::synthetic::{Design, Noise, planned, slice};

const DESIGNS: [Design; 3] = [
    Design("base", "the base", 100e3, 100e3, 50e3, &[]),
    Design("one", "the one", 100e3, 100e3, 50e3, &[]),
    Design("two", "the two", 100e3, 100e3, 50e3, &[]),
];
const CHANGES: [(&str, &str, &str); 2] =
    [("first step", "base", "one"), ("second step", "one", "two")];

/// What a random run is made of.
#[derive(Debug, Clone)]
struct Made {
    seed: u64,
    blocks: usize,
    /// Each variant's time beside the base's.
    times: [f64; 3],
    noise: f64,
    /// How much of a block's deviation its neighbour has: blocks that depend on one another.
    memory: f64,
    samples: u64,
    open: bool,
    /// Of so many blocks the time was stolen.
    stolen: usize,
    /// It was a duel of the base and the one.
    duel: bool,
}

fn made() -> impl Strategy<Value = Made> {
    let time = || prop_oneof![Just(1.0), 0.9..1.1, 0.97..1.04, 0.5..2.0, 0.001..0.01];
    (
        (
            any::<u64>(),
            prop_oneof![1..12_usize, 1..45_usize],
            [Just(1.0).boxed(), time().boxed(), time().boxed()],
        ),
        (
            prop_oneof![Just(0.0), 0.0..0.02, 0.0..0.5],
            prop_oneof![Just(0.0), 0.0..0.99],
        ),
        (
            prop_oneof![1..20_u64, 100..4_000_u64],
            any::<bool>(),
            0..3_usize,
            any::<bool>(),
        ),
    )
        .prop_map(
            |((seed, blocks, times), (noise, memory), (samples, open, stolen, duel))| Made {
                seed: seed | 1,
                blocks,
                times,
                noise,
                memory,
                samples,
                open,
                stolen,
                duel,
            },
        )
}

impl Made {
    fn run(&self) -> Run {
        let mut run = planned(&DESIGNS);
        run.scenario.baseline = "base".into();
        run.status = Status::Complete;
        run.scenario.changes = CHANGES
            .map(|(name, from, to)| Change {
                name: name.into(),
                from: from.into(),
                to: to.into(),
            })
            .into();
        run.scenario.ladder.first = None;
        for load in &mut run.scenario.loads {
            load.open = self.open;
            load.steps = vec!["items".into()];
        }
        if self.duel {
            run.duel = Some(Terms::usual(&run, "base", "one"));
        }
        let metric = if self.open { "response" } else { "service" };
        let mut noise = Noise(self.seed);
        let mut swing = [0.0; 3];
        let mut sums = [0.0; 3];
        for block in 0..self.blocks {
            for (place, design) in DESIGNS.iter().enumerate().flat_map(|both| [both, both]) {
                swing[place] = self.memory * swing[place] + self.noise * noise.next();
                let p50 =
                    100e3 * self.times[place] * f64::exp(swing[place] + self.noise * noise.next());
                sums[place] += p50;
                let (mut slice, _) = slice(&run, design, "one-user", block, &mut Noise(7));
                slice.figures = vec![figure(design.0, "items", metric, p50, self.samples)];
                slice.planned = self.open.then_some(self.samples);
                slice.cpu_ns = Some((p50 * 0.5 * slice.ok as f64) as u64);
                slice.steal = Some(if block < self.stolen { 0.5 } else { 0.0 });
                run.slices.push(slice);
            }
        }
        for (place, design) in DESIGNS.iter().enumerate() {
            let slices = 2 * self.blocks as u64;
            let mean = sums[place] / slices as f64;
            run.merged.push(figure(
                design.0,
                "items",
                metric,
                mean,
                self.samples * slices,
            ));
        }
        run
    }
}

/// What the judge says of two variants by the rule of their duel, at what findings speak of.
fn judged(run: &Run, base: &str, head: &str, metric: &Metric) -> Option<Verdict> {
    let rule = Rule::Sequential(Terms::of(run, base, head).rule(run));
    let comparison = Comparison::of(run, "one-user", [base, head], &rule);
    comparison.claim("items", metric).verdict
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn words_claim_no_direction_that_the_judge_does_not(made in made()) {
        let run = made.run();
        // Of open arrivals the median too, where the percentile has no verdict.
        let metrics = match (made.open, Metric::percentile(99.0)) {
            (true, Some(tail)) => vec![Metric::P50, tail],
            _ => vec![Metric::P50],
        };
        let finding = Finding::of(&run).sentences.join("\n");
        let texts = [
            finding,
            render::text(&ladder::document(&run)),
            render::markdown(&ladder::document(&run)),
            page::render(&run).unwrap(),
        ];
        let of_base = |head, metric| judged(&run, "base", head, metric);
        let verdicts = [Verdict::Faster, Verdict::Slower];
        let counts = metrics.iter().map(|metric| verdicts.map(|verdict| {
            DESIGNS[1..].iter().filter(|design| of_base(design.0, metric) == Some(verdict)).count()
        }));
        let counts: Vec<[usize; 2]> = counts.collect();
        for text in &texts {
            for Design(name, label, ..) in &DESIGNS[1..] {
                for line in text.split('\n').filter(|line| line.starts_with(&format!("{label}: "))) {
                    let metric = if line.starts_with(&format!("{label}: median ")) { &Metric::P50 } else { metrics.last().unwrap() };
                    let verdict = of_base(name, metric);
                    let said = (line.contains("× faster than the base"), line.contains("× slower than the base"));
                    prop_assert_eq!(said.0, verdict == Some(Verdict::Faster), "{}", line);
                    prop_assert_eq!(said.1, verdict == Some(Verdict::Slower), "{}", line);
                }
            }
            for (place, word) in ["faster", "slower"].into_iter().enumerate() {
                let expected: usize = counts.iter().map(|of| of[place]).sum();
                let claims = text.matches(&format!("× {word} than the base")).count();
                prop_assert!(claims <= expected, "{:?} {:?}: {}", claims, expected, text);
                let any = |count: usize| counts.iter().any(|of| of[place] == count);
                let said = [
                    format!("to the base, 1 is {word}"),
                    format!(", 1 is {word}"),
                    format!(" and 1 is {word}"),
                ];
                prop_assert!(any(1) || said.iter().all(|said| !text.contains(said)), "{}", text);
                let all = text.contains(&format!("Both alternatives are {word} than the base"));
                prop_assert!(any(2) || !all, "{}", text);
            }
            let lower = text.to_lowercase();
            for (name, from, to) in CHANGES {
                let verdict = judged(&run, from, to, &Metric::P50);
                let claims = |words: &[&str]| words.iter().any(|word| lower.contains(&format!("{name} {word} ")));
                prop_assert!(!claims(&["saved", "made"]) || verdict == Some(Verdict::Faster), "{}", text);
                prop_assert!(!claims(&["cost"]) || verdict == Some(Verdict::Slower), "{}", text);
            }
            let whole = judged(&run, "base", "two", &Metric::P50);
            prop_assert!(!lower.contains("a request became") || whole == Some(Verdict::Slower), "{}", text);
        }
    }

    /// The words of the ladder, variant by variant, in every form of it.
    #[test]
    fn the_ladder_claims_what_the_judge_does(made in made()) {
        let run = made.run();
        let table = Table::of(&run);
        let texts = [
            render::text(&ladder::document(&run)),
            render::markdown(&ladder::document(&run)),
            page::render(&run).unwrap(),
        ];
        for rung in table.rungs.iter().filter(|rung| !rung.is_baseline) {
            let against = rung.against().unwrap();
            let words = against.words();
            let verdict = judged(&run, "base", &rung.variant.name, &Metric::P50);
            prop_assert_eq!(words.ends_with("faster"), verdict == Some(Verdict::Faster), "{}", words);
            prop_assert_eq!(words.ends_with("slower"), verdict == Some(Verdict::Slower), "{}", words);
            prop_assert_eq!(words == "no change", verdict == Some(Verdict::NoChange), "{}", words);
            // What is said is a multiple of at least 1, whatever its direction.
            if let Some((times, _)) = words.split_once('×') {
                let times: f64 = times.replace('\u{202f}', "").parse().unwrap();
                prop_assert!(times >= 1.0, "{}", words);
            }
            let is_said = texts.iter().all(|text| text.contains(&words));
            prop_assert!(is_said || !against.is_measured(), "{}", words);
        }
    }

    /// The words at the right of the picture, variant by variant.
    #[test]
    fn the_picture_claims_what_the_judge_does(made in made()) {
        let run = made.run();
        let finding = Finding::of(&run);
        let Some(picture) = &finding.picture else {
            return Ok(());
        };
        // Of a scenario with changes the headline is about medians, of a duel too.
        let label = picture.label("");
        for Design(name, variant, ..) in &DESIGNS[1..] {
            let (_, row) = label.split_once(&format!("{variant} ")).unwrap();
            let row = row.split([';', '.']).map(str::trim);
            let row = row.collect::<Vec<_>>().join(".");
            let row = row.split("the two").next().unwrap();
            let verdict = judged(&run, "base", name, &Metric::P50);
            let said = [row.contains("× faster"), row.contains("× slower"), row.contains("no change")];
            let claimed = [Verdict::Faster, Verdict::Slower, Verdict::NoChange].map(|one| verdict == Some(one));
            for (said, claimed) in said.iter().zip(claimed) {
                prop_assert!(!*said || claimed, "{}: {:?}", label, verdict);
            }
            if !made.duel {
                prop_assert_eq!(said.to_vec(), claimed.to_vec(), "{}: {:?}", label, verdict);
            }
        }
    }

    #[test]
    fn a_duel_that_gates_what_a_finding_speaks_of_says_the_same(made in made()) {
        let run = made.run();
        for head in ["one", "two"] {
            let duel = Duel::of(&run, &Terms::of(&run, "base", head)).unwrap();
            let p50 = duel.rows.iter().find(|row| row.metric == "p50").unwrap();
            if let Some(verdict) = p50.verdict {
                prop_assert_eq!(judged(&run, "base", head, &Metric::P50), Some(verdict));
            }
        }
    }

    #[test]
    fn base_head_and_ratio_of_a_row_agree(made in made()) {
        let run = made.run();
        let report = compare::within(&run, "base", "two", &[]).unwrap();
        let rows = report.pairs.iter().flat_map(|pair| &pair.times);
        let duel = report.duel.as_ref().unwrap();
        for row in rows.chain(&duel.rows).chain(&duel.information) {
            if let (Some(base), Some(head), Some(ratio)) = (row.base, row.head, row.ratio())
                && row.counts.is_none()
            {
                prop_assert!((head / base / ratio - 1.0).abs() < 1e-9, "{:?}", row);
            }
        }
    }
}

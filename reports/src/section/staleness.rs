//! Staleness: requests sent after the revoke of their credentials was answered, and whether they still passed. A sentence
//! for each variant, and a strip for each in the section.

use plotters::prelude::*;

use crate::chart::bars::{self, Axis, Bar};
use crate::chart::{self, DrawError, palette};
use crate::document::{Chart, Section, Table};
use crate::quantity::{self, NOT_MEASURED};
use crate::run::{Figure, Run, Variant};

const TITLE: &str = "After a revoke";
const NOTE: &str = "How long after a revoke was answered a request was sent that still passed. The darkest part holds half of \
    those that passed, the next all but a hundredth, the faintest ends at the longest.";
const AXIS: &str = "time from the answer to the revoke until the request was sent";
const COLUMNS: [&str; 7] = [
    "variant", "probed", "passed", "share", "p50", "p99", "longest",
];
/// So many variants that let requests pass are named with a lag each.
const FEW: usize = 2;
/// How strong the parts up to p50, p99 and the longest are.
const STRENGTHS: [f64; 3] = [1.0, 0.55, 0.25];

/// What became of one variant's requests after a revoke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staleness {
    /// The variant's label.
    pub variant: String,
    /// Requests sent after a revoke was answered.
    pub probed: u64,
    /// Those that still passed.
    pub stale: u64,
    /// The longest that one was sent after the answer and still passed, nanoseconds.
    pub longest: Option<u64>,
}

impl Staleness {
    /// Every variant that was probed.
    pub(crate) fn all(run: &Run) -> Vec<Self> {
        let variants = run.variants.iter();
        variants
            .filter_map(|variant| Self::of(run, variant))
            .collect()
    }

    /// One variant; none when it was not probed.
    pub(crate) fn of(run: &Run, variant: &Variant) -> Option<Self> {
        let slices = run
            .slices
            .iter()
            .filter(|slice| slice.variant == variant.name);
        let (probed, stale) = slices.fold((0, 0), |(probed, stale), slice| {
            (probed + slice.probed, stale + slice.stale)
        });
        let longest = run
            .merged
            .iter()
            .filter(|figure| figure.variant == variant.name && figure.metric == "stale")
            .map(|figure| figure.max)
            .max();
        (probed > 0).then(|| Self {
            variant: variant.label.clone(),
            probed,
            stale,
            longest,
        })
    }

    /// On one line.
    #[must_use]
    pub fn sentence(&self) -> String {
        let longest = self.longest.map_or_else(String::new, |longest| {
            format!("; longest {}", quantity::duration(longest as f64))
        });
        format!(
            "staleness, {}: {} of {} requests sent after a revoke was answered still passed{longest}",
            self.variant,
            quantity::grouped(self.stale),
            quantity::grouped(self.probed),
        )
    }

    /// All variants in one or two sentences: those that let requests pass, and those that did not. How many passed is in
    /// the table.
    pub(crate) fn sentence_of_all(all: &[Self]) -> Option<String> {
        let (tight, loose): (Vec<&Self>, Vec<&Self>) = all.iter().partition(|one| one.stale == 0);
        let known = || loose.iter().filter_map(|one| Some((one.longest?, *one)));
        let lag = |(ns, one): (u64, &Self)| {
            format!(
                "for up to {} with {}",
                quantity::duration(ns as f64),
                one.variant
            )
        };
        let passed = match loose.as_slice() {
            [] => None,
            few if few.len() <= FEW && known().count() == few.len() => {
                Some(known().map(lag).collect::<Vec<_>>().join(" and "))
            }
            many => Some({
                let names: Vec<&str> = many.iter().map(|one| one.variant.as_str()).collect();
                let longest = known().max_by_key(|(ns, _)| *ns).map(lag);
                let longest = longest.map_or_else(String::new, |lag| format!(", {lag}"));
                format!("with {}{longest}", names.join(" · "))
            }),
        };
        let passed = passed.map(|how| format!("After a revoke, requests still passed {how}"));
        let refused = (!tight.is_empty()).then(|| {
            let names: Vec<&str> = tight.iter().map(|one| one.variant.as_str()).collect();
            let probed = tight.iter().map(|one| one.probed).sum();
            format!(
                "{} passed with {}",
                match quantity::grouped(probed) {
                    count if passed.is_some() => format!("None of {count}"),
                    count => format!("After a revoke, none of {count} requests"),
                },
                names.join(" · ")
            )
        });
        let said: Vec<String> = passed.into_iter().chain(refused).collect();
        (!said.is_empty()).then(|| said.join(". "))
    }
}

/// The section; none for a run that probed nothing.
pub(super) fn section(run: &Run) -> Result<Option<Section>, DrawError> {
    let strips = strips(run);
    if strips.is_empty() {
        return Ok(None);
    }
    let bars: Vec<Bar> = strips.iter().map(bar).collect();
    let chart = Chart {
        label: format!(
            "{TITLE}. A strip for each variant: how long requests still passed after a revoke; figures below."
        ),
        pictures: Some(chart::both(|size| {
            bars::draw(&bars, Axis::Times, AXIS, size.width, "staleness")
        })?),
        caption: NOTE,
        ..Chart::default()
    };
    let figures = Table::of(TITLE, COLUMNS, strips.iter().map(row));
    Ok(Some(Section::of_chart(
        TITLE.to_owned(),
        chart,
        figures.into(),
    )))
}

/// One variant that was probed, as a strip shows it.
struct Strip {
    /// The variant's place in the run.
    place: usize,
    /// What became of its requests.
    staleness: Staleness,
    /// Age of half of those that passed, nanoseconds; none where none passed.
    p50: Option<u64>,
    /// Age of all but a hundredth of them, nanoseconds.
    p99: Option<u64>,
}

/// Every variant that was probed, in the scenario's order.
fn strips(run: &Run) -> Vec<Strip> {
    let variants = run.variants.iter().enumerate();
    variants
        .filter_map(|(place, variant)| {
            let staleness = Staleness::of(run, variant)?;
            let figures = run.merged.iter().filter(|figure| {
                figure.variant == variant.name && figure.metric == "stale" && figure.count > 0
            });
            // Of several steps that were probed, the one that tells most.
            let figure = figures.max_by_key(|figure| figure.count);
            Some(Strip {
                place,
                staleness,
                p50: figure.map(Figure::p50),
                p99: figure.map(|figure| figure.at(99.0)),
            })
        })
        .collect()
}

impl Strip {
    /// How many passed and the longest, in words: `0 of 9 812`, `6.44 % (7 254 of 112 695), longest 975 ms`.
    fn said(&self) -> String {
        let Staleness {
            probed,
            stale,
            longest,
            ..
        } = &self.staleness;
        let of = format!(
            "{} of {}",
            quantity::grouped(*stale),
            quantity::grouped(*probed)
        );
        if *stale == 0 {
            return of;
        }
        let longest = longest.map_or_else(String::new, |longest| {
            format!(", longest {}", quantity::duration(longest as f64))
        });
        format!("{} ({of}){longest}", quantity::share(self.share()))
    }

    /// The share that passed, 0 to 1.
    fn share(&self) -> f64 {
        self.staleness.stale as f64 / (self.staleness.probed as f64).max(1.0)
    }
}

fn row(strip: &Strip) -> Vec<String> {
    let staleness = &strip.staleness;
    let age =
        |ns: Option<u64>| ns.map_or(NOT_MEASURED.to_owned(), |ns| quantity::duration(ns as f64));
    vec![
        staleness.variant.clone(),
        quantity::grouped(staleness.probed),
        quantity::grouped(staleness.stale),
        quantity::share(strip.share()),
        age(strip.p50),
        age(strip.p99),
        age(staleness.longest),
    ]
}

fn bar(strip: &Strip) -> Bar {
    let colour = palette::variant(strip.place);
    let mut before = 0;
    let mut parts = Vec::new();
    for (ns, strength) in [strip.p50, strip.p99, strip.staleness.longest]
        .into_iter()
        .zip(STRENGTHS)
    {
        let until = ns.unwrap_or_default().max(before);
        parts.push(((until - before) as f64, colour.mix(strength)));
        before = until;
    }
    Bar {
        title: format!("{} · {}", strip.staleness.variant, strip.said()),
        parts,
    }
}

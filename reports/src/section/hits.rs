//! What caches had of what they were asked for, compared with the best that a cache of that size could have had.

use crate::document::{Block, Section, Table};
use crate::quantity::{self, NOT_MEASURED};
use crate::run::{CacheUse, Run};

const TITLE: &str = "What the caches had";
const NOTE: &str = "Ideal is the best that a cache of that size could have had of the same requests (Bélády 1966), where the scenario \
    says how much it holds.";
const COLUMNS: [&str; 5] = ["variant", "load", "asked", "hits", "ideal"];

/// One variant's cache under one load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hits {
    /// The load's name.
    pub load: String,
    /// The variant's label.
    pub variant: String,
    /// What it had.
    pub cache: CacheUse,
}

impl Hits {
    /// Every cache that answers told of and that had anything, or could have had; in the order of loads.
    pub(crate) fn all(run: &Run) -> Vec<Self> {
        let mut all = Vec::new();
        for load in &run.scenario.loads {
            for variant in &run.variants {
                let slices = run.slices_of(&load.name, &variant.name);
                let cache = slices
                    .filter_map(|slice| slice.cache)
                    .reduce(|mut sum, more| {
                        sum += more;
                        sum
                    });
                if let Some(cache) = cache.filter(|cache| cache.hits > 0 || cache.ideal.is_some()) {
                    all.push(Self {
                        load: load.name.clone(),
                        variant: variant.label.clone(),
                        cache,
                    });
                }
            }
        }
        all
    }

    /// Of what it was asked for, 0 to 1.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.cache.hits as f64 / self.cache.asked.max(1) as f64
    }

    /// The same of the ideal cache of its size.
    #[must_use]
    pub fn ideal(&self) -> Option<f64> {
        Some(self.cache.ideal? as f64 / self.cache.asked.max(1) as f64)
    }

    /// Its hits as a share of those of the ideal cache; none where that has none.
    #[must_use]
    pub fn nearness(&self) -> Option<f64> {
        let ideal = self.ideal().filter(|ideal| *ideal > 0.0)?;
        Some(self.ratio() / ideal)
    }

    /// On one line.
    #[must_use]
    pub fn sentence(&self) -> String {
        let ideal = self.ideal().map_or_else(String::new, |ideal| {
            format!(", the ideal cache of its size {}", quantity::share(ideal))
        });
        format!(
            "{}, {}: {} of {} requests were hits{ideal}",
            self.load,
            self.variant,
            quantity::share(self.ratio()),
            quantity::grouped(self.cache.asked),
        )
    }

    /// A sentence for each load, and before them how near the caches came to the ideal.
    pub(crate) fn sentences(all: &[Self]) -> Vec<String> {
        let mut loads: Vec<&str> = all.iter().map(|hits| hits.load.as_str()).collect();
        loads.dedup();
        let of_load = loads.iter().map(|load| {
            let of = all.iter().filter(|hits| hits.load == *load);
            let parts: Vec<String> = of
                .map(|hits| {
                    let ideal = hits.ideal().map_or_else(String::new, |ideal| {
                        format!(" (ideal {})", quantity::share(ideal))
                    });
                    format!("{} {}{ideal}", hits.variant, quantity::share(hits.ratio()))
                })
                .collect();
            format!("Hits under {load}: {}", parts.join("; "))
        });
        nearness(all).into_iter().chain(of_load).collect()
    }
}

/// How much the caches answered, and how near that is to the ideal: the least and the most of each.
fn nearness(all: &[Hits]) -> Option<String> {
    let known = || all.iter().filter(|hits| hits.cache.ideal.is_some());
    let [fewest, most] = ends(known().map(|hits| (hits.ratio(), hits)))?;
    let near = known().filter_map(|hits| Some((hits.nearness()?, hits)));
    let [farthest, nearest] = ends(near)?;
    Some(format!(
        "The caches answered between {fewest} and {most} of the requests. That is between {farthest} and {nearest} of \
         what an ideal cache of the same size answers"
    ))
}

/// The least and the greatest of some shares, each with whose it is.
fn ends<'a>(shares: impl Iterator<Item = (f64, &'a Hits)>) -> Option<[String; 2]> {
    let mut shares: Vec<(f64, &Hits)> = shares.collect();
    shares.sort_by(|one, other| one.0.total_cmp(&other.0));
    let said = |(share, hits): &(f64, &Hits)| {
        format!(
            "{} ({} under {})",
            quantity::share(*share),
            hits.variant,
            hits.load
        )
    };
    Some([said(shares.first()?), said(shares.last()?)])
}

/// The section; none for a run in which no answer told of a cache.
pub(super) fn section(hits: &[Hits]) -> Option<Section> {
    (!hits.is_empty()).then(|| Section {
        id: Some("hits"),
        title: TITLE.to_owned(),
        blocks: vec![
            Table::of(TITLE, COLUMNS, hits.iter().map(row)).into(),
            Block::Note(NOTE.to_owned()),
        ],
    })
}

fn row(hits: &Hits) -> Vec<String> {
    vec![
        hits.variant.clone(),
        hits.load.clone(),
        quantity::grouped(hits.cache.asked),
        quantity::share(hits.ratio()),
        hits.ideal()
            .map_or(NOT_MEASURED.to_owned(), quantity::share),
    ]
}

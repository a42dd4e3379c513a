//! What variants give up: said once where all of them do, and by number where it takes many words.

use crate::run::Run;

/// From this length of a text on, rungs carry its number and the text stands below.
const SHORT_ENOUGH: usize = 40;

/// What variants give up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    /// What every variant gives up: nothing that tells them apart.
    pub by_all: Vec<String>,
    /// What some do, in order of first appearance.
    pub by_some: Vec<String>,
}

impl GivenUp {
    pub(crate) fn of(run: &Run) -> Self {
        let mut texts: Vec<String> = Vec::new();
        for text in run.variants.iter().flat_map(|variant| &variant.gives_up) {
            if !texts.contains(text) {
                texts.push(text.clone());
            }
        }
        let several = run.variants.len() > 1;
        let (by_all, by_some) = texts.into_iter().partition(|text| {
            several
                && run
                    .variants
                    .iter()
                    .all(|variant| variant.gives_up.contains(text))
        });
        Self { by_all, by_some }
    }

    /// What stands at a rung: short texts, and the numbers of long ones.
    pub(crate) fn at(&self, gives_up: &[String]) -> Vec<String> {
        let short = self
            .by_some
            .iter()
            .filter(|text| is_short(text) && gives_up.contains(text))
            .cloned();
        let long = self.numbered().filter(|(_, text)| gives_up.contains(text));
        short
            .chain(long.map(|(number, _)| format!("({number})")))
            .collect()
    }

    /// What stands below the ladder.
    pub(crate) fn notes(&self) -> Vec<String> {
        let long = self
            .numbered()
            .map(|(number, text)| format!("({number}) {text}"));
        long.chain(
            self.by_all
                .iter()
                .map(|text| format!("every variant: {text}")),
        )
        .collect()
    }

    fn numbered(&self) -> impl Iterator<Item = (usize, &String)> {
        (1..).zip(self.by_some.iter().filter(|text| !is_short(text)))
    }
}

fn is_short(text: &str) -> bool {
    text.chars().count() <= SHORT_ENOUGH
}

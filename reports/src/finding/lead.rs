//! A run as text, its headline before its figures: on a page below the question, on a terminal at the end, where it is read
//! first.

use super::{Finding, told};
use crate::document::{Block, Document, Place, full_stop};
use crate::ladder;
use crate::run::Run;

/// A run as it is read on a terminal, in a pull request or in a design review.
#[must_use]
pub fn document(run: &Run) -> Document {
    let mut document = ladder::document(run);
    // The verdict of a duel and the share of each change are there already.
    let leads = document
        .at(Place::Page)
        .any(|block| matches!(block, Block::Strong(_)));
    let finding = Finding::of(run);
    if leads || finding.doubt.is_some() || run.variants.len() < 2 {
        return document;
    }
    let Some(headline) = finding.sentences.first() else {
        return document;
    };
    let (first, rest) = told(headline);
    let rest = (!rest.is_empty()).then(|| Block::Line(full_stop(rest)));
    let blocks = [Block::Strong(first)].into_iter().chain(rest);
    document.below_the_first_line(blocks.collect());
    document.on_terminal(full_stop(headline));
    document
}

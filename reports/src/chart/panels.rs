//! Panels of one axis each, one for each load, in which every variant is a row: a dot for what it had, and a hollow one for
//! the best that it could have had. Side by side on a page, below each other on a phone.

use maud::{Markup, html};

use super::dots::{DOT, RING};
use super::text::{self, Face, px, text};
use crate::quantity;

const ROW: f64 = 22.0;
const HEAD: f64 = 26.0;
const AXIS: f64 = 26.0;
const TITLE: f64 = 24.0;
const GAP: f64 = 22.0;
/// A narrower panel shows nothing: they stand below each other then.
const LEAST: f64 = 110.0;

/// What is drawn: shares of 1, on linear axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Panels {
    /// What the axes show.
    pub title: String,
    /// The names of the rows, the same in each panel.
    pub labels: Vec<String>,
    /// The panels.
    pub panels: Vec<Panel>,
}

/// One panel.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// Above it.
    pub name: String,
    /// For each of [`Panels::labels`] its value and the best; none where it was not measured.
    pub rows: Vec<Option<(f64, Option<f64>)>>,
}

impl Panels {
    /// So wide, and how high that is.
    pub(crate) fn drawn(&self, width: f64) -> (Markup, f64) {
        let label = self
            .labels
            .iter()
            .map(|label| text::length(label))
            .fold(0.0, f64::max)
            + GAP;
        let count = self.panels.len().max(1) as f64;
        let each = (width - label) / count - GAP;
        let high = HEAD + ROW * self.labels.len() as f64 + AXIS;
        let beside = each >= LEAST;
        let (across, down, each) = if beside {
            (each + GAP, 0.0, each)
        } else {
            (0.0, high + GAP, width - label - GAP)
        };
        let rows = if beside { 1.0 } else { count };
        let bottom = high * rows + GAP * (rows - 1.0);
        let titles = text::lines(&self.title, width / text::SMALL_LETTER);
        let drawn = html! {
            @for (place, panel) in self.panels.iter().enumerate() {
                @let left = label + across * place as f64;
                @let top = down * place as f64;
                @if !beside || place == 0 { (self.names(label - GAP / 2.0, top)) }
                (panel.drawn(left, top, each))
            }
            @for (place, line) in titles.iter().enumerate() {
                (text(width / 2.0, bottom + 16.0 * (place as f64 + 1.0), "middle", Face::Small, line))
            }
        };
        (
            drawn,
            bottom + TITLE + 16.0 * titles.len().saturating_sub(1) as f64,
        )
    }

    fn names(&self, right: f64, top: f64) -> Markup {
        html! {
            @for (place, name) in self.labels.iter().enumerate() {
                (text(right, top + HEAD + ROW * (place as f64 + 0.5) + 4.5, "end", Face::Plain, name))
            }
        }
    }

    /// The same in words, for those who do not see it.
    #[must_use]
    pub fn label(&self, headline: &str) -> String {
        let panels = self.panels.iter().map(|panel| {
            let rows = self.labels.iter().zip(&panel.rows);
            let rows = rows.filter_map(|(label, row)| {
                let (value, best) = (*row)?;
                let best = best.map_or_else(String::new, |best| {
                    format!(" of at best {}", quantity::share(best))
                });
                Some(format!("{label} {}{best}", quantity::share(value)))
            });
            let rows: Vec<String> = rows.collect();
            format!("{}: {}", panel.name, rows.join(", "))
        });
        let panels: Vec<String> = panels.collect();
        format!("{headline} {}. {}.", self.title, panels.join("; "))
    }
}

impl Panel {
    fn drawn(&self, left: f64, top: f64, width: f64) -> Markup {
        let at = |share: f64| left + share * width;
        let (above, below) = (top + HEAD, top + HEAD + ROW * self.rows.len() as f64);
        html! {
            (text(left, top + 16.0, "start", Face::Strong, &self.name))
            @for (share, anchor) in [(0.0, "start"), (0.5, "middle"), (1.0, "end")] {
                line x1=(px(at(share))) x2=(px(at(share))) y1=(px(above)) y2=(px(below)) stroke="#e2e6ea" class="s-grid" {}
                (text(at(share), below + 16.0, anchor, Face::Small, &format!("{} %", share * 100.0)))
            }
            @for (place, row) in self.rows.iter().enumerate() {
                @let y = px(above + ROW * (place as f64 + 0.5));
                @if let Some((value, best)) = row {
                    @if let Some(best) = best {
                        line x1=(px(at(*value))) x2=(px(at(*best))) y1=(y) y2=(y) stroke="#0969da" class="s-dot" {}
                        circle cx=(px(at(*best))) cy=(y) r=(RING) fill="#ffffff" stroke="#0969da" stroke-width="2" class="f-paper s-dot" {}
                    }
                    circle cx=(px(at(*value))) cy=(y) r=(DOT) fill="#0969da" class="f-dot" {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_lies_left_of_the_best_and_what_was_not_measured_is_not_drawn() {
        let panels = Panels {
            title: "share".to_owned(),
            labels: vec!["small".to_owned(), "none".to_owned()],
            panels: vec![Panel {
                name: "even".to_owned(),
                rows: vec![Some((0.25, Some(0.5))), None],
            }],
        };
        for width in [940, 358] {
            let svg = text::framed(width, &panels.drawn(f64::from(width)));
            let at: Vec<f64> = svg
                .split(" cx=\"")
                .skip(1)
                .map(|part| part.split('"').next().unwrap().parse().unwrap())
                .collect();
            assert_eq!(at.len(), 2, "{svg}");
            assert!(at[1] < at[0], "the best is drawn first: {at:?}");
        }
        assert_eq!(
            panels.label("So."),
            "So. share. even: small 25.0 % of at best 50.0 %."
        );
    }
}

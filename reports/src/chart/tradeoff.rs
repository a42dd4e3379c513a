//! What safety costs: each variant a point, its cost upwards on a logarithmic axis, to the right how long a revoked token
//! passed, or whether an attack did. Colour and shape say the same: a disc was refused, a cross passed.

use maud::{Markup, html};

use super::text::{self, Face, SMALL_LETTER, px, text};
use super::{palette, ticks};
use crate::quantity;

const HEIGHT: f64 = 300.0;
const LEFT: f64 = 62.0;
const TOP: f64 = 26.0;
const BELOW: f64 = 44.0;
const PADDING: f64 = 26.0;
/// Right of what has no lag.
const NONE: f64 = 150.0;
const NONE_ON_A_PHONE: f64 = 110.0;
const PHONE: f64 = 500.0;
const MARK: f64 = 5.5;
const LINE: f64 = 15.0;
const HEADROOM: f64 = 1.2;
/// A shorter logarithmic axis is marked in even steps.
const EVEN_STEPS: f64 = 3.0;

/// What is drawn.
pub(crate) struct Tradeoff {
    /// What the axis upwards shows.
    pub(crate) cost: String,
    /// What the axis to the right shows.
    pub(crate) safety: String,
    /// A point for each variant.
    pub(crate) points: Vec<Point>,
}

/// A variant.
pub(crate) struct Point {
    pub(crate) label: String,
    /// Nanoseconds, above 0.
    pub(crate) cost: f64,
    /// Its interval.
    pub(crate) ends: Option<(f64, f64)>,
    /// What lies to the right.
    pub(crate) at: At,
    /// Whether all that should have been refused was.
    pub(crate) refused: bool,
}

/// A place to the right.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum At {
    /// Nothing passed.
    Nothing,
    /// It passed for so long after a revoke, nanoseconds.
    Lag(f64),
    /// An attack passed.
    Passed,
}

/// A rectangle that a text or a mark takes.
type Taken = (f64, f64, f64, f64);

impl Tradeoff {
    /// So wide.
    pub(crate) fn svg(&self, width: u32) -> String {
        text::framed(width, &self.drawn(f64::from(width)))
    }

    fn drawn(&self, width: f64) -> (Markup, f64) {
        let ends = self.points.iter().flat_map(|point| {
            let (low, high) = point.ends.unwrap_or((point.cost, point.cost));
            [low, high, point.cost]
        });
        let ends: Vec<f64> = ends.filter(|end| *end > 0.0).collect();
        let low = ends.iter().copied().fold(f64::INFINITY, f64::min) / HEADROOM;
        let high = ends.iter().copied().fold(0.0, f64::max) * HEADROOM;
        let y = |cost: f64| TOP + HEIGHT - (cost / low).ln() / (high / low).ln() * HEIGHT;
        let marks = if high / low < EVEN_STEPS {
            ticks::between(low, high, HEIGHT)
        } else {
            ticks::logarithmic(low, high, HEIGHT)
        };
        let bottom = TOP + HEIGHT;
        let across = self.across(width);
        let x = |at: At| across.at(at);
        let drawn = html! {
            (text(0.0, 12.0, "start", Face::Small, &self.cost))
            @for ns in marks {
                line x1=(px(LEFT)) x2=(px(width)) y1=(px(y(ns))) y2=(px(y(ns))) stroke="#e2e6ea" class="s-grid" {}
                (text(LEFT - 6.0, y(ns) + 4.0, "end", Face::Small, &quantity::tick(ns)))
            }
            line x1=(px(LEFT)) x2=(px(width)) y1=(px(bottom)) y2=(px(bottom)) stroke="#444c56" class="s-ink" {}
            @for (at, name) in across.marks() {
                line x1=(px(at)) x2=(px(at)) y1=(px(bottom)) y2=(px(bottom + 5.0)) stroke="#444c56" class="s-ink" {}
                (text(at, bottom + 18.0, "middle", Face::Small, &name))
            }
            @for (nth, part) in text::lines(&self.safety, width / SMALL_LETTER).iter().enumerate() {
                (text(width / 2.0, bottom + 36.0 + LINE * nth as f64, "middle", Face::Small, part))
            }
            @for (point, (left, line, anchor)) in self.points.iter().zip(self.labels(width, &x, &y)) {
                (point.drawn(x(point.at), &y))
                (text(left, line, anchor, Face::Small, &point.label))
            }
        };
        (drawn, bottom + BELOW + LINE)
    }

    fn across(&self, width: f64) -> Across {
        let lags = self.points.iter().filter_map(|point| match point.at {
            At::Lag(ns) if ns > 0.0 => Some(ns),
            _ => None,
        });
        let lags: Vec<f64> = lags.collect();
        let none = if width < PHONE { NONE_ON_A_PHONE } else { NONE };
        Across {
            low: lags
                .iter()
                .copied()
                .reduce(f64::min)
                .map(|low| low / HEADROOM),
            high: lags.iter().copied().fold(0.0, f64::max) * HEADROOM,
            nothing: LEFT + PADDING,
            left: LEFT + none,
            right: width - PADDING,
        }
    }

    /// Where each name stands: next to its mark, as near as others leave room.
    fn labels(
        &self,
        width: f64,
        x: &impl Fn(At) -> f64,
        y: &impl Fn(f64) -> f64,
    ) -> Vec<(f64, f64, &'static str)> {
        let mut taken: Vec<Taken> = self
            .points
            .iter()
            .map(|point| {
                let (x, y) = (x(point.at), y(point.cost));
                (x - MARK, y - MARK, x + MARK, y + MARK)
            })
            .collect();
        let mut places = Vec::new();
        for point in &self.points {
            let (at, line) = (x(point.at), y(point.cost));
            let long = text::small(&point.label);
            let is_left = at + MARK + 6.0 + long > width;
            let (from, anchor) = if is_left {
                (at - MARK - 6.0, "end")
            } else {
                (at + MARK + 6.0, "start")
            };
            let span = if is_left {
                (from - long, from)
            } else {
                (from, from + long)
            };
            let tries = (0..40).map(|nth| {
                let step = f64::from((nth + 1) / 2) * (LINE / 2.0);
                line + if nth % 2 == 0 { step } else { -step }
            });
            let is_free = |middle: &f64| {
                let (top, bottom) = (middle - LINE / 2.0, middle + LINE / 2.0);
                let is_inside = TOP <= top && bottom <= TOP + HEIGHT;
                is_inside
                    && taken.iter().all(|(left, above, right, below)| {
                        span.1 <= *left || *right <= span.0 || bottom <= *above || *below <= top
                    })
            };
            let mut tries = tries;
            let middle = tries.find(is_free).unwrap_or(line);
            taken.push((span.0, middle - LINE / 2.0, span.1, middle + LINE / 2.0));
            places.push((from, middle + 4.0, anchor));
        }
        places
    }
}

/// The axis to the right.
struct Across {
    low: Option<f64>,
    high: f64,
    nothing: f64,
    left: f64,
    right: f64,
}

impl Across {
    fn at(&self, at: At) -> f64 {
        match (at, self.low) {
            (At::Lag(ns), Some(low)) if ns > 0.0 => {
                let share = (ns / low).ln() / (self.high / low).ln();
                self.left + share * (self.right - self.left)
            }
            (At::Passed, _) => f64::midpoint(self.nothing, self.right),
            _ => self.nothing,
        }
    }

    fn marks(&self) -> Vec<(f64, String)> {
        let none = |name: &str| (self.nothing, name.to_owned());
        let Some(low) = self.low else {
            let passed = (self.at(At::Passed), "passed".to_owned());
            return vec![none("refused"), passed];
        };
        let width = self.right - self.left;
        let marks = if self.high / low < EVEN_STEPS {
            ticks::between(low, self.high, width)
        } else {
            ticks::rates(low, self.high, width)
        };
        let marks = marks.into_iter();
        let named = marks.map(|ns| (self.at(At::Lag(ns)), quantity::tick(ns)));
        [none("0")].into_iter().chain(named).collect()
    }
}

impl Point {
    fn drawn(&self, x: f64, y: &impl Fn(f64) -> f64) -> Markup {
        let (colour, fill) = if self.refused {
            (&palette::SAFE, "#0a6b3d")
        } else {
            (&palette::UNSAFE, "#b42318")
        };
        let at = y(self.cost);
        let class = colour.class();
        html! {
            "\n"
            @if let Some((low, high)) = self.ends.filter(|ends| ends.0 > 0.0) {
                line x1=(px(x)) x2=(px(x)) y1=(px(y(low))) y2=(px(y(high))) stroke="#444c56" class="s-ink" {}
            }
            @if self.refused {
                circle cx=(px(x)) cy=(px(at)) r=(MARK) fill=(fill) class={ "f-" (class) } {}
            } @else {
                path d={
                    "M" (px(x - MARK)) " " (px(at - MARK)) "L" (px(x + MARK)) " " (px(at + MARK))
                    "M" (px(x - MARK)) " " (px(at + MARK)) "L" (px(x + MARK)) " " (px(at - MARK))
                } stroke=(fill) stroke-width="3" class={ "s-" (class) } {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_points_at_one_place_stand_apart_and_what_passed_is_a_cross() {
        let point = |label: &str, cost, at, refused| Point {
            label: label.to_owned(),
            cost,
            ends: None,
            at,
            refused,
        };
        let drawn = Tradeoff {
            cost: "cost".to_owned(),
            safety: "lag".to_owned(),
            points: vec![
                point("one", 1e5, At::Nothing, true),
                point("two", 1e5, At::Nothing, true),
                point("the <end>", 1e6, At::Lag(5e9), false),
            ],
        };
        for width in [940, 358] {
            let svg = drawn.svg(width);
            let line = |name: &str| {
                let before = svg
                    .split(&format!(">{name}</text>"))
                    .next()
                    .unwrap_or_default();
                let y = before.rsplit(" y=\"").next().unwrap_or_default();
                y.split('"').next().unwrap_or_default().parse::<f64>()
            };
            let (one, two) = (line("one").unwrap(), line("two").unwrap());
            assert!((one - two).abs() >= LINE, "{one} {two}");
            assert_eq!(svg.matches("<circle").count(), 2);
            assert_eq!(svg.matches("<path").count(), 1);
            assert!(
                svg.contains("the &lt;end&gt;") && svg.contains(">0</text>"),
                "{svg}"
            );
        }
    }
}

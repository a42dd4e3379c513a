//! Many lines, each in a small plot of its own with the same reference: all of them in one plot would need more colours
//! than can be told apart. Every plot has the same two axes.

use maud::{Markup, html};

use super::text::{self, Face, SMALL_LETTER, px, text};
use super::ticks;
use crate::quantity;

/// Left of the plots, for the marks of the axis of latencies.
const LEFT: f64 = 52.0;
const GAP: f64 = 18.0;
const PLOT: f64 = 110.0;
const LINE: f64 = 16.0;
const BELOW: f64 = 34.0;
/// A plot is at least so wide.
const LEAST: f64 = 130.0;
const MOST_COLUMNS: f64 = 4.0;
/// So long is the name of a percentile, and so near are points of the reference that look like one.
const LONGEST_MARK: f64 = 40.0;
const SAME: f64 = 4.0;
/// A plot about one value still has a height.
const HEADROOM: f64 = 1.25;

/// The small plots.
pub(crate) struct Multiples {
    /// One each.
    pub(crate) lines: Vec<Line>,
    /// The line that is drawn into each plot, by its place in [`Multiples::lines`].
    pub(crate) reference: Option<usize>,
    /// Both ends of the axis below.
    pub(crate) x: (f64, f64),
    /// Marks of the axis below for so many pixels.
    pub(crate) marks: Box<dyn Fn(f64) -> Vec<(f64, String)>>,
    /// What both axes show.
    pub(crate) title: String,
}

/// A line.
pub(crate) struct Line {
    /// The variant's place in the run.
    pub(crate) place: usize,
    /// Above its plot.
    pub(crate) name: String,
    /// (x, latency in nanoseconds).
    pub(crate) points: Vec<(f64, f64)>,
}

/// Where the points of a plot lie.
struct Frame {
    x: (f64, f64),
    y: (f64, f64),
    width: f64,
}

/// Where a plot lies among the others: the marks of an axis stand once for those that share it.
#[derive(Clone, Copy)]
struct Edges {
    is_left: bool,
    is_lowest: bool,
}

impl Frame {
    fn x(&self, x: f64) -> f64 {
        (x - self.x.0) / (self.x.1 - self.x.0) * self.width
    }

    fn y(&self, ns: f64) -> f64 {
        PLOT - (ns / self.y.0).ln() / (self.y.1 / self.y.0).ln() * PLOT
    }

    /// Those of the marks below that have room.
    fn percentiles(&self, marks: Vec<(f64, String)>) -> Vec<(f64, String)> {
        let mut shown: Vec<(f64, String)> = Vec::new();
        for (x, name) in marks {
            let at = self.x(x);
            if shown
                .last()
                .is_none_or(|(last, _)| at - last >= LONGEST_MARK)
            {
                shown.push((at, name));
            }
        }
        shown
    }

    fn points(&self, line: &Line) -> Vec<(f64, f64)> {
        let points = line.points.iter();
        points.map(|&(x, ns)| (self.x(x), self.y(ns))).collect()
    }
}

impl Multiples {
    /// So wide.
    pub(crate) fn svg(&self, width: u32) -> String {
        text::framed(width, &self.drawn(f64::from(width)))
    }

    fn drawn(&self, width: f64) -> (Markup, f64) {
        let columns = ((width - LEFT) / (LEAST + GAP))
            .floor()
            .clamp(1.0, MOST_COLUMNS);
        let each = (width - LEFT) / columns;
        let all = || self.lines.iter().flat_map(|line| &line.points);
        let low = all().map(|point| point.1).fold(f64::INFINITY, f64::min);
        let high = all().map(|point| point.1).fold(0.0, f64::max);
        let frame = Frame {
            x: self.x,
            y: (low / HEADROOM, high * HEADROOM),
            width: each - GAP,
        };
        let names: Vec<Vec<String>> = self
            .lines
            .iter()
            .map(|line| text::lines(&line.name, frame.width / SMALL_LETTER))
            .collect();
        let head = LINE * names.iter().map(Vec::len).max().unwrap_or(1) as f64 + 4.0;
        let high = head + PLOT + BELOW;
        let rows = (self.lines.len() as f64 / columns).ceil();
        let reference = self.reference.and_then(|place| self.lines.get(place));
        let titles = text::lines(&self.title, width / SMALL_LETTER);
        let drawn = html! {
            @for (nth, (line, name)) in self.lines.iter().zip(&names).enumerate() {
                @let (column, row) = (nth as f64 % columns, (nth as f64 / columns).floor());
                @let (left, top) = (LEFT + each * column, high * row);
                @for (nth, part) in name.iter().enumerate() {
                    (text(left, top + LINE * (nth as f64 + 1.0) - 4.0, "start", Face::Small, part))
                }
                @let edges = Edges {
                    is_left: column == 0.0,
                    is_lowest: nth as f64 + columns >= self.lines.len() as f64,
                };
                (self.plot(&frame, line, reference, (left, top + head), edges))
            }
            @for (nth, part) in titles.iter().enumerate() {
                (text(0.0, high * rows + LINE * (nth as f64 + 0.5), "start", Face::Small, part))
            }
        };
        (drawn, high * rows + LINE * titles.len() as f64)
    }

    fn plot(
        &self,
        frame: &Frame,
        line: &Line,
        reference: Option<&Line>,
        (left, top): (f64, f64),
        edges: Edges,
    ) -> Markup {
        let right = left + frame.width;
        let marks = ticks::logarithmic(frame.y.0, frame.y.1, PLOT);
        let across = |y: f64| format!("M{} {}H{}", px(left), px(y), px(right));
        let grid: String = marks.iter().map(|ns| across(top + frame.y(*ns))).collect();
        html! {
            path d=(grid) fill="none" stroke="#e2e6ea" class="s-grid" {}
            @if edges.is_left {
                @for ns in &marks {
                    (text(left - 6.0, top + frame.y(*ns) + 4.0, "end", Face::Small, &quantity::tick(*ns)))
                }
            }
            path d=(across(top + PLOT)) stroke="#444c56" class="s-ink" {}
            @if edges.is_lowest {
                @for (x, name) in frame.percentiles((self.marks)(frame.width)) {
                    (text(left + x, top + PLOT + LINE - 2.0, "middle", Face::Small, &name))
                }
            }
            @if let Some(reference) = reference {
                (polyline(&thinned(frame.points(reference)), (left, top), None))
            }
            (polyline(&frame.points(line), (left, top), Some(line.place)))
        }
    }
}

/// Without points that lie on their neighbours: nothing points at the reference, and every plot has it.
fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for point in points {
        let is_apart =
            |last: &(f64, f64)| (point.0 - last.0).abs() + (point.1 - last.1).abs() >= SAME;
        if kept.last().is_none_or(is_apart) {
            kept.push(point);
        }
    }
    kept
}

/// A variant's line, which the script finds by its place; or the reference.
fn polyline(points: &[(f64, f64)], (left, top): (f64, f64), place: Option<usize>) -> Markup {
    let points = points.iter();
    // Whole pixels across: a page of many variants has thousands of points.
    let points = points.map(|(x, y)| format!("{},{}", (left + x).round(), px(top + y)));
    let points: Vec<String> = points.collect();
    html! {
        "\n"
        @if place.is_some() {
            polyline points=(points.join(" ")) fill="none" stroke="#0969da" stroke-width="2" class="s-dot" data-variant=[place] {}
        } @else {
            polyline points=(points.join(" ")) fill="none" stroke="#444c56" stroke-dasharray="3 2" class="s-ink" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_its_plot_with_all_its_points_beside_the_reference() {
        let line = |place: usize| Line {
            place,
            name: format!("<{place}>"),
            points: (0..5)
                .map(|x| (f64::from(x), 1e5 * (place as f64 + 1.0)))
                .collect(),
        };
        let drawn = Multiples {
            lines: (0..9).map(line).collect(),
            reference: Some(0),
            x: (0.0, 4.0),
            marks: Box::new(|_| vec![(0.0, "0 %".to_owned())]),
            title: "latency".to_owned(),
        };
        for width in [940, 358] {
            let svg = drawn.svg(width);
            for place in 0..9 {
                assert!(svg.contains(&format!("&lt;{place}&gt;")));
                let number = format!(" data-variant=\"{place}\"");
                let own = svg
                    .split("<polyline")
                    .find(|line| line.contains(&number))
                    .unwrap();
                let points = own.split("points=\"").nth(1).unwrap().split('"').next();
                assert_eq!(points.unwrap().split(' ').count(), 5, "{own}");
            }
            assert_eq!(svg.matches("<polyline").count(), 18);
        }
    }
}

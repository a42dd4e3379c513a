//! A dot plot: a row for each variant with a dot, its interval, the value and what is said of it in words. One axis for
//! all rows. Colour says whether what should be refused was refused, and nothing else.
//!
//! Drawn as plain SVG: text that stands in columns is what plotters does not help with.

use maud::{Markup, html};

use super::text::{Face, SMALL_LETTER, length, lines, px, small, text};
use super::{palette, ticks};
use crate::quantity;

const GAP: f64 = 18.0;
/// A row on a page, its heading, and the axis below all rows.
const ROW: f64 = 30.0;
const HEAD: f64 = 26.0;
const AXIS: f64 = 48.0;
/// The lines of a row on a phone: texts, then the dot.
const LINE: f64 = 19.0;
const STRIP: f64 = 26.0;
const LINE_OF_AXIS: f64 = 16.0;
/// Left of an axis, for what is 0 and has no place on a logarithmic one.
const NONE: f64 = 34.0;
/// The dot of a value, and the ring of what it is compared with: where both are one value, the ring goes around the dot.
pub(super) const DOT: f64 = 4.0;
pub(super) const RING: f64 = 6.5;
const PADDING: f64 = 10.0;
/// A narrower axis shows nothing: the layout of a phone does.
const LEAST_AXIS: f64 = 200.0;
/// An axis about one value still has a length.
const HEADROOM: f64 = 1.12;
/// A shorter logarithmic axis is marked in even steps.
const EVEN_STEPS: f64 = 3.0;
/// A longer name is cut, characters.
const LONGEST_NAME: usize = 44;
/// A line of a trade-off below a name, pixels: its length where there is room, its length at the least, and its height.
const TRADE: f64 = 232.0;
const LEAST_TRADE: f64 = 190.0;
const TRADE_LINE: f64 = 15.0;
/// An axis of this length has room to spare.
const AMPLE_AXIS: f64 = 300.0;
/// Before [`Row::trade`] where it is in a line with others.
const TRADE_OFF: &str = "trade-off";

/// What is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Dots {
    /// What the axis shows.
    pub title: String,
    /// The axis.
    pub scale: Scale,
    /// The heading of [`Row::said`].
    pub value: String,
    /// The heading of [`Row::against`]; empty where nothing is compared.
    pub against: String,
    /// The heading of [`Row::more`]; empty where there is no second figure.
    pub more: String,
    /// The headings of [`Row::marks`].
    pub attacks: Vec<String>,
    /// A row for each variant.
    pub rows: Vec<Row>,
}

/// An axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Nanoseconds, logarithmic.
    Time,
    /// Shares of 1, linear.
    Share,
    /// Ratios, logarithmic: a half is as far from 1 as a double.
    Ratio,
}

/// One variant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    /// As people read it.
    pub label: String,
    /// Whether the others are compared with it.
    pub is_baseline: bool,
    /// Its values; 0 is drawn left of a logarithmic axis. None where nothing was measured.
    pub values: Vec<f64>,
    /// What it is without the change that its value is with: a hollow dot, and its interval.
    pub without: Option<(f64, Option<(f64, f64)>)>,
    /// Its interval, or the range of several values.
    pub ends: Option<(f64, f64)>,
    /// The value in words.
    pub said: String,
    /// How it compares with the baseline, in words.
    pub against: String,
    /// A second figure, in words.
    pub more: String,
    /// What became of each of [`Dots::attacks`]; none where it was not tried.
    pub marks: Vec<Option<Mark>>,
    /// What its server says that it does without, which is not measured: no colour marks it.
    pub trade: String,
}

/// What became of an attack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Whether all of it was refused.
    pub refused: bool,
    /// The share that passed, where that was not all of it.
    pub share: Option<String>,
}

impl Mark {
    /// `✓ refused`, `✗ passed`, `✗ 7.93 % passed`.
    #[must_use]
    pub fn words(&self) -> String {
        match (&self.share, self.refused) {
            (_, true) => "✓ refused".to_owned(),
            (None, false) => "✗ passed".to_owned(),
            (Some(share), false) => format!("✗ {share} passed"),
        }
    }

    fn named(&self, attack: &str) -> String {
        match (&self.share, self.refused) {
            (_, true) => format!("✓ {attack} refused"),
            (None, false) => format!("✗ {attack} passed"),
            (Some(share), false) => format!("✗ {attack}: {share} passed"),
        }
    }

    fn class(&self) -> &'static str {
        if self.refused {
            palette::SAFE.class()
        } else {
            palette::UNSAFE.class()
        }
    }
}

/// Where values lie on the picture.
struct Axis {
    scale: Scale,
    low: f64,
    high: f64,
    left: f64,
    width: f64,
    /// Where a 0 lies that the axis does not reach.
    none: Option<f64>,
}

impl Axis {
    fn of(dots: &Dots, left: f64, width: f64) -> Self {
        let ends = |row: &Row| row.ends.map(|(low, high)| [low, high]);
        let values = dots.rows.iter().flat_map(|row| {
            let ends = ends(row).into_iter().flatten();
            let without = row.without.into_iter().flat_map(|(value, ends)| {
                let (low, high) = ends.unwrap_or((value, value));
                [value, low, high]
            });
            row.values.iter().copied().chain(ends).chain(without)
        });
        let values: Vec<f64> = values.collect();
        let positive = || values.iter().copied().filter(|value| *value > 0.0);
        let none = dots.scale == Scale::Time && values.iter().any(|value| *value <= 0.0);
        let shift = if none { NONE } else { 0.0 };
        let (low, high) = match dots.scale {
            Scale::Share => (0.0, 1.0),
            Scale::Time => (
                positive().reduce(f64::min).unwrap_or(1e9) / HEADROOM,
                positive().reduce(f64::max).unwrap_or(1e9) * HEADROOM,
            ),
            // A reader looks for 1 first.
            Scale::Ratio => (
                positive().fold(1.0 / HEADROOM, f64::min) / HEADROOM,
                positive().fold(HEADROOM, f64::max) * HEADROOM,
            ),
        };
        Self {
            scale: dots.scale,
            low,
            high,
            left: left + PADDING + shift,
            width: width - 2.0 * PADDING - shift,
            none: none.then_some(left + PADDING),
        }
    }

    fn at(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Share => value,
            Scale::Time if value <= 0.0 => return self.none.unwrap_or(self.left),
            Scale::Time | Scale::Ratio => (value / self.low).ln() / (self.high / self.low).ln(),
        };
        self.left + share * self.width
    }

    /// Where it is marked, and how.
    fn marks(&self) -> Vec<(f64, String)> {
        let marks = match self.scale {
            Scale::Share => vec![0.0, 0.25, 0.5, 0.75, 1.0],
            _ if self.high / self.low < EVEN_STEPS => {
                ticks::between(self.low, self.high, self.width)
            }
            Scale::Time | Scale::Ratio => ticks::rates(self.low, self.high, self.width),
        };
        let named = marks.into_iter().map(|value| {
            let name = match self.scale {
                Scale::Share => format!("{} %", (value * 100.0).round()),
                Scale::Time => quantity::tick(value),
                Scale::Ratio => format!("{}×", (value * 100.0).round() / 100.0),
            };
            (self.at(value), name)
        });
        let none = self.none.map(|at| (at, "none".to_owned()));
        none.into_iter().chain(named).collect()
    }
}

impl Dots {
    /// The same in words, for those who do not see it.
    #[must_use]
    pub fn label(&self, headline: &str) -> String {
        let rows = self.rows.iter().map(|row| {
            let against = Some(self.words(row)).filter(|words| !words.is_empty());
            let marks = self
                .attacks
                .iter()
                .zip(&row.marks)
                .filter_map(|(attack, mark)| {
                    let words = mark.as_ref()?.words();
                    Some(format!(
                        "{attack} {}",
                        words.trim_start_matches(['✓', '✗', ' '])
                    ))
                });
            let trade =
                Some(format!("{TRADE_OFF}: {}", row.trade)).filter(|_| !row.trade.is_empty());
            let said = [row.said.clone()].into_iter().chain(against);
            let said: Vec<String> = said.chain(marks).chain(trade).collect();
            format!("{} {}", row.label, said.join(", "))
        });
        let rows: Vec<String> = rows.collect();
        format!("{headline} {}: {}.", self.title, rows.join("; "))
    }

    /// So wide, and how high that is: in columns where there is room for them, else as on a phone.
    pub(crate) fn drawn(&self, width: f64) -> (Markup, f64) {
        let ample = Columns::of(self, TRADE);
        let columns = if width - ample.all() >= AMPLE_AXIS {
            ample
        } else {
            Columns::of(self, LEAST_TRADE)
        };
        if width - columns.all() >= LEAST_AXIS {
            self.in_columns(width, &columns)
        } else {
            self.in_lines(width)
        }
    }

    fn in_columns(&self, width: f64, columns: &Columns) -> (Markup, f64) {
        let axis = Axis::of(self, columns.label, width - columns.all());
        let value = columns.label + (width - columns.all()) + GAP;
        let against = value + columns.said;
        let more = against + columns.against;
        let marks: Vec<f64> = columns
            .marks
            .iter()
            .scan(more + columns.more, |left, mark| {
                let here = *left;
                *left += mark;
                Some(here)
            })
            .collect();
        let trades: Vec<Vec<String>> = self.rows.iter().map(|row| columns.trade(row)).collect();
        let high = |trade: &Vec<String>| ROW + TRADE_LINE * trade.len() as f64;
        let tops = trades.iter().scan(HEAD, |next, trade| {
            let top = *next;
            *next += high(trade);
            Some(top)
        });
        let tops: Vec<f64> = tops.collect();
        let bottom = HEAD + trades.iter().map(high).sum::<f64>();
        let right = columns.label - GAP / 2.0;
        let drawn = html! {
            (text(value, LINE_OF_AXIS, "start", Face::Small, &self.value))
            (text(against, LINE_OF_AXIS, "start", Face::Small, &self.against))
            (text(more, LINE_OF_AXIS, "start", Face::Small, &self.more))
            @for (attack, left) in self.attacks.iter().zip(&marks) {
                (text(*left, LINE_OF_AXIS, "start", Face::Small, attack))
            }
            (grid(&axis, &[(HEAD, bottom)]))
            (self.baseline(&axis, HEAD, bottom))
            @for ((row, top), trade) in self.rows.iter().zip(&tops).zip(&trades) {
                @let middle = top + ROW / 2.0;
                @let line = middle + 4.5;
                (text(right, line, "end", Face::of(row.is_baseline), &short(&row.label)))
                @for (nth, part) in trade.iter().enumerate() {
                    (text(right, line + TRADE_LINE * (nth as f64 + 1.0), "end", Face::Small, part))
                }
                (dots(&axis, row, middle))
                (text(value, line, "start", Face::Plain, &row.said))
                (text(against, line, "start", Face::Faint, &row.against))
                (text(more, line, "start", Face::Plain, &row.more))
                @for (mark, left) in row.marks.iter().zip(&marks) {
                    @if let Some(mark) = mark { (marked(*left, line, mark, &mark.words())) }
                }
            }
            (below(&axis, bottom, &self.title, width))
        };
        (drawn, bottom + AXIS)
    }

    fn in_lines(&self, width: f64) -> (Markup, f64) {
        let axis = Axis::of(self, 0.0, width);
        let all: Vec<Lines<'_>> = self.rows.iter().map(|row| self.lines(row, width)).collect();
        let tops: Vec<f64> = all
            .iter()
            .scan(0.0, |next, lines| {
                let top = *next;
                *next += lines.texts() + STRIP;
                Some(top)
            })
            .collect();
        let strips: Vec<(f64, f64)> = all
            .iter()
            .zip(&tops)
            .map(|(lines, top)| top + lines.texts())
            .map(|top| (top + 1.0, top + STRIP - 8.0))
            .collect();
        let bottom: f64 = all.iter().map(|lines| lines.texts() + STRIP).sum();
        let drawn = html! {
            (grid(&axis, &strips))
            @for ((lines, top), (from, to)) in all.iter().zip(&tops).zip(&strips) {
                (lines.drawn(top + 14.0, width))
                (self.baseline(&axis, *from, *to))
                (dots(&axis, lines.row, f64::midpoint(*from, *to)))
            }
            (below(&axis, bottom, &self.title, width))
        };
        (drawn, bottom + AXIS + LINE_OF_AXIS)
    }

    /// The texts of a row that has the whole width.
    fn lines<'r>(&self, row: &'r Row, width: f64) -> Lines<'r> {
        let marks = self
            .attacks
            .iter()
            .zip(&row.marks)
            .filter_map(|(attack, mark)| {
                let mark = mark.clone()?;
                let words = mark.named(attack);
                Some((mark, words))
            });
        let (words, marks) = (self.words(row), marks.collect::<Vec<_>>());
        let of_marks: f64 = marks.iter().map(|(_, words)| length(words) + GAP).sum();
        let trade = Some(format!("{TRADE_OFF}: {}", row.trade)).filter(|_| !row.trade.is_empty());
        Lines {
            row,
            are_beside: !words.is_empty() && length(&words) + of_marks <= width,
            words,
            marks,
            trade: lines(&trade.unwrap_or_default(), width / SMALL_LETTER),
        }
    }

    /// What is said of a row below its name.
    fn words(&self, row: &Row) -> String {
        let more = (!row.more.is_empty()).then(|| format!("{} {}", row.more, self.more));
        let against = Some(row.against.clone()).filter(|words| !words.is_empty());
        let words: Vec<String> = against.into_iter().chain(more).collect();
        words.join(" · ")
    }

    /// Where the baseline lies, for every row.
    fn baseline(&self, axis: &Axis, from: f64, to: f64) -> Markup {
        let compares = !self.against.is_empty();
        let baseline = self.rows.iter().find(|row| row.is_baseline && compares);
        let at = baseline
            .and_then(|row| row.values.first())
            .map(|value| px(axis.at(*value)));
        html! {
            @if let Some(x) = at {
                line x1=(x) x2=(x) y1=(px(from)) y2=(px(to)) stroke="#444c56" stroke-dasharray="2 3" class="s-ink" {}
            }
        }
    }
}

/// What is written above the dot of a row that has the whole width.
struct Lines<'r> {
    row: &'r Row,
    words: String,
    marks: Vec<(Mark, String)>,
    /// Whether the marks are on the line of the words.
    are_beside: bool,
    trade: Vec<String>,
}

impl Lines<'_> {
    /// How many there are between the name and the trade-off.
    fn between(&self) -> usize {
        let of_marks = usize::from(!self.marks.is_empty() && !self.are_beside);
        usize::from(!self.words.is_empty()) + of_marks
    }

    /// How high they are.
    fn texts(&self) -> f64 {
        LINE * (1 + self.between() + self.trade.len()) as f64
    }

    fn drawn(&self, first: f64, width: f64) -> Markup {
        let left = if self.are_beside {
            length(&self.words) + GAP
        } else {
            0.0
        };
        let marks = self.marks.iter().scan(left, |next, (mark, words)| {
            let here = *next;
            *next += length(words) + GAP;
            Some((here, mark, words))
        });
        let of_marks = first + LINE * self.between() as f64;
        html! {
            (text(0.0, first, "start", Face::of(self.row.is_baseline), &short(&self.row.label)))
            (text(width, first, "end", Face::Plain, &self.row.said))
            (text(0.0, first + LINE, "start", Face::Faint, &self.words))
            @for (left, mark, words) in marks { (marked(left, of_marks, mark, words)) }
            @for (nth, part) in self.trade.iter().enumerate() {
                (text(0.0, of_marks + LINE * (nth as f64 + 1.0), "start", Face::Small, part))
            }
        }
    }
}

/// How wide the columns of texts are.
struct Columns {
    label: f64,
    said: f64,
    against: f64,
    more: f64,
    marks: Vec<f64>,
}

impl Columns {
    fn of(dots: &Dots, trade: f64) -> Self {
        let widest = |texts: &mut dyn Iterator<Item = String>| {
            let longest = texts.map(|text| length(&text)).fold(0.0, f64::max);
            if longest > 0.0 { longest + GAP } else { 0.0 }
        };
        let rows = || dots.rows.iter();
        let marks = dots.attacks.iter().enumerate().map(|(place, attack)| {
            let words = rows().filter_map(|row| Some(row.marks.get(place)?.as_ref()?.words()));
            widest(&mut words.chain([attack.clone()]))
        });
        let label = widest(&mut rows().map(|row| short(&row.label)));
        let has_trade = rows().any(|row| !row.trade.is_empty());
        Self {
            label: if has_trade {
                label.max(trade + GAP)
            } else {
                label
            },
            said: widest(
                &mut rows()
                    .map(|row| row.said.clone())
                    .chain([dots.value.clone()]),
            ),
            against: widest(
                &mut rows()
                    .map(|row| row.against.clone())
                    .chain([dots.against.clone()]),
            ),
            more: widest(
                &mut rows()
                    .map(|row| row.more.clone())
                    .chain([dots.more.clone()]),
            ),
            marks: marks.collect(),
        }
    }

    /// A row's trade-off, in lines that fit below its name.
    fn trade(&self, row: &Row) -> Vec<String> {
        lines(&row.trade, (self.label - GAP) / SMALL_LETTER)
    }

    fn all(&self) -> f64 {
        self.label + GAP + self.said + self.against + self.more + self.marks.iter().sum::<f64>()
    }
}

fn marked(x: f64, y: f64, mark: &Mark, words: &str) -> Markup {
    let fill = if mark.refused { "#0a6b3d" } else { "#b42318" };
    html! {
        "\n" text x=(px(x)) y=(px(y)) font-size="13" fill=(fill) class={ "f-" (mark.class()) } { (words) }
    }
}

fn grid(axis: &Axis, stretches: &[(f64, f64)]) -> Markup {
    html! {
        @for (x, _) in axis.marks() {
            @for (from, to) in stretches {
                line x1=(px(x)) x2=(px(x)) y1=(px(*from)) y2=(px(*to)) stroke="#e2e6ea" class="s-grid" {}
            }
        }
    }
}

fn dots(axis: &Axis, row: &Row, y: f64) -> Markup {
    html! {
        "\n"
        @if let Some((before, ends)) = row.without {
            @for value in &row.values {
                line x1=(px(axis.at(before))) x2=(px(axis.at(*value))) y1=(px(y)) y2=(px(y)) stroke="#0969da" class="s-dot" {}
            }
            (interval(axis, ends, y))
            circle cx=(px(axis.at(before))) cy=(px(y)) r=(RING) fill="#ffffff" stroke="#0969da" stroke-width="2" class="f-paper s-dot" {}
        }
        (interval(axis, row.ends, y))
        @for value in &row.values {
            circle cx=(px(axis.at(*value))) cy=(px(y)) r=(DOT) fill="#0969da" class="f-dot" {}
        }
    }
}

fn interval(axis: &Axis, ends: Option<(f64, f64)>, y: f64) -> Markup {
    html! {
        @if let Some((low, high)) = ends {
            line x1=(px(axis.at(low))) x2=(px(axis.at(high))) y1=(px(y)) y2=(px(y)) stroke="#0969da" stroke-width="3"
                class="interval s-dot" {}
        }
    }
}

/// The marks of the axis and its title.
fn below(axis: &Axis, bottom: f64, title: &str, width: f64) -> Markup {
    let middle = axis.left + axis.width / 2.0;
    let lines = lines(title, width / SMALL_LETTER);
    // A title wider than the axis keeps within the picture.
    let half = lines.iter().map(|line| small(line)).fold(0.0, f64::max) / 2.0;
    let middle = middle.max(half).min(width - half);
    html! {
        @for (x, name) in axis.marks() {
            (text(x.max(small(&name) / 2.0 + 4.0).min(width - small(&name) / 2.0 - 4.0), bottom + LINE_OF_AXIS, "middle", Face::Small, &name))
        }
        @for (place, line) in lines.iter().enumerate() {
            (text(middle, bottom + LINE_OF_AXIS * (place as f64 + 1.0) + LINE, "middle", Face::Small, line))
        }
    }
}

fn short(label: &str) -> String {
    match label.char_indices().nth(LONGEST_NAME) {
        Some((at, _)) => format!("{}…", &label[..at]),
        None => label.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::text::framed;

    fn row(label: &str, value: f64, ends: (f64, f64)) -> Row {
        Row {
            label: label.to_owned(),
            is_baseline: label == "base",
            values: vec![value],
            ends: Some(ends),
            said: quantity::duration(value),
            against: "not distinguishable".to_owned(),
            marks: vec![Some(Mark {
                refused: label == "base",
                share: None,
            })],
            ..Row::default()
        }
    }

    fn plotted() -> Dots {
        Dots {
            title: "Median service time".to_owned(),
            scale: Scale::Time,
            value: "median".to_owned(),
            against: "vs baseline".to_owned(),
            more: String::new(),
            attacks: vec!["stolen token".to_owned()],
            rows: vec![
                row("base", 1e5, (0.9e5, 1.1e5)),
                row("ten <times>", 1e6, (0.9e6, 1.1e6)),
                row("a hundred times", 1e7, (0.9e7, 1.1e7)),
            ],
        }
    }

    fn svg(dots: &Dots, width: u32) -> String {
        framed(width, &dots.drawn(f64::from(width)))
    }

    fn numbers(svg: &str, name: &str) -> Vec<f64> {
        let name = format!(" {name}=\"");
        let parts = svg.split(&name).skip(1);
        let numbers = parts.map(|part| part.split('"').next().unwrap_or_default().parse());
        numbers.map(|number| number.unwrap_or(f64::NAN)).collect()
    }

    #[test]
    fn a_tenfold_is_as_long_everywhere_and_every_interval_holds_its_dot() {
        for width in [940, 358] {
            let svg = svg(&plotted(), width);
            let at = numbers(&svg, "cx");
            assert_eq!(at.len(), 3, "{svg}");
            assert!((at[1] - at[0] - (at[2] - at[1])).abs() <= 0.2, "{at:?}");
            let intervals: Vec<&str> = svg
                .split("<line ")
                .filter(|line| line.contains("interval"))
                .collect();
            for (interval, dot) in intervals.iter().zip(&at) {
                let interval = format!(" {interval}");
                assert!(numbers(&interval, "x1")[0] < *dot && *dot < numbers(&interval, "x2")[0]);
            }
            assert!(svg.contains("ten &lt;times&gt;") && svg.contains("Median service time"));
            assert!(at.iter().all(|x| 0.0 < *x && *x < f64::from(width)));
        }
    }

    #[test]
    fn what_is_none_lies_left_of_the_axis_and_colour_says_safety_alone() {
        let mut dots = plotted();
        dots.rows[0].values = vec![0.0];
        dots.rows[0].ends = None;
        let svg = svg(&dots, 940);
        let at = numbers(&svg, "cx");
        assert!(at[0] < at[1] && svg.contains(">none<"), "{svg}");
        assert_eq!(svg.matches("f-safe").count(), 1);
        assert_eq!(svg.matches("f-unsafe").count(), 2);
        assert!(
            dots.label("So.")
                .contains("base 100 µs, not distinguishable, stolen token refused")
        );
    }

    #[test]
    fn a_trade_off_has_lines_of_its_own_and_no_colour() {
        let mut dots = plotted();
        let bare = [940, 358].map(|width| dots.drawn(f64::from(width)).1);
        dots.rows[1].trade = "stolen hashes are guessed by the billion a second".to_owned();
        let told = [940, 358].map(|width| dots.drawn(f64::from(width)).1);
        assert!(told[0] >= bare[0] + 2.0 * TRADE_LINE, "{bare:?} {told:?}");
        assert!(told[1] >= bare[1] + LINE, "{bare:?} {told:?}");
        for width in [940, 358] {
            let svg = svg(&dots, width);
            let line = svg.split('\n').find(|line| line.contains("stolen hashes"));
            assert!(line.is_some_and(|line| line.contains("f-ink")), "{svg}");
            let at = numbers(&svg, "cy");
            let (above, below) = (at[1] - at[0], at[2] - at[1]);
            // It is below the name: in columns below the dot, on a phone above it.
            assert_eq!(above < below, width > 500, "{at:?}");
            assert!((above - below).abs() >= TRADE_LINE, "{at:?}");
        }
        assert!(dots.label("So.").contains("trade-off: stolen hashes"));
    }

    #[test]
    fn a_dot_at_the_place_of_its_ring_lies_within_it() {
        let mut dots = plotted();
        dots.rows[0].without = Some((1e5, None));
        let svg = svg(&dots, 940);
        let (at, radii) = (numbers(&svg, "cx"), numbers(&svg, "r"));
        assert_eq!((at[0], radii[0], radii[1]), (at[1], RING, DOT));
        // The stroke of the ring is two pixels wide.
        assert!(radii[0] - 1.0 > radii[1], "{radii:?}");
    }
}

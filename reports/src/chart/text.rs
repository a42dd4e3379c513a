//! Text in pictures that stands in columns: how wide it is about, how it is set, and the frame of a picture.

use maud::{Markup, html};

use super::palette;
use crate::plain;

/// A wide letter of the font, and one of small print, pixels.
const LETTER: f64 = 7.0;
pub(crate) const SMALL_LETTER: f64 = 6.4;
/// A title's.
const TITLE_LETTER: f64 = 9.2;
const TITLE_LINE: f64 = 24.0;
const MARGIN: f64 = 20.0;
const LINE: f64 = 19.0;
const PADDING: f64 = 10.0;

/// What was drawn, `width` wide and `height` high, as a picture of a page.
pub(crate) fn framed(width: u32, (drawn, height): &(Markup, f64)) -> String {
    html! {
        svg viewBox={ "0 0 " (width) " " (px(*height)) } xmlns="http://www.w3.org/2000/svg" { (drawn) }
    }
    .into_string()
}

/// A picture that stands alone: below its headline and with its note, style and background of its own.
pub(crate) fn alone(
    [headline, note, label]: [&str; 3],
    width: u32,
    drawn: impl FnOnce(f64) -> (Markup, f64),
) -> String {
    let room = f64::from(width) - 2.0 * MARGIN;
    let (drawn, height) = drawn(room);
    let titles = lines(headline, room / TITLE_LETTER);
    let notes = lines(note, room / SMALL_LETTER);
    let top = MARGIN + TITLE_LINE * titles.len() as f64;
    let below = top + PADDING + height + LINE;
    let end = below + LINE * notes.len() as f64;
    let svg = html! {
        svg viewBox={ "0 0 " (width) " " (px(end)) } width=(width) height=(px(end)) xmlns="http://www.w3.org/2000/svg"
            font-family="system-ui, sans-serif" role="img" aria-label=(label) {
            "\n" style { (maud::PreEscaped(palette::style())) }
            "\n" rect width=(width) height=(px(end)) fill="#ffffff" class="f-paper" {}
            @for (place, line) in titles.iter().enumerate() {
                "\n" text x=(MARGIN) y=(px(MARGIN + TITLE_LINE * (place as f64 + 0.5))) font-size="17" font-weight="600"
                    fill="#444c56" class="f-ink" { (line) }
            }
            "\n" g transform={ "translate(" (MARGIN) " " (px(top + PADDING)) ")" } { (drawn) }
            @for (place, line) in notes.iter().enumerate() {
                (text(MARGIN, below + LINE * place as f64, "start", Face::Small, line))
            }
        }
    };
    plain::text(&svg.into_string()).into_owned()
}

/// How a text is set.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Face {
    Plain,
    Strong,
    Faint,
    Small,
}

impl Face {
    /// Of a name, which is bold where it is that of the baseline.
    pub(crate) fn of(is_baseline: bool) -> Self {
        if is_baseline {
            Self::Strong
        } else {
            Self::Plain
        }
    }
}

/// A text in the ink of the reader's scheme.
pub(crate) fn text(x: f64, y: f64, anchor: &str, face: Face, words: &str) -> Markup {
    let size = if face == Face::Small { "12" } else { "13" };
    let weight = (face == Face::Strong).then_some("600");
    html! {
        @if !words.is_empty() {
            "\n" text x=(px(x)) y=(px(y)) text-anchor=(anchor) font-size=(size) font-weight=[weight] fill="#444c56" class="f-ink" {
                (words)
            }
        }
    }
}

/// About how wide a text is.
pub(crate) fn length(text: &str) -> f64 {
    LETTER * text.chars().count() as f64
}

/// The same of small print.
pub(crate) fn small(text: &str) -> f64 {
    SMALL_LETTER * text.chars().count() as f64
}

/// Words in lines of so many letters.
pub(crate) fn lines(text: &str, letters: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if ((line.chars().count() + 1 + word.chars().count()) as f64) <= letters => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A place as it is written.
pub(crate) fn px(at: f64) -> String {
    format!("{:.1}", if at.is_finite() { at } else { 0.0 })
}

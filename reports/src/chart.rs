//! Pictures: SVG by plotters, its colours replaced by classes so that one picture serves light and
//! dark.
//!
//! Compared before it was kept (November 2026): plotters 0.3.7 is five crates with SVG alone, its logarithmic
//! axes take marks at any place. kuva 0.6 (six crates)
//! takes a number of marks, not their places; poloto 19 (three) has no logarithmic axis; charming 0.6
//! (26) leaves the drawing to `ECharts`, a megabyte of JavaScript in each page; plotlib 0.5 (24) stands still.

pub(crate) mod bars;
pub mod dots;
pub(crate) mod multiples;
pub(crate) mod palette;
pub mod panels;
pub(crate) mod plane;
pub(crate) mod text;
pub(crate) mod ticks;
pub(crate) mod tradeoff;

use plotters::{
    coord::Shift,
    drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea},
    prelude::SVGBackend,
};

/// A picture that could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("cannot draw the {what}: {cause}")]
pub struct DrawError {
    what: &'static str,
    cause: String,
}

impl DrawError {
    /// For `map_err`: a failure to draw `what`.
    pub(crate) fn of<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> Self {
        move |cause| Self {
            what,
            cause: cause.to_string(),
        }
    }
}

/// Size of a picture, pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// For a page, and for a phone: text keeps its size, which a scaled picture's would not.
pub(crate) const WIDE: Size = Size {
    width: 940,
    height: 440,
};
pub(crate) const NARROW: Size = Size {
    width: 358,
    height: 300,
};

pub(crate) const FONT: &str = "sans-serif";
/// Plotters writes 1/1.24 of this into the picture: 12 px.
pub(crate) const FONT_SIZE: i32 = 15;

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(crate) type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// A chart for a page and for a phone, one of which is shown.
pub(crate) fn both(
    draw: impl Fn(Size) -> Result<String, DrawError>,
) -> Result<[String; 2], DrawError> {
    Ok([draw(WIDE)?, draw(NARROW)?])
}

/// A chart for a page, which has its own legend and style.
pub(crate) fn svg(
    size: Size,
    what: &'static str,
    draw: impl FnOnce(&Area) -> Drawn,
) -> Result<String, DrawError> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (size.width, size.height)).into_drawing_area();
        draw(&area).map_err(DrawError::of(what))?;
        area.present().map_err(DrawError::of(what))?;
    }
    Ok(palette::classed(&svg))
}

/// How an entry of a legend is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swatch {
    /// The line of the variant in that place, its dashes too.
    Line(usize),
    /// The bar in that place.
    Bar(usize),
    /// A dot of the variant in that place.
    Dot(usize),
}

impl Swatch {
    /// As SVG.
    pub(crate) fn svg(self) -> String {
        let (view, shape) = match self {
            Self::Line(place) => (
                "0 0 24 6",
                format!(
                    "<path d=\"M0 3H24\" class=\"{}\" stroke-width=\"3\"/>",
                    palette::classes('s', place)
                ),
            ),
            Self::Bar(place) => (
                "0 0 24 12",
                format!(
                    "<path d=\"M0 0H24V12H0Z\" class=\"f-{}\"/>",
                    palette::series(place).class()
                ),
            ),
            Self::Dot(place) => (
                "0 0 12 12",
                format!(
                    "<circle cx=\"6\" cy=\"6\" r=\"6\" class=\"f-{}\"/>",
                    palette::series(place).class()
                ),
            ),
        };
        format!("<svg class=\"swatch\" viewBox=\"{view}\" aria-hidden=\"true\">{shape}</svg>")
    }
}

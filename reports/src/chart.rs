//! Pictures: SVG by plotters, its colours replaced by classes so that one picture serves light and
//! dark.
//!
//! Compared before it was kept (November 2026): plotters 0.3.7 is five crates with SVG alone, its logarithmic
//! axes take marks at any place and areas may be split, which a broken axis needs. kuva 0.6 (six crates)
//! takes a number of marks, not their places; poloto 19 (three) has no logarithmic axis; charming 0.6
//! (26) leaves the drawing to `ECharts`, a megabyte of JavaScript in each page; plotlib 0.5 (24) stands still.

mod bands;
mod bars;
pub mod curves;
pub mod medians;
pub mod palette;
mod plane;
pub mod rates;
pub mod stages;
pub mod staleness;
mod ticks;
pub mod timeline;

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
    fn of<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> Self {
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

const FONT: &str = "sans-serif";
/// Plotters writes 1/1.24 of this into the picture: 12 px.
const FONT_SIZE: i32 = 15;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// A chart for a page, which has its own legend and style.
fn svg(
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

//! Pictures: SVG by plotters, its colours replaced by classes so that one picture serves light and
//! dark.

mod bands;
pub mod curves;
pub mod palette;
pub mod rates;
pub mod stages;
mod ticks;

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

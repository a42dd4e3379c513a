//! A rate over time, and Λ⁻¹, the inverse of its integral.

use std::time::Duration;

/// Requests a second over time: pieces of constant or linearly changing rate.
#[derive(Debug, Clone, PartialEq)]
pub struct Rate {
    pieces: Vec<Piece>,
}

/// A piece of a [`Rate`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Piece {
    /// How long it lasts, seconds; the last one of a rate goes on.
    pub seconds: f64,
    /// Requests a second at its start.
    pub from: f64,
    /// Requests a second at its end.
    pub to: f64,
}

impl Rate {
    /// The same rate throughout.
    #[must_use]
    pub fn constant(per_second: f64) -> Self {
        Self::of(vec![Piece {
            seconds: f64::INFINITY,
            from: per_second,
            to: per_second,
        }])
    }

    /// Pieces one after another; the last one's final rate goes on.
    #[must_use]
    pub fn of(mut pieces: Vec<Piece>) -> Self {
        let to = pieces.last().map_or(0.0, |piece| piece.to);
        pieces.push(Piece {
            seconds: f64::INFINITY,
            from: to,
            to,
        });
        Self { pieces }
    }

    /// Requests a second on average, over so long from the start.
    #[must_use]
    pub fn mean(&self, over: Duration) -> f64 {
        let seconds = over.as_secs_f64();
        if seconds > 0.0 {
            self.arrivals_within(seconds) / seconds
        } else {
            self.at(over)
        }
    }

    /// The rate so long after the start.
    pub(crate) fn at(&self, elapsed: Duration) -> f64 {
        let mut left = elapsed.as_secs_f64();
        for piece in &self.pieces {
            if left < piece.seconds {
                let share = left / piece.seconds;
                return piece.from + (piece.to - piece.from) * share;
            }
            left -= piece.seconds;
        }
        0.0
    }

    /// Λ: the arrivals that are due within so many seconds.
    pub(crate) fn arrivals_within(&self, seconds: f64) -> f64 {
        let mut left = seconds;
        let mut arrivals = 0.0;
        for piece in &self.pieces {
            let lasts = left.min(piece.seconds);
            let end = if piece.seconds.is_finite() && piece.seconds > 0.0 {
                piece.from + (piece.to - piece.from) * (lasts / piece.seconds)
            } else {
                piece.from
            };
            arrivals += lasts * f64::midpoint(piece.from, end);
            left -= lasts;
            if left <= 0.0 {
                break;
            }
        }
        arrivals
    }

    /// Λ⁻¹: the time at which `arrivals` were due, seconds; none when they never are.
    pub(super) fn time_of(&self, arrivals: f64) -> Option<f64> {
        let mut left = arrivals;
        let mut start = 0.0;
        for piece in &self.pieces {
            let within = piece.seconds * f64::midpoint(piece.from, piece.to);
            if left <= within || piece.seconds.is_infinite() {
                return piece.time_of(left).map(|time| start + time);
            }
            left -= within;
            start += piece.seconds;
        }
        None
    }
}

impl Piece {
    /// Solves `from·t + (to − from)/(2·seconds)·t² = arrivals` for `t`.
    fn time_of(&self, arrivals: f64) -> Option<f64> {
        let slope = if self.seconds.is_finite() {
            (self.to - self.from) / self.seconds
        } else {
            0.0
        };
        let root = (self.from * self.from + 2.0 * slope * arrivals)
            .max(0.0)
            .sqrt();
        // The form without cancellation.
        let time = 2.0 * arrivals / (self.from + root);
        if arrivals == 0.0 {
            Some(0.0)
        } else {
            time.is_finite().then_some(time)
        }
    }
}

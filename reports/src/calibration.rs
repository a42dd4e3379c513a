//! How a calibration is written for people; [`crate::run::calibration`] is what it holds.

pub mod text;

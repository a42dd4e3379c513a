//! Formats: each prints the blocks of [`crate::document`] and computes nothing.

pub(crate) mod html;

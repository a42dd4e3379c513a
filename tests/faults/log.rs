//! A log that is full, closed, or not read.

//! Duels: what is concluded from a run, and how each rendering says it.

mod agreement;
mod cases;
mod outcomes;
mod readers;
mod renderings;
mod schema;
mod zeros;

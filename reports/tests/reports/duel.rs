//! Duels: what is concluded from a run, and how each rendering says it.

mod cases;
mod outcomes;
mod renderings;

//! Reports made of synthetic runs, through real files.

mod folder;
mod ladder;
mod renderings;
mod synthetic;

//! Reports made of synthetic runs, through real files.

mod compare;
mod folder;
mod ladder;
mod renderings;
mod synthetic;

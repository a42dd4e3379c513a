//! The `authlab` command.
fn main() {}

//! Fuzz targets: each sends inputs that begin valid and are changed by rules, and a model that shares no code with
//! the server says of each input whether it may be granted.
//!
//! | target | what is changed | what decides in the model |
//! |---|---|---|
//! | [`paths`] | targets and patterns of forward authorization, paths of own routes | RFC 3986, read as different servers do |
//! | [`cookies`] | `Cookie`, `Sec-Fetch-Site` and `Origin` fields | RFC 6265, by octets |
//! | [`tokens`] | issued credentials, and JWTs signed with the real secret | the bytes that were issued; RFC 7519, RFC 9068 |
//! | [`proofs`] | DPoP proofs, signed anew by the key that is bound or by another | RFC 9449 §4.3 |
//! | [`introspection`] | answers of a central server: status, framing, JSON | RFC 7662 §2.2 |
//! | [`users_files`] | users files, replaced while a server runs | JSON without a repeated name, documented members |
//!
//! `make fuzz` runs each for ten minutes, CI for thirty seconds, `make test` for one. The engine ([`engine`]) is a
//! seeded generator of choices ([`choices`]) with feedback: an input that led to a new kind of answer is varied
//! further. `FUZZ_SEED=N` repeats a run, `FUZZ_INPUT=HEX` repeats one input.
//!
//! `bolero` 0.13 was tried as well. Its random engine does what [`engine`] does, and brings 44 packages. Its libfuzzer
//! engine builds on stable only where every test of the package links it: it would need a package and a profile of
//! its own, and a second build of all dependencies. Whether its coverage feedback finds more was not measured.

#![allow(clippy::unwrap_used, reason = "a test may end so")]

mod choices;
mod cookies;
mod engine;
mod introspection;
mod json;
mod jws;
mod paths;
mod proofs;
mod stand;
mod tokens;
mod users_files;

use engine::fuzz;

#[test]
fn paths() {
    fuzz::<paths::Paths>();
}

#[test]
fn cookies() {
    fuzz::<cookies::Cookies>();
}

#[test]
fn tokens() {
    fuzz::<tokens::Tokens>();
}

#[test]
fn proofs() {
    fuzz::<proofs::Proofs>();
}

#[test]
fn introspection() {
    fuzz::<introspection::Answers>();
}

#[test]
fn users_files() {
    fuzz::<users_files::Files>();
}

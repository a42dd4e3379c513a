//! Journeys against scripted servers on bound ports: what is sent, what is kept, what is counted.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../scripted/place.rs"]
mod place;

mod attacks;
mod cookies;
mod dpop;
mod forms;
mod loads;
mod pools;
mod redirects;
mod requests;
mod saving;
mod server;
mod staleness;

/// A closed load of two users that makes `journey`; `keys` are further keys of the load.
fn load(journey: &str, keys: &str) -> String {
    format!(
        "[[load]]\nname = \"one\"\nusers = 2\njourney = [{journey}]\n{keys}\n\
         profile.quick = {{ blocks = 1, slice = \"60ms\", warm_up = \"1ms\" }}\n"
    )
}

/// Everything that failed in a run, by reason.
fn failures(run: &authlab_reports::run::Run) -> Vec<String> {
    run.slices
        .iter()
        .flat_map(|slice| slice.failed.keys().cloned())
        .collect()
}

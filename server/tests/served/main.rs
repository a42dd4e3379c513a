//! The server as its users meet it: over HTTP, on a bound loopback port.

#![allow(clippy::unwrap_used, reason = "a test may end so")]

mod algorithms;
mod bindings;
mod cookies;
mod denials;
mod freshness;
mod harness;
mod jwt;
mod malformed;
mod opaque;
mod refresh;
mod users;
mod walk;

//! The server as its users meet it: over HTTP, on a bound loopback port.

#![allow(clippy::unwrap_used, reason = "a test may end so")]

mod admin;
mod adopted;
mod algorithms;
mod bindings;
mod central;
mod clients;
mod cookies;
mod denials;
mod devices;
mod dpop;
mod forward;
mod freshness;
mod harness;
mod installed;
mod jwt;
mod malformed;
mod metrics;
mod oauth;
mod opaque;
mod redis;
mod refresh;
mod secrets;
mod sqlite;
mod stampede;
mod users;
mod walk;

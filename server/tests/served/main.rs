//! The server as its users meet it: over HTTP, on a bound loopback port.

mod bindings;
mod denials;
mod freshness;
mod harness;
mod jwt;
mod malformed;
mod users;
mod walk;

//! The server as its users meet it: over HTTP, on a bound loopback port.

#![allow(clippy::unwrap_used, reason = "a test may end so")]

mod admin;
mod adopted;
mod algorithms;
mod at_once;
mod authority;
mod bindings;
mod bounded;
mod caching;
mod central;
mod clients;
mod cookies;
mod crowded;
mod databases;
mod denials;
mod device_names;
mod devices;
mod door;
mod dpop;
mod evaluation;
mod exact_names;
mod forward;
mod freshness;
mod harness;
mod headers;
mod installed;
mod introspected;
mod jwt;
mod listed;
mod lost;
mod malformed;
mod many;
mod metrics;
mod names;
mod narrowed;
mod oauth;
mod objects;
mod opaque;
mod policies;
mod postgres;
#[allow(dead_code, reason = "shared with other tests")]
mod postgresql;
mod proxied;
mod published;
mod redis;
mod redis_addresses;
mod refresh;
mod secrets;
mod sqlite;
mod sqlite_files;
mod stampede;
mod tls;
mod unreadable;
mod users;
mod walk;

//! A device's session: what the third published design keeps of each sign-in.

use std::net::IpAddr;
use std::sync::Arc;

use crate::binding::Bound;
use crate::clock::Timestamp;
use crate::policy::{Roles, Scopes};
use crate::request::{Generation, TokenId};

/// The longest name or id of a device, in bytes: a store must not grow by what strangers call theirs.
const MOST_BYTES: usize = 128;

/// One sign-in from one device.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    /// Whose.
    pub(crate) account: Arc<str>,
    /// As its user calls it.
    pub(crate) name: Box<str>,
    /// The device's own id: whoever signs in with it again replaces this session.
    pub(crate) id: Box<str>,
    pub(crate) ip: IpAddr,
    pub(crate) since: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) roles: Roles,
    pub(crate) scopes: Scopes,
    pub(crate) bound: Bound,
    pub(crate) generation: Generation,
}

/// What a request needs to know of its session: small, and without strings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeviceFacts {
    pub(crate) until: Timestamp,
    pub(crate) roles: Roles,
    pub(crate) scopes: Scopes,
    pub(crate) bound: Bound,
    pub(crate) generation: Generation,
}

impl Device {
    pub(super) fn facts(&self) -> DeviceFacts {
        DeviceFacts {
            until: self.until,
            roles: self.roles,
            scopes: self.scopes,
            bound: self.bound,
            generation: self.generation,
        }
    }
}

/// A device with its session's id.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) session: TokenId,
    pub(crate) device: Device,
}

/// Whether a text can be a device's name or id.
pub(crate) fn fit(text: &str) -> bool {
    (1..=MOST_BYTES).contains(&text.len()) && !text.chars().any(char::is_control)
}

//! HTTP/2 connections that several users share, each with a request of its own under way (RFC 9113, section 5).

use std::collections::HashMap;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http2::SendRequest;
use tokio::sync::Mutex;

use super::{Failure, Sender};

/// Users who share a connection: how many they are at most, and which of such parties it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Party {
    streams: usize,
    number: usize,
}

impl Party {
    /// That of a user, where `streams` users share a connection; none where each has its own.
    pub(crate) fn of(user: usize, streams: usize) -> Option<Self> {
        let number = user.checked_div(streams)?;
        (streams > 1).then_some(Self { streams, number })
    }
}

/// The connections of all parties at one server.
#[derive(Default)]
pub(crate) struct Shared(Mutex<HashMap<Party, SendRequest<Full<Bytes>>>>);

impl Shared {
    /// The party's connection; opened where it has none, or the server has closed it. Meanwhile the others wait.
    pub(super) async fn joined<F>(
        &self,
        party: Party,
        open: impl FnOnce() -> F,
    ) -> Result<Sender, Failure>
    where
        F: Future<Output = Result<Sender, Failure>>,
    {
        let mut connections = self.0.lock().await;
        if let Some(sender) = connections.get(&party)
            && !sender.is_closed()
        {
            return Ok(Sender::Two(sender.clone()));
        }
        let opened = open().await?;
        if let Sender::Two(sender) = &opened {
            // Parties of another load do not meet again.
            connections.retain(|other, _| other.streams == party.streams);
            connections.insert(party, sender.clone());
        }
        Ok(opened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_share_a_connection_in_their_order_or_have_one_each() {
        let of = |streams| (0..5).map(move |user| Party::of(user, streams));
        assert!(of(1).all(|party| party.is_none()) && of(0).all(|party| party.is_none()));
        let numbers: Vec<_> = of(2).map(|party| party.unwrap().number).collect();
        assert_eq!(numbers, [0, 0, 1, 1, 2]);
        assert_ne!(Party::of(0, 2), Party::of(0, 3));
    }
}

//! When a server is ready: asked again and again until it is, or has ended, or had its time.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::{Server, ServerError, unusable};
use crate::connection::Broken;
use crate::probe::Unreached;
use crate::scenario::Ready;
use crate::{interrupt, probe};

const READY_EVERY: Duration = Duration::from_millis(10);
/// One answer to the readiness probe has a tenth of the time in which the server is to become ready: a probe
/// that gave up on a slow one would be a request that only some of its starts have.
const PROBES_AT_LEAST: u32 = 10;
/// For a server that runs already.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// Why a server is not ready.
enum Unready {
    /// It may become so.
    Yet(String),
    /// However long one waits.
    Ever(Unreached),
}

impl Server {
    pub(super) fn wait_until_ready(
        &mut self,
        ready: &Ready,
        within: Duration,
    ) -> Result<(), ServerError> {
        let end = Instant::now() + within;
        loop {
            let last = match self.probe(ready, within / PROBES_AT_LEAST) {
                Ok(()) => return Ok(()),
                Err(Unready::Yet(last)) => last,
                Err(Unready::Ever(error)) => return Err(self.unreached(ready, within, &error)),
            };
            self.check()?;
            if Instant::now() >= end || interrupt::requested() {
                return Err(self.not_ready(ready, within, last));
            }
            std::thread::sleep(READY_EVERY);
        }
    }

    fn probe(&mut self, ready: &Ready, within: Duration) -> Result<(), Unready> {
        let path = match ready {
            Ready::Path(path) => path,
            Ready::Answers => ROOT,
            Ready::Accepts => return self.connect(within),
        };
        match probe::get(&self.endpoint, path, within) {
            Ok(status) if *ready == Ready::Answers || (200..300).contains(&status) => Ok(()),
            Ok(status) => Err(Unready::Yet(format!("status {status}"))),
            Err(error) if error.is_final() => Err(Unready::Ever(error)),
            Err(error) => Err(Unready::Yet(error.to_string())),
        }
    }

    /// Connects, and keeps the address that accepted: those that the server stands beside are told it.
    fn connect(&mut self, within: Duration) -> Result<(), Unready> {
        let first = self.endpoint.address.parse().ok();
        let mut failed = None;
        for address in first.into_iter().chain(self.endpoint.second) {
            match TcpStream::connect_timeout(&address, within) {
                Ok(_) => {
                    self.authority = address.to_string();
                    return Ok(());
                }
                Err(error) => failed.get_or_insert(Broken::of_connect(&error)),
            };
        }
        Err(Unready::Yet(
            failed.unwrap_or(Broken::Unresolved).to_string(),
        ))
    }

    pub(super) fn wait_until_connectable(&self) -> Result<(), ServerError> {
        let asked = Ready::Path(ROOT.to_owned());
        probe::reach(&self.endpoint, CONNECT_WITHIN)
            .map_err(|error| self.unreached(&asked, CONNECT_WITHIN, &error))
    }

    fn unreached(&self, ready: &Ready, within: Duration, error: &Unreached) -> ServerError {
        if error.is_final() {
            unusable(&self.endpoint.origin.to_string(), error)
        } else {
            self.not_ready(ready, within, error.to_string())
        }
    }

    fn not_ready(&self, ready: &Ready, within: Duration, last: String) -> ServerError {
        let path = match ready {
            Ready::Path(path) => path,
            Ready::Answers => ROOT,
            Ready::Accepts => {
                return ServerError::NotAccepting {
                    command: self.shown.clone(),
                    within,
                    last,
                    said: self.said(),
                };
            }
        };
        ServerError::NotReady {
            url: self.endpoint.origin.to_string(),
            path: path.to_owned(),
            within,
            last,
            said: self.said(),
        }
    }
}

/// Where no path is given.
const ROOT: &str = "/";

//! The least that a request can take here: write, `epoll_wait`, read, on one connection.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::cores;

/// So many round trips are timed, after a tenth of them were not.
const ROUNDS: u32 = 20_000;
const LONGEST_NS: u64 = 10_000_000_000;
const WITHIN: Duration = Duration::from_secs(5);

/// p50 of a round trip to `authority` from one of `cores`, nanoseconds.
///
/// # Errors
/// The server does not answer, or the kernel refuses.
pub(super) fn floor(authority: &str, cores: &[usize]) -> io::Result<u64> {
    let (authority, cores) = (authority.to_owned(), cores.to_vec());
    // Pinned for its life: a thread of its own.
    let thread = std::thread::spawn(move || {
        cores::pin_this_thread(&cores);
        round_trips(&authority)
    });
    thread
        .join()
        .map_err(|_| io::Error::other("the epoll loop stopped unexpectedly"))?
}

fn round_trips(authority: &str) -> io::Result<u64> {
    let mut stream = TcpStream::connect(authority)?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    let epoll = Epoll::new(EpollCreateFlags::empty())?;
    epoll.add(&stream, EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
    let request = format!("GET / HTTP/1.1\r\nhost: {authority}\r\n\r\n");
    let mut events = [EpollEvent::empty()];
    let mut answer = [0; 1024];
    let timeout = EpollTimeout::try_from(WITHIN).map_err(io::Error::other)?;
    let mut recorded =
        Histogram::<u64>::new_with_bounds(1, LONGEST_NS, 3).map_err(io::Error::other)?;
    for round in 0..ROUNDS + ROUNDS / 10 {
        let sent = Instant::now();
        stream.write_all(request.as_bytes())?;
        // The null server's answer is one segment.
        if epoll.wait(&mut events, timeout)? == 0 || stream.read(&mut answer)? == 0 {
            return Err(io::Error::other("the null server does not answer"));
        }
        let took = sent.elapsed();
        if round >= ROUNDS / 10 {
            recorded.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        }
    }
    Ok(recorded.value_at_quantile(0.5))
}

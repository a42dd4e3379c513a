//! A server that does nothing: what remains of a request's time against it is the generator's, the
//! kernel's and the loopback's.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const END_OF_HEAD: &[u8] = b"\r\n\r\n";
/// A request's head is shorter.
const BUFFER_BYTES: usize = 16 << 10;

/// What an answer takes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Takes {
    /// CPU time of the one thread: requests wait for one another.
    pub work: Duration,
    /// Time that passes by itself, of many requests at once.
    pub delay: Duration,
}

/// Answers every request that has no body with the same 200, on one thread, until the process ends.
///
/// # Errors
/// The address cannot be listened on.
pub fn serve(listen: SocketAddr, takes: Takes) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(listen).await?;
        loop {
            // A connection that could not be accepted is its client's to try again.
            if let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, takes));
            }
        }
    })
}

/// Busy and quiet in turns, each for half to one and a half times `burst`, until the process ends: a
/// neighbour for calibrations.
pub fn disturb(burst: Duration) {
    let mut random = StdRng::seed_from_u64(u64::from(std::process::id()));
    loop {
        let (busy, quiet) = (random.random_range(0.5..1.5), random.random_range(0.5..1.5));
        let begun = Instant::now();
        while begun.elapsed() < burst.mul_f64(busy) {
            std::hint::spin_loop();
        }
        std::thread::sleep(burst.mul_f64(quiet));
    }
}

/// Answers a connection until it closes.
async fn answer(mut stream: TcpStream, takes: Takes) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        while let Some(end) = head_end(&buffer[..filled]) {
            let begun = Instant::now();
            while begun.elapsed() < takes.work {
                std::hint::spin_loop();
            }
            if !takes.delay.is_zero() {
                tokio::time::sleep(takes.delay).await;
            }
            stream.write_all(ANSWER).await?;
            buffer.copy_within(end..filled, 0);
            filled -= end;
        }
        if filled == buffer.len() {
            return Ok(());
        }
    }
}

/// Where the first request's head ends.
fn head_end(bytes: &[u8]) -> Option<usize> {
    let start = bytes
        .windows(END_OF_HEAD.len())
        .position(|window| window == END_OF_HEAD)?;
    Some(start + END_OF_HEAD.len())
}

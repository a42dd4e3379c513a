//! What the server writes to standard error and standard output, by threads of their own.
//!
//! Serving does not depend on a log: a disk may be full, a pipe closed, or its reader stopped. So a line only goes into a
//! bounded queue, which takes a short lock and no system call that could block. A thread writes what is queued. When the
//! queue is full or a write fails, lines are dropped and counted; the count is logged once a write succeeds again, and
//! is at `/metrics`.
//!
//! The crate `tracing-appender` has the same idea in its `non_blocking` writer. It bounds lines rather than bytes, does
//! not count lines whose write failed, and does not report the loss; so this is our own.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tracing_subscriber::filter::LevelFilter;

use crate::axis::axis;

axis! {
    /// What is told of what happens.
    pub enum LogKind: "log" {
        /// only warnings: connections that cannot be accepted, lines that were dropped
        None = "none",
        /// a line a request: number, method, route, status, milliseconds; the number is answered as X-Request-Id
        Requests = "requests",
    }
}

axis! {
    /// How it is written.
    pub enum LogFormat: "log-format" {
        /// lines to read
        Text = "text",
        /// a JSON object a line
        Json = "json",
    }
}

/// The most that waits to be written: about 8 000 lines of requests.
const MOST_BYTES: usize = 1024 * 1024;

/// How long the ready line waits for the lines before it.
const FLUSH_WITHIN: Duration = Duration::from_millis(200);

/// How long the end of the server waits for what is queued.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// The log of this process, which has one standard error.
static LOG: OnceLock<Arc<Lines>> = OnceLock::new();

/// Starts the log on standard error: requests where `--log` asks for them, and warnings always. A subscriber that the
/// process has set already stays.
///
/// # Errors
/// The system refuses a thread.
pub(crate) fn start(kind: LogKind, format: LogFormat) -> io::Result<Closing> {
    let lines = Lines::to("log", io::stderr(), Some(tell))?;
    let _ = LOG.set(Arc::clone(&lines));
    let level = match kind {
        LogKind::None => LevelFilter::WARN,
        LogKind::Requests => LevelFilter::INFO,
    };
    let queue = Arc::clone(&lines);
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || Line(Arc::clone(&queue)))
        .with_max_level(level)
        .with_ansi(false)
        .with_target(false);
    let _ = match format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    };
    // The usual hook writes to standard error itself, and would wait there for a reader that has stopped.
    let queue = Arc::clone(&lines);
    std::panic::set_hook(Box::new(move |panic: &PanicHookInfo<'_>| {
        queue.push(format!("{panic}\n").as_bytes());
    }));
    Ok(Closing(lines))
}

/// How many lines of the log were dropped since the start.
pub(crate) fn dropped() -> u64 {
    LOG.get()
        .map_or(0, |lines| lines.dropped.load(Ordering::Relaxed))
}

/// Writes what is queued, within [`CLOSE_WITHIN`]: the process is about to end by force.
pub(crate) fn close() {
    if let Some(lines) = LOG.get() {
        lines.close();
    }
}

fn tell(dropped: u64) {
    tracing::warn!(
        dropped,
        "lines of this log were dropped since the start: it could not be written fast enough, or at all"
    );
}

/// Lines on their way to a descriptor.
#[derive(Debug)]
pub(crate) struct Lines {
    queue: Mutex<Queue>,
    /// Something was queued, or the end has come.
    filled: Condvar,
    /// A batch was written or lost, or the thread has ended.
    settled: Condvar,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    bytes: Vec<u8>,
    is_writing: bool,
    closing: bool,
    has_ended: bool,
}

/// Closes lines when it is dropped: what is queued is written first, within [`CLOSE_WITHIN`].
#[derive(Debug)]
pub(crate) struct Closing(Arc<Lines>);

impl Closing {
    /// Queues whole lines.
    pub(crate) fn push(&self, lines: &str) {
        self.0.push(lines.as_bytes());
    }

    /// Waits a moment for what is queued to be written, so that the usual reader of both standard streams sees them in
    /// their order.
    pub(crate) fn flush(&self) {
        self.0.flush(FLUSH_WITHIN);
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Lines to standard output, which has no log of its own that could tell of a loss.
///
/// # Errors
/// The system refuses a thread.
pub(crate) fn stdout() -> io::Result<Closing> {
    Ok(Closing(Lines::to("stdout", io::stdout(), None)?))
}

impl Lines {
    /// Starts the thread that writes to `out`. After a loss, `tell` gets the number of lines lost so far, as soon as a
    /// write succeeds.
    fn to(
        thread: &str,
        out: impl AsFd + Send + 'static,
        tell: Option<fn(u64)>,
    ) -> io::Result<Arc<Self>> {
        let lines = Arc::new(Self {
            queue: Mutex::default(),
            filled: Condvar::new(),
            settled: Condvar::new(),
            dropped: AtomicU64::new(0),
        });
        let writer = Arc::clone(&lines);
        std::thread::Builder::new()
            .name(thread.to_owned())
            .spawn(move || writer.write_on(&out, tell))?;
        Ok(lines)
    }

    fn push(&self, lines: &[u8]) {
        let mut queue = self.queue();
        if queue.closing || queue.bytes.len() + lines.len() > MOST_BYTES {
            drop(queue);
            self.lose(lines);
            return;
        }
        let was_empty = queue.bytes.is_empty();
        queue.bytes.extend_from_slice(lines);
        drop(queue);
        if was_empty {
            self.filled.notify_one();
        }
    }

    fn lose(&self, lines: &[u8]) {
        let count = lines.split(|byte| *byte == b'\n').count().saturating_sub(1);
        self.dropped.fetch_add(count as u64, Ordering::Relaxed);
    }

    fn write_on(&self, out: &impl AsFd, tell: Option<fn(u64)>) {
        let mut out = Out {
            fd: out,
            is_torn: false,
        };
        let mut batch = Vec::new();
        let mut told = 0;
        loop {
            batch.clear();
            {
                let mut queue = self.queue();
                queue.is_writing = false;
                self.settled.notify_all();
                while queue.bytes.is_empty() && !queue.closing {
                    queue = self
                        .filled
                        .wait(queue)
                        .unwrap_or_else(PoisonError::into_inner);
                }
                if queue.bytes.is_empty() {
                    queue.has_ended = true;
                    break;
                }
                queue.is_writing = true;
                std::mem::swap(&mut batch, &mut queue.bytes);
            }
            if let Err(rest) = out.write(&batch) {
                self.lose(rest);
                continue;
            }
            let dropped = self.dropped.load(Ordering::Relaxed);
            if let Some(tell) = tell.filter(|_| dropped > told) {
                told = dropped;
                tell(dropped);
            }
        }
        self.settled.notify_all();
    }

    fn flush(&self, within: Duration) {
        let is_busy = |queue: &mut Queue| queue.is_writing || !queue.bytes.is_empty();
        let waited = self
            .settled
            .wait_timeout_while(self.queue(), within, is_busy);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn close(&self) {
        let mut queue = self.queue();
        queue.closing = true;
        self.filled.notify_one();
        let waited = self
            .settled
            .wait_timeout_while(queue, CLOSE_WITHIN, |queue| !queue.has_ended);
        // A write that blocks for longer ends with the process.
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A descriptor, and whether the last write to it ended within a line.
struct Out<'a, F> {
    fd: &'a F,
    is_torn: bool,
}

impl<F: AsFd> Out<'_, F> {
    /// Writes all of it, or answers what was not written. The standard streams' own locks are not taken: a write that
    /// blocks must not block others that write there.
    fn write<'b>(&mut self, mut bytes: &'b [u8]) -> Result<(), &'b [u8]> {
        if self.is_torn {
            if self.write_some(b"\n").is_err() {
                return Err(bytes);
            }
            self.is_torn = false;
        }
        let mut last = b'\n';
        while !bytes.is_empty() {
            let Ok(written) = self.write_some(bytes) else {
                self.is_torn = last != b'\n';
                return Err(bytes);
            };
            let (done, rest) = bytes.split_at(written.min(bytes.len()));
            last = done.last().copied().unwrap_or(last);
            bytes = rest;
        }
        Ok(())
    }

    fn write_some(&self, bytes: &[u8]) -> Result<usize, Errno> {
        loop {
            match rustix::io::write(self.fd, bytes) {
                Ok(0) => return Err(Errno::IO),
                Err(Errno::INTR) => {}
                // Another process has made a shared pipe non-blocking.
                Err(Errno::AGAIN) => {
                    match poll(&mut [PollFd::new(self.fd, PollFlags::OUT)], None) {
                        Ok(_) | Err(Errno::INTR) => {}
                        Err(error) => return Err(error),
                    }
                }
                done => return done,
            }
        }
    }
}

/// One line that a subscriber formats.
struct Line(Arc<Lines>);

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::sync::mpsc;

    use super::*;

    /// Until when something that should happen has happened.
    const SOON: Duration = Duration::from_secs(20);

    #[test]
    fn what_is_queued_is_written_before_the_end_in_its_order() {
        let (mut reader, writer) = io::pipe().unwrap();
        let closing = Closing(Lines::to("test", writer, None).unwrap());
        let numbers: Vec<String> = (0..1000).map(|line: u32| line.to_string()).collect();
        let text = numbers.join("\n") + "\n";
        for line in text.split_inclusive('\n') {
            closing.push(line);
        }
        let lines = Arc::clone(&closing.0);
        let read = std::thread::spawn(move || {
            let mut read = String::new();
            reader.read_to_string(&mut read).unwrap();
            read
        });
        drop(closing);
        assert_eq!(lines.dropped.load(Ordering::Relaxed), 0);
        drop(lines);
        assert_eq!(read.join().unwrap(), text);
    }

    #[test]
    fn lines_beyond_the_queue_are_dropped_and_counted_and_the_count_is_told_once_they_are_read() {
        static TOLD: Mutex<Option<mpsc::Sender<u64>>> = Mutex::new(None);
        let (told, heard) = mpsc::channel();
        *TOLD.lock().unwrap() = Some(told);
        let tell = |dropped| {
            let told = TOLD.lock().unwrap();
            let _ = told.as_ref().unwrap().send(dropped);
        };
        let (reader, writer) = io::pipe().unwrap();
        let lines = Lines::to("test", writer, Some(tell)).unwrap();
        let line = format!("{}\n", "x".repeat(99));
        let (mut pushed, mut lost) = (0, 0);
        while lost < 10 {
            lines.push(line.as_bytes());
            pushed += 1;
            lost = lines.dropped.load(Ordering::Relaxed);
            assert!(pushed < 1_000_000, "nothing bounds the queue");
        }
        let mut read = BufReader::new(reader).lines();
        for _ in 0..pushed - lost {
            assert_eq!(read.next().unwrap().unwrap().len(), 99);
        }
        assert_eq!(heard.recv_timeout(SOON).unwrap(), lost);
    }

    #[test]
    fn a_full_disk_and_a_closed_pipe_lose_lines_and_block_nothing() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let (reader, closed) = io::pipe().unwrap();
        drop(reader);
        for lines in [
            Lines::to("test", full, None).unwrap(),
            Lines::to("test", closed, None).unwrap(),
        ] {
            for _ in 0..100 {
                lines.push(b"a line\n");
            }
            lines.close();
            assert_eq!(lines.dropped.load(Ordering::Relaxed), 100);
        }
    }

    #[test]
    fn a_pipe_that_another_process_made_non_blocking_loses_nothing() {
        let (mut reader, writer) = io::pipe().unwrap();
        rustix::io::ioctl_fionbio(&writer, true).unwrap();
        let lines = Lines::to("test", writer, None).unwrap();
        // More than a pipe holds, less than the queue does.
        let text = "a line\n".repeat(100_000);
        let (all, read) = mpsc::channel();
        std::thread::spawn(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).unwrap();
            all.send(text).unwrap();
        });
        for part in text.as_bytes().chunks(7 * 100) {
            lines.push(part);
        }
        lines.close();
        drop(lines);
        assert_eq!(read.recv_timeout(SOON).unwrap(), text);
    }

    #[test]
    fn a_line_that_was_torn_by_a_full_disk_is_ended_before_the_next() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut out = Out {
            fd: &writer,
            is_torn: true,
        };
        out.write(b"whole\n").unwrap();
        assert!(!out.is_torn);
        drop(writer);
        let mut read = String::new();
        reader.read_to_string(&mut read).unwrap();
        assert_eq!(read, "\nwhole\n");
    }
}

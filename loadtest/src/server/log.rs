//! What a server prints, in a file that stays within bounds: its beginning and its end are kept.
//!
//! The server writes into the file itself, as it would without us: no pipe can fill up and block it, and nothing of ours runs
//! when it writes. The file is open for appending, so that it can be made shorter meanwhile. Whoever waits for a slice looks
//! at its length now and then, and takes the middle out when there is too much; what is written in that very moment may be
//! lost with it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// So much of the beginning is kept, and so much of the end.
const KEPT_BYTES: u64 = 1 << 20;
/// A log that grows is let grow to this before its middle is taken out.
const GROWN_BYTES: u64 = 8 << 20;
/// As much of the end is read for the last line.
const LAST_LINES_BYTES: u64 = 64 << 10;
/// Logs may repeat what the server was started with: they are the owner's.
const MODE: u32 = 0o600;

/// A server's log.
pub(super) struct Log {
    path: PathBuf,
    file: File,
    /// Of its middle, so far.
    left_out: u64,
    /// The line that says so, which stands after the beginning.
    mark: u64,
}

impl Log {
    /// An empty log, and what the server writes into.
    pub(super) fn create(path: &Path) -> io::Result<(Self, File)> {
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(MODE)
            .open(path)?;
        let file = OpenOptions::new().read(true).append(true).open(path)?;
        let output = OpenOptions::new().append(true).open(path)?;
        let log = Self {
            path: path.to_owned(),
            file,
            left_out: 0,
            mark: 0,
        };
        Ok((log, output))
    }

    /// Takes the middle out where it has grown too long.
    pub(super) fn bound(&mut self) {
        if self.length() > GROWN_BYTES {
            // A log that cannot be made shorter is no reason to end a run.
            let _ = self.shorten();
        }
    }

    /// The same at the server's end, whatever its length.
    pub(super) fn finish(&mut self) {
        if self.length() > 2 * KEPT_BYTES + self.mark {
            let _ = self.shorten();
        }
    }

    /// Its beginning, as text.
    pub(super) fn beginning(&self) -> String {
        let file = File::open(&self.path);
        file.and_then(|file| read(file.take(KEPT_BYTES)))
            .unwrap_or_default()
    }

    /// Its end, as text.
    pub(super) fn end(&self) -> String {
        let file = File::open(&self.path).and_then(|mut file| {
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(LAST_LINES_BYTES)))?;
            read(file.take(LAST_LINES_BYTES))
        });
        file.unwrap_or_default()
    }

    fn length(&self) -> u64 {
        let known = self.file.metadata();
        known.map_or(0, |known| if known.is_file() { known.len() } else { 0 })
    }

    fn shorten(&mut self) -> io::Result<()> {
        let length = self.length();
        let mut end = Vec::new();
        self.file.seek(SeekFrom::Start(length - KEPT_BYTES))?;
        (&self.file).take(KEPT_BYTES).read_to_end(&mut end)?;
        self.left_out += length - 2 * KEPT_BYTES - self.mark;
        let mark = format!(
            "\n[authlab: {} bytes of this log were left out here]\n",
            self.left_out
        );
        self.file.set_len(KEPT_BYTES)?;
        self.mark = mark.len() as u64;
        // One write, so that the server's own lines do not come between.
        let mut kept = mark.into_bytes();
        kept.append(&mut end);
        self.file.write_all(&kept)
    }
}

fn read(mut from: impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_keeps_its_beginning_and_its_end_and_says_how_much_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.log");
        let (mut log, mut output) = Log::create(&path).unwrap();
        let line = |number: u64| format!("line {number:>10}\n");
        let written = 2_500_000_u64;
        let mut most = 0;
        for chunk in 0..25 {
            let lines: String = (0..written / 25)
                .map(|at| line(chunk * (written / 25) + at))
                .collect();
            output.write_all(lines.as_bytes()).unwrap();
            log.bound();
            most = most.max(std::fs::metadata(&path).unwrap().len());
        }
        log.finish();
        log.finish();
        assert!(most <= GROWN_BYTES + 2 * KEPT_BYTES, "{most}");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(&line(0)));
        assert!(text.ends_with(&line(written - 1)));
        let (before, after) = text.split_once("[authlab: ").unwrap();
        let (left_out, after) = after
            .split_once(" bytes of this log were left out here]\n")
            .unwrap();
        assert_eq!(
            (before.len() - 1, after.len()),
            (KEPT_BYTES as usize, KEPT_BYTES as usize)
        );
        let left_out: u64 = left_out.parse().unwrap();
        assert_eq!(left_out + 2 * KEPT_BYTES, written * line(0).len() as u64);
        assert!(!after.contains("[authlab"));
        assert_eq!(log.end().lines().last(), Some(line(written - 1).trim_end()));
        assert!(log.beginning().starts_with(&line(0)));
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(&path).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, MODE);
    }

    #[test]
    fn a_short_log_is_left_as_it_is_and_read_whatever_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.log");
        let (mut log, mut output) = Log::create(&path).unwrap();
        output.write_all(b"warning: \xff a\nb\n\n").unwrap();
        log.bound();
        log.finish();
        assert_eq!(std::fs::read(&path).unwrap(), b"warning: \xff a\nb\n\n");
        assert_eq!(log.beginning().lines().next(), Some("warning: \u{fffd} a"));
    }
}

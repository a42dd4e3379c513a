//! Files that are read whole: regular files only, and none larger than its reader expects.
//!
//! Opening a FIFO waits for a writer and reading a device may never end. Both would stop the server where a path is
//! mistyped, so anything but a regular file is refused before it is read.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

/// The largest file of settings, routes, clients, keys or secrets, in bytes.
pub(crate) const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// The bytes of a regular file of at most `most` bytes.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(io::Error::other("is not a regular file"));
    }
    let too_large = || io::Error::other(format!("is larger than {most} bytes"));
    if about.len() > most {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or(0) + 1);
    // The file may grow while it is read.
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(too_large());
    }
    Ok(bytes)
}

/// How a text begins in files of some editors; it is no part of the text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The text of a regular file of at most [`MOST_BYTES`], without a byte order mark.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::from_utf8(read(path, MOST_BYTES)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "is not UTF-8"))?;
    if text.starts_with(BYTE_ORDER_MARK) {
        text.drain(..BYTE_ORDER_MARK.len_utf8());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_of_the_expected_size_are_read() {
        let place = tempfile::tempdir().unwrap();
        let fifo = place.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status();
        assert!(made.unwrap().success());
        for path in [&*fifo, place.path(), Path::new("/dev/zero")] {
            let error = read(path, 10).unwrap_err().to_string();
            assert_eq!(error, "is not a regular file", "{}", path.display());
        }
        let file = place.path().join("file");
        for (bytes, is_read) in [(0, true), (10, true), (11, false)] {
            std::fs::write(&file, vec![b'x'; bytes]).unwrap();
            let result = read(&file, 10).map(|read| read.len());
            assert_eq!(result.is_ok(), is_read, "{result:?}");
        }
        std::fs::write(&file, [0xff]).unwrap();
        assert_eq!(read_text(&file).unwrap_err().to_string(), "is not UTF-8");
        std::fs::write(&file, b"\xef\xbb\xbfa\r\n").unwrap();
        assert_eq!(read_text(&file).unwrap(), "a\r\n");
    }
}

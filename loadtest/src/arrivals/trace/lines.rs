//! Lines of a file, of bounded length.

use std::io::{self, BufRead, Read};

/// No access log has longer lines; of one that is longer, this much is read.
const LONGEST_LINE_BYTES: u64 = 32 * 1024;

/// Reads the next line into `line`, without its end; `false` when there is none.
pub(super) fn next(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let read = reader
        .by_ref()
        .take(LONGEST_LINE_BYTES)
        .read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if read as u64 == LONGEST_LINE_BYTES {
        reader.skip_until(b'\n')?;
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(read > 0)
}

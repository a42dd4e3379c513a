//! Files that somebody else may have written, read within bounds.
//!
//! A number of a run, of a calibration or of criterion's files may become a length, a width or the end of a loop. None that
//! was measured comes near [`GREATEST`]: what does was not measured, and is refused with its line and column. Files are read
//! to a limit, whatever their length is said to be.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::de::{
    Deserialize, DeserializeOwned, Deserializer, Error, MapAccess, SeqAccess, Visitor,
};

/// No measured number is greater: nanoseconds of a hundred days, bytes of ten petabytes.
pub const GREATEST: f64 = 1e16;
/// A larger file of JSON was not written by this tool, nor by criterion.
pub const MOST_JSON_BYTES: u64 = 256 << 20;
/// Drawn at random over all 64 bits, and never a length.
const ANY_NUMBER: &str = "seed";

/// How a UTF-8 file of some editors begins; it is no part of the text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// How a file of UTF-16 begins, in either byte order.
const MARKS_OF_UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// The text without the byte order mark that it may begin with.
#[must_use]
pub fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// The bytes of a text file of at most `most` bytes, without a byte order mark.
///
/// # Errors
/// It cannot be read, is a folder or a device, is longer, or is UTF-16.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let refused = |what: String| Err(io::Error::new(io::ErrorKind::InvalidData, what));
    // Before it is opened: opening a pipe waits for whoever writes into it.
    if !std::fs::metadata(path)?.is_file() {
        return refused("it is not a file".to_owned());
    }
    let file = File::open(path)?;
    let known = file.metadata()?;
    let mut bytes = Vec::new();
    if known.len() <= most {
        // It may grow meanwhile.
        file.take(most + 1).read_to_end(&mut bytes)?;
    }
    if known.len().max(bytes.len() as u64) > most {
        return refused(format!("it has more than {} MiB", most >> 20));
    }
    if MARKS_OF_UTF_16.iter().any(|mark| bytes.starts_with(mark)) {
        return refused("it is UTF-16; save it as UTF-8".to_owned());
    }
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes.drain(..BYTE_ORDER_MARK.len());
    }
    Ok(bytes)
}

/// The same as text.
///
/// # Errors
/// As [`read`], or it is not UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    String::from_utf8(read(path, most)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

/// JSON in which no number is beyond what can have been measured.
///
/// # Errors
/// It is not JSON, or no `T`, or holds such a number; with line and column.
pub fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    let _: Bounded = serde_json::from_slice(bytes)?;
    serde_json::from_slice(bytes)
}

/// Any value; only its numbers are looked at.
struct Bounded;

impl<'de> Deserialize<'de> for Bounded {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Look)
    }
}

struct Look;

fn bounded<E: Error>(number: f64) -> Result<Bounded, E> {
    if number.abs() <= GREATEST {
        Ok(Bounded)
    } else {
        Err(E::custom(format!(
            "the number {number:e} is beyond {GREATEST:e}, and was not measured"
        )))
    }
}

impl<'de> Visitor<'de> for Look {
    type Value = Bounded;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Bounded, E> {
        Ok(Bounded)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Bounded, E> {
        bounded(number as f64)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Bounded, E> {
        bounded(number as f64)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Bounded, E> {
        bounded(number)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Bounded, E> {
        Ok(Bounded)
    }

    fn visit_unit<E: Error>(self) -> Result<Bounded, E> {
        Ok(Bounded)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Bounded, A::Error> {
        while items.next_element::<Bounded>()?.is_some() {}
        Ok(Bounded)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Bounded, A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            if name == ANY_NUMBER {
                members.next_value::<serde::de::IgnoredAny>()?;
            } else {
                members.next_value::<Bounded>()?;
            }
        }
        Ok(Bounded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_was_not_measured_is_refused_with_its_place() {
        let read = |text: &str| {
            json::<serde_json::Value>(text.as_bytes()).map_err(|error| error.to_string())
        };
        let fine = r#"{"a": [1, -2.5, 1e16, null, "9e99"], "seed": 18446744073709551615, "b": {"c": true}}"#;
        assert!(read(fine).is_ok());
        for hostile in [
            "{\"a\": [\n18446744073709551615]}",
            "{\"a\":\n {\"b\": -1e300}}",
            "{\"a\":\n10000000000000001000}",
        ] {
            let said = read(hostile).unwrap_err();
            assert!(said.contains("was not measured at line 2 column"), "{said}");
        }
        assert!(read("{\"a\": 1e999}").is_err());
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let text = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            read_text(&path, 1 << 20).map_err(|error| error.to_string())
        };
        assert_eq!(text(b"\xef\xbb\xbf{}\r\n"), Ok("{}\r\n".to_owned()));
        assert_eq!(text(b"\xef\xbb\xbf"), Ok(String::new()));
        for utf_16 in [b"\xff\xfe{\0}\0", b"\xfe\xff\0{\0}"] {
            assert_eq!(
                text(utf_16),
                Err("it is UTF-16; save it as UTF-8".to_owned())
            );
        }
    }

    #[test]
    fn a_file_without_an_end_is_not_read_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let said = |path: &Path| read(path, 1 << 20).unwrap_err().to_string();
        assert_eq!(said(Path::new("/dev/zero")), "it is not a file");
        assert_eq!(said(folder.path()), "it is not a file");
        // Nobody writes into it: opening it would wait for ever.
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        assert_eq!(said(&pipe), "it is not a file");
        let path = folder.path().join("a");
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(said(&path), "it has more than 1 MiB");
    }
}

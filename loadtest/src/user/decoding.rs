//! Bodies that a step reads, decoded as their `Content-Encoding` says (RFC 9110 §8.4).

use std::io::{self, Read};

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::{HeaderMap, header};

use crate::connection::{Answer, Coding};

/// A longer text is refused: a small body can be a very long text.
const MOST_DECODED_BYTES: usize = 16 << 20;
/// Nobody encodes a body more often.
const MOST_CODINGS: usize = 4;

/// Puts the decoded body in place of the encoded one. It takes its time outside of what is measured: the answer's
/// last octet has come.
pub(super) fn decode(answer: &mut Answer) {
    if answer.body.is_empty() || !answer.headers.contains_key(header::CONTENT_ENCODING) {
        return;
    }
    answer.coding = match decoded(&answer.headers, &answer.body) {
        Ok(None) => Coding::AsSent,
        Ok(Some(text)) => {
            answer.body = text.into();
            Coding::Decoded
        }
        Err(reason) => Coding::Unreadable(reason.into()),
    };
}

/// The decoded body; none where its coding is `identity`.
fn decoded(headers: &HeaderMap, body: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let mut codings = Vec::new();
    for line in headers.get_all(header::CONTENT_ENCODING) {
        let line = String::from_utf8_lossy(line.as_bytes()).to_ascii_lowercase();
        let named = line.split(',').map(|coding| coding.trim().to_owned());
        codings.extend(named.filter(|coding| !coding.is_empty() && coding != "identity"));
    }
    if codings.len() > MOST_CODINGS {
        return Err(format!(
            "the body is encoded more than {MOST_CODINGS} times"
        ));
    }
    let mut text: Option<Vec<u8>> = None;
    // They were applied in the order in which they are listed.
    for coding in codings.iter().rev() {
        let encoded = text.as_deref().unwrap_or(body);
        text = Some(match coding.as_str() {
            "gzip" | "x-gzip" => read("gzip", MultiGzDecoder::new(encoded))?,
            // Servers disagree about whether `deflate` has a zlib header; clients accept both.
            "deflate" if is_zlib(encoded) => read("deflate", ZlibDecoder::new(encoded))?,
            "deflate" => read("deflate", DeflateDecoder::new(encoded))?,
            other => return Err(unknown(other)),
        });
    }
    Ok(text)
}

/// What is said of a coding that the server chose; its name may be anything.
fn unknown(coding: &str) -> String {
    let known = ["br", "zstd", "compress", "x-compress", "dcb", "dcz"];
    match known.into_iter().find(|known| *known == coding) {
        Some(known) => format!("the body is encoded as {known}; only gzip and deflate are decoded"),
        None => {
            "the body has an unknown Content-Encoding; only gzip and deflate are decoded".into()
        }
    }
}

/// The header of RFC 1950 §2.2: the method deflate, and a check that it is one.
fn is_zlib(encoded: &[u8]) -> bool {
    match encoded {
        [method, flags, ..] => {
            method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31)
        }
        _ => false,
    }
}

fn read(coding: &str, decoder: impl Read) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    let mut bounded = decoder.take(MOST_DECODED_BYTES as u64 + 1);
    bounded.read_to_end(&mut text).map_err(|error| {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            format!("the body's {coding} encoding is cut short")
        } else {
            format!("the body is not valid {coding}")
        }
    })?;
    if text.len() > MOST_DECODED_BYTES {
        return Err(format!(
            "the decoded body is over {} MiB",
            MOST_DECODED_BYTES >> 20
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::CONTENT_ENCODING, line.parse().unwrap());
        }
        headers
    }

    /// The text, or none where the body is one, or words of the refusal.
    type Outcome = Result<Option<Vec<u8>>, &'static str>;

    #[test]
    fn each_coding_is_undone_in_reverse_order_and_others_are_named() {
        let text = b"hello".to_vec();
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(&text).unwrap();
        let zlib = zlib.finish().unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::fast());
        raw.write_all(&text).unwrap();
        let raw = raw.finish().unwrap();
        let members = [gzip(b"hel"), gzip(b"lo")].concat();
        let cut = gzip(&text)[..12].to_vec();
        let deflated_gzip = {
            let mut outer = ZlibEncoder::new(Vec::new(), Compression::fast());
            outer.write_all(&gzip(&text)).unwrap();
            outer.finish().unwrap()
        };
        let table: [(&[&str], Vec<u8>, Outcome); 12] = [
            (&["gzip"], gzip(&text), Ok(Some(text.clone()))),
            (&["GZip"], gzip(&text), Ok(Some(text.clone()))),
            (&["x-gzip"], members, Ok(Some(text.clone()))),
            (&["deflate"], zlib, Ok(Some(text.clone()))),
            (&["deflate"], raw, Ok(Some(text.clone()))),
            (
                &["gzip, deflate"],
                deflated_gzip.clone(),
                Ok(Some(text.clone())),
            ),
            (&["gzip", "deflate"], deflated_gzip, Ok(Some(text.clone()))),
            (&["identity"], text.clone(), Ok(None)),
            (&["gzip"], cut, Err("cut short")),
            (
                &["gzip"],
                b"text, and no gzip".to_vec(),
                Err("not valid gzip"),
            ),
            (&["br"], text.clone(), Err("encoded as br")),
            (
                &["gzip, gzip, gzip, gzip, gzip"],
                text,
                Err("more than 4 times"),
            ),
        ];
        for (lines, body, expected) in table {
            match (decoded(&headers(lines), &body), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{lines:?}"),
                (Err(found), Err(words)) => assert!(found.contains(words), "{lines:?}: {found}"),
                (found, _) => panic!("{lines:?}: {found:?}"),
            }
        }
    }

    #[test]
    fn a_small_body_that_is_a_long_text_is_refused() {
        let bomb = gzip(&vec![0; MOST_DECODED_BYTES + 1]);
        assert!(bomb.len() < MOST_DECODED_BYTES / 100);
        let said = decoded(&headers(&["gzip"]), &bomb).unwrap_err();
        assert_eq!(said, "the decoded body is over 16 MiB");
        let most = gzip(&vec![0; MOST_DECODED_BYTES]);
        let text = decoded(&headers(&["gzip"]), &most).unwrap().unwrap();
        assert_eq!(text.len(), MOST_DECODED_BYTES);
    }
}

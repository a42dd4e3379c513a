//! HTTP/1.1 as octets: what is judged is exactly what was sent, so nothing brings it into a normal form.

use std::time::{Duration, Instant};

use authlab_loadtest::caller::{Head, Reached, Stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// A request that takes longer has no answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// A longer head is refused.
const MOST_HEAD_BYTES: usize = 256 << 10;
/// A longer body is refused.
const MOST_BODY_BYTES: usize = 4 << 20;

/// An answer, and when its request was sent.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) sent: Instant,
    pub(crate) answered: Instant,
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// Whether the body is the text itself, without a content coding.
    pub(crate) is_plain: bool,
}

/// Why there is none.
#[derive(Debug, Clone)]
pub(crate) struct Unanswered {
    pub(crate) why: String,
}

/// A connection to the gate, opened when it is needed.
#[derive(Default)]
pub(crate) struct Line {
    open: Option<Box<dyn Stream>>,
}

/// Why an exchange failed.
enum Failed {
    /// The server closed the connection before the first octet of an answer.
    Closed,
    /// For another reason.
    Because(String),
}

impl Line {
    /// Sends a request and reads its answer. A connection that the server closed meanwhile is opened again.
    pub(crate) async fn ask(&mut self, gate: &Reached, head: &Head) -> Result<Answer, Unanswered> {
        let octets = octets(head);
        loop {
            let is_reused = self.open.is_some();
            let sent = Instant::now();
            let asked = tokio::time::timeout(
                ANSWER_WITHIN,
                self.exchange(gate, &octets, head.method == "HEAD"),
            );
            let failed = match asked.await {
                Ok(Ok((status, body, is_plain))) => {
                    return Ok(Answer {
                        sent,
                        answered: Instant::now(),
                        status,
                        body,
                        is_plain,
                    });
                }
                Ok(Err(failed)) => failed,
                Err(_) => {
                    Failed::Because(format!("no answer within {} s", ANSWER_WITHIN.as_secs()))
                }
            };
            self.open = None;
            let why = match failed {
                Failed::Closed if is_reused => continue,
                Failed::Closed => "the connection was closed without an answer".to_owned(),
                Failed::Because(why) => why,
            };
            return Err(Unanswered { why });
        }
    }

    async fn exchange(
        &mut self,
        gate: &Reached,
        octets: &[u8],
        is_head: bool,
    ) -> Result<(u16, Vec<u8>, bool), Failed> {
        let stream = match &mut self.open {
            Some(open) => open,
            closed => closed.insert(gate.connect().await.map_err(Failed::Because)?),
        };
        let written = async {
            stream.write_all(octets).await?;
            stream.flush().await
        };
        // A server may refuse a long request before it has read it, and its answer is there to be read.
        let was_written = written.await.is_ok();
        let mut reader = Reader {
            stream: &mut **stream,
            read: Vec::new(),
        };
        let (answer, keeps) = reader.answer(is_head).await?;
        if !keeps || !was_written || !reader.read.is_empty() {
            self.open = None;
        }
        Ok(answer)
    }
}

/// The request as it is sent.
fn octets(head: &Head) -> Vec<u8> {
    let mut octets = format!("{} {} HTTP/1.1\r\n", head.method, head.target).into_bytes();
    for (name, value) in &head.headers {
        octets.extend_from_slice(name.as_bytes());
        octets.extend_from_slice(b": ");
        octets.extend_from_slice(value);
        octets.extend_from_slice(b"\r\n");
    }
    let is_said = |wanted: &str| {
        head.headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(wanted))
    };
    if !head.body.is_empty() && !is_said("content-length") && !is_said("transfer-encoding") {
        octets.extend_from_slice(format!("content-length: {}\r\n", head.body.len()).as_bytes());
    }
    octets.extend_from_slice(b"\r\n");
    octets.extend_from_slice(&head.body);
    octets
}

/// What was received and not yet used.
struct Reader<'a> {
    stream: &'a mut dyn Stream,
    read: Vec<u8>,
}

/// The fields of an answer's head that say how its body is read.
#[derive(Default)]
struct Fields {
    length: Option<usize>,
    is_chunked: bool,
    closes: bool,
    is_coded: bool,
}

impl Reader<'_> {
    /// Status, body and whether it is without a coding; and whether the connection may be used again.
    async fn answer(&mut self, is_head: bool) -> Result<((u16, Vec<u8>, bool), bool), Failed> {
        loop {
            let head = self.head().await?;
            let (status, fields) =
                parsed(&head).ok_or_else(|| because("the answer is not HTTP/1.1"))?;
            if (100..200).contains(&status) && status != 101 {
                continue;
            }
            let plain = !fields.is_coded;
            if is_head || status == 204 || status == 304 {
                return Ok(((status, Vec::new(), plain), !fields.closes));
            }
            let (body, ends) = if fields.is_chunked {
                (self.chunks().await?, false)
            } else if let Some(length) = fields.length {
                (self.take(length).await?, false)
            } else {
                (self.rest().await?, true)
            };
            return Ok(((status, body, plain), !fields.closes && !ends));
        }
    }

    async fn head(&mut self) -> Result<Vec<u8>, Failed> {
        let mut looked = 0;
        loop {
            let from = self.read.get(looked..).unwrap_or_default();
            if let Some(at) = from.windows(4).position(|four| four == b"\r\n\r\n") {
                return Ok(self.cut(looked + at + 4));
            }
            looked = self.read.len().saturating_sub(3);
            if self.read.len() > MOST_HEAD_BYTES {
                return Err(because("the answer's head is too long"));
            }
            let was_empty = self.read.is_empty();
            match self.more().await {
                Ok(true) => {}
                Ok(false) | Err(_) if was_empty => return Err(Failed::Closed),
                _ => return Err(because("the answer broke off")),
            }
        }
    }

    async fn take(&mut self, length: usize) -> Result<Vec<u8>, Failed> {
        if length > MOST_BODY_BYTES {
            return Err(because("the answer's body is too long"));
        }
        while self.read.len() < length {
            if !matches!(self.more().await, Ok(true)) {
                return Err(because("the answer's body broke off"));
            }
        }
        Ok(self.cut(length))
    }

    async fn rest(&mut self) -> Result<Vec<u8>, Failed> {
        while matches!(self.more().await, Ok(true)) {
            if self.read.len() > MOST_BODY_BYTES {
                return Err(because("the answer's body is too long"));
            }
        }
        Ok(std::mem::take(&mut self.read))
    }

    async fn chunks(&mut self) -> Result<Vec<u8>, Failed> {
        let mut body = Vec::new();
        loop {
            let line = self.line().await?;
            let size = line
                .split(|octet| *octet == b';')
                .next()
                .unwrap_or_default();
            let size = str::from_utf8(size).ok().map(str::trim);
            let size = size.and_then(|size| usize::from_str_radix(size, 16).ok());
            let size =
                size.ok_or_else(|| because("the answer's body is not chunked as it says"))?;
            if size == 0 {
                // Trailers end with an empty line.
                while !self.line().await?.is_empty() {}
                return Ok(body);
            }
            if size + body.len() > MOST_BODY_BYTES {
                return Err(because("the answer's body is too long"));
            }
            body.extend(self.take(size).await?);
            self.line().await?;
        }
    }

    async fn line(&mut self) -> Result<Vec<u8>, Failed> {
        loop {
            if let Some(at) = self.read.windows(2).position(|two| two == b"\r\n") {
                let mut line = self.cut(at + 2);
                line.truncate(at);
                return Ok(line);
            }
            if self.read.len() > MOST_HEAD_BYTES || !matches!(self.more().await, Ok(true)) {
                return Err(because("the answer's body broke off"));
            }
        }
    }

    /// Reads more; false at the end.
    async fn more(&mut self) -> std::io::Result<bool> {
        let mut buffer = [0; 8 << 10];
        let count = self.stream.read(&mut buffer).await?;
        self.read
            .extend_from_slice(buffer.get(..count).unwrap_or_default());
        Ok(count > 0)
    }

    fn cut(&mut self, length: usize) -> Vec<u8> {
        let rest = self.read.split_off(length.min(self.read.len()));
        std::mem::replace(&mut self.read, rest)
    }
}

fn because(why: &str) -> Failed {
    Failed::Because(why.to_owned())
}

fn parsed(head: &[u8]) -> Option<(u16, Fields)> {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split("\r\n");
    let mut first = lines.next()?.splitn(3, ' ');
    let version = first.next()?;
    if !version.starts_with("HTTP/1.") {
        return None;
    }
    let status = first
        .next()?
        .parse()
        .ok()
        .filter(|status| (100..1000).contains(status))?;
    let mut fields = Fields {
        closes: version == "HTTP/1.0",
        ..Fields::default()
    };
    for line in lines {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim().to_ascii_lowercase();
        match name.trim().to_ascii_lowercase().as_str() {
            "content-length" => fields.length = Some(value.parse().ok()?),
            "transfer-encoding" => fields.is_chunked = value.ends_with("chunked"),
            "connection" => fields.closes |= value.contains("close"),
            "content-encoding" => fields.is_coded = value != "identity",
            _ => {}
        }
    }
    Some((status, fields))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    /// Status, body and whether the connection may be used again; none where it is no answer.
    fn read(octets: &str, is_head: bool) -> Option<(u16, String, bool)> {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.build().unwrap();
        runtime.block_on(async {
            let (mut near, mut far) = tokio::io::duplex(1 << 16);
            far.write_all(octets.as_bytes()).await.unwrap();
            drop(far);
            let mut reader = Reader {
                stream: &mut near,
                read: Vec::new(),
            };
            let ((status, body, _), keeps) = reader.answer(is_head).await.ok()?;
            Some((status, String::from_utf8(body).unwrap(), keeps))
        })
    }

    #[test]
    fn an_answer_is_read_by_its_length_its_chunks_or_its_end() {
        let table = [
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
                false,
                Some((200, "hi", true)),
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
                false,
                Some((200, "hi", false)),
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
                true,
                Some((200, "", true)),
            ),
            (
                "HTTP/1.1 204 No Content\r\n\r\n",
                false,
                Some((204, "", true)),
            ),
            (
                "HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
                false,
                Some((403, "", true)),
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n",
                false,
                Some((200, "hi!", true)),
            ),
            (
                "HTTP/1.0 200 OK\r\n\r\nto the end",
                false,
                Some((200, "to the end", false)),
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi",
                false,
                None,
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nhi",
                false,
                None,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                false,
                None,
            ),
            ("SSH-2.0-x\r\n\r\n", false, None),
            ("", false, None),
        ];
        for (octets, is_head, wanted) in table {
            let wanted = wanted.map(|(status, body, keeps)| (status, body.to_owned(), keeps));
            assert_eq!(read(octets, is_head), wanted, "{octets:?}");
        }
    }

    #[test]
    fn a_request_is_written_as_it_stands() {
        let head = Head {
            method: "get".to_owned(),
            target: "/a/../b;x?%zz".to_owned(),
            headers: vec![
                ("HOST".to_owned(), b"h".to_vec()),
                ("a".to_owned(), vec![0xff]),
            ],
            body: b"x".to_vec(),
        };
        let wanted =
            b"get /a/../b;x?%zz HTTP/1.1\r\nHOST: h\r\na: \xff\r\ncontent-length: 1\r\n\r\nx";
        assert_eq!(octets(&head), wanted);
    }
}

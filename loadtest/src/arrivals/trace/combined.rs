//! `combined` and `common` log lines, as nginx and Apache write them:
//!
//! ```text
//! 203.0.113.7 - mary [10/Oct/2025:13:55:36 +0200] "GET /a?b=1 HTTP/1.1" 200 2326 "https://x/" "Mozilla/5.0"
//! ```
//!
//! Sources: <https://nginx.org/en/docs/http/ngx_http_log_module.html> (`combined`; `escape=default`
//! writes `"`, `\` and other bytes as `\xHH`) and <https://httpd.apache.org/docs/2.4/logs.html>
//! (`\"`, `\\`, `\xHH`). What follows is not read, but for nginx's `$msec` as the first or the last
//! field: then times are of milliseconds.

use std::borrow::Cow;

use jiff::Timestamp;

use super::{Logged, NS_PER_SECOND, SubjectField};

/// The line, or nothing when it is not of this format.
pub(super) fn parse(line: &str, subject: SubjectField) -> Option<Logged<'_>> {
    let (leading, line) = match line.split_once(' ') {
        Some((first, rest)) if epoch_ns(first).is_some() => (epoch_ns(first), rest),
        _ => (None, line),
    };
    let (who, second_ns, rest) = at_time(line)?;
    let (address, user) = address_and_user(who)?;
    let (request, rest) = quoted(rest)?;
    let mut after = rest.trim_start().splitn(3, ' ');
    let is_status = |text: &str| text.len() == 3 && text.bytes().all(|b| b.is_ascii_digit());
    let is_size = |text: &str| text == "-" || text.bytes().all(|b| b.is_ascii_digit());
    after.next().filter(|status| is_status(status))?;
    after.next().filter(|bytes| is_size(bytes))?;
    let trailing = after.next().and_then(|extra| extra.rsplit(' ').next());
    Some(Logged {
        at_ns: leading.or_else(|| epoch_ns(trailing?)).unwrap_or(second_ns),
        request: request_of(request),
        subject: if subject == SubjectField::Ip || NO_USER.contains(&user) {
            Cow::Borrowed(address)
        } else {
            // What is not escaped as these servers do it is a name as it is: `DOMAIN\\john`.
            unescaped(user).unwrap_or(Cow::Borrowed(user))
        },
    })
}

/// What stands for a user where a request has none; Apache writes `""` for an empty name.
const NO_USER: [&str; 2] = ["-", "\"\""];

/// Splits at the time: what is before it, the time, and what follows the quote that begins the request. A user's name
/// may have brackets of its own.
fn at_time(line: &str) -> Option<(&str, u64, &str)> {
    line.match_indices(" [").find_map(|(at, bracket)| {
        let (time, rest) = line[at + bracket.len()..].split_once("] \"")?;
        Some((&line[..at], time_ns(time)?, rest))
    })
}

/// `203.0.113.7 - mary ann`: the address, and the user, whose name may have spaces. Then the field between them has to
/// be `-`, as nginx always writes it and Apache does without identd: of other logs the words before the time mean
/// something else.
fn address_and_user(who: &str) -> Option<(&str, &str)> {
    let (address, rest) = who.split_once(' ')?;
    let (ident, user) = rest.trim_start_matches(' ').split_once(' ')?;
    let is_one_word = |text: &str| !text.is_empty() && !text.contains(' ');
    let user = if ident == "-" {
        user
    } else {
        user.trim_matches(' ')
    };
    (is_one_word(address) && !user.is_empty() && (ident == "-" || is_one_word(user)))
        .then_some((address, user))
}

/// `10/Oct/2025:13:55:36 +0200`.
fn time_ns(text: &str) -> Option<u64> {
    let time = Timestamp::strptime("%d/%b/%Y:%H:%M:%S %z", text).ok()?;
    u64::try_from(time.as_nanosecond()).ok()
}

/// nginx's `$msec`: `1700000000.123`. Nine digits or more, to tell it from other figures.
fn epoch_ns(text: &str) -> Option<u64> {
    let (seconds, millis) = text.split_once('.')?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !(9..=10).contains(&seconds.len())
        || millis.len() != 3
        || !digits(seconds)
        || !digits(millis)
    {
        return None;
    }
    let (seconds, millis): (u64, u64) = (seconds.parse().ok()?, millis.parse().ok()?);
    Some(seconds * NS_PER_SECOND + millis * (NS_PER_SECOND / 1_000))
}

/// Splits after the closing quote; a backslash keeps the next character from closing.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    let end = text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })?;
    Some((&text[..end], &text[end + 1..]))
}

/// `METHOD target HTTP/1.1`; HTTP/0.9 has no version. None for `-`, and for noise.
fn request_of(text: &str) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    let (method, rest) = text.split_once(' ')?;
    let target = match rest.rsplit_once(' ') {
        Some((target, version)) if version.starts_with("HTTP/") => target,
        _ => rest,
    };
    Some((Cow::Borrowed(method), unescaped(target)?))
}

/// Resolves `\"`, `\\`, `\xHH` and Apache's `\b`, `\n`, `\r`, `\t`, `\v`; none for bytes that are no text.
fn unescaped(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('\\') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest {
            [b'x', high, low, after @ ..] => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                bytes.push((digit(*high)? * 16 + digit(*low)?) as u8);
                rest = after;
            }
            [escaped, after @ ..] => {
                bytes.push(match escaped {
                    b'"' | b'\\' => *escaped,
                    b'b' => 0x08,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'v' => 0x0b,
                    _ => return None,
                });
                rest = after;
            }
            [] => return None,
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 10 October 2000, 13:55:36 −0700.
    const AT: u64 = 971_211_336 * NS_PER_SECOND;

    #[test]
    fn lines_are_read_as_the_two_servers_document_them() {
        let time = "[10/Oct/2000:13:55:36 -0700]";
        let table = [
            // Apache's own example of `common`, and of `combined`.
            (
                format!("127.0.0.1 - frank {time} \"GET /apache_pb.gif HTTP/1.0\" 200 2326"),
                "GET",
                "/apache_pb.gif",
                "frank",
            ),
            (
                format!(
                    "127.0.0.1 - frank {time} \"GET /a.gif HTTP/1.0\" 200 2326 \"http://x/start.html\" \"Mozilla/4.08 [en] (Win98; I ;Nav)\""
                ),
                "GET",
                "/a.gif",
                "frank",
            ),
            (
                format!("2001:db8::1 - - {time} \"POST /a?b=c%20d HTTP/2.0\" 302 - \"-\" \"-\""),
                "POST",
                "/a?b=c%20d",
                "2001:db8::1",
            ),
            // Quotes: nginx escapes them as hexadecimal, Apache by a backslash.
            (
                format!(
                    "1.2.3.4 - - {time} \"GET /a\\x22b HTTP/1.1\" 200 1 \"-\" \"a \\x22b\\x22\""
                ),
                "GET",
                "/a\"b",
                "1.2.3.4",
            ),
            (
                format!("1.2.3.4 - - {time} \"GET /a\\\"b\\\\ HTTP/1.1\" 200 1 \"-\" \"-\""),
                "GET",
                "/a\"b\\",
                "1.2.3.4",
            ),
            // nginx's `main` adds a field; `HTTP/0.9` has no version.
            (
                format!("1.2.3.4 - - {time} \"GET /\" 200 1 \"-\" \"-\" \"10.0.0.1\""),
                "GET",
                "/",
                "1.2.3.4",
            ),
        ];
        for (line, method, target, subject) in table {
            let logged = parse(&line, SubjectField::User).expect(&line);
            let request = logged.request.expect(&line);
            assert_eq!(
                (logged.at_ns, &*request.0, &*request.1, &*logged.subject),
                (AT, method, target, subject),
                "{line}"
            );
        }
    }

    #[test]
    fn a_user_is_any_name() {
        for (who, subject) in [
            ("1.2.3.4 - mary ann", "mary ann"),
            ("1.2.3.4 - mary  ann ", "mary  ann "),
            ("1.2.3.4 - mary [admin]", "mary [admin]"),
            (
                "1.2.3.4 - a [10/Oct/2000:13:55:36 -0700] b",
                "a [10/Oct/2000:13:55:36 -0700] b",
            ),
            // nginx, and Apache.
            (
                r"1.2.3.4 - m\xC3\xA4ry \x22q\x22 \x5C",
                "m\u{e4}ry \"q\" \\",
            ),
            (r#"1.2.3.4 - \"q\" \\ \t"#, "\"q\" \\ \t"),
            // Bytes that are no text, and what neither server writes, are a name all the same.
            (r"1.2.3.4 - m\xE4ry", r"m\xE4ry"),
            (r"1.2.3.4 - DOMAIN\john", r"DOMAIN\john"),
            (r#"2001:db8::1 - """#, "2001:db8::1"),
            ("2001:db8::1 - -", "2001:db8::1"),
            ("::ffff:1.2.3.4 - -", "::ffff:1.2.3.4"),
            ("[2001:db8::1] - -", "[2001:db8::1]"),
            ("unix: - -", "unix:"),
            ("1.2.3.4 - - -", "- -"),
            ("1.2.3.4 ident mary", "mary"),
        ] {
            let line =
                format!("{who} [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.1\" 200 1 \"-\" \"-\"");
            let logged = parse(&line, SubjectField::User).expect(&line);
            assert_eq!((logged.at_ns, &*logged.subject), (AT, subject), "{line}");
        }
    }

    #[test]
    fn the_address_is_the_subject_when_asked_for() {
        let line = "1.2.3.4 - mary [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.1\" 200 1";
        let subject = |field| parse(line, field).unwrap().subject;
        assert_eq!(subject(SubjectField::User), "mary");
        assert_eq!(subject(SubjectField::Ip), "1.2.3.4");
    }

    #[test]
    fn msec_first_or_last_is_the_finer_time() {
        let line = "1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.1\" 200 1 \"-\" \"-\"";
        for (line, at_ns) in [
            (format!("971211336.250 {line}"), AT + 250_000_000),
            (format!("{line} 971211336.999"), AT + 999_000_000),
            // A request time is not one.
            (format!("{line} 0.005"), AT),
        ] {
            assert_eq!(
                parse(&line, SubjectField::User).unwrap().at_ns,
                at_ns,
                "{line}"
            );
        }
    }

    #[test]
    fn a_line_without_a_request_is_a_line_all_the_same() {
        for request in [
            "-",
            "",
            r"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03",
            r"GET /\xff\xfe HTTP/1.1",
            r"GET /\q HTTP/1.1",
        ] {
            let line =
                format!("1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] \"{request}\" 400 0 \"-\" \"-\"");
            let logged = parse(&line, SubjectField::User).expect(&line);
            assert_eq!(logged.request, None, "{line}");
        }
    }

    #[test]
    fn other_lines_are_refused_and_none_panics() {
        let good = "1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.1\" 200 1";
        let table = [
            "",
            " ",
            "[",
            "\"",
            "nonsense",
            "{\"time\": 1}",
            "Oct 10 13:55:36 host sshd[1]: Failed password",
            "1.2.3.4 - - [10/Oct/2000] \"GET / HTTP/1.1\" 200 1",
            "1.2.3.4 - - [31/Feb/2000:13:55:36 -0700] \"GET / HTTP/1.1\" 200 1",
            "1.2.3.4 - - [10/Oct/1900:13:55:36 -0700] \"GET / HTTP/1.1\" 200 1",
            "1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.1 200 1",
            "1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.1\\\" 200 1",
            "1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.1\" OK 1",
            "1.2.3.4 - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.1\" 200 1",
            "host 1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.1\" 200 1",
        ];
        for line in table {
            assert_eq!(parse(line, SubjectField::User), None, "{line}");
        }
        // Cut anywhere, it is still read or refused.
        for end in 0..good.len() {
            let _ = parse(&good[..end], SubjectField::User);
        }
    }
}

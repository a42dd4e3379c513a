//! RFC 6265 as a table: what is read, kept and sent.

use super::*;

const NOW: i64 = 1_700_000_000_000;

/// The `Cookie` header of a request to `url` after one answer from each address.
fn sent(answers: &[(&str, &[u8])], url: &str) -> String {
    let mut jar = Jar::default();
    for (from, line) in answers {
        jar.set(&Url::parse(from).unwrap(), line, NOW);
    }
    sent_by(&mut jar, url)
}

fn sent_by(jar: &mut Jar, url: &str) -> String {
    let cookies = jar.sent_to(&Url::parse(url).unwrap(), NOW).into_iter();
    let pairs = cookies.map(|cookie| {
        let pair = [&cookie.name[..], b"=", &cookie.value[..]].concat();
        pair.escape_ascii().to_string()
    });
    pairs.collect::<Vec<_>>().join("; ")
}

/// Where the answer came from, what it sets, where the request goes, what it sends.
const COOKIES: &[(&str, &[u8], &str, &str)] = &[
    // §5.2: names and values.
    ("http://a.test/", b"a=1", "http://a.test/", "a=1"),
    (
        "http://a.test/",
        b" \ta \t=\t 1 2 \t; x",
        "http://a.test/",
        "a=1 2",
    ),
    ("http://a.test/", b"a=1=2", "http://a.test/", "a=1=2"),
    ("http://a.test/", b"a=", "http://a.test/", "a="),
    (
        "http://a.test/",
        b"a=\"1 , 2\"",
        "http://a.test/",
        "a=\\\"1 , 2\\\"",
    ),
    ("http://a.test/", b"=1", "http://a.test/", ""),
    ("http://a.test/", b" =1", "http://a.test/", ""),
    ("http://a.test/", b"a", "http://a.test/", ""),
    ("http://a.test/", b"", "http://a.test/", ""),
    ("http://a.test/", b"; a=1", "http://a.test/", ""),
    (
        "http://a.test/",
        "a=\u{e9}".as_bytes(),
        "http://a.test/",
        "a=\\xc3\\xa9",
    ),
    (
        "http://a.test/",
        b"\xe9=\xff",
        "http://a.test/",
        "\\xe9=\\xff",
    ),
    // §5.2.1 and §5.2.2: the end.
    (
        "http://a.test/",
        b"a=1; Expires=Sun, 06 Nov 1994 08:49:37 GMT",
        "http://a.test/",
        "",
    ),
    (
        "http://a.test/",
        b"a=1; expires=sun 6 nov 1994 8:49:37 +0000",
        "http://a.test/",
        "",
    ),
    (
        "http://a.test/",
        b"a=1; Expires=Fri, 01 Jan 2100 00:00:00 UTC",
        "http://a.test/",
        "a=1",
    ),
    (
        "http://a.test/",
        b"a=1; Expires=never",
        "http://a.test/",
        "a=1",
    ),
    ("http://a.test/", b"a=1; Expires=0", "http://a.test/", "a=1"),
    (
        "http://a.test/",
        b"a=1; MAX-AGE \t=\t0 ",
        "http://a.test/",
        "",
    ),
    ("http://a.test/", b"a=1; Max-Age=-1", "http://a.test/", ""),
    ("http://a.test/", b"a=1; Max-Age=1", "http://a.test/", "a=1"),
    (
        "http://a.test/",
        b"a=1; Max-Age=99999999999999999999",
        "http://a.test/",
        "a=1",
    ),
    (
        "http://a.test/",
        b"a=1; Max-Age=-99999999999999999999",
        "http://a.test/",
        "",
    ),
    (
        "http://a.test/",
        b"a=1; Max-Age=0x",
        "http://a.test/",
        "a=1",
    ),
    (
        "http://a.test/",
        b"a=1; Max-Age=+0",
        "http://a.test/",
        "a=1",
    ),
    (
        "http://a.test/",
        b"a=1; Max-Age=0.0",
        "http://a.test/",
        "a=1",
    ),
    ("http://a.test/", b"a=1; Max-Age=-", "http://a.test/", "a=1"),
    ("http://a.test/", b"a=1; Max-Age", "http://a.test/", "a=1"),
    (
        "http://a.test/",
        b"a=1; Max-Age=0; Max-Age=9",
        "http://a.test/",
        "a=1",
    ),
    (
        "http://a.test/",
        b"a=1; Max-Age=9; Max-Age=0",
        "http://a.test/",
        "",
    ),
    (
        "http://a.test/",
        b"a=1; Max-Age=0; Max-Age=no",
        "http://a.test/",
        "",
    ),
    (
        "http://a.test/",
        b"a=1; Max-Age=9; Expires=Sun, 06 Nov 1994 08:49:37 GMT",
        "http://a.test/",
        "a=1",
    ),
    (
        "http://a.test/",
        b"a=1; Max-Age=no; Expires=Sun, 06 Nov 1994 08:49:37 GMT",
        "http://a.test/",
        "",
    ),
    // §5.1.3 and §5.2.3: the domain.
    ("http://a.test/", b"a=1", "http://b.a.test/", ""),
    (
        "http://a.test/",
        b"a=1; Domain=a.test",
        "http://b.a.test/",
        "a=1",
    ),
    (
        "http://a.test/",
        b"a=1; domain=.A.TEST",
        "http://b.a.test/",
        "a=1",
    ),
    (
        "http://b.a.test/",
        b"a=1; Domain=a.test",
        "http://a.test/",
        "a=1",
    ),
    (
        "http://b.a.test/",
        b"a=1; Domain=a.test",
        "http://c.a.test/",
        "a=1",
    ),
    (
        "http://ba.test/",
        b"a=1; Domain=a.test",
        "http://ba.test/",
        "",
    ),
    (
        "http://a.test/",
        b"a=1; Domain=b.a.test",
        "http://a.test/",
        "",
    ),
    (
        "http://a.test/",
        b"a=1; Domain=b.test",
        "http://a.test/",
        "",
    ),
    ("http://a.test/", b"a=1; Domain=test", "http://a.test/", ""),
    (
        "http://a.test/",
        b"a=1; Domain=a.test.",
        "http://a.test/",
        "",
    ),
    ("http://a.test/", b"a=1; Domain=", "http://a.test/", "a=1"),
    ("http://a.test/", b"a=1; Domain=", "http://b.a.test/", ""),
    ("http://a.test/", b"a=1; Domain", "http://a.test/", "a=1"),
    (
        "http://a.test/",
        b"a=1; Domain=b.test; Domain=a.test",
        "http://a.test/",
        "a=1",
    ),
    (
        "http://a.test/",
        b"a=1; Domain=a.test; Domain=b.test",
        "http://a.test/",
        "",
    ),
    (
        "http://localhost/",
        b"a=1; Domain=localhost",
        "http://localhost/",
        "a=1",
    ),
    (
        "http://localhost/",
        b"a=1; Domain=localhost",
        "http://b.localhost/",
        "",
    ),
    (
        "http://127.0.0.1/",
        b"a=1; Domain=127.0.0.1",
        "http://127.0.0.1/",
        "a=1",
    ),
    (
        "http://127.0.0.1/",
        b"a=1; Domain=0.0.1",
        "http://127.0.0.1/",
        "",
    ),
    ("http://[::1]/", b"a=1", "http://[::1]/", "a=1"),
    ("http://a.test:81/", b"a=1", "http://a.test:82/", "a=1"),
    // §5.1.4 and §5.2.4: the path.
    ("http://a.test/x/y", b"a=1", "http://a.test/x", "a=1"),
    ("http://a.test/x/y", b"a=1", "http://a.test/x/", "a=1"),
    ("http://a.test/x/y", b"a=1", "http://a.test/x/y/z", "a=1"),
    ("http://a.test/x/y", b"a=1", "http://a.test/xy", ""),
    ("http://a.test/x/y", b"a=1", "http://a.test/", ""),
    ("http://a.test/x/", b"a=1", "http://a.test/x", "a=1"),
    ("http://a.test/x", b"a=1", "http://a.test/", "a=1"),
    ("http://a.test/x?q=/y/z", b"a=1", "http://a.test/", "a=1"),
    ("http://a.test/x/y", b"a=1; Path=/", "http://a.test/", "a=1"),
    (
        "http://a.test/",
        b"a=1; PATH = /x ",
        "http://a.test/x?q",
        "a=1",
    ),
    ("http://a.test/", b"a=1; Path=/x/", "http://a.test/x", ""),
    (
        "http://a.test/",
        b"a=1; Path=/x/",
        "http://a.test/x/y",
        "a=1",
    ),
    ("http://a.test/", b"a=1; Path=/X", "http://a.test/x", ""),
    (
        "http://a.test/x/y",
        b"a=1; Path=",
        "http://a.test/x/z",
        "a=1",
    ),
    ("http://a.test/x/y", b"a=1; Path=z", "http://a.test/", ""),
    ("http://a.test/x/y", b"a=1; Path", "http://a.test/", ""),
    (
        "http://a.test/",
        b"a=1; Path=/x; Path=/y",
        "http://a.test/y",
        "a=1",
    ),
    (
        "http://a.test/",
        b"a=1; Path=/x; Path=y",
        "http://a.test/",
        "a=1",
    ),
    // §5.2.5 and §5.2.6: how it is sent.
    ("https://a.test/", b"a=1; Secure", "https://a.test/", "a=1"),
    ("https://a.test/", b"a=1; sEcUrE=no", "http://a.test/", ""),
    ("http://a.test/", b"a=1; Secure", "https://a.test/", ""),
    (
        "http://127.0.0.1/",
        b"a=1; Secure",
        "http://127.0.0.1/",
        "a=1",
    ),
    (
        "http://a.test/",
        b"a=1; HttpOnly; SameSite=Strict; x=y",
        "http://a.test/",
        "a=1",
    ),
    // RFC 6265bis §4.1.3.
    ("https://a.test/", b"__Secure-a=1", "https://a.test/", ""),
    (
        "https://a.test/",
        b"__Secure-a=1; Secure",
        "https://a.test/",
        "__Secure-a=1",
    ),
    (
        "https://a.test/",
        b"__Host-a=1; Secure; Path=/",
        "https://a.test/",
        "__Host-a=1",
    ),
    (
        "https://a.test/",
        b"__host-a=1; Path=/",
        "https://a.test/",
        "",
    ),
    (
        "https://a.test/",
        b"__Host-a=1; Secure",
        "https://a.test/",
        "",
    ),
    (
        "https://a.test/",
        b"__Host-a=1; Secure; Path=/x",
        "https://a.test/x",
        "",
    ),
    (
        "https://a.test/",
        b"__Host-a=1; Secure; Path=/; Domain=a.test",
        "https://a.test/",
        "",
    ),
];

#[test]
fn one_cookie_is_read_kept_and_sent_as_rfc_6265_says() {
    for (from, line, to, cookie) in COOKIES {
        let line_shown = line.escape_ascii();
        assert_eq!(
            sent(&[(from, line)], to),
            *cookie,
            "{from} {line_shown} {to}"
        );
    }
}

#[test]
fn cookies_are_sent_with_longer_paths_first_and_then_in_the_order_of_their_creation() {
    let from = |line: &'static str| ("http://a.test/x/y", line.as_bytes());
    let cases: &[(&[&str], &str)] = &[
        (&["a=1; Path=/", "a=2; Path=/x"], "a=2; a=1"),
        (&["a=2; Path=/x", "a=1; Path=/"], "a=2; a=1"),
        (&["b=1; Path=/", "a=2; Path=/"], "b=1; a=2"),
        (&["c=1", "b=2", "a=3"], "c=1; b=2; a=3"),
        // A cookie that is set again keeps its creation time (§5.3, step 11.3).
        (&["b=1", "a=2", "b=3"], "b=3; a=2"),
        // Unless it had been removed.
        (&["b=1", "a=2", "b=; Max-Age=0", "b=3"], "a=2; b=3"),
        (
            &["a=1; Domain=a.test; Path=/x", "a=2; Path=/x/y"],
            "a=2; a=1",
        ),
        (&["a=1", "A=2"], "a=1; A=2"),
    ];
    for (lines, cookie) in cases {
        let answers: Vec<_> = lines.iter().map(|line| from(line)).collect();
        assert_eq!(sent(&answers, "http://a.test/x/y"), *cookie, "{lines:?}");
    }
}

#[test]
fn a_domain_that_has_too_many_cookies_loses_the_one_that_was_not_used_for_the_longest_time() {
    let (other, url) = ("http://a.test/other", "http://a.test/");
    let mut jar = Jar::default();
    let set = |jar: &mut Jar, line: String| {
        jar.set(&Url::parse(url).unwrap(), line.as_bytes(), NOW);
    };
    for number in 0..MOST_COOKIES_OF_DOMAIN {
        let path = if number == 0 { "/other" } else { "/" };
        set(&mut jar, format!("c{number}=1; Path={path}"));
    }
    // It uses the first one, and all others.
    sent_by(&mut jar, other);
    sent_by(&mut jar, url);
    set(&mut jar, "new=1".to_owned());
    assert_eq!(jar.cookies.len(), MOST_COOKIES_OF_DOMAIN);
    assert!(!sent_by(&mut jar, other).contains("c0="));
    // What has expired goes first, and a cookie that is removed makes room.
    set(&mut jar, "c7=; Max-Age=0".to_owned());
    set(&mut jar, "newer=1".to_owned());
    let all = sent_by(&mut jar, url);
    assert!(all.contains("c1=") && all.contains("newer="), "{all}");
    // 4096 octets of name and value, and no more.
    for (length, kept) in [(MOST_COOKIE_BYTES - 1, true), (MOST_COOKIE_BYTES, false)] {
        let mut jar = Jar::default();
        set(&mut jar, format!("n={}; HttpOnly", "v".repeat(length)));
        assert_eq!(jar.is_empty(), !kept, "{length}");
    }
}

#[test]
fn a_request_has_one_field_for_its_own_cookies_and_those_of_the_jar() {
    let url = Url::parse("http://a.test/").unwrap();
    let mut jar = Jar::default();
    jar.set(&url, b"a=1", NOW);
    jar.set(&url, b"b=\xff", NOW);
    let cases: &[(&[&'static str], &[u8])] = &[
        (&[], b"a=1; b=\xff"),
        (&["own=2"], b"own=2; a=1; b=\xff"),
        (&["own=2", "two=3"], b"own=2; two=3; a=1; b=\xff"),
        (&["x=1; a=own"], b"x=1; a=own; b=\xff"),
    ];
    for (own, sent) in cases {
        let own: Vec<_> = own
            .iter()
            .map(|own| HeaderValue::from_static(own))
            .collect();
        let field = jar.header(&url, own.iter()).unwrap();
        assert_eq!(field.as_bytes(), *sent);
    }
}

proptest::proptest! {
    #[test]
    fn what_is_kept_can_be_sent(line in proptest::collection::vec(32u8.., 0..80)) {
        let url = Url::parse("http://a.test/").unwrap();
        let mut jar = Jar::default();
        let Ok(value) = HeaderValue::from_bytes(&line) else { return Ok(()) };
        jar.set(&url, value.as_bytes(), NOW);
        let is_sent = !jar.sent_to(&url, NOW).is_empty();
        let field = jar.header(&url, std::iter::empty());
        proptest::prop_assert!(!is_sent || now() > NOW || field.is_some());
    }
}

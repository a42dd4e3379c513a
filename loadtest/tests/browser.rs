//! Forms and cookies beside Chromium: the same pages, submitted by a headless browser and by a user of the
//! load generator, have to give the same requests, octet by octet.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "scripted/place.rs"]
mod place;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// The browser's whole journey; it only catches a hang.
const PATIENCE: Duration = Duration::from_secs(120);

/// A page with a form.
struct Case {
    name: &'static str,
    /// What the page's answer sets.
    cookies: &'static [&'static str],
    content_type: &'static str,
    page: &'static [u8],
    /// What a person does before the form is submitted, where that is more than to submit it: `f` is the
    /// page's first form.
    act: &'static str,
    /// The same as the fields of a step.
    fields: &'static [(&'static str, &'static str)],
    /// Whether curl too keeps the page's cookies by RFC 6265.
    curl: bool,
}

const SUBMIT: &str = "f.requestSubmit()";
const UTF_8: &str = "text/html; charset=utf-8";
const PLAIN: Case = Case {
    name: "",
    cookies: &[],
    content_type: UTF_8,
    page: b"<form action=sent><input name=a value=1></form>",
    act: SUBMIT,
    fields: &[],
    curl: false,
};

const CASES: &[Case] = &[
    Case {
        name: "a drop-down list whose first option is disabled",
        page: b"<form action=sent><select name=c><option disabled value=''>Choose<option value=de>Germany\
            <option value=fr>France</select></form>",
        ..PLAIN
    },
    Case {
        name: "selectedness",
        page: b"<form action=sent method=post>\
            <select name=a><option>one<option selected>two<option selected>  three \n words</select>\
            <select name=b size=3><option>x<option>y</select><select name=c size=0><option>x<option>y</select>\
            <select name=d multiple><option selected>x<option>y<option selected>z<option selected disabled>w</select>\
            <select name=e><optgroup disabled><option>x</optgroup><optgroup><option label=l>y</optgroup></select>\
            <select name=f><option selected disabled value=''>Choose<option>y</select>\
            <select name=g disabled><option>x</select><select name=h></select></form>",
        ..PLAIN
    },
    Case {
        name: "fieldsets, legends, templates and datalists",
        page: b"<form action=sent method=post><fieldset disabled><legend><input name=a value=1></legend>\
            <legend><input name=b></legend><input name=c><select name=d><option>x</select></fieldset>\
            <template><input name=e></template><datalist id=l><option value=h></datalist>\
            <fieldset><input name=i list=l value=2></fieldset><noscript><input name=j></noscript></form>",
        ..PLAIN
    },
    Case {
        name: "checkboxes and radio buttons",
        page: b"<form action=sent><input type=checkbox name=a checked><input type=checkbox name=b>\
            <input type=checkbox name=c value=3 checked><input type=radio name=d value=1 checked>\
            <input type=radio name=d value=2 checked><input type=radio name=e value=1 checked>\
            <input type=radio name=e value=2 checked disabled><input type=radio name=g value=1>\
            <input name=h readonly value=r><input value=nameless><input name=i disabled></form>",
        ..PLAIN
    },
    Case {
        name: "a filled form",
        page: "<form action=sent method=post><input name=user><input type=password name=pass>\
            <input type=checkbox name=keep><input type=radio name=r value=1 checked><input type=radio name=r value=2>\
            <select name=s><option>x<option>y</select><textarea name=t></textarea><input type=hidden name=z value=é></form>"
            .as_bytes(),
        act: "f.user.value = 'jörg & co'; f.pass.value = '100% +='; f.keep.checked = true; f.r.value = '2'; \
            f.s.value = 'y'; f.t.value = 'one\\ntwo'; f.requestSubmit()",
        fields: &[
            ("user", "jörg & co"),
            ("pass", "100% +="),
            ("keep", "on"),
            ("r", "2"),
            ("s", "y"),
            ("t", "one\ntwo"),
        ],
        ..PLAIN
    },
    Case {
        name: "a button that says where and how",
        page: b"<form action=sent><input name=a value=1><button name=go value=1>1</button>\
            <button name=go value=2 formaction=other?x=1 formmethod=post formenctype=multipart/form-data>2</button>\
            <input name=b value=2></form>",
        act: "f.go[1].click()",
        fields: &[("go", "2")],
        ..PLAIN
    },
    Case {
        name: "a button that makes a POST a GET",
        page: b"<form action=sent method=post enctype=multipart/form-data><input name=a value=1>\
            <input type=submit name=go value=Go formmethod=get></form>",
        act: "f.go.click()",
        fields: &[("go", "Go")],
        ..PLAIN
    },
    Case {
        name: "an image button",
        page: b"<form action=sent><input name=a value=1><input type=image name=i alt=x value=v><input name=b></form>",
        act: "f.querySelector('[type=image]').click()",
        fields: &[("i.x", "0"), ("i.y", "0")],
        ..PLAIN
    },
    Case {
        name: "controls of other places",
        page: b"<input name=a value=1 form=f><form id=g><input name=x></form><form id=f action=sent>\
            <input name=b value=2><input name=c value=3 form=g></form><input name=d value=4 form=f><input name=e>",
        act: "document.getElementById('f').requestSubmit()",
        fields: &[("b", "2")],
        ..PLAIN
    },
    Case {
        name: "misnested elements",
        page: b"<table><form action=sent method=post><tr><td><input name=a></td></tr><tr><td><input name=b>\
            <form action=no><input name=c></form></table><input name=d>",
        ..PLAIN
    },
    Case {
        name: "unclosed elements",
        page: b"<form action=sent method=post><div><b><input name=a value='x\ny'><fieldset disabled></div>\
            <input name=b value=1/><p><select name=c><option>1<input name=d value=a&lt;b&notit;&amp>\
            <span><fieldset disabled></span><input name=e>",
        ..PLAIN
    },
    Case {
        name: "a base, and a fragment",
        page: b"<base target=_self><base href=deep/er/><base href=/no/><form action='../sent?gone=1#part'>\
            <input name=a value=1></form>",
        ..PLAIN
    },
    Case {
        name: "an empty action despite a base",
        page: b"<base href=/no/><form method=post><input name=a value=1></form>",
        ..PLAIN
    },
    Case {
        name: "a GET to the page itself, with an encoding that does not matter",
        page: b"<form enctype=multipart/form-data method=nonsense><input name=a value=1></form>",
        ..PLAIN
    },
    Case {
        name: "a form without fields",
        page: b"<form action='sent?gone=1'></form>",
        ..PLAIN
    },
    Case {
        name: "the percent-encode set",
        page: "<form action=sent><input name=\"a b&#10;c'\" value=' !\"#$%&amp;&apos;()*+,-./:;<=>?@[\\]^_`{|}~é😀'></form>"
            .as_bytes(),
        ..PLAIN
    },
    Case {
        name: "line breaks of a text area",
        page: b"<form action=sent method=post><textarea name=a>\n\nx\r\ny\rz&#13;w\n</textarea>\
            <input type=hidden name=b value='x&#10;y&#13;z&#13;&#10;'></form>",
        ..PLAIN
    },
    Case {
        name: "multipart",
        page: "<form action=sent method=post enctype=multipart/form-data><input name='a\"&#10;b' value=é>\
            <input type=file name=f><textarea name=t>1\n2</textarea></form>"
            .as_bytes(),
        ..PLAIN
    },
    Case {
        name: "plain text",
        page: "<form action=sent method=post enctype=Text/Plain><input name=a value='é&1=2'><input type=file name=f>\
            <textarea name=t>1\n2</textarea></form>"
            .as_bytes(),
        ..PLAIN
    },
    Case {
        name: "a page in windows-1252",
        content_type: "text/html; charset=iso-8859-1",
        page: b"<form action='sent?\xe9' method=post><input name=\xe9 value='\xe9\x80&#x416;'>\
            <input type=hidden name=_charset_></form>",
        ..PLAIN
    },
    Case {
        name: "a page whose meta says Shift_JIS, with multipart",
        content_type: "text/html",
        page: b"<meta http-equiv=content-type content='text/html; charset=shift_jis'><form action=sent method=post \
            enctype=multipart/form-data><input name=a value='\x83A&eacute;'></form>",
        ..PLAIN
    },
    Case {
        name: "accept-charset",
        page: "<form action=sent accept-charset='koi8-r utf-8'><input name=a value=ж€><input type=hidden name=_charset_></form>"
            .as_bytes(),
        ..PLAIN
    },
    Case {
        name: "the directions of text",
        page: "<form action=sent><input name=a dirname=a.d><div dir=rtl><input name=b dirname=b.d><input type=tel name=c \
            dirname=c.d></div><input name=d dir=auto value=א dirname=d.d><textarea name=e dir=auto dirname=e.d>1</textarea></form>"
            .as_bytes(),
        ..PLAIN
    },
    Case {
        name: "values that their type does not let be",
        page: b"<form action=sent method=post novalidate><input name=a type=number value=1x><input name=b type=number value=1e3>\
            <input name=c type=email value=' a@b '><input name=d type=email multiple value=' a@b , c@d '>\
            <input name=e type=range><input name=g type=range min=10 max=20 step=4 value=15.9><input name=h type=color>\
            <input name=i type=color value=#ABCDEF><input name=j type=date value=2023-02-29><input name=k type=week value=2020-W53>\
            <input name=l type=time value=24:00><input name=m type=datetime-local value='2024-02-29 10:00:00'>\
            <input name=n type=url value=' u '><input name=o type=month value=2024-13></form>",
        ..PLAIN
    },
    Case {
        name: "two cookies of one name, by their paths",
        curl: true,
        cookies: &["c=root; Path=/", "c=page", "zz=1; Path=/", "yy=2; Path=/", "c=none; Path=/other"],
        ..PLAIN
    },
    Case {
        name: "values of cookies",
        curl: true,
        cookies: &["utf=é✓", "quoted=\"a, b\"", "equals=1=2", " space  =  1 2 ", "empty="],
        ..PLAIN
    },
    Case {
        name: "dates of cookies",
        cookies: &[
            "d1=1; Expires=Sun, 06 Nov 1994 08:49:37 UTC",
            "d2=1; Expires=Sun, 06 Nov 1994 08:49:37 +0000",
            "d3=1; Expires=sun 6 nov 1994 8:49:37",
            "d4=1; Expires=Sunday, 06-Nov-94 08:49:37 GMT",
            "d5=1; Expires=Fri, 01 Jan 2100 00:00:00 UTC",
            "d6=1; Expires=1 jan 2100 0:00:00",
            "d7=1; Expires=never",
            "d8=1; Expires=31 Feb 1994 08:49:37",
            "d9=1; Expires=06 Nov 1994 08:49",
        ],
        ..PLAIN
    },
    Case {
        name: "attributes of cookies",
        cookies: &[
            "m1=1; MAX-AGE \t= 0",
            "m2=1; Max-Age=-1",
            "m3=1; Max-Age=x; Expires=Sun, 06 Nov 1994 08:49:37 GMT",
            "m4=1; Max-Age=99; Expires=Sun, 06 Nov 1994 08:49:37 GMT",
            "m5=1; Max-Age=99999999999999999999",
            "m6=1; domain=127.0.0.1",
            "m7=1; Domain=.0.0.1",
            "m8=1; Path=",
            " \t tab \t=\t 1 ; \tPath\t=\t/ ",
            "m9=1; Path=relative",
            "ma=1; Secure; HttpOnly; SameSite=Strict; unknown=1",
            "__Host-a=1; Path=/",
            "__Host-b=1; Secure",
            "__Secure-c=1",
        ],
        ..PLAIN
    },
    Case {
        name: "cookies that change",
        curl: true,
        cookies: &["b=1", "a=2", "b=3", "x=1", "x=; Max-Age=0", "y=1", "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "a=4"],
        page: b"<form action=sent method=post><input name=a></form>",
        ..PLAIN
    },
];

#[test]
fn forms_and_cookies_give_the_requests_that_chromium_sends() {
    let chromium = [
        "/usr/bin/chromium",
        "/usr/bin/chromium-browser",
        "/usr/bin/google-chrome",
    ];
    let Some(chromium) = chromium
        .iter()
        .find(|path| std::fs::exists(path).unwrap_or(false))
    else {
        assert!(std::env::var_os("CI").is_none(), "chromium is missing");
        println!("chromium is missing: forms and cookies are not compared with those of a browser");
        return;
    };
    let server = Server::start();
    let profile = tempfile::tempdir().unwrap();
    let browser = Browser::start(
        chromium,
        profile.path(),
        &format!("{}{}", server.url, page_of(0)),
    );
    let done = server.done.recv_timeout(PATIENCE);
    drop(browser);
    let of_browser = server.take();
    assert!(
        done.is_ok(),
        "the browser sent {} of {} forms",
        of_browser.len(),
        CASES.len()
    );

    let finished = place::run(&server.url, &steps());
    let failed: Vec<_> = finished
        .run
        .slices
        .iter()
        .flat_map(|slice| slice.failed.keys())
        .collect();
    assert_eq!(failed, Vec::<&String>::new());
    let ours = server.take();
    let mut differ = String::new();
    for (case, (browsers, ours)) in CASES.iter().zip(of_browser.iter().zip(&ours)) {
        if browsers != ours {
            let _ = writeln!(
                differ,
                "\n# {}\nChromium: {browsers}\nours:     {ours}",
                case.name
            );
        }
    }
    for (number, case) in CASES.iter().enumerate().filter(|(_, case)| case.curl) {
        let curls = curl(&server, number);
        // Its order is one of its own: it looks at the lengths of names before the time of creation.
        let (curls, ours) = (pairs(case, &curls), pairs(case, &ours[number]));
        if curls != ours {
            let _ = writeln!(differ, "\n# {}\ncurl: {curls:?}\nours: {ours:?}", case.name);
        }
    }
    assert_eq!(of_browser.len(), CASES.len());
    assert!(differ.is_empty(), "{differ}");
    println!("{} pages: the same requests as Chromium's", CASES.len());
}

/// What curl sends where the page's form goes, after it has got the page.
fn curl(server: &Server, case: usize) -> String {
    let urls = [page_of(case), format!("/{case:02}/sent")].map(|path| server.url.clone() + &path);
    let status = Command::new("curl")
        .args(["--silent", "--cookie", "", "--max-time", "60"])
        .args(urls)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
    server.take().concat()
}

/// The cookies of a request that the case's page has set, sorted.
fn pairs<'s>(case: &Case, shown: &'s str) -> Vec<&'s str> {
    let mut lines = shown.lines();
    let cookies = lines
        .find_map(|line| line.strip_prefix("  cookie: "))
        .unwrap();
    let name = |pair: &str| pair.split('=').next().map(|name| name.trim().to_owned());
    let of_case: Vec<_> = case.cookies.iter().map(|line| name(line)).collect();
    let mut pairs: Vec<&str> = cookies.split("; ").collect();
    pairs.retain(|pair| of_case.contains(&name(pair)));
    pairs.sort_unstable();
    pairs
}

fn page_of(case: usize) -> String {
    format!("/{case:02}/page?old=1")
}

/// A scenario of one user that gets each page and submits its form.
fn steps() -> String {
    let mut steps = String::new();
    let mut journey = Vec::new();
    for (number, case) in CASES.iter().enumerate() {
        let fields: Vec<String> = case
            .fields
            .iter()
            .map(|(name, value)| format!("{name:?} = {value:?}"))
            .collect();
        let _ = write!(
            steps,
            "[[step]]\nname = \"page-{number}\"\nrequest = \"GET {}\"\n\
             [[step]]\nname = \"sent-{number}\"\nsubmit = {{ {} }}\nexpect = [303]\n",
            page_of(number),
            fields.join(", "),
        );
        journey.push(format!("\"page-{number}\", \"sent-{number}\""));
    }
    format!(
        "{steps}[[load]]\nname = \"one\"\nusers = 1\ncookies = \"journey\"\njourney = [{}]\n\
         profile.quick = {{ blocks = 1, slice = \"60ms\", warm_up = \"1ms\" }}\n",
        journey.join(", ")
    )
}

/// A headless browser in a process group of its own, until it is dropped.
struct Browser(Child);

impl Browser {
    fn start(program: &str, profile: &std::path::Path, url: &str) -> Self {
        let child = Command::new(program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
            ])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ])
            .args([
                "--disable-dev-shm-usage",
                "--remote-debugging-port=0",
                "--lang=en-US",
            ])
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let group = Pid::from_raw(self.0.id().cast_signed());
        let _ = killpg(group, Signal::SIGKILL);
        let _ = self.0.wait();
    }
}

/// Serves the pages and records the requests that submit them.
struct Server {
    url: String,
    sent: Arc<Mutex<Vec<String>>>,
    done: mpsc::Receiver<()>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let sent = Arc::new(Mutex::new(Vec::new()));
        let (finished, done) = mpsc::channel();
        let recorded = Arc::clone(&sent);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (recorded, finished) = (Arc::clone(&recorded), finished.clone());
                std::thread::spawn(move || serve(&stream, &recorded, &finished));
            }
        });
        Self { url, sent, done }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.sent.lock().unwrap())
    }
}

/// Answers the requests of one connection, until it ends.
fn serve(stream: &TcpStream, sent: &Mutex<Vec<String>>, finished: &mpsc::Sender<()>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream);
    loop {
        let asked = Asked::read(&mut reader)?;
        let case = asked
            .target
            .get(1..3)
            .and_then(|number| number.parse::<usize>().ok());
        let case = case.filter(|case| *case < CASES.len());
        let answer = match case {
            Some(case) if asked.method == "GET" && asked.target == page_of(case) => {
                page(&CASES[case])
            }
            Some(case) => {
                sent.lock().unwrap().push(asked.shown());
                let next = if case + 1 < CASES.len() {
                    page_of(case + 1)
                } else {
                    "/done".to_owned()
                };
                format!("HTTP/1.1 303 See Other\r\nlocation: {next}\r\ncontent-length: 0\r\n\r\n")
                    .into_bytes()
            }
            None => {
                if asked.target == "/done" {
                    let _ = finished.send(());
                }
                b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec()
            }
        };
        (&*stream).write_all(&answer).ok()?;
    }
}

fn page(case: &Case) -> Vec<u8> {
    let script = format!(
        "<!doctype html><script>addEventListener('load', () => {{ const f = document.forms[0]; {} }})</script>",
        case.act
    );
    let body = [script.as_bytes(), case.page].concat();
    let mut head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {}\r\ncache-control: no-store\r\ncontent-length: {}\r\n",
        case.content_type,
        body.len()
    );
    for cookie in case.cookies {
        let _ = write!(head, "set-cookie: {cookie}\r\n");
    }
    [head.as_bytes(), b"\r\n", &body].concat()
}

/// A request in octets.
struct Asked {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Asked {
    fn read(reader: &mut impl BufRead) -> Option<Self> {
        let mut lines = Vec::new();
        loop {
            let mut line = Vec::new();
            reader
                .read_until(b'\n', &mut line)
                .ok()
                .filter(|length| *length > 0)?;
            let line = line.trim_ascii_end().to_vec();
            if line.is_empty() {
                break;
            }
            lines.push(line);
        }
        let first = String::from_utf8(lines.first()?.clone()).ok()?;
        let mut words = first.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let headers: Vec<_> = lines[1..]
            .iter()
            .filter_map(|line| {
                let colon = line.iter().position(|byte| *byte == b':')?;
                let name = String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase();
                Some((name, line[colon + 1..].trim_ascii_start().to_vec()))
            })
            .collect();
        let mut asked = Self {
            method,
            target,
            headers,
            body: Vec::new(),
        };
        let length = String::from_utf8(asked.header("content-length")).ok()?;
        asked.body = vec![0; length.parse().unwrap_or(0)];
        reader.read_exact(&mut asked.body).ok()?;
        Some(asked)
    }

    /// The fields of a name; each field counts.
    fn header(&self, name: &str) -> Vec<u8> {
        let fields = self.headers.iter().filter(|(known, _)| known == name);
        let values: Vec<&[u8]> = fields.map(|(_, value)| value.as_slice()).collect();
        values.join(&b" | "[..])
    }

    /// Method, target, content type, cookies and body, with one boundary for all multipart bodies.
    fn shown(&self) -> String {
        let shown = |octets: &[u8]| octets.escape_ascii().to_string();
        let content_type = shown(&self.header("content-type"));
        let text = format!(
            "{} {}\n  content-type: {content_type}\n  cookie: {}\n  {}",
            self.method,
            self.target,
            shown(&self.header("cookie")),
            shown(&self.body)
        );
        match content_type.split_once("boundary=") {
            Some((_, boundary)) => text.replace(boundary, "BOUNDARY"),
            None => text,
        }
    }
}

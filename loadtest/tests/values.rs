//! What a server of axum, `serde_urlencoded` and `serde_json` decodes in each place of a request is exactly the
//! value that was put in; a known value that a place cannot have is refused before the run.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "scripted/place.rs"]
mod place;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use authlab_loadtest::scenario::Scenario;
use axum::extract::{Form, Path, Query, State};
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// What was decoded: place and value.
type Decoded = Arc<Mutex<BTreeSet<(String, String)>>>;
type Fields = BTreeMap<String, String>;

/// A server of axum on a free loopback port, until the test's process ends.
fn serve() -> (String, Decoded) {
    let decoded = Decoded::default();
    let router = Router::new()
        .route("/path/{value}/end", post(path))
        .route("/form", post(form))
        .route("/json", post(json))
        .with_state(Arc::clone(&decoded));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    (url, decoded)
}

fn keep(decoded: &Decoded, place: &str, value: &str) {
    let mut decoded = decoded.lock().unwrap();
    decoded.insert((place.to_owned(), value.to_owned()));
}

async fn path(
    State(decoded): State<Decoded>,
    Path(value): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) {
    keep(&decoded, "path", &value);
    assert_eq!(query.len(), 2, "{query:?}");
    assert_eq!(query[1], ("z".to_owned(), "1".to_owned()));
    keep(&decoded, "query", &query[0].1);
    let text = |name: &str| {
        let value = headers.get(name)?.as_bytes().to_vec();
        Some(String::from_utf8(value).unwrap())
    };
    if let Some(header) = text("x-value") {
        keep(&decoded, "header", &header);
    }
    if let Some(cookie) = text("cookie") {
        let value = cookie.strip_prefix("a=").unwrap();
        keep(&decoded, "cookie", value.strip_suffix("; b=1").unwrap());
    }
}

async fn form(State(decoded): State<Decoded>, Form(form): Form<Fields>) {
    assert_eq!(form["more"], "1", "{form:?}");
    keep(&decoded, "form", &form["value"]);
}

async fn json(State(decoded): State<Decoded>, Json(json): Json<serde_json::Value>) {
    assert_eq!(json["n"], 1, "{json}");
    keep(&decoded, "json", json["list"][0].as_str().unwrap());
}

/// Values with the characters that mean something somewhere, and those that the issue names.
fn values() -> Vec<String> {
    const CHARACTERS: [&str; 34] = [
        "a", "Z", "0", " ", "#", "?", "/", "%", "%20", "&", "=", "+", ";", ",", ":", "@", "\"",
        "'", "\\", "{", "}", "{user}", "<", ">", "|", "^", "`", "~", "\n", "\r\n", "\t", "é", "☃",
        "..",
    ];
    let mut random = StdRng::seed_from_u64(17);
    let mut values: Vec<String> = [
        "a#b",
        "AT&T",
        "a b",
        "{{user}}",
        "..",
        "100%",
        "https://x/?a=b#c",
    ]
    .map(str::to_owned)
    .to_vec();
    values.extend(CHARACTERS.map(|c| format!("x{c}y")));
    values.extend((0..60).map(|_| {
        let length = random.random_range(1..12);
        (0..length)
            .map(|_| CHARACTERS[random.random_range(0..CHARACTERS.len())])
            .collect::<String>()
    }));
    values.sort();
    values.dedup();
    values
}

/// A value that a header, and a cookie, can have.
fn fits_a_header(value: &str) -> bool {
    !value.contains(['\r', '\n', ';']) && value.trim_matches([' ', '\t']) == value
}

fn csv(values: &[&str]) -> String {
    let mut text = "value\n".to_owned();
    for value in values {
        text.extend(["\"", &value.replace('"', "\"\""), "\"\n"]);
    }
    text
}

const STEPS: &str = r#"
[[pool]]
name = "any"
csv = "any.csv"
popularity = "turn"
[[step]]
name = "path"
request = "POST /path/{value}/end?y={value}&z=1"
[[step]]
name = "form"
request = "POST /form"
form = { value = "{value}", more = "1" }
[[step]]
name = "text"
request = "POST /form"
headers = { content-type = "application/x-www-form-urlencoded" }
body = "value={value}&more=1"
[[step]]
name = "json"
request = "POST /json"
json = { list = ["{value}"], n = 1 }
[[step]]
name = "typed"
request = "POST /json"
headers = { content-type = "application/json" }
body = '{"list":["{value}"],"n":1}'
"#;

const HEADERS: &str = r#"
[[pool]]
name = "any"
csv = "any.csv"
popularity = "turn"
[[step]]
name = "path"
request = "POST /path/{value}/end?y={value}&z=1"
headers = { x-value = "{value}", cookie = "a={value}; b=1" }
"#;

/// Makes the steps with each of the values, and says what the server decoded.
fn decoded(values: &[&str], steps: &str, journey: &str) -> BTreeSet<(String, String)> {
    let (url, decoded) = serve();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("any.csv"), csv(values)).unwrap();
    // As many journeys as there are members, however fast the machine is.
    let load = format!(
        "[[load]]\nname = \"one\"\nusers = 1\npools = [\"any\"]\njourney = [{journey}]\n\
         profile.quick = {{ blocks = 1, slice = \"10ms\", warm_up = \"1ms\", min_samples = {} }}\n",
        values.len() + 1
    );
    let finished = place::run_in(folder.path(), &url, &format!("{steps}{load}"));
    for slice in &finished.run.slices {
        assert_eq!(slice.failed, BTreeMap::default());
    }
    decoded.lock().unwrap().clone()
}

fn at<'d>(decoded: &'d BTreeSet<(String, String)>, place: &str) -> Vec<&'d str> {
    let of = decoded.iter().filter(|(at, _)| at == place);
    of.map(|(_, value)| value.as_str()).collect()
}

#[test]
fn a_server_decodes_exactly_the_value_in_every_place() {
    let values = values();
    let all: Vec<&str> = values.iter().map(String::as_str).collect();
    let found = decoded(&all, STEPS, r#""path", "form", "text", "json", "typed""#);
    for place in ["path", "query", "form", "json"] {
        assert_eq!(at(&found, place), all, "{place}");
    }
    let fits: Vec<&str> = all
        .into_iter()
        .filter(|value| fits_a_header(value))
        .collect();
    assert!(fits.len() > 30, "{fits:?}");
    let found = decoded(&fits, HEADERS, "\"path\"");
    for place in ["path", "header", "cookie"] {
        assert_eq!(at(&found, place), fits, "{place}");
    }
}

#[test]
fn a_known_value_that_its_place_cannot_have_is_refused_before_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.toml");
    let refused = |rows: &str, steps: &str, load: &str| {
        std::fs::write(folder.path().join("any.csv"), rows).unwrap();
        let text = format!(
            "name = \"s\"\nquestion = \"?\"\n[[variant]]\nname = \"v\"\nurl = \"http://127.0.0.1:9\"\n\
             [[step]]\nname = \"t\"\n{steps}\n[[load]]\nname = \"l\"\nusers = 1\njourney = [\"t\"]\n{load}\n\
             profile.quick = {{ blocks = 1, slice = \"1s\" }}\n[[pool]]\nname = \"any\"\ncsv = \"any.csv\"\n"
        );
        Scenario::parse(path.to_str().unwrap(), &text, "quick")
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    let pools = "pools = [\"any\"]";
    for (rows, steps, why) in [
        (
            "value\nfine\n\"s3cret\nx\"\n",
            "request = \"GET /\"\nheaders = { x = \"{value}\" }",
            "s.toml:18: csv `any.csv`: the {value} of row 2 cannot stand in a header of step `t`: it has a line break",
        ),
        (
            "value\ns3cret;x\n",
            "request = \"GET /\"\nheaders = { cookie = \"a={value}\" }",
            "the {value} of row 1 cannot stand in a cookie of step `t`: it has a `;`",
        ),
        (
            "value\ns3cret:x\n",
            "request = \"GET /\"\nbasic = [\"{value}\", \"p\"]",
            "it has a `:`",
        ),
        (
            "value\n\"s3cret\n\"\n",
            "request = \"GET /\"\nbearer = \"{value}\"",
            "it has a line break",
        ),
        (
            "value\ns3cret#x\n",
            "request = \"GET /{value:raw}\"",
            "it has a `#`",
        ),
        (
            "value\ns3cret x\n",
            "request = \"GET /{value:raw}\"",
            "it has a space",
        ),
        (
            "value\ns3cret\n",
            "request = \"POST /\"\njson = { a = \"{value:raw}\" }",
            "it is not one JSON value",
        ),
    ] {
        let said = refused(rows, steps, pools).unwrap_err();
        assert!(said.contains(why), "{said}");
        assert!(!said.contains("s3cret") && !said.contains('\n'), "{said}");
    }
    // The same values stand where there is an encoding for them.
    let rows = "value\n\"s3cret;:# x\n\"\n";
    for steps in [
        "request = \"GET /{value}?{value}\"",
        "request = \"POST /\"\njson = { a = \"{value}\" }",
    ] {
        assert_eq!(refused(rows, steps, pools), Ok(()));
    }
    // A file's own header, and a log's subjects.
    let said = refused(
        "value\n1\n",
        "request = \"GET /\"\nheaders = { x = \"a\\nb\" }",
        "",
    )
    .unwrap_err();
    assert!(
        said.ends_with("header `x` cannot be sent: it has a line break"),
        "{said}"
    );
    let line = r#"1.2.3.4 - a\x0d\x0ab [10/Oct/2025:13:00:00 +0000] "GET / HTTP/1.1" 200 1"#;
    std::fs::write(folder.path().join("access.log"), format!("{line}\n")).unwrap();
    let trace = "trace = { file = \"access.log\" }";
    let step = "request = \"trace\"\nheaders = { x = \"{trace_subject}\" }";
    let said = refused("value\n1\n", step, trace).unwrap_err();
    assert!(
        said.contains(
            "a {trace_subject} cannot stand in a header of step `t`: it has a line break"
        ),
        "{said}"
    );
}

#[test]
fn a_byte_order_mark_and_line_ends_of_windows_are_no_part_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.toml");
    let text = "name = \"s\"\nquestion = \"?\"\n[[variant]]\nname = \"v\"\nurl = \"http://127.0.0.1:9\"\n\
        [[pool]]\nname = \"p\"\ncsv = \"p.csv\"\n[[step]]\nname = \"t\"\nrequest = \"GET /{one}/{two}\"\n\
        [[load]]\nname = \"l\"\nusers = 1\npools = [\"p\"]\njourney = [\"t\"]\nprofile.quick = { blocks = 1, slice = \"1s\" }\n";
    let mark = "\u{feff}";
    std::fs::write(&path, mark.to_owned() + &text.replace('\n', "\r\n")).unwrap();
    for header in ["one,two", "\"one\",\"two\""] {
        std::fs::write(
            folder.path().join("p.csv"),
            format!("{mark}{header}\r\na,b\r\n\r\nc,\"d\r\ne\"\r\n"),
        )
        .unwrap();
        let scenario = Scenario::read(&path, "quick").unwrap();
        let table = &scenario.loads[0].pools[0].table;
        assert_eq!(table.columns, ["one", "two"]);
        assert_eq!(
            [table.value(0, "one"), table.value(0, "two")],
            [Some("a"), Some("b")]
        );
        assert_eq!(
            [table.value(1, "one"), table.value(1, "two")],
            [Some("c"), Some("d\r\ne")]
        );
    }
    std::fs::write(&path, b"\xff\xfen\0").unwrap();
    let said = Scenario::read(&path, "quick").unwrap_err().to_string();
    assert!(said.ends_with("it is UTF-16; save it as UTF-8"), "{said}");
}

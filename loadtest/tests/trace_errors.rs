//! What a scenario file says wrong of a trace is named with file, line and what is accepted.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use authlab_loadtest::scenario::Scenario;

const GOOD: &str = r#"name = "s"
question = "?"
[[variant]]
name = "a"
url = "http://127.0.0.1:9"
[[step]]
name = "get"
request = "trace"
headers = { x-subject = "{trace_subject} {trace_account}" }
[[load]]
name = "log"
users = 1
journey = ["get"]
trace = { file = "access.log" }
profile.quick = { blocks = 1, slice = "trace" }
"#;

const LINE: &str = "1.2.3.4 - - [10/Oct/2025:13:00:00 +0000] \"GET / HTTP/1.1\" 200 1\n";

/// (what is replaced, by what, the line named, words that must appear)
const MISTAKES: &[(&str, &str, usize, &str)] = &[
    (
        "access.log",
        "missing.log",
        14,
        "missing.log`: No such file",
    ),
    ("access.log", "empty.log", 14, "no request to replay"),
    (
        "access.log",
        "noise.log",
        14,
        "2 of 2 lines are not combined log lines, e.g. line 1",
    ),
    ("access.log", "", 14, "trace ``: "),
    ("file = \"access.log\"", "", 14, "missing field `file`"),
    ("file =", "fille =", 14, "did you mean `file`?"),
    (
        "file =",
        "format = \"csv\", file =",
        14,
        "use combined or json",
    ),
    (
        "file =",
        "format = \"json\", file =",
        14,
        "1 of 1 lines are not JSON log lines",
    ),
    ("file =", "subject = \"host\", file =", 14, "use user or ip"),
    (
        "file =",
        "subject = \"ip\", format = \"json\", file =",
        14,
        "a json line names its own",
    ),
    (
        "file =",
        "methods = [], file =",
        14,
        "write [\"GET\", \"HEAD\"]",
    ),
    (
        "file =",
        "methods = [\"G T\"], file =",
        14,
        "`G T` is not a method",
    ),
    (
        "file =",
        "methods = [\"PUT\"], file =",
        14,
        "1 of 1 lines are of other `methods`",
    ),
    (
        "file =",
        "from = \"noon\", file =",
        14,
        "write from = \"2026-01-31T08:00:00Z\"",
    ),
    (
        "file =",
        "from = \"2026-01-31T08:00:00Z\", file =",
        14,
        "1 of 1 lines are before `from`",
    ),
    ("file =", "speed = 0, file =", 14, "0.00001 to 100000"),
    ("file =", "speed = nan, file =", 14, "0.00001 to 100000"),
    ("file =", "speed = \"fast\", file =", 14, "expected"),
    (
        "trace = {",
        "rate = 5\ntrace = {",
        14,
        "one of `rate`, `think` and `trace`",
    ),
    (
        "trace = {",
        "capacity = { slo = \"p99 < 20ms\" }\ntrace = {",
        15,
        "a `trace` has its own times",
    ),
    (
        "trace = {",
        "think = \"1s\"\ntrace = {",
        14,
        "one of `rate`, `think` and `trace`",
    ),
    (
        "trace = {",
        "spacing = \"poisson\"\ntrace = {",
        14,
        "one of `rate`, `think` and `trace`",
    ),
    (
        "trace = { file = \"access.log\" }",
        "rate = 5",
        13,
        "step `get` is of a trace",
    ),
    (
        "journey =",
        "prepare = [\"get\"]\njourney =",
        14,
        "step `get` is of a trace",
    ),
    ("\"trace\"", "\"replay\"", 8, "or `trace` for a line"),
    (
        "request = \"trace\"\nheaders = { x-subject = \"{trace_subject} {trace_account}\" }\n[[load]]\nname = \"log\"\nusers = 1\njourney = [\"get\"]\ntrace = { file = \"access.log\" }",
        "request = \"GET /\"\n[[load]]\nname = \"log\"\nusers = 1\njourney = [\"get\"]",
        13,
        "write a duration",
    ),
    ("{trace_account}", "{trace_time}", 13, "trace_account"),
    (
        "slice = \"trace\"",
        "slice = \"all\"",
        15,
        "write 500us, 250ms, 10s or 2m",
    ),
];

#[test]
fn each_mistake_is_one_line_with_its_place_and_what_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.toml");
    std::fs::write(folder.path().join("access.log"), LINE).unwrap();
    std::fs::write(folder.path().join("empty.log"), "").unwrap();
    std::fs::write(folder.path().join("noise.log"), "one\ntwo\n").unwrap();
    let refusal = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Scenario::read(&path, "quick")
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    // A trace's file lies beside the scenario, wherever that is read from.
    std::fs::write(&path, GOOD).unwrap();
    Scenario::read(&path, "quick").unwrap();
    for (old, new, line, words) in MISTAKES {
        assert!(GOOD.contains(*old), "{old}");
        let said = refusal(&GOOD.replacen(*old, new, 1));
        assert!(
            said.starts_with(&format!("{}:{line}: ", path.display())),
            "{new}: {said}"
        );
        assert!(said.contains(*words), "{new}: {said}");
        assert!(!said.contains('\n'), "{new}: {said}");
    }
}

//! What a scenario file says wrong is named with file, line and what is accepted.

#[path = "scripted/refusals.rs"]
mod refusals;

use authlab_loadtest::scenario::Scenario;
use refusals::each_is_told;

const GOOD: &str = r#"name = "s"
question = "?"
baseline = "a"
[[variant]]
name = "a"
flags = { binding = "md5" }
[[variant]]
name = "b"
url = "http://127.0.0.1:9"
[[step]]
name = "get"
request = "GET /"
headers = { accept = "*/*" }
[[load]]
name = "one"
users = 1
journey = ["get*5"]
profile.quick = { blocks = 1, slice = "10ms" }
[ladder]
latency = "one.get"
"#;

#[test]
fn each_mistake_is_one_line_with_its_place_and_what_is_accepted() {
    // (what is replaced, by what, the line named, words that must appear)
    let table = [
        ("question", "qestion", 2, "did you mean `question`?"),
        ("users = 1", "usres = 1", 16, "did you mean `users`?"),
        ("baseline = \"a\"", "baseline = \"c\"", 3, "there are: a, b"),
        ("name = \"b\"", "name = \"a\"", 8, "already there"),
        ("name = \"b\"", "name = \"b c\"", 8, "use letters"),
        (
            "url = \"http://127.0.0.1:9\"",
            "url = \"ftp://x\"",
            9,
            "use http://host:port or https://host:port",
        ),
        (
            "url = \"http://127.0.0.1:9\"",
            "",
            8,
            "exactly one of: flags",
        ),
        (
            "url = \"http://127.0.0.1:9\"",
            "command = [\"x\"]",
            8,
            "{port}",
        ),
        (
            "request = \"GET /\"",
            "request = \"GET\"",
            12,
            "write it as `GET /path`",
        ),
        ("\"*/*\"", "\"{token}\"", 17, "which no earlier step saves"),
        ("accept =", "\"a b\" =", 13, "not a header name"),
        ("users = 1", "users = 0", 16, "1 to 10000"),
        ("users = 1", "users = 4\nstreams = 5", 17, "must be 1 to 4"),
        (
            "users = 1",
            "users = 1\nconnections = \"fresh\"",
            17,
            "use kept, resumed or new",
        ),
        (
            "users = 1",
            "users = 4\nstreams = 2",
            17,
            "which no variant speaks",
        ),
        (
            "users = 1",
            "users = 1\nspacing = \"poisson\"",
            17,
            "needs a `rate`",
        ),
        (
            "users = 1",
            "users = 1\nrate = 10\nthink = \"1s\"",
            18,
            "not both",
        ),
        (
            "users = 1",
            "users = 1\nrate = 10\nspacing = \"even\"",
            18,
            "uniform or poisson",
        ),
        ("users = 1", "users = 1\nrate = 0", 17, "more than 0"),
        (
            "users = 1",
            "users = 1\nrate = \"fast\"",
            17,
            "write rate = 1000, or pieces",
        ),
        (
            "users = 1",
            "users = 1\nrate = [{ for = \"1s\", att = 5 }]",
            17,
            "for, at, from, to",
        ),
        (
            "users = 1",
            "users = 1\nrate = [{ for = \"1s\", from = 5 }]",
            17,
            "`from` and `to`",
        ),
        (
            "users = 1",
            "users = 1\nthink = \"soon\"",
            17,
            "write 500us",
        ),
        (
            "users = 1",
            "users = 1\nthink = \"1s\"\nthink_spread = \"wide\"",
            18,
            "uniform or exponential",
        ),
        (
            "users = 1",
            "users = 1\ncapacity = { slo = \"p99 > 1ms\" }",
            17,
            "p99 < 20ms",
        ),
        (
            "users = 1",
            "users = 1\ncapacity = { slo = \"p99 < fast\" }",
            17,
            "write 500us",
        ),
        (
            "users = 1",
            "users = 1\ncapacity = { errors = \"< 1%\" }",
            17,
            "missing field `slo`",
        ),
        (
            "users = 1",
            "users = 1\ncapacity = { slo = \"p99 < 1ms\", errors = \"few\" }",
            17,
            "write a share: < 0.1%",
        ),
        (
            "users = 1",
            "users = 1\ncapacity = { slo = \"p99 < 1ms\", from = 0.0 }",
            17,
            "0.1 to 1000000",
        ),
        (
            "users = 1",
            "users = 1\ncapacity = { slo = \"p99 < 1ms\", precision = \"90%\" }",
            17,
            "use 1% to 50%",
        ),
        (
            "users = 1",
            "users = 1\ncapacity = { slo = \"p99 < 1ms\", form = 5 }",
            17,
            "did you mean `from`?",
        ),
        (
            "users = 1",
            "users = 1\nrate = 5\ncapacity = { slo = \"p99 < 1ms\" }",
            17,
            "searches for its rate",
        ),
        (
            "users = 1",
            "users = 1\nthink = \"1s\"\ncapacity = { slo = \"p99 < 1ms\" }",
            17,
            "no `think` time",
        ),
        ("get*5", "got*5", 17, "there are: get; did you mean `get`?"),
        ("get*5", "get*0", 17, "name*40"),
        ("blocks = 1", "blocks = 0", 1, "nothing would be measured"),
        (
            "request = \"GET /\"",
            "variants = [\"c\"]\nrequest = \"GET /\"",
            12,
            "there are: a, b",
        ),
        (
            "request = \"GET /\"",
            "variants = [\"b\"]\nrequest = \"GET /\"",
            11,
            "no form for variant `a`",
        ),
        (
            "[[load]]",
            "[[step]]\nname = \"get\"\nrequest = \"GET /x\"\n[[load]]",
            15,
            "`get` is already there",
        ),
        (
            "[[load]]",
            "[[step]]\nname = \"get\"\nvariants = [\"a\", \"b\"]\nrequest = \"GET /{x}\"\n[[load]]",
            21,
            "which no earlier step saves",
        ),
        (
            "headers = { accept",
            "attack = \"theft\"\nsave = { x = \"json:/x\" }\nheaders = { accept",
            13,
            "it has no `probe`",
        ),
        ("10ms", "10", 18, "write 500us, 250ms, 10s or 2m"),
        ("profile.quick", "profile.slow", 18, "it has: slow"),
        (
            "profile.quick",
            "profile.quik",
            18,
            "it has: quik; did you mean `quik`?",
        ),
        (
            "one.get",
            "one.got",
            20,
            "one of: one.get; did you mean `one.get`?",
        ),
        ("[\"get*5\"]", "[]", 17, "at least one step"),
        (
            "flags = { binding = \"md5\" }",
            "flags = { binding = [1] }",
            5,
            "use text",
        ),
        ("name = \"s\"", "name = ", 1, ""),
    ];
    each_is_told(GOOD, &table);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Scenario::read(std::path::Path::new("/nonexistent/s.toml"), "quick").unwrap_err();
    assert!(
        error.to_string().starts_with("/nonexistent/s.toml: "),
        "{error}"
    );
}

#[test]
fn every_scenario_of_the_house_is_accepted_in_each_of_its_profiles() {
    let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios"));
    let mut read = 0;
    let in_folder = |folder: &std::path::Path| {
        let entries = std::fs::read_dir(folder).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.collect::<Vec<_>>()
    };
    let (folders, mut files): (Vec<_>, Vec<_>) = in_folder(folder)
        .into_iter()
        .partition(|path| path.is_dir());
    // Scenarios that need files of their own have a folder.
    files.extend(folders.iter().flat_map(|folder| in_folder(folder)));
    files.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    // Read where scenarios/tls/certificate.sh has been run.
    files.retain(|path| {
        let is_of_tls = path.parent().unwrap().ends_with("tls");
        !is_of_tls || path.with_file_name("server.pem").exists()
    });
    for path in files {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        for profile in ["smoke", "quick", "full"] {
            let text = std::fs::read_to_string(&path).unwrap();
            if !text.contains(&format!("profile.{profile} ")) {
                continue;
            }
            let scenario = Scenario::read(&path, profile).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(scenario.name, name, "a file is named as its scenario");
            read += 1;
        }
    }
    assert!(read >= 12, "{read}");
}

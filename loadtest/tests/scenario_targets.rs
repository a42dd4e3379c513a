//! What a variant says wrong of its server's protocol is named with file, line and what is accepted.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use authlab_loadtest::protocol::{HttpVersion, Trust};
use authlab_loadtest::scenario::{Scenario, ScenarioError, Target};

/// A scenario of one variant; its keys begin on line 5.
fn parse(path: &str, keys: &str) -> Result<Scenario, ScenarioError> {
    let text = format!(
        r#"name = "s"
question = "?"
[[variant]]
name = "v"
{keys}
[[step]]
name = "get"
request = "GET /"
[[load]]
name = "one"
users = 1
journey = ["get"]
profile.quick = {{ blocks = 1, slice = "10ms" }}
"#
    );
    Scenario::parse(path, &text, "quick")
}

/// Keys (`COMMAND` stands for the key of that name), the line named, words that must appear.
const REFUSED: &[(&str, usize, &str)] = &[
    ("url = \"https://h:1/items\"", 5, "paths belong to steps"),
    ("url = \"https://h:0\"", 5, "https://host:port"),
    (
        "url = \"https://u:p@h\"",
        5,
        "user or password is not accepted",
    ),
    ("url = \"https://h\"\nhttp = \"3\"", 6, "use 1.1 or 2"),
    ("url = \"https://h\"\nhttp = 2", 6, "expected a string"),
    (
        "url = \"https://h\"\nhtpp = \"2\"",
        6,
        "did you mean `http`?",
    ),
    ("url = \"http://h\"\nca = \"ca.pem\"", 6, "`ca` is of TLS"),
    (
        "url = \"https://h\"\nca = \"nothing.pem\"",
        6,
        "nothing.pem: No such file",
    ),
    (
        "url = \"https://h\"\nca = \"Cargo.toml\"",
        6,
        "BEGIN CERTIFICATE is wanted",
    ),
    (
        "url = \"https://h\"\ntls = true",
        6,
        "belong to a variant with a `command`",
    ),
    (
        "url = \"https://h\"\nhost = \"h\"",
        6,
        "belong to a variant with a `command`",
    ),
    (
        "url = \"https://h\"\nready = \"/\"",
        6,
        "belong to a variant with a `command`",
    ),
    ("flags = {}\nca = \"ca.pem\"", 6, "or the flag `tls`"),
    ("flags = {}\nhttp = \"2\"", 6, "add the flag `tls`"),
    (
        "flags = {}\ntls = true",
        6,
        "belong to a variant with a `command`",
    ),
    ("COMMAND\ntls = \"yes\"", 6, "expected a boolean"),
    ("COMMAND\nca = \"ca.pem\"", 6, "a command with tls = true"),
    ("COMMAND\ntls = false\nca = \"ca.pem\"", 7, "`ca` is of TLS"),
    ("COMMAND\nhttp = \"two\"", 6, "use 1.1 or 2"),
    (
        "COMMAND\ncertificate = [\"a.pem\", \"b.pem\"]",
        6,
        "`certificate` is of TLS",
    ),
    ("url = \"https://h\"\ncertificate = [\"a.pem\"]", 6, ""),
    (
        "url = \"https://h\"\ncertificate = [\"nowhere.pem\", \"Cargo.toml\"]",
        6,
        "certificate: nowhere.pem: No such file",
    ),
    ("COMMAND\nhost = \"h:80\"", 6, "write a name alone"),
    ("COMMAND\nhost = \"\"", 6, "write a name alone"),
    (
        "COMMAND\nready = \"healthz\"",
        6,
        "is a path, e.g. /healthz",
    ),
];

#[test]
fn each_mistake_is_one_line_with_its_place_and_what_is_accepted() {
    for (keys, line, words) in REFUSED {
        let keys = keys.replace("COMMAND", "command = [\"x\", \"{port}\"]");
        let said = parse("s.toml", &keys).unwrap_err().to_string();
        assert!(
            said.starts_with(&format!("s.toml:{line}: ")),
            "{keys}: {said}"
        );
        assert!(said.contains(words), "{keys}: {said}");
        assert!(!said.contains('\n'), "{keys}: {said}");
    }
}

#[test]
fn what_is_not_said_is_http_1_1_with_the_roots_of_the_system() {
    let scenario = parse("s.toml", "url = \"https://h\"").unwrap();
    let Target::Url { protocol, .. } = &scenario.variants[0].target else {
        panic!("{:?}", scenario.variants[0].target);
    };
    assert_eq!(protocol.http, HttpVersion::One);
    assert_eq!(protocol.tls, Some(Trust::System));
    let scenario = parse("s.toml", "command = [\"x\", \"{port}\"]").unwrap();
    let Target::Command { protocol, host, .. } = &scenario.variants[0].target else {
        panic!("{:?}", scenario.variants[0].target);
    };
    assert_eq!((&protocol.tls, host), (&None, &None));
}

#[test]
fn the_reference_server_is_reached_as_its_flags_say() {
    let keys = "flags = { tls = \"cert.pem,key.pem\" }\nhttp = \"2\"";
    let scenario = parse("s.toml", keys).unwrap();
    let Target::Authlab { protocol, .. } = &scenario.variants[0].target else {
        panic!("{:?}", scenario.variants[0].target);
    };
    assert_eq!(protocol.http, HttpVersion::Two);
    assert_eq!(protocol.tls, Some(Trust::System));
    let scenario = parse("s.toml", "flags = {}").unwrap();
    let Target::Authlab { protocol, .. } = &scenario.variants[0].target else {
        panic!("{:?}", scenario.variants[0].target);
    };
    assert_eq!((protocol.http, &protocol.tls), (HttpVersion::One, &None));
}

#[test]
fn a_ca_file_is_looked_for_beside_the_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let key = rcgen::generate_simple_self_signed(["h".to_owned()]).unwrap();
    std::fs::write(folder.path().join("ca.pem"), key.cert.pem()).unwrap();
    let path = folder.path().join("s.toml").display().to_string();
    let scenario = parse(&path, "url = \"https://h\"\nca = \"ca.pem\"").unwrap();
    let Target::Url { protocol, .. } = &scenario.variants[0].target else {
        panic!("{:?}", scenario.variants[0].target);
    };
    assert_eq!(
        protocol.tls,
        Some(Trust::Only(vec![key.cert.der().clone()]))
    );
}

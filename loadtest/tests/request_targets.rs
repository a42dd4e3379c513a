//! Request targets of a scenario: refused with the place where they are written, or read as they are sent.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use authlab_loadtest::scenario::{Scenario, ScenarioError};

fn parse(request: &str, ready: &str) -> Result<Scenario, ScenarioError> {
    let request = toml::Value::from(request);
    let ready = toml::Value::from(ready);
    let text = format!(
        "name = \"s\"\nquestion = \"?\"\n[[variant]]\nname = \"v\"\ncommand = [\"x\", \"{{port}}\"]\nready = {ready}\n\
         [[step]]\nname = \"ask\"\nrequest = {request}\n\
         [[load]]\nname = \"one\"\nusers = 1\njourney = [\"ask\"]\nprofile.quick = {{ blocks = 1, slice = \"10ms\" }}\n"
    );
    Scenario::parse("s.toml", &text, "quick")
}

#[test]
fn a_target_that_cannot_be_sent_is_named_with_its_line() {
    let table = [
        ("GET /a b", "cannot hold a space; write %20"),
        ("GET /a HTTP/1.1", "cannot hold a space"),
        ("GET {user}/a b", "write it as `GET /path`"),
        ("GET /{user}/a b", "cannot hold a space"),
        ("GET /a\tb", "U+0009"),
        ("GET /a\u{0}", "U+0000"),
        ("GET /a#{user}", "begins a fragment"),
        ("GET a", "write it as `GET /path`"),
        ("GET ?a=b", "write it as `GET /path`"),
        ("GET ", "write it as `GET /path`"),
        ("GET", "write it as `GET /path`"),
        ("/a", "write it as `GET /path`"),
        ("", "write it as `GET /path`"),
    ];
    for (request, words) in table {
        let said = parse(request, "/").unwrap_err().to_string();
        assert!(
            said.starts_with("s.toml:") && said.contains(words),
            "{request:?}: {said}"
        );
        assert!(!said.contains('\n'), "{said}");
    }
    for ready in ["", "healthz", "/a b", "/a#b", "/a\nb"] {
        let said = parse("GET /", ready).unwrap_err().to_string();
        assert!(said.starts_with("s.toml:6: "), "{ready:?}: {said}");
    }
}

#[test]
fn what_a_url_may_hold_is_read_as_it_is_sent() {
    let table = [
        ("GET /größe?q=ä", "/gr%C3%B6%C3%9Fe?q=%C3%A4"),
        ("GET /a%20b?c=%", "/a%20b?c=%"),
        ("GET  /a ", "/a"),
        ("GET /a?b=\"<c>\"", "/a?b=%22%3Cc%3E%22"),
        ("GET //a", "//a"),
    ];
    for (request, target) in table {
        let scenario = parse(request, "/").unwrap();
        assert_eq!(
            scenario.steps[0].target.fill(|_, _| false).unwrap(),
            target,
            "{request}"
        );
    }
}

//! The words that repeat it. A header and a body may hold a secret: what they say stays out.

use super::Arguments;

const WITHHELD: &str = "…";

pub(super) fn of(arguments: &Arguments) -> Vec<String> {
    let mut words = vec![
        "authlab".to_owned(),
        "load".to_owned(),
        arguments.url.clone(),
    ];
    for path in &arguments.get {
        words.extend(["--get".to_owned(), path.clone()]);
    }
    for header in &arguments.headers {
        let name = header.split(':').next().unwrap_or_default();
        words.extend(["-H".to_owned(), format!("{name}: {WITHHELD}")]);
    }
    let expect: Vec<_> = arguments.expect.iter().map(u16::to_string).collect();
    let options = [
        ("--method", arguments.method.clone()),
        (
            "--data",
            arguments.data.as_ref().map(|_| WITHHELD.to_owned()),
        ),
        ("--expect", (!expect.is_empty()).then(|| expect.join(","))),
        (
            "--ca",
            arguments.ca.as_ref().map(|ca| ca.display().to_string()),
        ),
        ("--users", arguments.users.map(|users| users.to_string())),
        ("--rate", arguments.rate.map(|rate| rate.to_string())),
        ("--spacing", arguments.spacing.clone()),
        ("--think", arguments.think.clone()),
        ("--duration", Some(arguments.duration.clone())),
        ("--warm-up", Some(arguments.warm_up.clone())),
        ("--timeout", Some(arguments.timeout.clone())),
    ];
    for (option, value) in options {
        if let Some(value) = value {
            words.extend([option.to_owned(), value]);
        }
    }
    if arguments.http2 {
        words.push("--http2".to_owned());
    }
    words
}

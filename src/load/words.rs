//! The words that repeat it, without its credentials. A header and a body may hold a secret: what they say stays out.

use authlab_reports::withhold;

use super::Arguments;

pub(super) fn of(arguments: &Arguments) -> Vec<String> {
    let mut words = vec![
        "authlab".to_owned(),
        "load".to_owned(),
        withhold::url(&arguments.url),
    ];
    words.extend(arguments.requests.words());
    let options = [
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

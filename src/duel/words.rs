//! The words that repeat a duel. Credentials in them are withheld: the words are in the run, which is published.

use authlab_reports::judge::metric::Metric;
use authlab_reports::withhold;

use super::Arguments;

pub(super) fn of(arguments: &Arguments, seed: u64) -> Vec<String> {
    let mut words = vec!["authlab".to_owned(), "duel".to_owned()];
    words.extend(
        arguments
            .scenario
            .iter()
            .map(|file| file.display().to_string()),
    );
    words.extend(arguments.requests.words());
    let gates: Vec<_> = arguments.gate.iter().map(Metric::to_string).collect();
    let options = [
        ("--base", arguments.base.as_deref().map(withhold::command)),
        ("--head", arguments.head.as_deref().map(withhold::command)),
        ("--base-name", Some(arguments.base_name.clone())),
        ("--head-name", Some(arguments.head_name.clone())),
        ("--name", arguments.name.clone()),
        ("--gate", Some(gates.join(","))),
        ("--users", arguments.users.map(|users| users.to_string())),
        ("--slice", arguments.slice.clone()),
        ("--warm-up", Some(arguments.warm_up.clone())),
        ("--timeout", arguments.timeout.clone()),
        (
            "--restart-blocks",
            Some(arguments.restart_blocks.to_string()),
        ),
        ("--ready", arguments.ready.as_deref().map(withhold::url)),
        ("--ready-within", Some(arguments.ready_within.clone())),
        ("--profile", Some(arguments.profile.clone())),
        ("--seed", Some(seed.to_string())),
    ];
    for (option, value) in options {
        if let Some(value) = value {
            words.extend([option.to_owned(), value]);
        }
    }
    let switches = [
        ("--http2", arguments.http2),
        ("--instructions", arguments.instructions),
    ];
    words.extend(
        switches
            .into_iter()
            .filter(|(_, on)| *on)
            .map(|(switch, _)| switch.to_owned()),
    );
    words
}

//! The words that repeat a run. They are those of its command line, and the run that holds them is published: credentials
//! are withheld, and typed again when it is repeated.
//!
//! They are made of what clap knows of a verb's flags, so that a new flag is its declaration alone.

use std::convert::Infallible;

use anyhow::{Context, bail};
use authlab_reports::withhold::{self, WITHHELD};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

/// The value of a flag that may hold credentials.
#[derive(Clone)]
pub(crate) struct Confidential {
    /// As typed.
    pub(crate) text: String,
    /// Without its credentials.
    written: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Command,
    Url,
    Header,
    Body,
}

// Each is a parser of values for clap.
#[expect(
    clippy::unnecessary_wraps,
    reason = "clap wants a parser that may fail"
)]
impl Confidential {
    pub(crate) fn command(text: &str) -> Result<Self, Infallible> {
        Ok(Self::new(text, withhold::command(text), Kind::Command))
    }

    /// A URL, or a path with a query.
    pub(crate) fn url(text: &str) -> Result<Self, Infallible> {
        Ok(Self::new(text, withhold::url(text), Kind::Url))
    }

    /// `name: value`: any value may be one.
    pub(crate) fn header(text: &str) -> Result<Self, Infallible> {
        let written = format!("{}: {WITHHELD}", name(text));
        Ok(Self::new(text, written, Kind::Header))
    }

    /// All of it may be one.
    pub(crate) fn body(text: &str) -> Result<Self, Infallible> {
        Ok(Self::new(text, WITHHELD.to_owned(), Kind::Body))
    }
}

impl Confidential {
    fn new(text: &str, written: String, kind: Kind) -> Self {
        Self {
            text: text.to_owned(),
            written,
            kind,
        }
    }

    /// Whether this, typed again, may be what `written` was; header names have no case.
    fn may_be(&self, written: &str) -> bool {
        match self.kind {
            Kind::Header => name(&self.written).eq_ignore_ascii_case(name(written)),
            _ => self.written == written,
        }
    }
}

fn name(header: &str) -> &str {
    header.split(':').next().unwrap_or_default().trim()
}

/// `authlab VERB` and its arguments, defaults too, but for those whose ids are `without`.
pub(crate) fn of<A: Args>(verb: &str, typed: &ArgMatches, without: &[String]) -> Vec<String> {
    let mut words = vec!["authlab".to_owned(), verb.to_owned()];
    for argument in A::augment_args(Command::new("authlab")).get_arguments() {
        if !without.iter().any(|id| argument.get_id() == id.as_str()) {
            let values = values(argument, typed, |value| value.written.clone());
            words.extend(worded(argument, values));
        }
    }
    words
}

/// A group of arguments as words, credentials too: for a command that is parsed at once and written nowhere.
pub(crate) fn as_typed<A: Args>(typed: &ArgMatches) -> Vec<String> {
    let group = A::augment_args(Command::new("authlab"));
    let words = group.get_arguments().flat_map(|argument| {
        let values = values(argument, typed, |value| value.text.clone());
        worded(argument, values)
    });
    words.collect()
}

/// The ids of a group of arguments.
pub(crate) fn ids<A: Args>() -> Vec<String> {
    let command = A::augment_args(Command::new("authlab"));
    let ids = command.get_arguments().map(Arg::get_id);
    ids.map(ToString::to_string).collect()
}

/// Whether any of a group of arguments was typed.
pub(crate) fn any_of<A: Args>(typed: &ArgMatches) -> bool {
    let is_typed = |id: &String| typed.value_source(id) == Some(ValueSource::CommandLine);
    ids::<A>().iter().any(is_typed)
}

/// The arguments that a run's `words` say. What was withheld of them is taken from what is typed `again`; what else is typed
/// of them has to be the same: another command would be another run.
pub(crate) fn read<A: Args + FromArgMatches>(
    words: &[String],
    again: &ArgMatches,
) -> anyhow::Result<(A, ArgMatches)> {
    let command = A::augment_args(Command::new("authlab").no_binary_name(true));
    let parse = |words: &[String]| {
        let parsed = command.clone().try_get_matches_from(words);
        parsed
            .ok()
            .context("the run's words are not those of this authlab: repeat the duel by its flags")
    };
    let written = parse(words)?;
    let mut whole = Vec::new();
    for argument in command.get_arguments() {
        let values = match confidential(argument, &written) {
            Some(values) => put_back(argument, values, again)?,
            None => values(argument, &written, |value| value.text.clone()),
        };
        whole.extend(worded(argument, values));
    }
    let whole = parse(&whole)?;
    Ok((A::from_arg_matches(&whole)?, whole))
}

/// Values of a run's words, without what was withheld of them.
fn put_back(
    argument: &Arg,
    written: Vec<Confidential>,
    again: &ArgMatches,
) -> anyhow::Result<Vec<String>> {
    let mut again = confidential(argument, again).unwrap_or_default();
    let several = matches!(argument.get_action(), ArgAction::Append);
    let option = option(argument).unwrap_or_default();
    let mut whole = Vec::new();
    for Confidential { text, kind, .. } in written {
        let found = again.iter().position(|typed| typed.may_be(&text));
        whole.push(match (found, again.first()) {
            (Some(found), _) => again.remove(found).text,
            (None, Some(other)) if !several => bail!(
                "{option} `{}` is not that of the run, which is `{text}`",
                other.written
            ),
            (None, _) if text.contains(WITHHELD) => bail!(match kind {
                Kind::Header => {
                    let name = name(&text).to_ascii_lowercase();
                    format!("the value of header `{name}` was not written down: give it again with -H '{name}: …'")
                }
                Kind::Body => format!("the body was not written down: give it again with {option}"),
                Kind::Url | Kind::Command if several => format!(
                    "a part of {option} {text} was not written down: give each {option} again, in its order"
                ),
                Kind::Url | Kind::Command => format!(
                    "credentials in {option} `{text}` were not written down: give it again, with {option} '…'"
                ),
            }),
            (None, _) => text,
        });
    }
    Ok(whole)
}

fn confidential(argument: &Arg, matches: &ArgMatches) -> Option<Vec<Confidential>> {
    let values = matches.try_get_many::<Confidential>(argument.get_id().as_str());
    Some(values.ok()??.cloned().collect())
}

/// The values of an argument as text: what is no [`Confidential`] as it was typed, or as its parser wrote it.
fn values(
    argument: &Arg,
    matches: &ArgMatches,
    said: impl Fn(&Confidential) -> String,
) -> Vec<String> {
    let id = argument.get_id().as_str();
    if let Some(values) = confidential(argument, matches) {
        return values.iter().map(said).collect();
    }
    if let Ok(Some(values)) = matches.try_get_many::<String>(id) {
        return values.cloned().collect();
    }
    let raw = matches.get_raw(id).into_iter().flatten();
    raw.map(|text| text.to_string_lossy().into_owned())
        .collect()
}

/// An argument's words on a command line.
fn worded(argument: &Arg, values: Vec<String>) -> Vec<String> {
    let option = option(argument);
    if matches!(argument.get_action(), ArgAction::SetTrue) {
        let set = values.iter().any(|value| value == "true");
        return option.filter(|_| set).into_iter().collect();
    }
    let values = match argument.get_value_delimiter() {
        Some(delimiter) if !values.is_empty() => vec![values.join(&delimiter.to_string())],
        _ => values,
    };
    let with_option = |value| option.clone().into_iter().chain([value]);
    values.into_iter().flat_map(with_option).collect()
}

fn option(argument: &Arg) -> Option<String> {
    argument.get_long().map(|long| format!("--{long}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[derive(clap::Args)]
    struct Flags {
        #[arg(value_parser = Confidential::url)]
        url: Confidential,
        #[arg(long, value_parser = Confidential::url)]
        get: Vec<Confidential>,
        #[arg(short = 'H', long = "header", value_parser = Confidential::header)]
        headers: Vec<Confidential>,
        #[arg(long, value_parser = Confidential::body)]
        data: Option<Confidential>,
        #[arg(long, value_parser = Confidential::command)]
        base: Option<Confidential>,
        #[arg(long, value_delimiter = ',', default_value = "p50,errors")]
        gate: Vec<String>,
        #[arg(long)]
        users: Option<usize>,
        #[arg(long)]
        http2: bool,
        #[arg(long, default_value = "text")]
        format: String,
    }

    fn parsed(words: &[&str]) -> ArgMatches {
        let command = Flags::augment_args(Command::new("authlab").no_binary_name(true));
        command.try_get_matches_from(words).unwrap()
    }

    const TYPED: [&str; 17] = [
        "http://h/a",
        "--get",
        "/x?token=one",
        "--get",
        "/x?token=two",
        "-H",
        "X-A: s1",
        "--header",
        "x-b: s2",
        "--data",
        "s3",
        "--base",
        "K=s4 ./srv {port}",
        "--users",
        "3",
        "--http2",
        "--format=json",
    ];

    #[test]
    fn words_say_every_argument_but_what_is_withheld() {
        let words = of::<Flags>("load", &parsed(&TYPED), &["format".to_owned()]);
        let said = "authlab load http://h/a --get /x?token=… --get /x?token=… --header X-A: … --header x-b: … --data … \
                    --base K=… ./srv {port} --gate p50,errors --users 3 --http2";
        assert_eq!(words.join(" "), said);
    }

    #[test]
    fn words_as_typed_are_parsed_as_what_they_were() {
        let words = as_typed::<Flags>(&parsed(&TYPED));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert!(
            words.contains(&"s3") && words.contains(&"X-A: s1"),
            "{words:?}"
        );
        assert_eq!(as_typed::<Flags>(&parsed(&words)), words);
    }

    #[test]
    fn what_was_withheld_is_put_back_and_the_rest_is_as_it_was() {
        let words = of::<Flags>("load", &parsed(&TYPED), &["format".to_owned()]);
        let again = [
            "http://h/a",
            "--data",
            "s3",
            "-H",
            "x-b: s2",
            "-H",
            "x-a: s1",
            "--get",
            "/x?token=one",
            "--get",
            "/x?token=two",
            "--base",
            "K=s4 ./srv {port}",
            "--users",
            "9",
        ];
        let (flags, matches) = read::<Flags>(&words[2..], &parsed(&again)).unwrap();
        let texts = |values: &[Confidential]| {
            let texts: Vec<_> = values.iter().map(|value| value.text.clone()).collect();
            texts.join(" ")
        };
        assert_eq!(flags.url.text, "http://h/a");
        assert_eq!(texts(&flags.get), "/x?token=one /x?token=two");
        assert_eq!(texts(&flags.headers), "x-a: s1 x-b: s2");
        assert_eq!(flags.data.unwrap().text, "s3");
        assert_eq!(flags.base.unwrap().text, "K=s4 ./srv {port}");
        assert_eq!(flags.gate, ["p50", "errors"]);
        assert_eq!((flags.users, flags.http2), (Some(3), true));
        assert_eq!(flags.format, "text");
        let repeated = of::<Flags>("load", &matches, &["format".to_owned()]);
        assert_eq!(repeated.join(" "), words.join(" ").replace("X-A", "x-a"));
    }

    #[test]
    fn words_of_an_older_run_are_read_in_their_order() {
        let words = [
            "http://h", "--get", "/x", "-H", "X-A: …", "--gate", "p50", "--users", "2",
        ];
        let words = words.map(str::to_owned);
        let again = parsed(&["http://h", "-H", "x-a: s1"]);
        let (flags, _) = read::<Flags>(&words, &again).unwrap();
        assert_eq!(flags.get[0].text, "/x");
        assert_eq!(flags.headers[0].text, "x-a: s1");
        assert_eq!((flags.gate.len(), flags.users), (1, Some(2)));
    }

    #[test]
    fn what_is_missing_or_another_is_refused_by_its_name() {
        let words = of::<Flags>("load", &parsed(&TYPED), &[]);
        let whole = &TYPED[1..13];
        let without =
            |from: usize, to: usize| [&["http://h/a"], &whole[..from], &whole[to..]].concat();
        for (again, said) in [
            (
                without(0, 2),
                "a part of --get /x?token=… was not written down: give each --get again",
            ),
            (
                without(4, 6),
                "the value of header `x-a` was not written down: give it again with -H 'x-a: …'",
            ),
            (
                without(8, 10),
                "the body was not written down: give it again with --data",
            ),
            (
                without(10, 12),
                "credentials in --base `K=… ./srv {port}` were not written down: give it again, with --base",
            ),
            (
                [&without(10, 12)[..], &["--base", "K=s4 ./other {port}"]].concat(),
                "--base `K=… ./other {port}` is not that of the run, which is `K=… ./srv {port}`",
            ),
        ] {
            let refused = read::<Flags>(&words[2..], &parsed(&again)).err().unwrap();
            assert!(refused.to_string().starts_with(said), "{refused}");
        }
    }
}

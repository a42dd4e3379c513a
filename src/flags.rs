//! The flags that a scenario gives to reference servers, tried before anything is started: the load generator knows HTTP, not
//! our server, and a slip in the last variant would show when the others have been measured.

use std::collections::BTreeMap;

use anyhow::bail;
use authlab_loadtest::scenario::{Scenario, Target};
#[cfg(feature = "server")]
use {
    crate::{refusal, serve},
    anyhow::Context as _,
    authlab_reports::withhold::Secrets,
    authlab_server::Design,
    authlab_server::setup::Setup,
    clap::{ArgMatches, Args as _, Command, FromArgMatches as _},
};

/// Refuses a flag that no server knows, or a value that it does not accept.
pub(crate) fn check(scenario: &Scenario) -> anyhow::Result<()> {
    for variant in &scenario.variants {
        for beside in &variant.besides {
            if let Target::Authlab { flags, .. } = &beside.target {
                parse(&format!("beside `{}`", beside.name), flags)?;
            }
        }
        let Target::Authlab { flags, .. } = &variant.target else {
            continue;
        };
        let place = format!("variant `{}`", variant.name);
        parse(&place, flags)?;
        for load in scenario.loads.iter().filter(|load| !load.flags.is_empty()) {
            parse(&format!("{place}, load `{}`", load.name), &load.flags)?;
        }
    }
    Ok(())
}

/// As a command line of `authlab serve`, in an environment that sets nothing.
#[cfg(feature = "server")]
fn parse(place: &str, flags: &BTreeMap<String, String>) -> anyhow::Result<()> {
    matched(place, flags).map(drop)
}

/// The design that the flags of a reference server mean.
#[cfg(feature = "server")]
pub(crate) fn design(place: &str, flags: &BTreeMap<String, String>) -> anyhow::Result<Design> {
    let matched = matched(place, flags)?;
    let setup = Setup::from_arg_matches(&matched)
        .map_err(|error| anyhow::anyhow!("{place}: {}", refusal::one_line(error)))?;
    setup.resolve().with_context(|| place.to_owned())
}

#[cfg(feature = "server")]
fn matched(place: &str, flags: &BTreeMap<String, String>) -> anyhow::Result<ArgMatches> {
    let command = serve::Arguments::augment_args(Command::new("serve"))
        .mut_args(|argument| argument.env(None));
    let words = flags.iter().flat_map(|(flag, value)| match value.as_str() {
        "true" => vec![format!("--{flag}")],
        "false" => Vec::new(),
        // The address of a server beside it is known when that one runs.
        text => vec![format!("--{flag}={}", addressed(text))],
    });
    let words: Vec<String> = std::iter::once("serve".to_owned()).chain(words).collect();
    match command.try_get_matches_from(&words) {
        Ok(matched) => Ok(matched),
        Err(error) => {
            let said = Secrets::of_own(&words).conceal(&refusal::one_line(error));
            bail!("{place}: {said}")
        }
    }
}

/// This build has no reference server.
#[cfg(not(feature = "server"))]
fn parse(place: &str, _flags: &BTreeMap<String, String>) -> anyhow::Result<()> {
    bail!(
        "{place}: `flags` start the reference server, which this authlab was built without (cargo feature `server`): \
         give `command` or `url`"
    )
}

/// `redis://{redis}` with an address in it.
#[cfg(feature = "server")]
fn addressed(value: &str) -> String {
    match (value.find('{'), value.rfind('}')) {
        (Some(from), Some(to)) if from < to => {
            format!("{}127.0.0.1:1{}", &value[..from], &value[to + 1..])
        }
        _ => value.to_owned(),
    }
}

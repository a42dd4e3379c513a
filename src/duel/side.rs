//! A side of a duel, as typed: a URL, a variant of the scenario, or a command to start.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use authlab_loadtest::origin::Origin;
use authlab_loadtest::protocol::{HttpVersion, Protocol, Trust};
use authlab_loadtest::scenario::{Ready, Target, Variant};
use authlab_loadtest::target;
use authlab_reports::duration;
use authlab_reports::nearest::did_you_mean;
use authlab_reports::withhold;

use super::Arguments;
use crate::requests::with_scheme;

/// A side: what is measured, and how it is called.
pub(super) fn variant(
    arguments: &Arguments,
    option: &str,
    typed: &str,
    name: &str,
    known: &[Variant],
) -> anyhow::Result<Variant> {
    let variant = known.iter().find(|variant| variant.name == typed);
    Ok(match variant {
        Some(variant) => Variant {
            name: name.to_owned(),
            ..variant.clone()
        },
        None => Variant::new(name, target(arguments, option, typed, known)?),
    })
}

fn target(
    arguments: &Arguments,
    option: &str,
    typed: &str,
    known: &[Variant],
) -> anyhow::Result<Target> {
    // What a message repeats of it.
    let shown = withhold::command(typed);
    let url = with_scheme(typed);
    if url.starts_with("http://") || url.starts_with("https://") {
        let (origin, path) = Origin::parse(&url).with_context(|| option.to_owned())?;
        if path != "/" {
            bail!("{option} {shown}: a url names the server only; paths are asked for by --get");
        }
        let protocol = protocol(arguments, origin.secure);
        return Ok(Target::Url { origin, protocol });
    }
    let mut words = shlex::split(typed)
        .with_context(|| format!("{option} `{shown}`: a quote is not closed"))?;
    // As a shell has it: NAME=VALUE in front of the command is its environment.
    let mut env = BTreeMap::new();
    while let Some((name, value)) = words.first().and_then(|word| assignment(word)) {
        env.insert(name, value);
        words.remove(0);
    }
    let told = |word: &String| word.contains("{port}");
    if words.is_empty() || !(words.iter().any(told) || env.values().any(told)) {
        let variants = match known {
            [] => String::new(),
            known => {
                let names: Vec<_> = known.iter().map(|v| v.name.as_str()).collect();
                let near = did_you_mean(typed, names.iter().copied());
                format!(
                    ", nor a variant of the scenario ({}){near}",
                    names.join(", ")
                )
            }
        };
        bail!(
            "{option} `{shown}` is neither a url (http://… or host:port) nor a command with `{{port}}` where its port is told{variants}"
        );
    }
    if let Some(beside) = known
        .iter()
        .flat_map(|variant| &variant.besides)
        .find(|beside| typed.contains(&format!("{{{}}}", beside.name)))
    {
        bail!(
            "{option} `{shown}` uses {{{}}}, which only the scenario's variants have beside them: name one of those",
            beside.name
        );
    }
    let ready = arguments.conditions.ready.as_ref().map(|path| {
        let path = &path.text;
        target::path(path).with_context(|| format!("--ready {}", withhold::url(path)))
    });
    Ok(Target::Command {
        words,
        env,
        ready: ready.transpose()?.map_or(Ready::Answers, Ready::Path),
        ready_within: duration::parse(&arguments.conditions.ready_within)?,
        host: None,
        protocol: protocol(arguments, false),
    })
}

fn assignment(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_once('=')?;
    let plain = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    plain.then(|| (name.to_owned(), value.to_owned()))
}

/// The authorities of TLS are the system's; a scenario file names others.
fn protocol(arguments: &Arguments, secure: bool) -> Protocol {
    let http = if arguments.conditions.http2 {
        HttpVersion::Two
    } else {
        HttpVersion::One
    };
    Protocol {
        http,
        tls: secure.then_some(Trust::System),
        client: None,
    }
}

//! The scenario that a file would hold.

use anyhow::Context;
use authlab_loadtest::duration;
use authlab_loadtest::origin::Origin;

use super::{Arguments, SLICES};
use crate::requests::{Asked, line, quoted};

/// In flight at once, when nothing else is said: what a rate needs is not known before.
const OPEN_USERS: usize = 100;

/// A scenario of one variant, its steps and one load, as text.
pub(super) fn scenario(
    arguments: &Arguments,
    origin: &Origin,
    asked: &Asked,
) -> anyhow::Result<String> {
    let mut text = String::new();
    variant(&mut text, arguments, origin)?;
    let journey = asked.steps(&mut text);
    load(&mut text, &journey, arguments)?;
    Ok(text)
}

fn variant(text: &mut String, arguments: &Arguments, origin: &Origin) -> anyhow::Result<()> {
    let url = origin.to_string();
    line(text, "name", "\"load\"");
    line(
        text,
        "question",
        &quoted(&format!("How does {url} answer?")),
    );
    text.push_str("[[variant]]\n");
    line(text, "name", "\"server\"");
    line(text, "label", &quoted(&url));
    line(text, "url", &quoted(&url));
    if arguments.http2 {
        line(text, "http", "\"2\"");
    }
    if let Some(ca) = &arguments.ca {
        let ca = ca.to_str().context("--ca: the file's name is not text")?;
        line(text, "ca", &quoted(ca));
    }
    Ok(())
}

fn load(text: &mut String, journey: &str, arguments: &Arguments) -> anyhow::Result<()> {
    let users = match (arguments.users, arguments.rate) {
        (Some(users), _) => users,
        (None, Some(_)) => OPEN_USERS,
        (None, None) => 1,
    };
    text.push_str("[[load]]\n");
    line(text, "name", "\"load\"");
    line(text, "users", &users.to_string());
    if let Some(rate) = arguments.rate {
        line(text, "rate", &format!("{rate:?}"));
    }
    if let Some(spacing) = &arguments.spacing {
        line(text, "spacing", &quoted(spacing));
    }
    if let Some(think) = &arguments.think {
        line(text, "think", &quoted(think));
    }
    line(text, "timeout", &quoted(&arguments.timeout));
    line(text, "journey", &format!("[{journey}]"));
    let slice = duration::parse(&arguments.duration)? / SLICES;
    let profile = format!(
        "{{ blocks = 1, slice = \"{}us\", warm_up = {} }}",
        slice.as_micros(),
        quoted(&arguments.warm_up)
    );
    line(text, "profile.quick", &profile);
    Ok(())
}

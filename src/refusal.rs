//! What clap has to say of a mistyped command line, on one line: what is wrong, what is accepted, what was perhaps meant.

use authlab_reports::nearest::nearest;
use authlab_reports::withhold::WITHHELD;
use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Arguments of the server whose values are addresses, which may hold a password or a key however they are mistyped.
const ADDRESSES: [&str; 3] = ["--sessions ", "--introspect-url ", "--issuer "];

/// The line.
pub(crate) fn one_line(mut error: clap::Error) -> String {
    let is_address = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) => {
            ADDRESSES.iter().any(|name| argument.starts_with(name))
        }
        _ => false,
    };
    if is_address {
        let withheld = ContextValue::String(WITHHELD.to_owned());
        error.insert(ContextKind::InvalidValue, withheld);
    }
    if error.kind() == ErrorKind::InvalidSubcommand {
        suggest_verbs(&mut error);
    }
    let text = error.render().to_string();
    let said = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .filter(|line| !line.is_empty())
        .map(|line| {
            line.trim_start_matches("error: ")
                .trim_start_matches("tip: ")
        });
    let said: Vec<_> = said.collect();
    said.join("; ").replace(":;", ":")
}

/// Never a verb that is hidden; and one whose letters are swapped, which clap's measure misses.
fn suggest_verbs(error: &mut clap::Error) {
    let command = crate::Arguments::command();
    let (hidden, shown): (Vec<_>, Vec<_>) = command
        .get_subcommands()
        .partition(|verb| verb.is_hide_set());
    let mut meant = match error.get(ContextKind::SuggestedSubcommand) {
        Some(ContextValue::Strings(names)) => names.clone(),
        Some(ContextValue::String(name)) => vec![name.clone()],
        _ => Vec::new(),
    };
    meant.retain(|name| hidden.iter().all(|verb| verb.get_name() != name));
    if let (true, Some(ContextValue::String(typed))) =
        (meant.is_empty(), error.get(ContextKind::InvalidSubcommand))
    {
        let near = nearest(typed, shown.iter().map(|verb| verb.get_name()));
        meant.extend(near.map(str::to_owned));
    }
    error.remove(ContextKind::SuggestedSubcommand);
    if !meant.is_empty() {
        let meant = ContextValue::Strings(meant);
        error.insert(ContextKind::SuggestedSubcommand, meant);
    }
}

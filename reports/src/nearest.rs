//! The accepted name that is nearest to a mistyped one.

/// Edits beyond which two names are different names.
const MOST_EDITS: usize = 2;
/// So many letters of a name's beginning are the name, cut short.
const LEAST_BEGINNING: usize = 3;

/// The name that was probably meant; none where every name differs in more than a slip, or in half of its letters.
///
/// ```
/// use authlab_reports::nearest::nearest;
/// assert_eq!(nearest("bcrypt-11", ["md5", "bcrypt-12"]), Some("bcrypt-12"));
/// assert_eq!(nearest("thousand", ["jwt", "thousandfold"]), Some("thousandfold"));
/// assert_eq!(nearest("latency", ["capacity", "memory"]), None);
/// ```
pub fn nearest<'n>(typed: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let typed = typed.to_lowercase();
    let near = names.into_iter().filter_map(|name| {
        let edits = strsim::damerau_levenshtein(&typed, &name.to_lowercase());
        let begun = typed.len() >= LEAST_BEGINNING && name.to_lowercase().starts_with(&typed);
        let slip = edits <= MOST_EDITS && 2 * edits < typed.len().max(name.len());
        (slip || begun).then_some((edits, name))
    });
    near.min_by_key(|(edits, _)| *edits).map(|(_, name)| name)
}

/// "; did you mean `b`?", the end of a message about a name; nothing where no name is near.
pub fn did_you_mean<'n>(typed: &str, names: impl IntoIterator<Item = &'n str>) -> String {
    match nearest(typed, names) {
        Some(name) => format!("; did you mean `{name}`?"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_mended_and_another_name_is_not() {
        let names = ["p50", "p90", "md5-token", "blake3", "ok"];
        for (typed, meant) in [
            ("p5", Some("p50")),
            ("P50", Some("p50")),
            ("md5tokne", Some("md5-token")),
            ("bla", Some("blake3")),
            ("bl", None),
            ("no", None),
            ("", None),
            ("x", None),
            ("memory", None),
        ] {
            assert_eq!(nearest(typed, names), meant, "{typed}");
        }
        assert_eq!(did_you_mean("p51", names), "; did you mean `p50`?");
        assert_eq!(did_you_mean("cpu", names), "");
    }
}

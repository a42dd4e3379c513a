//! The one macro behind every axis: one declaration gives the *kind*, as it is named in flags, files and
//! reports, and (with `opens`) the *part*, as it runs.
//!
//! The label in the declaration is the only spelling: flags, environment, TOML, JSON and benchmark ids all use
//! it, rather than a derive's idea of the variant's name.

use std::fmt::Write as _;

/// Declares an axis. `pub enum Kind: "name" { /// help … Variant = "label", }` gives the kind;
/// `pub enum Kind opens Part: "name" { Variant(State) = "label", }` also gives the part that runs.
macro_rules! axis {
    (
        $(#[doc = $about:literal])+
        pub enum $Kind:ident: $axis:literal {
            $( #[doc = $help:literal] $Variant:ident = $label:literal, )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $Kind {
            $( #[doc = $help] $Variant, )+
        }

        impl $Kind {
            /// The axis's name: its flag without the dashes.
            pub const AXIS: &'static str = $axis;

            /// Every value, the default first.
            pub const ALL: &'static [Self] = &[$( Self::$Variant ),+];

            /// The one spelling of this value, everywhere.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $( Self::$Variant => $label, )+ }
            }

            /// The value of a label; `None` where there is none. Use it for text of other parties: parsing looks for the
            /// label that was meant, which a long text makes costly.
            #[must_use]
            pub fn named(label: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.label() == label)
            }

            /// What this value means, in a line.
            #[must_use]
            pub fn help(self) -> &'static str {
                match self { $( Self::$Variant => $help.trim_ascii(), )+ }
            }
        }

        impl std::fmt::Display for $Kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.label())
            }
        }

        impl std::str::FromStr for $Kind {
            type Err = $crate::axis::UnknownLabel;

            fn from_str(typed: &str) -> Result<Self, Self::Err> {
                Self::named(typed).ok_or_else(|| {
                    $crate::axis::UnknownLabel::new($axis, typed, &[$( $label ),+])
                })
            }
        }

        impl clap::ValueEnum for $Kind {
            fn value_variants<'a>() -> &'a [Self] {
                Self::ALL
            }

            fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
                Some(clap::builder::PossibleValue::new(self.label()).help(self.help()))
            }
        }

        impl serde::Serialize for $Kind {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.label())
            }
        }

        impl<'de> serde::Deserialize<'de> for $Kind {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let typed = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                typed.parse().map_err(serde::de::Error::custom)
            }
        }
    };
    (
        $(#[doc = $about:literal])+
        pub enum $Kind:ident opens $(#[$part:meta])* $Part:ident: $axis:literal {
            $( #[doc = $help:literal] $Variant:ident $(($State:ty))? = $label:literal, )+
        }
    ) => {
        $crate::axis::axis! {
            $(#[doc = $about])+
            pub enum $Kind: $axis {
                $( #[doc = $help] $Variant = $label, )+
            }
        }

        $(#[doc = $about])+
        ///
        /// This is the opened part, with its state.
        $(#[$part])*
        #[derive(Debug)]
        pub(crate) enum $Part {
            $( $Variant $(($State))?, )+
        }
    };
}
pub(crate) use axis;

/// A label that its axis does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnknownLabel(String);

impl UnknownLabel {
    pub(crate) fn new(axis: &str, typed: &str, accepted: &[&str]) -> Self {
        Self(format!(
            "`{typed}` is not a value of {axis}; {}",
            accepted_names(typed, accepted)
        ))
    }
}

/// "accepted: a, b, c (did you mean `b`?)": the end of every message about a name.
pub(crate) fn accepted_names(typed: &str, accepted: &[&str]) -> String {
    let mut text = format!("accepted: {}", accepted.join(", "));
    if let Some(nearest) = nearest(typed, accepted) {
        let _ = write!(text, " (did you mean `{nearest}`?)");
    }
    text
}

/// Edits beyond which two names are different names.
const MOST_EDITS: usize = 2;
/// So many letters of a name's beginning are the name, cut short.
const LEAST_BEGINNING: usize = 3;

/// The name that was probably meant. It is found as `authlab_reports::nearest` finds it, for names of the command and of
/// scenarios; this crate imports none of the workspace.
fn nearest<'a>(typed: &str, accepted: &[&'a str]) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let near = accepted.iter().filter_map(|&name| {
        let lower = name.to_lowercase();
        let edits = strsim::damerau_levenshtein(&typed, &lower);
        let begun = typed.len() >= LEAST_BEGINNING && lower.starts_with(&typed);
        let slip = edits <= MOST_EDITS && 2 * edits < typed.len().max(name.len());
        (slip || begun).then_some((edits, name))
    });
    near.min_by_key(|(edits, _)| *edits).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of `authlab_reports::nearest`: both find the same.
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
            assert_eq!(nearest(typed, &names), meant, "{typed}");
        }
    }
}

//! The trade-offs of variants: said once where all of them have them, and in brief with a number where it takes
//! many words.

use crate::run::Run;

/// From this length of a text on, rungs carry it in brief with its number, and the text stands below.
const SHORT_ENOUGH: usize = 40;
/// A trade-off of a greater share of the variants does not tell them apart.
const MOST_SHARED: f64 = 0.75;

/// The trade-offs of variants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    /// Those of every variant: nothing that tells them apart.
    pub by_all: Vec<String>,
    /// Those of some, in order of first appearance.
    pub by_some: Vec<String>,
    /// How many variants have each of `by_some`.
    pub carriers: Vec<usize>,
    /// How many variants there are.
    pub variants: usize,
}

impl GivenUp {
    pub(crate) fn of(run: &Run) -> Self {
        let mut texts: Vec<String> = Vec::new();
        for text in run.variants.iter().flat_map(|variant| &variant.gives_up) {
            let text = without_address(text);
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        let several = run.variants.len() > 1;
        let carriers = |text: &String| {
            let variants = run.variants.iter();
            variants
                .filter(|variant| is_among(text, &variant.gives_up))
                .count()
        };
        let (by_all, by_some): (Vec<_>, Vec<_>) = texts
            .into_iter()
            .partition(|text| several && carriers(text) == run.variants.len());
        Self {
            by_all,
            carriers: by_some.iter().map(carriers).collect(),
            by_some,
            variants: run.variants.len(),
        }
    }

    /// What tells a variant apart, for a picture: the rarest in brief, and how many more there are; empty where it has no
    /// trade-off that most do not have.
    pub(crate) fn telling(&self, gives_up: &[String]) -> String {
        let most = MOST_SHARED * self.variants as f64;
        let both = self.by_some.iter().zip(&self.carriers);
        let mut here: Vec<(usize, &String)> = both
            .filter(|(text, carriers)| is_among(text, gives_up) && **carriers as f64 <= most)
            .map(|(text, carriers)| (*carriers, text))
            .collect();
        here.sort_by_key(|(carriers, _)| *carriers);
        match here.as_slice() {
            [] => String::new(),
            [(_, only)] => brief(only).to_owned(),
            [(_, first), others @ ..] => format!("{}; {} more", brief(first), others.len()),
        }
    }

    /// What stands at a rung: short texts; the others in brief with their numbers while there is
    /// room for so many characters, the rarest first, then by number alone.
    pub(crate) fn at(&self, gives_up: &[String], room: usize) -> Vec<String> {
        let here = |text: &&String| is_among(text, gives_up);
        let mut said: Vec<String> = self
            .by_some
            .iter()
            .filter(|text| is_short(text) && here(text))
            .cloned()
            .collect();
        let mut long: Vec<_> = self.numbered().filter(|(_, text)| here(text)).collect();
        long.sort_by_key(|(number, text)| (self.carriers_of(text), *number));
        let mut numbers = Vec::new();
        for (place, (number, text)) in long.iter().enumerate() {
            let brief = format!("{} ({number})", brief(text));
            let later = long[place + 1..].iter().map(|(number, _)| *number);
            let rest: Vec<usize> = numbers.iter().copied().chain(later).collect();
            let with_brief = said.iter().cloned().chain([brief.clone(), listed(rest)]);
            if joined(with_brief).chars().count() <= room {
                said.push(brief);
            } else {
                numbers.push(*number);
            }
        }
        said.push(listed(numbers));
        said
    }

    /// What stands below the ladder.
    pub(crate) fn notes(&self) -> Vec<String> {
        let long = self
            .numbered()
            .map(|(number, text)| format!("({number}) {text}"));
        long.chain(
            self.by_all
                .iter()
                .map(|text| format!("every variant: {text}")),
        )
        .collect()
    }

    fn carriers_of(&self, text: &String) -> usize {
        let mut counted = self.by_some.iter().zip(&self.carriers);
        counted
            .find(|(there, _)| *there == text)
            .map_or(0, |(_, carriers)| *carriers)
    }

    fn numbered(&self) -> impl Iterator<Item = (usize, &String)> {
        (1..).zip(self.by_some.iter().filter(|text| !is_short(text)))
    }
}

fn is_among(text: &String, gives_up: &[String]) -> bool {
    gives_up.iter().any(|one| without_address(one) == *text)
}

/// Without the address of a service, which is started on a port of its own for each variant, and has the same trade-off:
/// `redis://127.0.0.1:6379/0: no persistence` → `no persistence`.
fn without_address(text: &str) -> String {
    match text.split_once(": ") {
        Some((address, danger)) if address.contains("://") && !address.contains(' ') => {
            danger.to_owned()
        }
        _ => text.to_owned(),
    }
}

/// Parts of a mark as one text.
pub(crate) fn joined(parts: impl IntoIterator<Item = String>) -> String {
    let said: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    said.join("; ")
}

/// `(1) (3)`
fn listed(mut numbers: Vec<usize>) -> String {
    numbers.sort_unstable();
    let marks: Vec<String> = numbers.iter().map(|number| format!("({number})")).collect();
    marks.join(" ")
}

/// The danger alone: without the setting it comes from (`--cache-key article: `), without a remark
/// after it, and of a sentence that is still long the last clause, which says what follows.
fn brief(text: &str) -> &str {
    let danger = match text.split_once(": ") {
        Some((setting, danger)) if setting.starts_with("--") => danger,
        _ => text,
    };
    let danger = danger.split("; ").next().unwrap_or(danger);
    if is_short(danger) {
        return danger;
    }
    let mut clauses = danger.rsplit(", ");
    // Not the setting or the condition that bounds it.
    clauses
        .find(|clause| !clause.starts_with("--") && !clause.starts_with("unless "))
        .unwrap_or(danger)
}

fn is_short(text: &str) -> bool {
    text.chars().count() <= SHORT_ENOUGH
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [(&str, &str, usize); 4] = [
        (
            "--binding md5: collisions in MD5 are made at will; measurement only",
            "collisions in MD5 are made at will",
            3,
        ),
        (
            "--cache-key article: on a hit the sender is not checked, a stolen token passes",
            "a stolen token passes",
            1,
        ),
        (
            "--freshness exp: a revoked token may pass until it expires",
            "a revoked token may pass until it expires",
            1,
        ),
        (
            "--policy allow-all: authorization is skipped, every request passes",
            "every request passes",
            1,
        ),
    ];

    #[test]
    fn in_brief_a_text_is_the_danger_alone() {
        for (text, danger, _) in TEXTS {
            assert_eq!(brief(text), danger);
        }
        assert_eq!(
            brief(
                "--freshness ttl: a revoked token may pass until its decisions end, --cache-ttl at most"
            ),
            "a revoked token may pass until its decisions end"
        );
    }

    #[test]
    fn a_rung_says_the_rarest_danger_as_far_as_there_is_room_and_numbers_the_rest() {
        let given_up = GivenUp {
            by_all: Vec::new(),
            by_some: TEXTS.map(|(text, ..)| text.to_owned()).into(),
            carriers: TEXTS.map(|(.., carriers)| carriers).into(),
            variants: 8,
        };
        let first_three = TEXTS[..3]
            .iter()
            .map(|(text, ..)| (*text).to_owned())
            .collect::<Vec<_>>();
        for (room, said) in [
            (0, "(1) (2) (3)"),
            (33, "(1) (2) (3)"),
            (34, "a stolen token passes (2); (1) (3)"),
            (
                77,
                "a stolen token passes (2); a revoked token may pass until it expires (3); (1)",
            ),
        ] {
            let mark = joined(given_up.at(&first_three, room));
            assert_eq!(mark, said, "{room}");
        }
    }

    #[test]
    fn a_picture_says_the_rarest_danger_and_counts_the_rest_but_for_what_most_share() {
        let mut given_up = GivenUp {
            by_all: Vec::new(),
            by_some: TEXTS.map(|(text, ..)| text.to_owned()).into(),
            carriers: TEXTS.map(|(.., carriers)| carriers).into(),
            variants: 8,
        };
        let all = given_up.by_some.clone();
        assert_eq!(given_up.telling(&all[..1]), TEXTS[0].1);
        assert_eq!(given_up.telling(&all[..3]), "a stolen token passes; 2 more");
        given_up.variants = 3;
        assert_eq!(given_up.telling(&all[..1]), "");
    }

    #[test]
    fn the_port_of_a_service_tells_no_variants_apart() {
        let danger = "no persistence: a restart of Redis ends every session and token";
        assert_eq!(
            without_address(&format!("redis://127.0.0.1:31991/0: {danger}")),
            danger
        );
        for same in [
            TEXTS[0].0,
            "central: --password md5: see https://a/",
            danger,
        ] {
            assert_eq!(without_address(same), same);
        }
    }
}

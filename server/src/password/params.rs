//! What a slow hash costs, as it is typed: parameters as a stored hash in PHC form has them.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Parameters of a hash, `m=19456,t=2,p=1`; those that are not named are the usual ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct PasswordParams(Vec<(Box<str>, u32)>);

/// Parameters that a hash does not have or take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--password-params: {0}")]
pub struct WrongParams(pub(super) String);

/// A text that has no such parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("accepted: names with whole numbers, each once, as in m=19456,t=2,p=1")]
pub struct NoParams;

/// A parameter: its name, its usual value, and which others are accepted.
pub(super) type Param = (&'static str, u32, RangeInclusive<u32>);

impl PasswordParams {
    /// The values of a hash's parameters, in their order.
    pub(super) fn read<const N: usize>(
        &self,
        hash: &str,
        known: &[Param; N],
    ) -> Result<[u32; N], WrongParams> {
        let names = known.each_ref().map(|(name, ..)| *name).join(", ");
        let mut values = known.each_ref().map(|(_, usual, _)| *usual);
        for (name, value) in &self.0 {
            let at = known.iter().position(|(known, ..)| **name == **known);
            let at = at.ok_or_else(|| {
                WrongParams(format!("{hash} has no parameter {name}; it has {names}"))
            })?;
            let (_, _, accepted) = &known[at];
            if !accepted.contains(value) {
                let (least, most) = (accepted.start(), accepted.end());
                return Err(WrongParams(format!(
                    "{name}={value} of {hash}; accepted: {least} to {most}"
                )));
            }
            values[at] = *value;
        }
        Ok(values)
    }
}

impl FromStr for PasswordParams {
    type Err = NoParams;

    fn from_str(typed: &str) -> Result<Self, NoParams> {
        let mut all: Vec<(Box<str>, u32)> = Vec::new();
        for one in typed.split(',') {
            let (name, value) = one.split_once('=').ok_or(NoParams)?;
            let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
            let value = value.parse().ok().filter(|_| is_number).ok_or(NoParams)?;
            if name.is_empty() || all.iter().any(|(known, _)| **known == *name) {
                return Err(NoParams);
            }
            all.push((name.into(), value));
        }
        Ok(Self(all))
    }
}

impl TryFrom<String> for PasswordParams {
    type Error = NoParams;

    fn try_from(typed: String) -> Result<Self, NoParams> {
        typed.parse()
    }
}

impl fmt::Display for PasswordParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, value)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{name}={value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Param; 2] = [("m", 19, 8..=100), ("t", 2, 1..=9)];

    #[test]
    fn parameters_are_read_by_name_and_the_others_are_the_usual_ones() {
        let read = |typed: &str| typed.parse::<PasswordParams>().unwrap().read("h", &KNOWN);
        assert_eq!(PasswordParams::default().read("h", &KNOWN), Ok([19, 2]));
        assert_eq!(read("t=3"), Ok([19, 3]));
        assert_eq!(read("t=3,m=64"), Ok([64, 3]));
        for (typed, said) in [
            ("m=101", "m=101 of h; accepted: 8 to 100"),
            ("t=0", "t=0 of h; accepted: 1 to 9"),
            ("p=1", "h has no parameter p; it has m, t"),
        ] {
            let wrong = read(typed).unwrap_err().to_string();
            assert_eq!(wrong, format!("--password-params: {said}"));
        }
        for typed in [
            "",
            "m",
            "m=",
            "m=x",
            "m=+1",
            "m=-1",
            "m=1,m=2",
            "=1",
            "m=1,",
            "m=4294967296",
        ] {
            assert!(typed.parse::<PasswordParams>().is_err(), "{typed}");
        }
        let shown = "m=64,t=3".parse::<PasswordParams>().unwrap().to_string();
        assert_eq!(shown, "m=64,t=3");
    }
}

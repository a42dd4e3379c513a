//! When requests are planned, as typed: `rate` and `spacing`, `think` and `think_spread`, or `trace`.

use super::source::Source;
use authlab_reports::duration;

use crate::arrivals::{Arrivals, MOST_PER_SECOND, Piece, Rate, Spacing, Think};
use crate::scenario::ScenarioError;
use crate::scenario::tables::{LoadTable, Typed};

impl Source<'_> {
    pub(super) fn arrivals(&self, table: &LoadTable) -> Result<Arrivals, ScenarioError> {
        if let Some(trace) = &table.trace {
            let rate = table.rate.as_ref().map(Typed::span);
            let others = [&table.spacing, &table.think, &table.think_spread];
            let other = rate.or_else(|| others.into_iter().flatten().map(Typed::span).next());
            if let Some(span) = other {
                return Err(self.refuse(
                    &Typed::new(span, ()),
                    "a load has one of `rate`, `think` and `trace`: a trace has its own times",
                ));
            }
            return self.trace(trace).map(Arrivals::Trace);
        }
        let Some(rate) = &table.rate else {
            if let Some(spacing) = &table.spacing {
                return Err(
                    self.refuse(spacing, "`spacing` is of open arrivals: it needs a `rate`")
                );
            }
            return self.think(table).map(Arrivals::Closed);
        };
        if let Some(think) = table.think.as_ref().or(table.think_spread.as_ref()) {
            return Err(self.refuse(
                think,
                "a load is closed with `think` or open with `rate`, not both",
            ));
        }
        let spacing = self.spacing(table)?;
        let rate = self.rate(rate)?;
        Ok(Arrivals::Open { rate, spacing })
    }

    pub(super) fn spacing(&self, table: &LoadTable) -> Result<Spacing, ScenarioError> {
        let Some(text) = &table.spacing else {
            return Ok(Spacing::default());
        };
        match text.get_ref().as_str() {
            "uniform" => Ok(Spacing::Uniform),
            "poisson" => Ok(Spacing::Poisson),
            other => Err(self.refuse(
                text,
                format!("spacing `{other}` is not accepted; use uniform or poisson"),
            )),
        }
    }

    fn think(&self, table: &LoadTable) -> Result<Think, ScenarioError> {
        let spread = table.think_spread.as_ref();
        let Some(mean) = &table.think else {
            return match spread {
                None => Ok(Think::None),
                Some(spread) => Err(self.refuse(spread, "`think_spread` needs a `think` time")),
            };
        };
        let mean = self.duration(mean)?;
        match spread.map_or("constant", |spread| spread.get_ref().as_str()) {
            "constant" => Ok(Think::Constant(mean)),
            "uniform" => Ok(Think::Uniform(mean)),
            "exponential" => Ok(Think::Exponential(mean)),
            other => Err(self.refuse(
                spread.unwrap_or(&table.name),
                format!(
                    "think_spread `{other}` is not accepted; use constant, uniform or exponential"
                ),
            )),
        }
    }

    /// A number, or pieces: `[{ for = "5s", at = 100 }, { for = "5s", from = 100, to = 1000 }]`.
    fn rate(&self, typed: &Typed<toml::Value>) -> Result<Rate, ScenarioError> {
        let refused = |what: &str| {
            self.refuse(
                typed,
                format!(
                    "{what}; write rate = 1000, or pieces: \
                     [{{ for = \"5s\", at = 100 }}, {{ for = \"5s\", from = 100, to = 1000 }}]"
                ),
            )
        };
        if let Some(constant) = number(typed.get_ref()) {
            return accepted(constant)
                .filter(|rate| *rate > 0.0)
                .map(Rate::constant)
                .ok_or_else(|| refused("a rate is more than 0 and at most 10 000 000 a second"));
        }
        let pieces = typed
            .get_ref()
            .as_array()
            .filter(|pieces| !pieces.is_empty())
            .ok_or_else(|| refused("`rate` is neither a number nor pieces"))?;
        let mut read = Vec::new();
        for piece in pieces {
            read.push(read_piece(piece).map_err(|what| refused(&what))?);
        }
        if read.iter().all(|piece| piece.from + piece.to == 0.0) {
            return Err(refused("a rate of 0 throughout plans nothing"));
        }
        Ok(Rate::of(read))
    }
}

fn read_piece(piece: &toml::Value) -> Result<Piece, String> {
    let table = piece.as_table().ok_or("a piece of a rate is a table")?;
    if let Some(key) = table
        .keys()
        .find(|key| !["for", "at", "from", "to"].contains(&key.as_str()))
    {
        return Err(format!(
            "unknown key `{key}` in a piece of a rate; there are: for, at, from, to"
        ));
    }
    let length = table
        .get("for")
        .and_then(toml::Value::as_str)
        .ok_or("a piece needs `for`")?;
    let seconds = duration::parse(length)
        .map_err(|error| error.to_string())?
        .as_secs_f64();
    let per_second = |key: &str| table.get(key).and_then(number).and_then(accepted);
    let (from, to) = match (per_second("at"), per_second("from"), per_second("to")) {
        (Some(at), None, None) => (at, at),
        (None, Some(from), Some(to)) => (from, to),
        _ => return Err("a piece needs either `at`, or `from` and `to`".to_owned()),
    };
    Ok(Piece { seconds, from, to })
}

fn number(value: &toml::Value) -> Option<f64> {
    value
        .as_float()
        .or_else(|| value.as_integer().map(|whole| whole as f64))
}

fn accepted(rate: f64) -> Option<f64> {
    (0.0..=MOST_PER_SECOND).contains(&rate).then_some(rate)
}

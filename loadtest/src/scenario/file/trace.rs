//! A trace, as typed: `trace = { file = "access.log", format = "combined", speed = 2.0 }`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::Method;

use super::source::Source;
use crate::arrivals::trace::{Format, Reading, SubjectField, Trace};
use crate::scenario::ScenarioError;
use crate::scenario::tables::{TraceTable, Typed};

/// Faster than this, a day is over in a second.
const FASTEST: f64 = 100_000.0;
/// Slower than this, a second lasts a day.
const SLOWEST: f64 = 0.000_01;

impl Source<'_> {
    pub(super) fn trace(&self, table: &TraceTable) -> Result<Arc<Trace>, ScenarioError> {
        let reading = Reading {
            format: self.format(table)?,
            subject: self.subject(table)?,
            methods: self.methods(table)?,
            from: self.from(table)?,
            speed: self.speed(table)?,
        };
        let file = table.file.get_ref();
        Trace::read(&self.beside(file), file, &reading)
            .map(Arc::new)
            .map_err(|error| self.refuse(&table.file, error.to_string()))
    }

    /// A path in a scenario file is relative to that file.
    fn beside(&self, file: &str) -> PathBuf {
        let folder = Path::new(self.path).parent();
        folder.map_or_else(|| PathBuf::from(file), |folder| folder.join(file))
    }

    fn format(&self, table: &TraceTable) -> Result<Format, ScenarioError> {
        let Some(text) = &table.format else {
            return Ok(Format::default());
        };
        match text.get_ref().as_str() {
            "combined" => Ok(Format::Combined),
            "json" => Ok(Format::Json),
            other => Err(self.refuse(
                text,
                format!("format `{other}` is not accepted; use combined or json"),
            )),
        }
    }

    fn subject(&self, table: &TraceTable) -> Result<SubjectField, ScenarioError> {
        let Some(text) = &table.subject else {
            return Ok(SubjectField::default());
        };
        if self.format(table)? == Format::Json {
            return Err(self.refuse(
                text,
                "`subject` chooses a field of combined lines; a json line names its own",
            ));
        }
        match text.get_ref().as_str() {
            "user" => Ok(SubjectField::User),
            "ip" => Ok(SubjectField::Ip),
            other => Err(self.refuse(
                text,
                format!("subject `{other}` is not accepted; use user or ip"),
            )),
        }
    }

    /// A log has no bodies: what is not said to be replayed is not.
    fn methods(&self, table: &TraceTable) -> Result<Vec<Method>, ScenarioError> {
        let Some(typed) = &table.methods else {
            return Ok(vec![Method::GET, Method::HEAD]);
        };
        if typed.get_ref().is_empty() {
            return Err(self.refuse(typed, "`methods` is empty; write [\"GET\", \"HEAD\"]"));
        }
        let method = |text: &Typed<String>| {
            text.get_ref().parse().map_err(|_| {
                self.refuse(
                    text,
                    format!(
                        "`{}` is not a method; write [\"GET\", \"HEAD\"]",
                        text.get_ref()
                    ),
                )
            })
        };
        typed.get_ref().iter().map(method).collect()
    }

    fn from(&self, table: &TraceTable) -> Result<Option<jiff::Timestamp>, ScenarioError> {
        let Some(text) = &table.from else {
            return Ok(None);
        };
        text.get_ref().parse().map(Some).map_err(|_| {
            self.refuse(
                text,
                format!(
                    "`{}` is not a time; write from = \"2026-01-31T08:00:00Z\"",
                    text.get_ref()
                ),
            )
        })
    }

    fn speed(&self, table: &TraceTable) -> Result<f64, ScenarioError> {
        let Some(speed) = &table.speed else {
            return Ok(1.0);
        };
        if !(SLOWEST..=FASTEST).contains(speed.get_ref()) {
            return Err(self.refuse(
                speed,
                "a speed is 0.00001 to 100000: 2 replays a log twice as fast as it was recorded",
            ));
        }
        Ok(*speed.get_ref())
    }
}

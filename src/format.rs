//! The formats that a report is printed in.

use std::path::Path;

use anyhow::{Context, bail};
use authlab_reports::document::Document;
use authlab_reports::duel::{Duel, benchmark, junit};
use authlab_reports::render;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::output;

/// A format that a report is printed in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Format {
    /// One of the formats of documents.
    Document(&'static render::Format),
    /// For programs.
    Json,
    /// `JUnit` XML, of a duel of servers.
    Junit,
    /// What github-action-benchmark reads, of a duel of servers.
    Benchmark,
}

impl Format {
    /// Every format.
    fn all() -> impl Iterator<Item = Self> {
        let documents = render::FORMATS.iter().map(Self::Document);
        documents.chain([Self::Json, Self::Junit, Self::Benchmark])
    }

    /// What `--format` takes of a duel of servers.
    pub(crate) fn of_duels() -> impl TypedValueParser<Value = Self> {
        Self::parser(|_| true)
    }

    /// What `--format` takes of every other report.
    pub(crate) fn of_reports() -> impl TypedValueParser<Value = Self> {
        Self::parser(|format| !format.is_of_duels())
    }

    fn parser(taken: fn(&Self) -> bool) -> impl TypedValueParser<Value = Self> {
        let values = Self::all().filter(taken).map(|format| {
            let value = PossibleValue::new(format.name());
            match format {
                Self::Junit => value.help("`JUnit` XML"),
                Self::Benchmark => value.help("github-action-benchmark's customSmallerIsBetter"),
                Self::Document(_) | Self::Json => value,
            }
        });
        PossibleValuesParser::new(values).map(|name| {
            let named = Self::all().find(|format| format.name() == name);
            named.unwrap_or(Self::Json)
        })
    }

    /// What is printed where no format is asked for.
    pub(crate) fn usual() -> Self {
        Self::all()
            .find(|format| format.name() == "text")
            .unwrap_or(Self::Json)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Document(format) => format.name,
            Self::Json => "json",
            Self::Junit => "junit",
            Self::Benchmark => "benchmark",
        }
    }

    /// The name of a duel's file.
    fn file(self) -> String {
        match self {
            Self::Document(format) => format!("duel.{}", format.ending),
            Self::Json => "duel.json".to_owned(),
            Self::Junit => "duel.xml".to_owned(),
            Self::Benchmark => "benchmark.json".to_owned(),
        }
    }

    fn is_of_duels(self) -> bool {
        matches!(self, Self::Junit | Self::Benchmark)
    }

    /// This format, where a duel of benchmarks has it.
    pub(crate) fn of_benchmarks(self) -> anyhow::Result<Self> {
        if self.is_of_duels() {
            let reports = Self::all().filter(|format| !format.is_of_duels());
            let names: Vec<&str> = reports.map(Self::name).collect();
            let (last, others) = names.split_last().unwrap_or((&"", &[]));
            bail!(
                "--format of a duel of benchmarks is {} or {last}",
                others.join(", ")
            );
        }
        Ok(self)
    }

    /// A duel of servers in this format; `replay` is the path of its `run.json`.
    fn of_duel(self, duel: &Duel, replay: Option<&str>) -> anyhow::Result<String> {
        match self {
            Self::Junit => Ok(junit::render(duel, replay)?),
            Self::Benchmark => Ok(benchmark::render(duel)?),
            Self::Document(format) => Ok((format.print)(&duel.document(replay))),
            Self::Json => Ok(duel.json()? + "\n"),
        }
    }

    /// Prints a report of which there is no more than its document and its JSON.
    pub(crate) fn print(
        self,
        document: &Document,
        json: serde_json::Result<String>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Document(format) => print(format, document),
            Self::Json | Self::Junit | Self::Benchmark => output::json(&(json? + "\n")),
        }
        Ok(())
    }
}

/// Prints a document in its format: as the terminal is, where that format is read on one.
pub(crate) fn print(format: &render::Format, document: &Document) {
    match format.on_terminal {
        Some(on_terminal) => output::shown(document, on_terminal),
        None => output::write(&(format.print)(document)),
    }
}

/// A duel of servers in every format.
pub(crate) struct Written {
    document: Document,
    formats: Vec<(Format, String)>,
}

impl Written {
    /// All of them; `run` is the folder that a replay names. The sum of shards is repeated by its own words.
    pub(crate) fn of(duel: &Duel, run: &Path) -> anyhow::Result<Self> {
        let is_replayed = duel.repeat.get(1).is_some_and(|verb| verb == "duel");
        let replay = is_replayed.then(|| run.join("run.json").display().to_string());
        let replay = replay.as_deref();
        let written = Format::all().map(|format| Ok((format, format.of_duel(duel, replay)?)));
        Ok(Self {
            document: duel.document(replay),
            formats: written.collect::<anyhow::Result<_>>()?,
        })
    }

    /// Writes each into a file of its own.
    pub(crate) fn keep(&self, folder: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        for (format, text) in &self.formats {
            let path = folder.join(format.file());
            std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }

    /// Prints one of them.
    pub(crate) fn print(&self, wanted: Format) {
        let mut formats = self.formats.iter();
        let written = formats.find(|(format, _)| format.name() == wanted.name());
        match (wanted, written) {
            (Format::Document(format), _) => print(format, &self.document),
            (Format::Json | Format::Benchmark, Some((_, text))) => output::json(text),
            (Format::Junit, Some((_, text))) => output::write(text),
            (_, None) => {}
        }
    }
}

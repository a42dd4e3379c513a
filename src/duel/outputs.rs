//! A duel in every form that somebody reads it in.

use std::path::Path;

use anyhow::{Context, bail};
use authlab_reports::duel::{Duel, benchmark, junit, markdown, text};

use crate::compare::Format;
use crate::output;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Form {
    Text,
    Markdown,
    Json,
    /// `JUnit` XML
    Junit,
    /// github-action-benchmark's customSmallerIsBetter
    Benchmark,
}

impl Form {
    /// The same of a duel of benchmarks, which has fewer.
    pub(crate) fn of_benchmarks(self) -> anyhow::Result<Format> {
        Ok(match self {
            Self::Text => Format::Text,
            Self::Markdown => Format::Markdown,
            Self::Json => Format::Json,
            Self::Junit | Self::Benchmark => {
                bail!("--format of a duel of benchmarks is text, markdown or json")
            }
        })
    }
}

/// The forms, rendered.
pub(crate) struct Written {
    text: String,
    markdown: String,
    json: String,
    junit: String,
    benchmark: String,
}

impl Written {
    /// All of them; `run` is the folder that a replay names.
    pub(crate) fn of(duel: &Duel, run: &Path) -> anyhow::Result<Self> {
        let replay = run.join("run.json").display().to_string();
        let replay = Some(replay.as_str());
        Ok(Self {
            text: text::render(duel, replay),
            markdown: markdown::render(duel, replay),
            json: duel.json()? + "\n",
            junit: junit::render(duel, replay)?,
            benchmark: benchmark::render(duel)?,
        })
    }

    /// Writes each into a file of its own.
    pub(crate) fn keep(&self, folder: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let files = [
            ("duel.txt", &self.text),
            ("duel.md", &self.markdown),
            ("duel.json", &self.json),
            ("duel.xml", &self.junit),
            ("benchmark.json", &self.benchmark),
        ];
        for (name, text) in files {
            let path = folder.join(name);
            std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }

    /// Prints one of them.
    pub(crate) fn print(&self, form: Form) {
        match form {
            Form::Text => output::write(&self.text),
            Form::Markdown => output::write(&self.markdown),
            Form::Json => output::json(&self.json),
            Form::Junit => output::write(&self.junit),
            Form::Benchmark => output::json(&self.benchmark),
        }
    }
}

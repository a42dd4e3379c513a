//! `authlab report`: renders a run again from its `run.json`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use authlab_reports::{finding, folder, program, render};
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::{format, output};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Folder of the run
    run: PathBuf,
    /// Print the run in one format and write no file: `json` is the summary with named figures, `csv` has a row for each
    /// second of a continuous run, or for each slice, and each step, `openmetrics` has the same as time series for Prometheus
    /// [default: render the report again]
    #[arg(long, value_parser = formats(), hide_possible_values = false)]
    format: Option<Format>,
}

#[derive(Clone, Copy)]
enum Format {
    Document(&'static render::Format),
    Json,
    Csv,
    OpenMetrics,
}

fn formats() -> impl TypedValueParser<Value = Format> {
    let documents = render::FORMATS.iter().map(|format| format.name);
    PossibleValuesParser::new(documents.chain(["json", "csv", "openmetrics"])).map(|name| {
        let mut documents = render::FORMATS.iter();
        match documents.find(|format| format.name == name) {
            Some(format) => Format::Document(format),
            None if name == "csv" => Format::Csv,
            None if name == "openmetrics" => Format::OpenMetrics,
            None => Format::Json,
        }
    })
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let run = folder::read(&arguments.run)?;
    match arguments.format {
        Some(Format::Document(format)) => {
            format::print(format, &finding::document(&run));
        }
        Some(Format::Json) => {
            let end = program::end(&run, &arguments.run.display().to_string())?;
            output::json(&format!("{end}\n"));
        }
        Some(Format::Csv) => output::write(&program::csv(&run)),
        Some(Format::OpenMetrics) => {
            let series = program::openmetrics(&run);
            output::write(&series.with_context(|| {
                format!("{}: `started` is no instant", arguments.run.display())
            })?);
        }
        None => {
            let folder = folder::render(&arguments.run)?;
            output::document(&finding::document(&run));
            output::line(format_args!(
                "report: {}",
                folder.join("index.html").display()
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

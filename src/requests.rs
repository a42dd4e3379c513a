//! Requests as typed on a command line, without a scenario file.

use std::collections::BTreeMap;
use std::io::Read;

use anyhow::{Context, bail};
use authlab_loadtest::scenario::escaped;
use authlab_loadtest::scenario::tables::{StepTable, Typed};
use authlab_loadtest::target;
use authlab_reports::withhold;

use crate::words::Confidential;

// Not a doc comment: clap would make it the verb's own.
#[derive(clap::Args)]
pub(crate) struct Requests {
    /// Path to get, or to send --method and --data to; several are asked for in turn [default: /]
    #[arg(long, value_name = "PATH", value_parser = Confidential::url)]
    get: Vec<Confidential>,
    /// Method [default: GET; with --data POST]
    #[arg(short = 'X', long, value_parser = method)]
    method: Option<String>,
    /// Body of each request, or @FILE to read it from
    #[arg(long, value_name = "TEXT|@FILE", value_parser = Confidential::body)]
    data: Option<Confidential>,
    /// Header, e.g. 'authorization: Bearer …'
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = Confidential::header)]
    headers: Vec<Confidential>,
    /// Statuses that count as an answer, e.g. 200,401 [default: any 2xx]
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u16).range(100..=599))]
    expect: Vec<u16>,
    /// Put values in the place of `{user}`, `{random}` and the like in --get, --data and -H, as in a scenario file [default:
    /// braces are sent as typed]
    #[arg(long)]
    template: bool,
}

impl Requests {
    /// A step for each path; `path` is that of the url.
    pub(crate) fn steps(&self, path: &str) -> anyhow::Result<Vec<StepTable>> {
        let paths = match (path, self.get.as_slice()) {
            ("/", []) => vec![path],
            ("/", paths) => paths.iter().map(|path| path.text.as_str()).collect(),
            (_, []) => vec![path],
            _ => bail!("the path is in the url or in --get, not both"),
        };
        for path in &paths {
            target::path(path).with_context(|| format!("--get {}", withhold::url(path)))?;
        }
        let body = self
            .data
            .as_ref()
            .map(|data| body(&data.text))
            .transpose()?;
        let default_method = if body.is_some() { "POST" } else { "GET" };
        let method = self.method.as_deref().unwrap_or(default_method);
        let headers = headers(&self.headers)?;
        let headers = headers
            .into_iter()
            .map(|(name, value)| (name.into(), self.text(&value).into()));
        let headers: BTreeMap<_, _> = headers.collect();
        let step = |(place, path): (usize, &str)| StepTable {
            name: format!("{}-{}", method.to_ascii_lowercase(), place + 1).into(),
            request: Some(format!("{method} {}", self.text(path)).into()),
            headers: headers.clone(),
            expect: self.expect.clone(),
            body: body.as_ref().map(|body| self.text(body).into()),
            ..StepTable::default()
        };
        Ok(paths.into_iter().enumerate().map(step).collect())
    }

    /// What was typed, as a scenario has it.
    fn text(&self, typed: &str) -> String {
        if self.template {
            typed.to_owned()
        } else {
            escaped(typed)
        }
    }
}

/// A journey through all of the steps, in their order.
pub(crate) fn journey(steps: &[StepTable]) -> Typed<Vec<Typed<String>>> {
    let names: Vec<_> = steps.iter().map(|step| step.name.clone()).collect();
    names.into()
}

/// Names and values. What is wrong with one may be a secret in the wrong place: it is not repeated.
fn headers(typed: &[Confidential]) -> anyhow::Result<Vec<(String, String)>> {
    let mut headers: Vec<(String, String)> = Vec::new();
    for header in typed {
        let (name, value) = header
            .text
            .split_once(':')
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim()))
            .filter(|(name, _)| is_header_name(name))
            .context("-H: write a header as 'name: value'")?;
        if headers.iter().any(|(known, _)| *known == name) {
            bail!("-H: header `{name}` is there already");
        }
        headers.push((name, value.to_owned()));
    }
    Ok(headers)
}

/// A token (RFC 9110, section 5.6.2).
fn is_header_name(text: &str) -> bool {
    let marks = b"!#$%&'*+-.^_`|~";
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || marks.contains(&b))
}

fn body(data: &str) -> anyhow::Result<String> {
    match data.strip_prefix('@') {
        None => Ok(data.to_owned()),
        Some(file) => read_body(file).with_context(|| format!("--data @{file}")),
    }
}

/// A longer body is no request's: it is kept once, and written as often as the request is sent.
const MOST_BODY_BYTES: u64 = 64 << 20;

/// The text of a file, or of what a shell's `<(…)` names.
fn read_body(file: &str) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    std::fs::File::open(file)?
        .take(MOST_BODY_BYTES + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BODY_BYTES {
        bail!("it has more than {} MiB", MOST_BODY_BYTES >> 20);
    }
    String::from_utf8(bytes).context("it is not UTF-8")
}

fn method(text: &str) -> Result<String, &'static str> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphabetic()) {
        Ok(text.to_ascii_uppercase())
    } else {
        Err("a method is letters, e.g. POST")
    }
}

//! Requests as typed on a command line, without a scenario file.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use anyhow::{Context, bail};
use authlab_loadtest::scenario::escaped;
use authlab_loadtest::scenario::tables::{JourneyTable, StepTable, Typed};
use authlab_loadtest::target;
use authlab_reports::withhold;

use crate::words::Confidential;

// Not a doc comment: clap would make it the verb's own.
#[derive(clap::Args)]
pub(crate) struct Requests {
    /// Path to get, or to send --method and --data to; several are requested in turn [default: /]
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
        let names = names(method, &paths);
        let step = |(path, name): (&str, String)| StepTable {
            name: name.into(),
            request: Some(format!("{method} {}", self.text(path)).into()),
            headers: headers.clone(),
            expect: self.expect.clone(),
            body: body.as_ref().map(|body| self.text(body).into()),
            ..StepTable::default()
        };
        Ok(paths.into_iter().zip(names).map(step).collect())
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

/// `host:port` is a server that speaks HTTP without TLS, as other load generators read it.
pub(crate) fn with_scheme(url: &str) -> String {
    let authority = url.split(['/', '?', '#']).next().unwrap_or_default();
    let port = authority.rsplit_once(':').map(|(_, port)| port);
    let is_port =
        port.is_some_and(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
    if is_port && !authority.contains('@') && !url.contains("://") {
        format!("http://{url}")
    } else {
        url.to_owned()
    }
}

/// Longer names of steps are cut: they are names of files and columns of tables.
const MOST_NAME_CHARS: usize = 40;

/// A name for each path: the method and the path as typed, without its query and without what is withheld, in letters,
/// digits and `-`: `get-items-7`. Of several that would be the same, the later ones get a number.
fn names(method: &str, paths: &[&str]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut named = |path: &&str| {
        let path = withhold::url(path);
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let parts = path.split(|c: char| !c.is_ascii_alphanumeric());
        let parts = parts.filter(|part| !part.is_empty());
        let method = method.to_ascii_lowercase();
        let words: Vec<&str> = std::iter::once(method.as_str()).chain(parts).collect();
        let mut name = words.join("-");
        name.truncate(MOST_NAME_CHARS);
        let name = name.trim_end_matches('-');
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let mut free = std::iter::once(name.to_owned())
            .chain(numbered)
            .filter(|name| !taken.contains(name));
        let free = free.next().unwrap_or_default();
        taken.insert(free.clone());
        free
    };
    paths.iter().map(&mut named).collect()
}

/// A journey through all of the steps, in their order.
pub(crate) fn journey(steps: &[StepTable]) -> Typed<Vec<Typed<String>>> {
    let names: Vec<_> = steps.iter().map(|step| step.name.clone()).collect();
    names.into()
}

/// A journey of one request for each of the steps, all as often.
pub(crate) fn journeys(steps: &[StepTable]) -> Typed<Vec<JourneyTable>> {
    let each = steps.iter().map(|step| JourneyTable {
        weight: 1.into(),
        steps: vec![step.name.clone()].into(),
    });
    each.collect::<Vec<_>>().into()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_named_by_method_and_path() {
        let long = format!("/{}", "a/".repeat(60));
        let cut = format!("get{}", "-a".repeat(18));
        let table: [(&str, &[&str], &[&str]); 6] = [
            ("GET", &["/"], &["get"]),
            ("GET", &["/healthz"], &["get-healthz"]),
            ("POST", &["/items/7.json"], &["post-items-7-json"]),
            // Values of a query may be secrets.
            ("GET", &["/find?key=s3cret"], &["get-find"]),
            (
                "GET",
                &["/a", "/a?b", "/a/2", "/a", "/é", "/"],
                &["get-a", "get-a-2", "get-a-2-2", "get-a-3", "get", "get-2"],
            ),
            ("GET", &[&long, &long], &[&cut, &format!("{cut}-2")]),
        ];
        for (method, paths, expected) in table {
            assert_eq!(names(method, paths), expected, "{paths:?}");
        }
    }

    #[test]
    fn a_host_and_a_port_are_a_url_without_its_scheme() {
        for (typed, url) in [
            ("localhost:8080", "http://localhost:8080"),
            ("[::1]:80/x", "http://[::1]:80/x"),
            ("https://a:1", "https://a:1"),
            ("./server --port {port}", "./server --port {port}"),
            ("server:1 {port}", "server:1 {port}"),
            ("u:1@host:8080", "u:1@host:8080"),
        ] {
            assert_eq!(with_scheme(typed), url);
        }
    }
}

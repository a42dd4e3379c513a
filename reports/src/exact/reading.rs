//! What the two counters said: gungraun's summaries (a line of JSON a benchmark, `--output-format=json`)
//! and the counting allocator's lines.

use serde::Deserialize;
use serde_json::Value;

use super::{Case, ExactError, check};

/// A line of the counting allocator's: it knows the names.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Allocated {
    path: String,
    number: usize,
    name: String,
    requests: u64,
    allocations: u64,
    bytes: u64,
}

/// What is read of gungraun's summary of a benchmark.
#[derive(Deserialize)]
struct Summary {
    function_name: String,
    id: String,
    profiles: Vec<Value>,
}

const GUNGRAUN: &str = "gungraun";
const ALLOCATOR: &str = "the counting allocator";
/// Instructions read, as callgrind calls them.
const INSTRUCTIONS: &str = "/data/total/metrics/Ir/values/new";

/// The cases, of both counters' words.
///
/// # Errors
/// They said something else, or did not count the same cases.
pub fn read(instructions: &str, allocations: &str) -> Result<Vec<Case>, ExactError> {
    let mut counted = summaries(instructions)?;
    let mut cases = Vec::new();
    for line in allocations.lines() {
        let said: Allocated = json(ALLOCATOR, line)?;
        let (function, id) = (said.path.replace('-', "_"), format!("case_{}", said.number));
        let place = counted
            .iter()
            .position(|(summary, _)| summary.function_name == function && summary.id == id);
        let name = format!("{}/{}", said.path, said.name);
        let Some(place) = place else {
            let cause = format!("no instructions of `{name}` ({function} {id})");
            return Err(fault(GUNGRAUN, cause));
        };
        let (_, instructions) = counted.swap_remove(place);
        cases.push(Case {
            name,
            requests: said.requests,
            instructions,
            allocations: said.allocations,
            bytes: said.bytes,
        });
    }
    if let Some((more, _)) = counted.first() {
        let cause = format!("no allocations of {} {}", more.function_name, more.id);
        return Err(fault(ALLOCATOR, cause));
    }
    check(&cases).map_err(|cause| fault(GUNGRAUN, cause))?;
    Ok(cases)
}

/// Gungraun's benchmarks with their instructions.
fn summaries(text: &str) -> Result<Vec<(Summary, u64)>, ExactError> {
    // Only its summaries begin so; what valgrind or a benchmark says between them does not.
    let lines = text.lines().filter(|line| line.starts_with('{'));
    lines
        .map(|line| {
            let summary: Summary = json(GUNGRAUN, line)?;
            let counted = summary
                .profiles
                .iter()
                .find_map(|profile| profile.pointer(INSTRUCTIONS)?.as_u64());
            let counted = counted.ok_or_else(|| {
                let (function, id) = (&summary.function_name, &summary.id);
                fault(GUNGRAUN, format!("no {INSTRUCTIONS} of {function} {id}"))
            })?;
            Ok((summary, counted))
        })
        .collect()
}

fn json<T: serde::de::DeserializeOwned>(
    counter: &'static str,
    line: &str,
) -> Result<T, ExactError> {
    serde_json::from_str(line).map_err(|error| fault(counter, error.to_string()))
}

fn fault(counter: &'static str, cause: String) -> ExactError {
    ExactError::Said { counter, cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTED: &str = "login case_0 begins\n\
        {\"function_name\":\"login\",\"id\":\"case_0\",\"profiles\":[{\"data\":{\"total\":{\"metrics\":{\"Ir\":{\"values\":{\"new\":7,\"old\":6}}}}}}]}\n";
    const ALLOCATED: &str = "{\"path\":\"login\",\"number\":0,\"name\":\"md5\",\"requests\":2,\"allocations\":30,\"bytes\":900}";

    #[test]
    fn both_counters_words_make_a_case() {
        let case = Case {
            name: "login/md5".to_owned(),
            requests: 2,
            instructions: 7,
            allocations: 30,
            bytes: 900,
        };
        assert_eq!(read(COUNTED, ALLOCATED).unwrap(), [case]);
    }

    #[test]
    fn what_one_of_them_did_not_count_is_an_error() {
        let said = |instructions: &str, allocations: &str| {
            read(instructions, allocations).unwrap_err().to_string()
        };
        let uncounted = COUNTED.replace("\"new\":7,", "");
        let none = COUNTED.replace("\"new\":7", "\"new\":0");
        let other = ALLOCATED.replace("\"number\":0", "\"number\":1");
        let table = [
            (
                said("", ALLOCATED),
                "gungraun: no instructions of `login/md5` (login case_0)",
            ),
            (
                said(COUNTED, ""),
                "the counting allocator: no allocations of login case_0",
            ),
            (
                said(COUNTED, &other),
                "gungraun: no instructions of `login/md5` (login case_1)",
            ),
            (
                said(&uncounted, ALLOCATED),
                "gungraun: no /data/total/metrics/Ir/values/new of login case_0",
            ),
            (
                said(&none, ALLOCATED),
                "gungraun: `login/md5`: 0 instructions of 2 requests",
            ),
            (said("", ""), "gungraun: nothing is counted in it"),
        ];
        for (error, expected) in table {
            assert_eq!(error, expected);
        }
        assert!(
            said(COUNTED, "panicked").starts_with("the counting allocator: expected value at line")
        );
    }
}

//! Routes of an `OpenAPI` document (3.0 or 3.1, JSON): its paths and methods, and whether they are secured.

use std::collections::BTreeMap;
use std::path::Path;

use authlab_loadtest::scenario::ScenarioError;
use authlab_reports::foreign;
use serde_json::Value;

use super::Reader;
use crate::contract::ANYONE;
use crate::contract::tables::{OpenApiTable, RouteTable, Tables};

/// A larger document is none.
const MOST_FILE_BYTES: u64 = 16 << 20;
/// The members of a path that are operations.
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

impl Reader<'_> {
    /// The routes of the contract's document, as if they had been typed.
    pub(super) fn documented(&self, file: &Tables) -> Result<Vec<RouteTable>, ScenarioError> {
        let Some(table) = &file.openapi else {
            return Ok(Vec::new());
        };
        let named = table.file.get_ref();
        let refused = |why: &str| self.0.refuse(&table.file, format!("`{named}`: {why}"));
        let folder = Path::new(self.0.path).parent().unwrap_or(Path::new("."));
        let text = foreign::read_text(&folder.join(named), MOST_FILE_BYTES)
            .map_err(|error| refused(&error.to_string()))?;
        let document: Value = serde_json::from_str(&text)
            .map_err(|error| refused(&format!("it is not JSON: {error}")))?;
        let version = document["openapi"].as_str().unwrap_or_default();
        if !version.starts_with("3.") {
            return Err(refused("it is no OpenAPI document of version 3"));
        }
        let paths = document["paths"].as_object();
        let paths = paths.ok_or_else(|| refused("it has no `paths`"))?;
        for except in &table.except {
            self.0.position("path", except, paths.keys())?;
        }
        let methods = self.methods(table)?;
        let mut routes = Vec::new();
        for (path, item) in paths {
            if table.except.iter().any(|except| except.get_ref() == path) {
                continue;
            }
            for method in &methods {
                let Some(operation) = item.get(method) else {
                    continue;
                };
                let security = operation.get("security").or(document.get("security"));
                let path = filled(path, &table.values).map_err(|parameter| {
                    refused(&format!(
                        "`{path}` needs a value for {{{parameter}}}; write values = {{ {parameter} = \"…\" }}"
                    ))
                })?;
                let may = if is_open(security) {
                    table.may.with(vec![table.may.with(ANYONE.to_owned())])
                } else {
                    table.may.clone()
                };
                routes.push(RouteTable {
                    name: None,
                    request: table
                        .file
                        .with(format!("{} {path}", method.to_ascii_uppercase())),
                    headers: BTreeMap::new(),
                    json: None,
                    body: None,
                    may,
                    shows: None,
                    permits: Vec::new(),
                    decision: None,
                });
            }
        }
        Ok(routes)
    }

    fn methods(&self, table: &OpenApiTable) -> Result<Vec<String>, ScenarioError> {
        if table.methods.is_empty() {
            return Ok(vec!["get".to_owned()]);
        }
        let lower = table.methods.iter().map(|typed| {
            let method = typed.get_ref().to_ascii_lowercase();
            if METHODS.contains(&method.as_str()) {
                Ok(method)
            } else {
                let said = format!("`{}` is no method of OpenAPI", typed.get_ref());
                Err(self.0.refuse(typed, said))
            }
        });
        lower.collect()
    }
}

/// Whether nothing is required: no requirement at all, or an empty one among them.
fn is_open(security: Option<&Value>) -> bool {
    let required = security.and_then(Value::as_array);
    required.is_none_or(|all| {
        let is_empty = |one: &Value| one.as_object().is_some_and(serde_json::Map::is_empty);
        all.is_empty() || all.iter().any(is_empty)
    })
}

/// A path with its parameters; the name of one that has no value.
fn filled(path: &str, values: &BTreeMap<String, String>) -> Result<String, String> {
    let mut text = String::new();
    let mut parts = path.split('{');
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (name, after) = part.split_once('}').unwrap_or((part, ""));
        let value = values.get(name).ok_or_else(|| name.to_owned())?;
        text.push_str(value);
        text.push_str(after);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use serde_json::{Value, json};

    use crate::contract::Contract;

    fn read(document: &Value, keys: &str) -> Result<Contract, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("api.json"), document.to_string()).unwrap();
        let text = format!(
            "name = \"n\"\nbase = \"http://127.0.0.1:1\"\n\
             [[principal]]\nname = \"ann\"\nrole = \"reader\"\npresent = [{{ bearer = \"x\" }}]\n\
             [[route]]\nrequest = \"GET /own\"\nmay = [\"ann\"]\n\
             [openapi]\nfile = \"api.json\"\nmay = [\"reader\"]\n{keys}"
        );
        let path = folder.path().join("c.toml");
        let shown = path.display().to_string();
        let said = |error: authlab_loadtest::scenario::ScenarioError| {
            error.to_string().replace(&shown, "c.toml")
        };
        Contract::parse(&shown, &text).map_err(said)
    }

    #[test]
    fn routes_are_read_from_a_document() {
        let secured = json!([{ "bearer": [] }]);
        let document = json!({
            "openapi": "3.1.0",
            "security": secured,
            "paths": {
                "/items/{id}": { "get": {}, "delete": {}, "parameters": [] },
                "/open": { "get": { "security": [] } },
                "/either": { "get": { "security": [{}, { "bearer": [] }] } },
                "/left-out": { "get": {} },
                "/own": { "get": {} },
            },
        });
        let keys =
            "methods = [\"GET\", \"DELETE\"]\nexcept = [\"/left-out\"]\nvalues = { id = \"7\" }";
        let contract = read(&document, keys).unwrap();
        let mut found: Vec<_> = (0..contract.routes.len())
            .map(|route| {
                let reader = contract.may(route, 0, Some("reader"));
                let anyone = contract.may(route, contract.anonymous(), None);
                (contract.routes[route].request.as_str(), reader, anyone)
            })
            .collect();
        found.sort_unstable();
        let wanted = [
            ("DELETE /items/7", true, false),
            ("GET /either", true, true),
            ("GET /items/7", true, false),
            ("GET /open", true, true),
            ("GET /own", true, false),
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        let right = json!({ "openapi": "3.0.3", "paths": { "/a/{id}": { "get": {} } } });
        let table = [
            (
                right.clone(),
                "",
                "c.toml:11: `api.json`: `/a/{id}` needs a value for {id}",
            ),
            (
                right.clone(),
                "methods = [\"FETCH\"]",
                "c.toml:13: `FETCH` is no method of OpenAPI",
            ),
            (
                right,
                "except = [\"/b\"]",
                "c.toml:13: no path is named `/b`",
            ),
            (
                json!({ "swagger": "2.0" }),
                "",
                "c.toml:11: `api.json`: it is no OpenAPI document",
            ),
            (
                json!({ "openapi": "3.0.0" }),
                "",
                "c.toml:11: `api.json`: it has no `paths`",
            ),
        ];
        for (document, keys, wanted) in table {
            let said = read(&document, keys).err().unwrap();
            assert!(said.starts_with(wanted), "{said}");
        }
    }
}

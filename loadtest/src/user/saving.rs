//! Values kept from answers. They may be secrets: what is missing is told by its place alone.

use http::{HeaderMap, header};
use url::Url;

use super::{cookies, page, request};
use crate::connection::Answer;
use crate::scenario::Place;

/// What the answer has at each place; a body that is JSON is parsed once.
pub(super) fn read<'p>(
    answer: &Answer,
    places: impl Iterator<Item = &'p Place>,
) -> Result<Vec<String>, String> {
    let mut parsed = None;
    let mut values = Vec::new();
    for place in places {
        values.push(match place {
            Place::Json(pointer) => {
                let json = match &mut parsed {
                    Some(json) => json,
                    empty => empty.insert(
                        serde_json::from_slice::<serde_json::Value>(&answer.body)
                            .map_err(|_| "the body is not JSON".to_owned())?,
                    ),
                };
                match json.pointer(pointer) {
                    Some(serde_json::Value::String(text)) => text.clone(),
                    Some(serde_json::Value::Number(number)) => number.to_string(),
                    _ => return Err(format!("the body has no text at {pointer}")),
                }
            }
            Place::Header(name) => {
                let value = answer.headers.get(name);
                let value = value.ok_or_else(|| format!("the answer has no header `{name}`"))?;
                let value = str::from_utf8(value.as_bytes())
                    .map_err(|_| format!("the answer's header `{name}` is not UTF-8"))?;
                value.to_owned()
            }
            Place::Cookie(name) => {
                let value = cookie(&answer.headers, name)
                    .ok_or_else(|| format!("the answer sets no cookie `{name}`"))?;
                let value = str::from_utf8(value)
                    .map_err(|_| format!("the answer's cookie `{name}` is not UTF-8"))?;
                value.to_owned()
            }
            Place::Field(name) => page::field(&answer.headers, &answer.body, name)?
                .ok_or_else(|| format!("the page has no field `{name}`"))?,
            Place::Query(name) => query(&answer.headers, name)
                .ok_or_else(|| format!("the answer's Location has no parameter `{name}`"))?,
        });
    }
    Ok(values)
}

/// The value that a cookie was set to last.
fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h [u8]> {
    let lines = headers.get_all(header::SET_COOKIE).iter();
    let pairs = lines.filter_map(|line| cookies::pair(line.as_bytes()));
    let mut of_name = pairs.filter(|(key, _)| *key == name.as_bytes());
    of_name.next_back().map(|(_, value)| value)
}

fn query(headers: &HeaderMap, name: &str) -> Option<String> {
    let location = request::location(headers.get(header::LOCATION)?);
    // Only the query matters: a relative address may be of any server.
    let base = Url::parse("http://localhost").ok()?;
    let address = base.join(&location).ok()?;
    address
        .query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

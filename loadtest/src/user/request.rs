//! Requests of templates: built once and cloned while no value changes, and else each time.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{self, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use hyper::body::Bytes;
use url::{Url, form_urlencoded};

use super::page::{NO_FORM, Page};
use super::values::Values;
use crate::connection::Endpoint;
use crate::protocol::HttpVersion;
use crate::scenario::{Body, Credentials, Step, TRACE_METHOD, Template};

/// A request ready to be sent.
pub(super) type Built = Request<Full<Bytes>>;

/// The requests of one user at one server, by step.
#[derive(Default)]
pub(super) struct Requests {
    built: Vec<Option<Known>>,
}

struct Known {
    parts: Parts,
    /// No value stands in it.
    fixed: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Parts {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl Requests {
    /// The request of step `index`, filled in with the user's values.
    pub(super) fn build(
        &mut self,
        index: usize,
        step: &Step,
        values: &mut Values,
        endpoint: &Endpoint,
    ) -> Result<Built, String> {
        if step.changing {
            return Ok(Parts::fill(step, values, endpoint)?.into_request());
        }
        if self.built.len() <= index {
            self.built.resize_with(index + 1, || None);
        }
        let known = match &mut self.built[index] {
            Some(known) => known,
            empty => empty.insert(Known {
                parts: Parts::fill(step, values, endpoint)?,
                fixed: step.places().next().is_none(),
            }),
        };
        Ok(known.parts.clone().into_request())
    }

    /// A value has changed: every request that holds one is filled in anew.
    pub(super) fn forget(&mut self) {
        for built in &mut self.built {
            built.take_if(|known| !known.fixed);
        }
    }
}

/// The request that submits a form of `page`, with the step's fields over its own.
pub(super) fn submission(
    step: &Step,
    fields: &[(String, Template)],
    page: Option<&Page>,
    values: &mut Values,
    endpoint: &Endpoint,
) -> Result<Built, String> {
    let page = page.ok_or_else(|| NO_FORM.to_owned())?;
    let mut filled = Vec::new();
    for (name, template) in fields {
        filled.push((name.as_str(), values.fill(template)?));
    }
    let boundary = || format!("----authlab{}", values.fresh());
    let submission = page.submission(&filled, boundary)?;
    let mut headers = headers(step, values, endpoint)?;
    let (method, body) = match submission.post {
        Some((content_type, body)) => {
            let content_type = value(&header::CONTENT_TYPE, &content_type)?;
            headers.insert(header::CONTENT_TYPE, content_type);
            (Method::POST, body)
        }
        None => (Method::GET, Vec::new()),
    };
    if body.is_empty() {
        say_empty(&method, &mut headers);
    }
    let parts = Parts {
        method,
        uri: request_target(endpoint, &mut headers, &path_and_query(&submission.url))?,
        headers,
        body: body.into(),
    };
    Ok(parts.into_request())
}

/// The path and query of an address.
pub(super) fn path_and_query(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

/// The path and query of a request's URI.
pub(super) fn path_and_query_of(uri: &Uri) -> String {
    uri.path_and_query()
        .map_or("/", PathAndQuery::as_str)
        .to_owned()
}

/// What a request names, kept while it is under way.
pub(super) struct Address {
    uri: Uri,
    host: Option<HeaderValue>,
}

impl Address {
    pub(super) fn of(request: &Built) -> Self {
        Self {
            uri: request.uri().clone(),
            host: request.headers().get(HOST).cloned(),
        }
    }

    /// The address, with the host that the request itself names: a step may have a `Host` of its own.
    pub(super) fn url(&self, endpoint: &Endpoint) -> Result<Url, String> {
        let path = self.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let authority = self.uri.authority().map(Authority::as_str);
        let host = self.host.as_ref().and_then(|host| host.to_str().ok());
        let named = authority.or(host).and_then(|host| {
            let scheme = endpoint.origin.scheme();
            Url::parse(&format!("{scheme}://{host}{path}")).ok()
        });
        // A `Host` that is none does not change where the request goes.
        let reached = || Url::parse(&format!("{}{path}", endpoint.origin));
        match named {
            Some(named) => Ok(named),
            None => reached().map_err(|_| "the request has no address".to_owned()),
        }
    }
}

/// A `Location` as it is joined to an address: octets beyond ASCII percent-encoded, whatever they encode.
pub(super) fn location(value: &HeaderValue) -> String {
    let octets = value.as_bytes().iter();
    octets.fold(String::new(), |mut text, octet| {
        if octet.is_ascii() {
            text.push(char::from(*octet));
        } else {
            let _ = write!(text, "%{octet:02X}");
        }
        text
    })
}

/// The server as requests name it.
pub(super) fn origin(endpoint: &Endpoint) -> Result<Url, String> {
    Url::parse(&endpoint.origin.to_string()).map_err(|_| "the server has no address".to_owned())
}

impl Parts {
    fn fill(step: &Step, values: &mut Values, endpoint: &Endpoint) -> Result<Self, String> {
        let target = values.fill(&step.target)?;
        let mut headers = headers(step, values, endpoint)?;
        let target = within(
            target,
            step.target.begins_with_a_value(),
            endpoint,
            headers.get(HOST),
        )?;
        let method = match values.own(TRACE_METHOD) {
            Some(method) if step.is_of_trace => method
                .parse()
                .map_err(|_| format!("`{method}` is not a method"))?,
            _ => step.method.clone(),
        };
        let body: Bytes = body(&step.body, values)?.into();
        if body.is_empty() {
            say_empty(&method, &mut headers);
        }
        Ok(Self {
            method,
            uri: request_target(endpoint, &mut headers, &target)?,
            headers,
            body,
        })
    }

    fn into_request(self) -> Built {
        let mut request = Request::new(Full::new(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.headers_mut() = self.headers;
        request
    }
}

/// A method that gives a body a meaning says that there is none (RFC 9110 §8.6): some servers wait for it, or answer
/// 411.
fn say_empty(method: &Method, headers: &mut HeaderMap) {
    let has_meaning = matches!(*method, Method::POST | Method::PUT | Method::PATCH);
    let is_said = headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING);
    if has_meaning && !is_said {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
}

/// The path and query that is sent. A target that begins with a value may be an address of this server
/// that an earlier answer gave; a path is one already.
fn within(
    target: String,
    is_address: bool,
    endpoint: &Endpoint,
    host: Option<&HeaderValue>,
) -> Result<String, String> {
    if target.starts_with('/') && (!is_address || is_sent_as_it_is(&target)) {
        return Ok(target);
    }
    let origin = origin(endpoint)?;
    let url = origin.join(&target).map_err(|_| NO_TARGET.to_owned())?;
    let own = host.and_then(|host| {
        Url::parse(&format!("{}://{}", origin.scheme(), host.to_str().ok()?)).ok()
    });
    let is_own = own.is_some_and(|own| own.origin() == url.origin());
    if url.origin() != origin.origin() && !is_own {
        return Err("what was filled in is an address of another server".to_owned());
    }
    Ok(path_and_query(&url))
}

/// Whether nothing of a path and query is to be encoded or left out.
fn is_sent_as_it_is(target: &str) -> bool {
    target.bytes().all(|b| b.is_ascii_graphic() && b != b'#')
}

/// What a request asks for. HTTP/2 names the host in it rather than in a header (RFC 9113 §8.3.1).
fn request_target(
    endpoint: &Endpoint,
    headers: &mut HeaderMap,
    target: &str,
) -> Result<Uri, String> {
    let uri = match endpoint.http {
        HttpVersion::One => target.parse().ok(),
        HttpVersion::Two => absolute(endpoint, headers.remove(HOST), target),
    };
    uri.ok_or_else(|| NO_TARGET.to_owned())
}

fn absolute(endpoint: &Endpoint, host: Option<HeaderValue>, target: &str) -> Option<Uri> {
    let scheme = if endpoint.origin.secure {
        Scheme::HTTPS
    } else {
        Scheme::HTTP
    };
    Uri::builder()
        .scheme(scheme)
        .authority(host?.as_bytes())
        .path_and_query(target)
        .build()
        .ok()
}

// What fills it may be a secret: it is not repeated.
const NO_TARGET: &str = "its path, filled in, is not a request target";

fn headers(step: &Step, values: &mut Values, endpoint: &Endpoint) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    headers.insert(HOST, value(&HOST, &endpoint.origin.authority())?);
    for (name, template) in &step.headers {
        let filled = values.fill(template);
        let filled = filled.map_err(|why| format!("header `{name}`: {why}"))?;
        let filled = value(name, &filled)?;
        if *name == HOST {
            headers.insert(name, filled);
        } else {
            headers.append(name, filled);
        }
    }
    let credentials = match &step.credentials {
        None => return Ok(headers),
        Some(Credentials::Basic(user, password)) => {
            let pair = format!("{}:{}", values.fill(user)?, values.fill(password)?);
            format!("Basic {}", STANDARD.encode(pair))
        }
        Some(Credentials::Bearer(token)) => {
            let scheme = if step.dpop { "DPoP" } else { "Bearer" };
            format!("{scheme} {}", values.fill(token)?)
        }
    };
    let mut credentials = value(&header::AUTHORIZATION, &credentials)?;
    credentials.set_sensitive(true);
    headers.insert(header::AUTHORIZATION, credentials);
    Ok(headers)
}

fn body(body: &Body, values: &mut Values) -> Result<String, String> {
    match body {
        Body::Text(text) | Body::Json(text) => values.fill(text),
        Body::Form(fields) => {
            let mut text = String::new();
            for (name, template) in fields {
                if !text.is_empty() {
                    text.push('&');
                }
                text.extend(form_urlencoded::byte_serialize(name.as_bytes()));
                text.push('=');
                text.push_str(&values.fill(template)?);
            }
            Ok(text)
        }
    }
}

/// The header's value; it may be a secret and is not repeated.
fn value(name: &HeaderName, text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_bytes(text.as_bytes())
        .map_err(|_| format!("what header `{name}` is filled with cannot stand in a header"))
}

#[cfg(test)]
mod tests;

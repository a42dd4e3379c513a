//! Requests built once and cloned: templates are filled in only after a value has changed.

use http::header::HOST;
use http::uri::Scheme;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use hyper::body::Bytes;

use crate::connection::Endpoint;
use crate::protocol::HttpVersion;
use crate::scenario::{Step, Values};

/// The value that holds the method of the trace's line.
pub(super) const TRACE_METHOD: &str = "trace_method";

/// A request ready to be sent.
pub(super) type Built = Request<Full<Bytes>>;

/// The requests of one user at one server, by step.
#[derive(Default)]
pub(super) struct Requests {
    built: Vec<Option<Parts>>,
}

#[derive(Clone)]
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
        values: &Values,
        endpoint: &Endpoint,
    ) -> Result<Built, String> {
        if self.built.len() <= index {
            self.built.resize(index + 1, None);
        }
        let parts = match &mut self.built[index] {
            Some(parts) => parts,
            empty => empty.insert(Parts::fill(step, values, endpoint)?),
        };
        let mut request = Request::new(Full::new(parts.body.clone()));
        request.method_mut().clone_from(&parts.method);
        request.uri_mut().clone_from(&parts.uri);
        request.headers_mut().clone_from(&parts.headers);
        Ok(request)
    }

    /// A value has changed: every request is filled in anew.
    pub(super) fn forget(&mut self) {
        self.built.clear();
    }
}

impl Parts {
    fn fill(step: &Step, values: &Values, endpoint: &Endpoint) -> Result<Self, String> {
        let fill = |template: &crate::scenario::Template| {
            template
                .fill(values)
                .map_err(|unfilled| format!("nothing was saved as {{{}}}", unfilled.0))
        };
        let mut headers = HeaderMap::new();
        headers.insert(HOST, value(&HOST, &endpoint.origin.authority())?);
        for (name, template) in &step.headers {
            let filled = value(name, &fill(template)?)?;
            if *name == HOST {
                headers.insert(name, filled);
            } else {
                headers.append(name, filled);
            }
        }
        let target = fill(&step.target)?;
        let uri = match endpoint.http {
            HttpVersion::One => target.parse().ok(),
            HttpVersion::Two => absolute(endpoint, headers.remove(HOST), &target),
        };
        // What fills it may be a secret: it is not repeated.
        let uri = uri.ok_or("its path, filled in, is not a request target")?;
        let method = match values.get(TRACE_METHOD) {
            Some(method) if step.is_of_trace => method
                .parse()
                .map_err(|_| format!("`{method}` is not a method"))?,
            _ => step.method.clone(),
        };
        Ok(Self {
            method,
            uri,
            headers,
            body: fill(&step.body)?.into(),
        })
    }
}

/// HTTP/2 names the host in its request target rather than in a header (RFC 9113, section 8.3.1).
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

/// The header's value; it may be a secret and is not repeated.
fn value(name: &HeaderName, text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(text)
        .map_err(|_| format!("what header `{name}` is filled with cannot stand in a header"))
}

//! Requests built once and cloned: templates are filled in only after a value has changed.

use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use http_body_util::Full;
use hyper::body::Bytes;

use crate::scenario::{Step, Values};

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
        authority: &str,
    ) -> Result<Built, String> {
        if self.built.len() <= index {
            self.built.resize(index + 1, None);
        }
        let parts = match &mut self.built[index] {
            Some(parts) => parts,
            empty => empty.insert(Parts::fill(step, values, authority)?),
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
    fn fill(step: &Step, values: &Values, authority: &str) -> Result<Self, String> {
        let fill = |template: &crate::scenario::Template| {
            template
                .fill(values)
                .map_err(|unfilled| format!("nothing was saved as {{{}}}", unfilled.0))
        };
        let target = fill(&step.target)?;
        let uri = target
            .parse()
            .map_err(|_| format!("`{target}` is not a request target"))?;
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, value(authority)?);
        for (name, template) in &step.headers {
            headers.append(name.clone(), value(&fill(template)?)?);
        }
        Ok(Self {
            method: step.method.clone(),
            uri,
            headers,
            body: fill(&step.body)?.into(),
        })
    }
}

fn value(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(text).map_err(|_| format!("`{text}` is not a header value"))
}

//! One request of a journey: how it is built, what its answer must be, what is kept of it.

use http::{HeaderName, Method};

use super::Template;

/// The attack that repeats what was seen, proof and all.
const REPLAY: &str = "replay";

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "they do not exclude one another"
)]
pub struct Step {
    /// Its name: letters, digits, `-`.
    pub name: String,
    /// The server beside the variant's own that it is sent to; none for the variant's own.
    pub at: Option<String>,
    /// Values put on the user before the request is built.
    pub set: Vec<(String, Template)>,
    /// Method and target are those of the line of the load's trace that its arrival replays.
    pub is_of_trace: bool,
    /// Method; of no meaning for a trace's step, or where a form is submitted.
    pub method: Method,
    /// Path and query, or an address of the same server; of no meaning where a form is submitted.
    pub target: Template,
    /// Fields that overlay those of the last page's form, which is then the request.
    pub submit: Option<Vec<(String, Template)>>,
    /// Header names (lower case) and values.
    pub headers: Vec<(HeaderName, Template)>,
    /// What it authenticates with.
    pub credentials: Option<Credentials>,
    /// Whether each request carries a proof of possession (RFC 9449).
    pub dpop: bool,
    /// Body.
    pub body: Body,
    /// Redirects followed within the server; the step is over with the first that leaves it.
    pub follow: u32,
    /// Statuses that count as an answer; empty for any 2xx.
    pub expect: Vec<u16>,
    /// Text that the body must contain; empty for none.
    pub contains: String,
    /// Values kept from the answer: name, and where it is read.
    pub save: Vec<(String, Place)>,
    /// Whether a later step submits a form of its page.
    pub keeps_page: bool,
    /// Whether it uses a value that may differ each time, so that it must be built each time.
    pub changing: bool,
    /// The pool whose member is revoked once its answer is here.
    pub revoke: Option<String>,
    /// The pool whose member is tried: it may be revoked, and is then to be refused.
    pub probe: Option<String>,
    /// The attack that it is part of: it is to be refused.
    pub attack: Option<String>,
}

/// What a request authenticates with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// User and password (RFC 7617).
    Basic(Template, Template),
    /// A token (RFC 6750; with `dpop` RFC 9449 §7.1).
    Bearer(Template),
}

/// A request's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// As it is, with values encoded as its content type has it; empty for none.
    Text(Template),
    /// JSON.
    Json(Template),
    /// Fields, urlencoded.
    Form(Vec<(String, Template)>),
}

/// Where in an answer a value is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A JSON pointer into the body (RFC 6901).
    Json(String),
    /// A header.
    Header(HeaderName),
    /// A cookie that the step's answers set.
    Cookie(String),
    /// A field of a form of the HTML page.
    Field(String),
    /// A query parameter of the `Location` header.
    Query(String),
}

impl Step {
    /// The places of the templates that its request is built of, `set` included.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.templates().flat_map(Template::places)
    }

    /// The templates that its request is built of, `set` included.
    pub(super) fn templates(&self) -> impl Iterator<Item = &Template> {
        let credentials = match &self.credentials {
            None => [None, None],
            Some(Credentials::Basic(user, password)) => [Some(user), Some(password)],
            Some(Credentials::Bearer(token)) => [Some(token), None],
        };
        let (text, fields) = match &self.body {
            Body::Text(text) | Body::Json(text) => (Some(text), &[][..]),
            Body::Form(fields) => (None, fields.as_slice()),
        };
        let named = [
            fields,
            self.submit.as_deref().unwrap_or_default(),
            &self.set,
        ];
        named
            .into_iter()
            .flatten()
            .map(|(_, template)| template)
            .chain(self.headers.iter().map(|(_, template)| template))
            .chain(credentials.into_iter().flatten())
            .chain(text)
            .chain([&self.target])
    }

    /// Whether its answer's body is looked at.
    pub(crate) fn keeps_body(&self) -> bool {
        let in_body = |place: &Place| matches!(place, Place::Json(_) | Place::Field(_));
        self.keeps_page
            || !self.contains.is_empty()
            || self.save.iter().any(|(_, place)| in_body(place))
    }

    /// Whether it sends the user's last proof of possession once more.
    pub(crate) fn replays_proof(&self) -> bool {
        self.dpop && self.attack.as_deref() == Some(REPLAY)
    }

    /// Whether a later step has nothing to go on without its answer.
    pub(crate) fn is_needed(&self) -> bool {
        self.keeps_page || !self.save.is_empty()
    }

    /// Whether `status` is what it expects.
    pub(crate) fn expects(&self, status: http::StatusCode) -> bool {
        if self.expect.is_empty() {
            status.is_success()
        } else {
            self.expect.contains(&status.as_u16())
        }
    }
}

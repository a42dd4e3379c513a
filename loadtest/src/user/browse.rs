//! Steps that are more than one plain request: with cookies, redirects, a page kept for its form, or
//! proofs of possession.

use std::time::Instant;

use http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::Full;
use hyper::body::Bytes;
use url::{Position, Url};

use super::Seat;
use super::decoding;
use super::dpop::{self, DPOP, Prover};
use super::line::Retry;
use super::page::Page;
use super::request::{self, Built};
use crate::connection::{Answer, Endpoint};
use crate::scenario::{Place, Step};

/// What a user holds as a browser would, whichever server it is of; cookies are of each.
#[derive(Default)]
pub(super) struct Browser {
    /// A pool member is being filled.
    pub(super) fills: bool,
    /// The last page whose form a later step submits.
    pub(super) page: Option<Page>,
    prover: Option<Prover>,
    /// The last proof that was sent, and of which request: who has seen it may try it again.
    seen: Option<(Method, Url, HeaderValue)>,
}

/// Whether the step is one request and nothing else, where there are no cookies.
pub(super) fn is_plain(step: &Step) -> bool {
    step.follow == 0 && !step.dpop && !step.keeps_page
}

impl Seat {
    /// Sends the step's request to the server at its place, and what follows from it. The answer is
    /// the last one, sent when the first request was.
    pub(super) async fn browse(
        &mut self,
        place: usize,
        step: &Step,
        mut request: Built,
        keep_cookies: bool,
    ) -> Result<Answer, String> {
        let line = &mut self.lines[place];
        let fills = self.browser.fills;
        let mut url = request::Address::of(&request).url(&line.endpoint)?;
        let servers = (step.follow > 0)
            .then(|| Servers::of(&url, &line.endpoint))
            .transpose()?;
        let mut redirects_left = step.follow;
        let mut challenged = false;
        let mut first_sent = None;
        let mut proved_in = None;
        let mut retry = Retry::default();
        let saves_cookies = step
            .save
            .iter()
            .any(|(_, place)| matches!(place, Place::Cookie(_)));
        let mut cookies_set: Vec<HeaderValue> = Vec::new();
        loop {
            let mut next = request.clone();
            let own = next.headers().get_all(header::COOKIE).iter();
            if let Some(cookies) = line.jar(fills).header(&url, own) {
                next.headers_mut().insert(header::COOKIE, cookies);
            }
            if step.replays_proof() {
                self.browser.prove_again(&mut next, &url)?;
            } else if step.dpop {
                let proving = Instant::now();
                self.browser.prove(&mut next, &url, line.nonce.as_ref())?;
                proved_in.get_or_insert_with(|| proving.elapsed());
            }
            let answer = line.exchange(next, step.keeps_body()).await;
            let Some(mut answer) = retry.settle(answer, &mut self.retried)? else {
                continue;
            };
            retry = Retry::default();
            answer.sent = *first_sent.get_or_insert(answer.sent);
            answer.proved_in = proved_in.unwrap_or_default();
            if keep_cookies {
                line.jar(fills).keep(&url, &answer.headers);
            }
            if step.dpop
                && dpop::is_challenged(&mut line.nonce, answer.status, &answer.headers)
                && !std::mem::replace(&mut challenged, true)
            {
                continue;
            }
            if redirects_left > 0
                && let Some(servers) = &servers
                && let Some(location) = redirect(&answer, &url, servers)
            {
                redirects_left -= 1;
                if saves_cookies {
                    cookies_set.extend(answer.headers.get_all(header::SET_COOKIE).iter().cloned());
                }
                request = redirected(request, answer.status, &location)?;
                url = location;
                continue;
            }
            if saves_cookies {
                cookies_set.extend(answer.headers.get_all(header::SET_COOKIE).iter().cloned());
                answer.headers.remove(header::SET_COOKIE);
                for cookie in cookies_set {
                    answer.headers.append(header::SET_COOKIE, cookie);
                }
            }
            if step.keeps_body() {
                decoding::decode(&mut answer);
            }
            if step.keeps_page {
                self.browser.page =
                    is_html(&answer).then(|| Page::new(url, &answer.headers, answer.body.clone()));
            }
            return Ok(answer);
        }
    }
}

impl Browser {
    /// Adds a fresh proof to a request, with the nonce that its server asks for.
    pub(super) fn prove(
        &mut self,
        request: &mut Built,
        url: &Url,
        nonce: Option<&HeaderValue>,
    ) -> Result<(), String> {
        let prover = match &mut self.prover {
            Some(prover) => prover,
            empty => empty.insert(Prover::new()?),
        };
        let token = request
            .headers()
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.strip_prefix("DPoP "));
        let proof = prover.proof(request.method(), url, token, nonce)?;
        self.seen = Some((request.method().clone(), url.clone(), proof.clone()));
        request.headers_mut().insert(DPOP, proof);
        Ok(())
    }

    /// Adds the proof that was seen with the same request. One of another proves nothing, and would be refused for that.
    fn prove_again(&self, request: &mut Built, url: &Url) -> Result<(), String> {
        match &self.seen {
            Some((method, seen, proof)) if method == request.method() && seen == url => {
                request.headers_mut().insert(DPOP, proof.clone());
                Ok(())
            }
            _ => Err("the request before it carried no proof of this one to replay".to_owned()),
        }
    }
}

/// The addresses under which a step's server is known: by the url, and by the step's own `Host`.
struct Servers([Url; 3]);

impl Servers {
    fn of(url: &Url, endpoint: &Endpoint) -> Result<Self, String> {
        let reached = request::origin(endpoint)?;
        // The step's `Host`, at the port that is connected to.
        let mut named = url.clone();
        let _ = named.set_port(reached.port());
        Ok(Self([url.clone(), reached, named]))
    }

    fn have(&self, url: &Url) -> bool {
        let mut known = self.0.iter();
        known.any(|known| known.origin() == url.origin())
    }
}

/// Where the answer leads within the server, if it does.
fn redirect(answer: &Answer, url: &Url, servers: &Servers) -> Option<Url> {
    let leads = matches!(
        answer.status,
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    let location = answer.headers.get(header::LOCATION).filter(|_| leads)?;
    let mut location = url.join(&request::location(location)).ok()?;
    location.set_fragment(None);
    servers.have(&location).then_some(location)
}

/// The request that a redirect asks for: 307 and 308 repeat it (RFC 9110 §15.4), the others GET.
fn redirected(before: Built, status: StatusCode, url: &Url) -> Result<Built, String> {
    let repeats = matches!(
        status,
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
    );
    let (head, body) = before.into_parts();
    let keeps_method = repeats || head.method == Method::HEAD || head.method == Method::GET;
    let body = if repeats {
        body
    } else {
        Full::new(Bytes::new())
    };
    let mut request = Request::new(body);
    *request.method_mut() = if keeps_method {
        head.method
    } else {
        Method::GET
    };
    let target = request::path_and_query(url);
    let authority = &url[Position::BeforeHost..Position::AfterPort];
    let mut uri = head.uri.into_parts();
    uri.path_and_query = target.parse().ok();
    if uri.authority.is_some() {
        uri.authority = authority.parse().ok();
    }
    let uri = Uri::from_parts(uri).map_err(|_| NO_TARGET.to_owned())?;
    let host = HeaderValue::from_str(authority).map_err(|_| NO_TARGET.to_owned())?;
    *request.uri_mut() = uri;
    *request.headers_mut() = head.headers;
    if let Some(there) = request.headers_mut().get_mut(header::HOST) {
        *there = host;
    }
    if !repeats {
        for name in OF_BODY {
            request.headers_mut().remove(name);
        }
    }
    Ok(request)
}

const NO_TARGET: &str = "the redirect is not a request target";

/// The headers that describe a body (Fetch, request-body-header names; RFC 9110 §15.4), and its length.
const OF_BODY: [header::HeaderName; 5] = [
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LENGTH,
    header::CONTENT_LOCATION,
    header::CONTENT_TYPE,
];

fn is_html(answer: &Answer) -> bool {
    let content_type = answer.headers.get(header::CONTENT_TYPE);
    content_type
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| {
            let kind = kind.to_ascii_lowercase();
            kind.starts_with("text/html") || kind.starts_with("application/xhtml")
        })
}

//! Who is at the other end of a connection, and how each of its requests is answered.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::request::Parts;
use axum::response::Response;
use hyper::body::{Body as _, Incoming};
use tokio::sync::watch;

use super::body::Awaited;
use super::connections::{Connection, UnderWay};
use crate::http::{App, shutting_down, unnamed};
use crate::https::Certificate;

/// The client of a connection, and what answers it.
pub(super) struct Client {
    pub(super) app: App,
    /// Whether requests under way are cut off: the server ends.
    pub(super) cutting: watch::Receiver<bool>,
    pub(super) connection: Arc<Connection>,
    pub(super) peer: IpAddr,
    /// The certificate that it showed, and whose key it used.
    pub(super) certificate: Option<Certificate>,
}

impl AsRef<Connection> for Client {
    fn as_ref(&self) -> &Connection {
        &self.connection
    }
}

impl Client {
    /// What answers its requests.
    pub(super) fn answers(
        self,
    ) -> impl hyper::service::HttpService<
        Incoming,
        ResBody = Body,
        Error = Infallible,
        Future: Send + 'static,
    > {
        let client = Arc::new(self);
        hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            // At once, and not when the future is first polled: before that, hyper looks whether the client is still there,
            // and a connection that still waited for this head would start a timer for it.
            let Some(client) = UnderWay::begin(&client) else {
                // It makes room, and its task ends here.
                return Answer::Later(Box::pin(std::future::pending()));
            };
            let (mut parts, body) = request.into_parts();
            if let Some(answer) = client.answer_at_once(&mut parts) {
                return Answer::AtOnce(Some(answer));
            }
            Answer::Later(Box::pin(async move {
                let body = if body.is_end_stream() {
                    Body::empty()
                } else {
                    Body::new(Awaited::new(body, Arc::clone(&client.connection)))
                };
                let request = hyper::Request::from_parts(parts, body);
                tokio::select! {
                    biased;
                    answer = client.app.later(request, client.peer) => answer,
                    () = client.cut() => shutting_down(),
                }
            }))
        })
    }

    /// The answer to a request that waits for nothing, or that is refused before anything is asked.
    fn answer_at_once(&self, parts: &mut Parts) -> Option<Response> {
        if self.is_cutting() {
            return Some(shutting_down());
        }
        if let Some(refusal) = unnamed(parts) {
            return Some(refusal);
        }
        if let Some(certificate) = &self.certificate {
            parts.extensions.insert(certificate.clone());
        }
        self.app.at_once(parts, self.peer)
    }

    /// Without the lock of the channel's value, which is sent once, when it becomes true. A listener that is gone has ended too.
    fn is_cutting(&self) -> bool {
        self.cutting.has_changed().unwrap_or(true)
    }

    /// Ends when requests are cut off.
    async fn cut(&self) {
        let _ = self.cutting.clone().wait_for(|cut| *cut).await;
    }
}

/// The answer to a request: there at once, without a future of its own, or 503 where the end of the server comes first.
enum Answer {
    AtOnce(Option<Response>),
    Later(Pin<Box<dyn Future<Output = Response> + Send>>),
}

impl Future for Answer {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Self::AtOnce(answer) => answer
                .take()
                .map_or(Poll::Pending, |it| Poll::Ready(Ok(it))),
            Self::Later(answer) => answer.as_mut().poll(context).map(Ok),
        }
    }
}

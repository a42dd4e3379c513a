//! A server that answers with a function, on a free loopback port, until it is dropped; it keeps
//! what it was asked.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;

/// What a server was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// `GET /path?query`.
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The value of a query parameter or of a field of the body.
    pub(crate) fn field(&self, name: &str) -> String {
        let query = self.line.split_once('?').map_or("", |(_, query)| query);
        url::form_urlencoded::parse(query.as_bytes())
            .chain(url::form_urlencoded::parse(self.body.as_bytes()))
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    }
}

pub(crate) type Answer = Response<String>;

/// 200 with a body.
pub(crate) fn ok(body: &str) -> Answer {
    Response::new(body.to_owned())
}

/// A status, headers and a body.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.to_owned()).unwrap()
}

/// An HTML page.
pub(crate) fn page(body: &str) -> Answer {
    answer(200, &[("content-type", "text/html; charset=utf-8")], body)
}

pub(crate) struct Served {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    _stop: oneshot::Sender<()>,
}

impl Served {
    /// What it was asked, in order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// What it was asked at paths that start so, in order.
    pub(crate) fn asked_at(&self, line: &str) -> Vec<Asked> {
        let mut asked = self.asked();
        asked.retain(|asked| asked.line.starts_with(line));
        assert!(!asked.is_empty(), "nobody asked {line}");
        asked
    }
}

/// Serves until dropped. The readiness probe, `GET /`, is answered and not kept.
pub(crate) fn serve(script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Served {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (stop, mut stopped) = oneshot::channel::<()>();
    let (script, kept) = (Arc::new(script), Arc::clone(&asked));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let stream = tokio::select! {
                    accepted = listener.accept() => accepted.unwrap().0,
                    _ = &mut stopped => return,
                };
                stream.set_nodelay(true).unwrap();
                let (script, kept) = (Arc::clone(&script), Arc::clone(&kept));
                let service = service_fn(move |request| {
                    let (script, kept) = (Arc::clone(&script), Arc::clone(&kept));
                    async move {
                        let asked = read(request).await;
                        let answer = script(&asked).map(|body| Full::new(Bytes::from(body)));
                        if asked.line != "GET /" {
                            kept.lock().unwrap().push(asked);
                        }
                        Ok::<_, Infallible>(answer)
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
    });
    Served {
        url,
        asked,
        _stop: stop,
    }
}

async fn read(request: Request<Incoming>) -> Asked {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Asked {
        line: format!("{} {}", head.method, head.uri),
        headers: head.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

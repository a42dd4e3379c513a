//! A served design and a client whose address and User-Agent a test can choose.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use authlab_server::{Clock, Design, Lab, PasswordKind, Server};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket};

pub(crate) const BROWSER: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0";
pub(crate) const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub(crate) const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// The cheapest design: tests that are not about password hashes do not pay for them.
pub(crate) fn quick() -> Design {
    Design {
        password: PasswordKind::Sha256,
        ..Design::default()
    }
}

pub(crate) struct Served {
    pub(crate) lab: Arc<Lab>,
    pub(crate) address: SocketAddr,
}

impl Served {
    pub(crate) async fn start(design: Design) -> Self {
        Self::start_at(design, Clock::Coarse).await
    }

    /// Serves until the test's runtime ends.
    pub(crate) async fn start_at(mut design: Design, clock: Clock) -> Self {
        let server = Server::bind(SocketAddr::new(HERE, 0)).await.unwrap();
        let server = server.secured(&design).unwrap();
        let address = server.address();
        design.listen = address;
        let lab = Lab::open_at(design, clock).unwrap();
        tokio::spawn(server.run(Arc::clone(&lab), std::future::pending()));
        Self { lab, address }
    }

    /// Serves a lab that is open already, at an address of its own.
    pub(crate) async fn of(lab: &Arc<Lab>) -> Self {
        let server = Server::bind(SocketAddr::new(HERE, 0)).await.unwrap();
        let address = server.address();
        let lab = Arc::clone(lab);
        tokio::spawn(server.run(Arc::clone(&lab), std::future::pending()));
        Self { lab, address }
    }

    pub(crate) fn client(&self) -> Client {
        Client::of(self.address, HERE)
    }

    /// Signs in as that user from the usual client.
    pub(crate) async fn token(&self, name: &str) -> String {
        self.client().sign_in(name).await
    }
}

#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) server: SocketAddr,
    pub(crate) from: IpAddr,
    pub(crate) user_agent: String,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: serde_json::Value,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Client {
    /// A client of any server.
    pub(crate) fn of(server: SocketAddr, from: IpAddr) -> Self {
        Self {
            server,
            from,
            user_agent: BROWSER.to_owned(),
        }
    }

    pub(crate) fn at(self, from: IpAddr) -> Self {
        Self { from, ..self }
    }

    pub(crate) fn with_user_agent(self, user_agent: &str) -> Self {
        Self {
            user_agent: user_agent.to_owned(),
            ..self
        }
    }

    pub(crate) async fn sign_in(&self, name: &str) -> String {
        let password = match name {
            "john" => "password123",
            "jane" => "password456",
            _ => "securePass",
        };
        let answer = self.login(name, password).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.body["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn login(&self, name: &str, password: &str) -> Answer {
        let body = serde_json::json!({ "username": name, "password": password });
        self.send(
            self.request("POST", "/token")
                .header(CONTENT_TYPE, "application/json"),
            body.to_string(),
        )
        .await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.ask("GET", path, token).await
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, token: &str) -> Answer {
        self.send(
            self.request(method, path)
                .header(AUTHORIZATION, format!("Bearer {token}")),
            String::new(),
        )
        .await
    }

    pub(crate) async fn status(&self, path: &str, token: &str) -> u16 {
        self.get(path, token).await.status.as_u16()
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> hyper::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header(USER_AGENT, &self.user_agent)
            .header("host", "authlab")
    }

    /// One request on a connection of its own.
    pub(crate) async fn send(
        &self,
        request: hyper::http::request::Builder,
        body: impl Into<Bytes>,
    ) -> Answer {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(self.from, 0)).unwrap();
        let stream = socket.connect(self.server).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        let answer = sender
            .send_request(request.body(Full::new(body.into())).unwrap())
            .await
            .unwrap();
        let (parts, body) = answer.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap_or_default();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
            text,
        }
    }
}

/// An address that a server already has.
pub(crate) async fn taken_address() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((HERE, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

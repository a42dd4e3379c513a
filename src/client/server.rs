//! A reference server as its client sees it: which of the published designs it speaks, and how each is asked.

use std::fmt;
use std::time::Duration;

use anyhow::{Context as _, bail};
use authlab_loadtest::origin::Origin;
use authlab_reports::withhold;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

const WITHIN: Duration = Duration::from_secs(30);

/// The most of an answer that is read.
const MOST_BYTES: usize = 1 << 20;

/// How a server signs in, and what it is shown afterwards.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `POST /token`, then a bearer token.
    Token,
    /// `POST /token`, then the key in a header of its own.
    ApiKey,
    /// Name and password on each request.
    Basic,
    /// `POST /login` from a device, then a bearer token.
    Devices,
    /// `POST /login` by HTTP Basic, then a cookie.
    Cookie,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token => "signs in for a token",
            Self::ApiKey => "signs in for an API key",
            Self::Basic => "takes name and password on each request",
            Self::Devices => "signs in by device",
            Self::Cookie => "signs in for a cookie",
        })
    }
}

pub(super) struct Server {
    http: Client,
    url: String,
    dialect: Dialect,
}

/// An answer with a JSON body, or none.
pub(super) struct Answer {
    status: u16,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What was refused, in the server's words.
    pub(super) fn problem(&self) -> String {
        match self.body["error_description"].as_str() {
            Some(text) => format!("{text} ({})", self.status),
            None => format!("the server answered {}", self.status),
        }
    }
}

impl Server {
    /// Asks a server what it has.
    pub(super) async fn at(url: &str) -> anyhow::Result<Self> {
        let url = match Origin::parse(url) {
            Ok((origin, path)) if !path.contains('?') => {
                format!("{origin}{}", path.trim_end_matches('/'))
            }
            _ => bail!(
                "{}: expected http://HOST:PORT or https://HOST:PORT",
                withhold::url(url)
            ),
        };
        let http = Client::builder()
            .timeout(WITHIN)
            // Each request has a new connection: the server may close one that was kept while the user typed a password, and
            // most requests here must not be sent twice.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("authlab-client/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("cannot make an HTTP client")?;
        let mut server = Self {
            http,
            url,
            dialect: Dialect::Token,
        };
        let api = server
            .send(server.request(Method::GET, "/openapi.json"))
            .await?;
        let has = |path: &str| !api.body["paths"][path].is_null();
        let shows = |scheme: &str| {
            let security = api.body["paths"]["/user"]["get"]["security"].as_array();
            let mut ways = security.into_iter().flatten();
            ways.any(|way| !way[scheme].is_null())
        };
        server.dialect = match () {
            () if has("/token") && shows("api-key") => Dialect::ApiKey,
            () if has("/token") => Dialect::Token,
            () if has("/devices") => Dialect::Devices,
            () if shows("basic") => Dialect::Basic,
            () if has("/signup") => Dialect::Cookie,
            () => bail!(
                "{} is no `authlab serve`: /openapi.json names no way to sign in",
                server.url
            ),
        };
        if api.body["components"]["securitySchemes"]["dpop"].is_object() {
            bail!(
                "{} binds tokens to keys (--binding dpop), and this client has none",
                server.url
            );
        }
        Ok(server)
    }

    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// A token, the cookie's value, or what HTTP Basic shows of this name and password; or why there is none.
    pub(super) async fn sign_in(
        &self,
        user: &str,
        password: &str,
        device: Option<&str>,
    ) -> anyhow::Result<Result<String, Answer>> {
        let mut body = json!({ "username": user, "password": password });
        let (request, place) = match self.dialect {
            Dialect::Basic => {
                let token = BASE64_STANDARD.encode(format!("{user}:{password}"));
                let answer = self.get("/user", &token).await?;
                return Ok(if answer.is_ok() {
                    Ok(token)
                } else {
                    Err(answer)
                });
            }
            Dialect::Token | Dialect::ApiKey => (
                self.request(Method::POST, "/token").json(&body),
                "access_token",
            ),
            Dialect::Devices => {
                body["device_name"] = "authlab client".into();
                if let Some(device) = device {
                    body["device_id"] = device.into();
                }
                (
                    self.request(Method::POST, "/login").json(&body),
                    "access_token",
                )
            }
            Dialect::Cookie => {
                let request = self
                    .request(Method::POST, "/login")
                    .basic_auth(user, Some(password));
                let answer = request.send().await.context(self.lost())?;
                let cookies = answer.headers().get_all("set-cookie").iter();
                // By octets: what else the line says may be of any kind.
                let id = cookies
                    .filter_map(|cookie| cookie.as_bytes().strip_prefix(b"session_id="))
                    .find_map(|rest| rest.split(|byte| *byte == b';').next())
                    .and_then(|id| String::from_utf8(id.to_vec()).ok());
                return match id.filter(|_| answer.status().is_success()) {
                    Some(id) => Ok(Ok(id)),
                    None => Ok(Err(self.read(answer).await?)),
                };
            }
        };
        let answer = self.send(request).await?;
        if !answer.is_ok() {
            return Ok(Err(answer));
        }
        let token = answer.body[place].as_str();
        let token = token.with_context(|| format!("{}: no {place} in the answer", self.url))?;
        Ok(Ok(token.to_owned()))
    }

    pub(super) async fn get(&self, path: &str, token: &str) -> anyhow::Result<Answer> {
        self.send(self.showing(Method::GET, path, token)).await
    }

    pub(super) async fn add(&self, name: &str, token: &str) -> anyhow::Result<Answer> {
        let request = self.showing(Method::POST, "/items", token);
        self.send(request.json(&json!({ "name": name }))).await
    }

    pub(super) async fn sign_out(&self, device: &str, token: &str) -> anyhow::Result<Answer> {
        let mut url = reqwest::Url::parse(&self.url).context("not a URL")?;
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(["devices", device]);
        }
        self.send(self.shown(self.http.request(Method::DELETE, url), token))
            .await
    }

    pub(super) async fn log_out(&self, token: &str) -> anyhow::Result<Answer> {
        let path = match self.dialect {
            Dialect::Token | Dialect::ApiKey => "/token/revoke",
            Dialect::Devices | Dialect::Cookie => "/logout",
            Dialect::Basic => bail!(
                "{} takes name and password on each request: there is no session to end",
                self.url
            ),
        };
        self.send(self.showing(Method::POST, path, token)).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    fn showing(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        self.shown(self.request(method, path), token)
    }

    fn shown(&self, request: RequestBuilder, token: &str) -> RequestBuilder {
        match self.dialect {
            Dialect::Token | Dialect::Devices => request.bearer_auth(token),
            Dialect::ApiKey => request.header("x-api-key", token),
            Dialect::Basic => request.header("authorization", format!("Basic {token}")),
            // No page sent us: the user did.
            Dialect::Cookie => request
                .header("cookie", format!("session_id={token}"))
                .header("sec-fetch-site", "none"),
        }
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Answer> {
        let answer = request.send().await.context(self.lost())?;
        self.read(answer).await
    }

    async fn read(&self, mut answer: reqwest::Response) -> anyhow::Result<Answer> {
        let status = answer.status().as_u16();
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.context(self.lost())? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MOST_BYTES {
                bail!("{}: an answer of more than 1 MiB", self.url);
            }
        }
        // What is no JSON says nothing that is understood here; its status does.
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Answer { status, body })
    }

    fn lost(&self) -> String {
        format!("{} does not answer", self.url)
    }
}

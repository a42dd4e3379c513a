//! Authorization for somebody else's axum service: the whole pipeline, or its cache in front of a central server, as a layer
//! and an extractor.
//!
//! ```
//! use std::net::SocketAddr;
//!
//! use authlab_server::{Authorized, CacheKind, Design, Lab, Scope, layer};
//! use axum::{Router, routing::get};
//!
//! async fn reports(who: Authorized) -> String {
//!     format!("the reports of {}", who.name())
//! }
//!
//! # fn main() -> Result<(), authlab_server::OpenError> {
//! let lab = Lab::open(Design { cache: CacheKind::Decision, ..Design::default() })?;
//! let app: Router = Router::new()
//!     .route("/reports", get(reports))
//!     .route_layer(layer(lab).needing(Scope::ItemsRead));
//! // Who sends a request is part of what is decided: without it every request is refused.
//! let service = app.into_make_service_with_connect_info::<SocketAddr>();
//! # let _ = service; Ok(())
//! # }
//! ```
//!
//! A request without a grant never reaches the service: it is answered 401 or 403 with the challenge of the design's
//! credential, 400 where its host, sender or credential is ambiguous, 429 or 503 with `Retry-After`. What the service answers to the
//! others gets `Cache-Control: private` where it says nothing of caching, and in any case a `Vary` that names the credential's
//! header, so that no shared cache gives one user's answer to another. A decision that is remembered costs no allocation before the grant is put
//! into the request's extensions, and no future is boxed for it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::allowance;
use crate::grant::Grant;
use crate::http::{Caching, asks_nonces, give_nonce, refused, request_of, unnamed};
use crate::lab::Lab;
use crate::policy::{Action, Roles, Scope, Scopes};
use crate::stages::Untimed;

/// A layer that lets through whoever is signed in; see [`Authorize::needing`].
#[must_use]
pub fn layer(lab: Arc<Lab>) -> Authorize {
    Authorize {
        lab,
        action: Action::needing(None),
    }
}

/// Lets through what a design grants.
#[derive(Clone, Debug)]
pub struct Authorize {
    lab: Arc<Lab>,
    action: Action,
}

impl Authorize {
    /// Only who holds this scope.
    #[must_use]
    pub fn needing(self, scope: Scope) -> Self {
        Self {
            action: Action::needing(Some(scope)),
            ..self
        }
    }

    /// Only administrators.
    #[must_use]
    pub fn administering(self) -> Self {
        Self {
            action: Action::Administer,
            ..self
        }
    }
}

impl<S> Layer<S> for Authorize {
    type Service = AuthorizeService<S>;

    fn layer(&self, inner: S) -> AuthorizeService<S> {
        AuthorizeService {
            inner,
            authorize: self.clone(),
        }
    }
}

/// A service behind a design.
#[derive(Clone, Debug)]
pub struct AuthorizeService<S> {
    inner: S,
    authorize: Authorize,
}

impl<S, B> Service<Request<B>> for AuthorizeService<S>
where
    S: Service<Request<B>, Response = Response> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Answer<S::Future, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The one that was found ready answers; what stays behind is asked again.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let Authorize { lab, action } = self.authorize.clone();
        let caching = Caching::private(lab.design());
        let nonces = asks_nonces(&lab);
        let (mut parts, body) = request.into_parts();
        if let Some(answer) = unnamed(&parts) {
            let state = State::Later {
                answer: Box::pin(async { Ok(answer) }),
            };
            return Answer {
                state,
                caching,
                nonces,
            };
        }
        let known = request_of(&parts, action, &lab).map(|asked| lab.granted_at_once(&asked));
        if let Ok(Some(grant)) = known {
            Authorized { grant, lab }.put_into(&mut parts);
            let answer = inner.call(Request::from_parts(parts, body));
            let state = State::AtOnce { answer };
            return Answer {
                state,
                caching,
                nonces,
            };
        }
        let state = State::Later {
            answer: Box::pin(async move {
                let decision = match request_of(&parts, action, &lab) {
                    Ok(asked) => allowance::of_request(lab.decide(&asked, &mut Untimed)).await,
                    Err(denied) => Err(denied),
                };
                match decision {
                    Ok(grant) => {
                        Authorized { grant, lab }.put_into(&mut parts);
                        inner.call(Request::from_parts(parts, body)).await
                    }
                    Err(denied) => Ok(refused(denied, &lab)),
                }
            }),
        };
        Answer {
            state,
            caching,
            nonces,
        }
    }
}

pin_project! {
    /// What becomes of a request.
    pub struct Answer<F, E> {
        #[pin]
        state: State<F, E>,
        // What the service's answer says to caches where it does not say it itself.
        caching: Caching,
        // Where proofs must have nonces, what gives them.
        nonces: Option<Arc<Lab>>,
    }
}

pin_project! {
    #[project = Answering]
    enum State<F, E> {
        // It was granted before, and is the service's.
        AtOnce { #[pin] answer: F },
        // It is decided first: the service's answer, or a refusal.
        Later { answer: Decided<E> },
    }
}

type Decided<E> = Pin<Box<dyn Future<Output = Result<Response, E>> + Send>>;

impl<F, E> Future for Answer<F, E>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut answer = match this.state.project() {
            Answering::AtOnce { answer } => ready!(answer.poll(context)),
            Answering::Later { answer } => ready!(answer.as_mut().poll(context)),
        };
        if let Ok(response) = &mut answer {
            this.caching.complete(response.headers_mut());
            give_nonce(this.nonces.as_ref(), response.headers_mut());
        }
        Poll::Ready(answer)
    }
}

impl<F, E> fmt::Debug for Answer<F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::AtOnce { .. } => "AtOnce",
            State::Later { .. } => "Later",
        })
    }
}

/// Whose request it is, and what that may do: for handlers behind a [`layer`].
#[derive(Clone)]
pub struct Authorized {
    grant: Grant,
    lab: Arc<Lab>,
}

impl Authorized {
    fn put_into(self, parts: &mut Parts) {
        parts.extensions.insert(self);
    }

    /// The subject's name.
    #[must_use]
    pub fn name(&self) -> Arc<str> {
        self.lab.name(&self.grant)
    }

    /// The subject's roles.
    #[must_use]
    pub fn roles(&self) -> Roles {
        self.grant.roles()
    }

    /// What it may do.
    #[must_use]
    pub fn scopes(&self) -> Scopes {
        self.grant.scopes()
    }

    /// The grant itself.
    #[must_use]
    pub fn grant(&self) -> &Grant {
        &self.grant
    }
}

impl fmt::Debug for Authorized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorized")
            .field("name", &self.name())
            .field("roles", &self.roles())
            .field("scopes", &self.scopes())
            .finish()
    }
}

/// A handler asks who was authorized, and nothing before it authorizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Authorized is taken by a route that is not behind authlab_server::layer")]
pub struct NotLayered;

impl IntoResponse for NotLayered {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.to_string()).into_response()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Authorized {
    type Rejection = NotLayered;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NotLayered> {
        parts.extensions.get::<Self>().cloned().ok_or(NotLayered)
    }
}

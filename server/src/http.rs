//! The routes. A handler that takes a [`Granted`] is protected, and its type says for what.

mod accounts;
mod admin;
mod answers;
mod app;
mod bodies;
mod caching;
mod cookies;
mod devices;
mod documented;
mod evaluation;
mod forward;
mod granted;
mod head;
mod host;
mod items;
mod oauth;
mod observed;
mod token;

use std::sync::Arc;

use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use axum::{Extension, Router};

use utoipa_swagger_ui::SwaggerUi;

use crate::credential::CredentialKind;
use crate::lab::Lab;
use crate::status_list;
use crate::verification::VerifyKind;
pub(crate) use answers::shutting_down;
pub(crate) use answers::{asks_nonces, give_nonce};
use answers::{fixed, problem};
pub use app::App;
pub(crate) use app::BODY_TIMEOUT;
pub(crate) use caching::Caching;
use documented::{Doc, Documented, OPENAPI};
pub(crate) use granted::{refused, request as request_of};
pub(crate) use host::unnamed;
pub(crate) use observed::Counts;
use observed::Observed;

/// The largest body that is read: a name and a password, or an item.
const MOST_BODY_BYTES: usize = 16 * 1024;

/// The longest form: a token and a User-Agent as long as a head may be.
const MOST_FORM_BYTES: usize = 64 * 1024;

/// All routes: those of a server's own way to sign in, and those that all have. Each with and without a trailing slash is
/// one route, for routing and for cached decisions alike.
fn router(lab: Arc<Lab>, body_timeout: Duration, connections: Arc<Counts>) -> Router {
    let body = || {
        (
            DefaultBodyLimit::max(MOST_BODY_BYTES),
            Extension(bodies::Within(body_timeout)),
        )
    };
    let routes = Documented::new()
        .add(
            "/items",
            get(items::list).merge(post(items::add).layer(body())),
            [
                Doc::get("The items, by role").signed_in(),
                Doc::post("Adds an item; answered, not kept")
                    .signed_in()
                    .takes::<items::Item>(false)
                    .done(201),
            ],
        )
        .add(
            "/todos",
            get(items::todos),
            [Doc::get("What one's role has to do").signed_in()],
        )
        .add(
            "/secure-data",
            get(items::secure_data),
            [Doc::get("What every account may read").signed_in()],
        )
        .add(
            "/authorize",
            get(forward::authorize),
            [Doc::get("Whether a proxy may pass a request on")
                .forwarded()
                .reads(&[
                    "x-original-method",
                    "x-original-uri",
                    "x-forwarded-method",
                    "x-forwarded-uri",
                    "x-forwarded-for",
                ])
                .done(204)],
        )
        .add(
            "/healthz",
            get(async || fixed(r#"{"status":"ok"}"#)),
            [Doc::get("The server takes requests")],
        );
    let routes = match lab.design().credential {
        CredentialKind::Session => by_cookie(routes, body),
        CredentialKind::SessionJwt => by_device(routes, body),
        CredentialKind::Basic => by_password(routes, body),
        _ if lab.design().verify == VerifyKind::Introspect => by_central(routes, &lab),
        CredentialKind::Jwt | CredentialKind::Opaque | CredentialKind::ApiKey => {
            by_token(routes, body)
        }
    };
    let routes = administered(routes, &lab, body);
    let observed = Observed::of(&lab, connections);
    let routes = if lab.design().metrics {
        let doc = Doc::get("Counts and latencies, in Prometheus' text format").also(&[503]);
        routes.add("/metrics", get(observed::metrics), [doc])
    } else {
        routes
    };
    let mut routes = routes.routes(lab.design());
    if lab.design().verify == VerifyKind::Local {
        routes = routes.route("/.well-known/jwks.json", get(oauth::jwks));
    }
    if lab.design().status_list().is_some() {
        routes = routes.route(status_list::PATH, get(oauth::status_list));
    }
    let routes = routes
        .merge(SwaggerUi::new("/docs").config(utoipa_swagger_ui::Config::from(OPENAPI)))
        .fallback(async || problem(StatusCode::NOT_FOUND, "not_found", "No such path"))
        .method_not_allowed_fallback(async || {
            problem(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "No such method here",
            )
        });
    let routes = match observed {
        Some(observed) => routes.layer(axum::middleware::from_fn_with_state(
            observed,
            observed::observe,
        )),
        None => routes,
    };
    routes.with_state(lab)
}

/// How a route's bodies are limited, in size and time.
type Limits = (DefaultBodyLimit, Extension<bodies::Within>);

fn by_cookie(routes: Documented, body: impl Fn() -> Limits) -> Documented {
    own_account(sign_up(routes, body()))
        .add(
            "/login",
            post(accounts::login),
            [Doc::post("Signs in by HTTP Basic, and sets the session's cookie").basic()],
        )
        .add(
            "/logout",
            post(accounts::logout),
            [Doc::post("Ends the session").signed_in()],
        )
        .add(
            "/getusers/me",
            get(items::account),
            [Doc::get("One's own account").signed_in()],
        )
        .add(
            "/protected",
            get(accounts::protected),
            [Doc::get("What every account may read").signed_in()],
        )
}

/// Where accounts sign themselves up.
fn sign_up(routes: Documented, limits: Limits) -> Documented {
    routes.add(
        "/signup",
        post(accounts::sign_up).layer(limits),
        [Doc::post("Makes an account of one's own")
            .takes::<accounts::SignUp>(true)
            .done(201)
            .also(&[403, 409, 429, 503])],
    )
}

fn own_account(routes: Documented) -> Documented {
    routes.add(
        "/user",
        get(items::account),
        [Doc::get("One's own account").signed_in()],
    )
}

/// Name and password on each request: there is nothing to sign in to.
fn by_password(routes: Documented, body: impl Fn() -> Limits) -> Documented {
    own_account(sign_up(routes, body()))
}

/// Tokens of a central server, which are had there.
fn by_central(routes: Documented, lab: &Lab) -> Documented {
    let routes = own_account(routes);
    if !lab.design().introspect_url.is_ours() {
        // Where somebody else's server ends tokens is not known.
        return routes;
    }
    let doc = Doc::post("Ends the token that the request carries, at the central server");
    routes.add("/token/revoke", post(token::revoke), [doc.signed_in()])
}

/// What changes the facts behind decisions.
fn administered(routes: Documented, lab: &Lab, body: impl Fn() -> Limits) -> Documented {
    let routes = routes.add(
        "/admin/policy",
        post(admin::policy).layer(body()),
        [Doc::post("What each role carries from now on")
            .signed_in()
            .takes::<admin::Carried>(true)],
    );
    if lab.design().verify == VerifyKind::Introspect {
        return routes;
    }
    let routes = routes
        .add(
            "/password",
            post(admin::password).layer(body()),
            [
                Doc::post("Changes one's own password, and ends one's sessions")
                    .signed_in()
                    .takes::<admin::Passwords>(true),
            ],
        )
        .add(
            "/admin/accounts/{name}/roles",
            post(admin::roles).layer(body()),
            [
                Doc::post("Gives an account other roles, and ends its sessions")
                    .signed_in()
                    .takes::<admin::Given>(true)
                    .also(&[404]),
            ],
        )
        .add(
            "/admin/accounts/{name}",
            delete(admin::remove),
            [Doc::delete("Removes an account, and ends its sessions")
                .signed_in()
                .also(&[404])],
        );
    if lab.design().credential.is_signed() {
        routes.add(
            "/admin/keys",
            post(admin::keys),
            [Doc::post("Signs by another key, and ends every token")
                .signed_in()
                .also(&[409])],
        )
    } else {
        routes
    }
}

fn by_device(routes: Documented, body: impl Fn() -> Limits) -> Documented {
    routes
        .add("/", get(devices::hello), [Doc::get("Says hello")])
        .add(
            "/login",
            post(devices::login).layer(body()),
            [Doc::post("Signs a device in")
                .issues()
                .takes_both::<devices::SignIn>()],
        )
        .add(
            "/user",
            get(devices::account),
            [Doc::get("One's own account").signed_in()],
        )
        .add(
            "/devices",
            get(devices::list),
            [Doc::get("The devices that one is signed in from").signed_in()],
        )
        .add(
            "/devices/{id}",
            delete(devices::sign_out),
            [Doc::delete("Signs a device out").signed_in().also(&[404])],
        )
        .add(
            "/logout",
            post(devices::logout),
            [Doc::post("Signs this device out").signed_in()],
        )
        .add(
            "/logout/all",
            post(devices::logout_all),
            [Doc::post("Signs all devices out").signed_in()],
        )
}

fn by_token(routes: Documented, body: impl Fn() -> Limits) -> Documented {
    // Another server names whatever token its client showed, and the client.
    let long = || {
        let (_, within) = body();
        (DefaultBodyLimit::max(MOST_FORM_BYTES), within)
    };
    own_account(routes)
        .add(
            "/token",
            post(token::issue).layer(body()),
            [Doc::post("Signs in").issues().takes::<token::SignIn>(true)],
        )
        .add(
            "/token/revoke",
            post(token::revoke),
            [Doc::post("Ends the token that the request carries").signed_in()],
        )
        .add(
            "/token/refresh",
            post(token::refresh).layer(body()),
            [Doc::post("The next tokens of a session")
                .issues()
                .takes::<token::Refresh>(true)],
        )
        .add(
            "/oauth/token",
            post(oauth::token).layer(body()),
            [Doc::post("A token for a client (RFC 6749)")
                .basic()
                .takes_form::<oauth::Asks>()],
        )
        .add(
            "/oauth/revoke",
            post(oauth::revoke).layer(long()),
            [Doc::post("Ends a token (RFC 7009)")
                .basic()
                .takes_form::<oauth::Names>()],
        )
        .add(
            "/oauth/introspect",
            post(oauth::introspect).layer(long()),
            [Doc::post("Whether a token is active (RFC 7662)")
                .basic()
                .takes_form::<oauth::Names>()],
        )
        .add(
            "/access/v1/evaluation",
            post(evaluation::one).layer(long()),
            [
                Doc::post("Whether a subject may do something (AuthZEN 1.0)")
                    .basic()
                    .takes::<evaluation::Asked>(true),
            ],
        )
        .add(
            "/access/v1/evaluations",
            post(evaluation::several).layer(long()),
            [Doc::post("The same of several at once")
                .basic()
                .takes::<evaluation::AskedAtOnce>(true)],
        )
        .add(
            "/.well-known/authzen-configuration",
            get(evaluation::metadata),
            [Doc::get("Where that is (AuthZEN 1.0)")],
        )
        .add(
            "/.well-known/oauth-authorization-server",
            get(oauth::metadata),
            [Doc::get("Where all that is (RFC 8414)")],
        )
}

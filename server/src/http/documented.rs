//! Routes with their documentation: a route is added with what may be asked and answered there, or not at all, so that
//! `/openapi.json` (OpenAPI 3.1) says what the server has. It is built when it is first asked for: building it takes longer
//! than opening everything else.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::routing::{MethodRouter, get};
use utoipa::PartialSchema;
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, HttpMethod, InfoBuilder, ObjectBuilder, OpenApiBuilder,
    PathItem, PathsBuilder, RefOr, Required, ResponseBuilder, Schema, Type,
};

use super::answers::Problem;
use super::cookies;
use crate::binding::BindingKind;
use crate::credential::CredentialKind;
use crate::lab::Lab;
use crate::setup::Design;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// What a request shows to be let in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shows {
    Nothing,
    /// Whatever this server's credential is.
    Token,
    /// A name and a password, or a client's id and secret.
    Basic,
}

/// The body of a request: its media types, its shape, and whether there has to be one.
type Taken = (Vec<&'static str>, fn() -> RefOr<Schema>, Required);

/// One operation, in words.
pub(super) struct Doc {
    method: HttpMethod,
    summary: &'static str,
    shows: Shows,
    body: Option<Taken>,
    headers: Vec<&'static str>,
    statuses: Vec<u16>,
}

impl Doc {
    pub(super) fn get(summary: &'static str) -> Self {
        Self::of(HttpMethod::Get, summary)
    }

    pub(super) fn post(summary: &'static str) -> Self {
        Self::of(HttpMethod::Post, summary)
    }

    pub(super) fn delete(summary: &'static str) -> Self {
        Self::of(HttpMethod::Delete, summary)
    }

    fn of(method: HttpMethod, summary: &'static str) -> Self {
        Self {
            method,
            summary,
            shows: Shows::Nothing,
            body: None,
            headers: Vec::new(),
            statuses: vec![200],
        }
    }

    /// Answers this where all goes well, instead of 200.
    pub(super) fn done(mut self, status: u16) -> Self {
        self.statuses[0] = status;
        self
    }

    /// For whoever shows the server's kind of token.
    pub(super) fn signed_in(mut self) -> Self {
        self.shows = Shows::Token;
        self.also(&[400, 401, 403, 429, 503])
    }

    /// For a proxy that asks for somebody: every refusal is a 401 or a 403, whatever it is elsewhere.
    pub(super) fn forwarded(mut self) -> Self {
        self.shows = Shows::Token;
        self.also(&[401, 403, 503])
    }

    /// For whoever shows a name and a password by HTTP Basic.
    pub(super) fn basic(mut self) -> Self {
        self.shows = Shows::Basic;
        self.also(&[400, 401, 429, 503])
    }

    /// Signs somebody in, or goes on.
    pub(super) fn issues(self) -> Self {
        self.also(&[400, 401, 429, 503])
    }

    /// Takes a JSON body of this shape.
    pub(super) fn takes<T: PartialSchema>(self, required: bool) -> Self {
        self.takes_as::<T>(vec![JSON], required)
    }

    /// Takes a form of this shape.
    pub(super) fn takes_form<T: PartialSchema>(self) -> Self {
        self.takes_as::<T>(vec![FORM], true)
    }

    /// Takes either.
    pub(super) fn takes_both<T: PartialSchema>(self) -> Self {
        self.takes_as::<T>(vec![JSON, FORM], true)
    }

    fn takes_as<T: PartialSchema>(mut self, kinds: Vec<&'static str>, required: bool) -> Self {
        let required = if required {
            Required::True
        } else {
            Required::False
        };
        self.body = Some((kinds, T::schema, required));
        self.also(&[400, 408, 413, 415, 422])
    }

    /// Reads these headers.
    pub(super) fn reads(mut self, headers: &[&'static str]) -> Self {
        self.headers.extend(headers);
        self
    }

    /// May also answer these.
    pub(super) fn also(mut self, statuses: &[u16]) -> Self {
        for status in statuses {
            if !self.statuses.contains(status) {
                self.statuses.push(*status);
            }
        }
        self
    }

    fn item(&self, path: &str, design: &Design) -> PathItem {
        let mut operation = OperationBuilder::new()
            .summary(Some(self.summary))
            .operation_id(Some(
                format!("{:?} {path}", Method(&self.method))
                    .replace(['/', ' ', '{', '}', '.'], "_"),
            ));
        for name in path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        {
            operation = operation.parameter(parameter(name, ParameterIn::Path, Required::True));
        }
        for name in &self.headers {
            operation = operation.parameter(parameter(name, ParameterIn::Header, Required::False));
        }
        match self.shows {
            Shows::Nothing => {}
            Shows::Token => {
                let name = scheme_name(design);
                operation = operation.security(SecurityRequirement::new(name, NO_SCOPES));
            }
            Shows::Basic => {
                operation = operation.security(SecurityRequirement::new("basic", NO_SCOPES));
            }
        }
        if let Some((kinds, schema, required)) = &self.body {
            let mut body = RequestBodyBuilder::new().required(Some(required.clone()));
            for kind in kinds {
                let content = ContentBuilder::new().schema(Some(schema())).build();
                body = body.content(*kind, content);
            }
            operation = operation.request_body(Some(body.build()));
        }
        for &status in &self.statuses {
            let mut response = ResponseBuilder::new().description(meaning(status));
            if status >= 400 {
                let content = ContentBuilder::new()
                    .schema(Some(Problem::schema()))
                    .build();
                response = response.content(JSON, content);
            }
            operation = operation.response(status.to_string(), response.build());
        }
        PathItem::new(self.method.clone(), operation.build())
    }
}

const NO_SCOPES: [&str; 0] = [];

/// A method by its name: utoipa's own has no `Debug` without a feature.
struct Method<'a>(&'a HttpMethod);

impl std::fmt::Debug for Method<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            HttpMethod::Post => "post",
            HttpMethod::Delete => "delete",
            _ => "get",
        })
    }
}

fn parameter(
    name: &str,
    place: ParameterIn,
    required: Required,
) -> utoipa::openapi::path::Parameter {
    let text = ObjectBuilder::new().schema_type(Type::String).build();
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .schema(Some(text))
        .build()
}

fn meaning(status: u16) -> &'static str {
    match status {
        200 | 201 | 204 => "done",
        307 | 303 => "elsewhere",
        400 => "the request is wrong in itself",
        401 => "no credentials that count",
        403 => "not for this account",
        404 => "there is none",
        408 => "the body did not come in time",
        409 => "the name is taken",
        413 => "the body is too large",
        415 => "the body is of another kind",
        422 => "the body has another shape",
        429 => "too many passwords at once: come back",
        503 => "a store does not answer: come back",
        _ => "an answer",
    }
}

fn scheme_name(design: &Design) -> &'static str {
    match (design.credential, design.binding) {
        (CredentialKind::Session, _) => "cookie",
        (CredentialKind::ApiKey, _) => "api-key",
        (CredentialKind::Basic, _) => "basic",
        (_, BindingKind::Dpop) => "dpop",
        _ => "bearer",
    }
}

fn scheme(design: &Design) -> SecurityScheme {
    match scheme_name(design) {
        "cookie" => SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(cookies::NAME))),
        "api-key" => SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-Key"))),
        "basic" => SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)),
        "dpop" => SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
            "Authorization",
            "`DPoP` and a token, beside a proof in the header DPoP (RFC 9449)",
        ))),
        _ => SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
    }
}

/// Routes, each with and without a trailing slash, and what is said of them.
pub(super) struct Documented {
    routes: Router<Arc<Lab>>,
    operations: Vec<(&'static str, Doc)>,
}

impl Documented {
    pub(super) fn new() -> Self {
        Self {
            routes: Router::new(),
            operations: Vec::new(),
        }
    }

    /// A route: what is done there, and what is said of each of its methods.
    pub(super) fn add<const N: usize>(
        mut self,
        path: &'static str,
        methods: MethodRouter<Arc<Lab>>,
        docs: [Doc; N],
    ) -> Self {
        self.operations.extend(docs.map(|doc| (path, doc)));
        self.routes = self.routes.route(path, methods.clone());
        if path != "/" {
            self.routes = self.routes.route(&format!("{path}/"), methods);
        }
        self
    }

    /// The routes, and at [`OPENAPI`] what was said of them.
    pub(super) fn routes(self, design: &Design) -> Router<Arc<Lab>> {
        let (operations, design) = (self.operations, design.clone());
        let document = LazyLock::new(move || Bytes::from(openapi(&operations, &design)));
        let document = Arc::new(document);
        let answer = async move || {
            let written = Bytes::clone(&document);
            ([(header::CONTENT_TYPE, JSON)], written)
        };
        self.routes.route(OPENAPI, get(answer))
    }
}

/// Where the document is.
pub(super) const OPENAPI: &str = "/openapi.json";

/// The document, as JSON.
fn openapi(operations: &[(&'static str, Doc)], design: &Design) -> Vec<u8> {
    let mut paths = PathsBuilder::new();
    for (path, doc) in operations {
        paths = paths.path(*path, doc.item(path, design));
    }
    let components = ComponentsBuilder::new()
        .security_scheme(scheme_name(design), scheme(design))
        .security_scheme(
            "basic",
            SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)),
        );
    let info = InfoBuilder::new()
        .title("authlab")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "The reference auth server: as it was started, every design choice a flag",
        ));
    let api = OpenApiBuilder::new()
        .info(info.build())
        .paths(paths)
        .components(Some(components.build()));
    // It holds text and numbers alone, so that nothing in it can fail to be written.
    serde_json::to_vec(&api.build()).unwrap_or_default()
}

//! Decisions for other services by OpenID's Authorization API 1.0 (AuthZEN): may this subject do that to this resource?
//!
//! A subject is a `token`, judged as a request that carries it, cache and all, or a `user`, judged by its roles as they are
//! now. A resource is a `route`, and an action the method of a request to it, by the table of `--routes`. Who asks is a
//! client of this server.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderName;
use axum::http::request::Parts;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::answers::{Challenge, denied, json, no_store};
use super::bodies::Body;
use super::granted::{self, Peer};
use super::head::Head;
use super::oauth::{self, Refused};
use super::observed;
use crate::binding::BindingKind;
use crate::credential::CredentialKind;
use crate::denied::Denied;
use crate::lab::Lab;
use crate::policies::Question;
use crate::request::{DpopProof, Presented, Proof, Request, Sender};
use crate::shares::Origin;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// More decisions than one page of an application asks for.
const MOST_EVALUATIONS: usize = 100;

/// Whom a decision is about.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
pub(super) struct Subject {
    /// `user` or `token`.
    r#type: String,
    /// An account's name, or a token.
    id: String,
}

/// What it wants to do.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
pub(super) struct Wanted {
    /// The method of the request.
    name: String,
}

/// What to.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
pub(super) struct Resource {
    /// `route`.
    r#type: String,
    /// Path and query of the request.
    id: String,
}

/// Who sent the token that is asked about; what else there is says nothing here.
#[derive(Clone, Default, Deserialize, utoipa::ToSchema)]
#[allow(clippy::struct_field_names, reason = "as `/oauth/introspect` has them")]
pub(super) struct Context {
    /// The address of who shows the token.
    sender_ip: Option<String>,
    /// Its `User-Agent`.
    sender_user_agent: Option<String>,
    /// Its `DPoP` header, for the method and the path that are asked about.
    sender_dpop: Option<String>,
}

/// One question (§6.1).
#[derive(Clone, Default, Deserialize, utoipa::ToSchema)]
pub(super) struct Asked {
    subject: Option<Subject>,
    action: Option<Wanted>,
    resource: Option<Resource>,
    context: Option<Context>,
}

/// Several, and what those have that do not say it themselves (§7.1).
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct AskedAtOnce {
    #[serde(flatten)]
    #[schema(inline)]
    usual: Asked,
    evaluations: Option<Vec<Asked>>,
    options: Option<Options>,
}

/// How several are evaluated.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct Options {
    /// `execute_all`, `deny_on_first_deny` or `permit_on_first_permit`.
    evaluations_semantic: Option<Semantic>,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum Semantic {
    #[default]
    ExecuteAll,
    DenyOnFirstDeny,
    PermitOnFirstPermit,
}

/// An answer (§6.2).
#[derive(Serialize)]
struct Decision {
    decision: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Because>,
}

/// Why not.
#[derive(Serialize)]
struct Because {
    /// The error code that the request itself would have been refused with.
    reason: &'static str,
}

#[derive(Serialize)]
struct Decisions {
    evaluations: Vec<Decision>,
}

/// `POST /access/v1/evaluation`
pub(super) async fn one(
    State(lab): State<Arc<Lab>>,
    Head(head): Head,
    Body(asked): Body<Asked>,
) -> Response {
    let answer = async {
        let by = asking(&lab, &head)?;
        Ok(json(&evaluate(&lab, &head, by, &asked).await?))
    };
    answered(&head, answer.await)
}

/// `POST /access/v1/evaluations`
pub(super) async fn several(
    State(lab): State<Arc<Lab>>,
    Head(head): Head,
    Body(asked): Body<AskedAtOnce>,
) -> Response {
    let answer = async {
        let by = asking(&lab, &head)?;
        let all = asked.evaluations.unwrap_or_default();
        if all.is_empty() {
            // §7.1: then it is one question.
            return Ok(json(&evaluate(&lab, &head, by, &asked.usual).await?));
        }
        if all.len() > MOST_EVALUATIONS {
            return Err(Refused::Wrong(
                "At most 100 evaluations are answered at once",
            ));
        }
        let options = asked
            .options
            .and_then(|options| options.evaluations_semantic);
        let semantic = options.unwrap_or_default();
        let mut evaluations = Vec::with_capacity(all.len());
        for one in all {
            let usual = asked.usual.clone();
            let whole = Asked {
                subject: one.subject.or(usual.subject),
                action: one.action.or(usual.action),
                resource: one.resource.or(usual.resource),
                context: one.context.or(usual.context),
            };
            let decided = evaluate(&lab, &head, by, &whole).await?;
            let permitted = decided.decision;
            evaluations.push(decided);
            match semantic {
                Semantic::DenyOnFirstDeny if !permitted => break,
                Semantic::PermitOnFirstPermit if permitted => break,
                _ => {}
            }
        }
        Ok(json(&Decisions { evaluations }))
    };
    answered(&head, answer.await)
}

/// `GET /.well-known/authzen-configuration` (§9)
pub(super) async fn metadata(State(lab): State<Arc<Lab>>) -> Response {
    #[derive(Serialize)]
    struct Metadata<'a> {
        policy_decision_point: &'a str,
        access_evaluation_endpoint: String,
        access_evaluations_endpoint: String,
    }
    let issuer = lab.design().issuer();
    json(&Metadata {
        policy_decision_point: &issuer,
        access_evaluation_endpoint: format!("{issuer}/access/v1/evaluation"),
        access_evaluations_endpoint: format!("{issuer}/access/v1/evaluations"),
    })
}

/// Whose question it is: a client's, by HTTP Basic; others must not probe accounts and tokens.
fn asking(lab: &Lab, head: &Parts) -> Result<IpAddr, Refused> {
    let (id, secret) = oauth::by_header(&head.headers)?;
    lab.client(&id, &secret)?;
    match head.extensions.get() {
        Some(Peer(peer)) => Ok(*peer),
        None => Err(granted::no_peer().into()),
    }
}

/// A decision, or why there is none: a question that is none, or a store or a pool that cannot answer.
async fn evaluate(lab: &Lab, head: &Parts, by: IpAddr, asked: &Asked) -> Result<Decision, Refused> {
    let subject = asked.subject.as_ref();
    let subject = subject.ok_or(Refused::Wrong("subject is missing"))?;
    let action = asked.action.as_ref();
    let method = &*action.ok_or(Refused::Wrong("action is missing"))?.name;
    let resource = asked.resource.as_ref();
    let resource = resource.ok_or(Refused::Wrong("resource is missing"))?;
    let context = asked.context.as_ref();
    let refuse = |reason| {
        Ok(Decision {
            decision: false,
            context: Some(Because { reason }),
        })
    };
    if resource.r#type != "route" {
        return refuse("unknown_resource_type");
    }
    let target = &*resource.id;
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    let decided = match lab.routes().find(method, path) {
        Ok((route, action)) => match &*subject.r#type {
            "user" => {
                let question = Question {
                    action,
                    method,
                    route,
                };
                lab.may(&subject.id, question, Origin::of(by)).await
            }
            "token" => {
                let request = Request {
                    method,
                    route,
                    target,
                    sender: sender(context, by, method, path)?,
                    presented: presented(lab, &subject.id),
                    action,
                };
                let decided = observed::authorize(lab, head, &request).await;
                decided.0.map(drop)
            }
            _ => return refuse("unknown_subject_type"),
        },
        Err(denial) => Err(denial),
    };
    match decided {
        Ok(()) => Ok(Decision {
            decision: true,
            context: None,
        }),
        Err(denial @ (Denied::Unavailable | Denied::Busy)) => Err(denial.into()),
        Err(denial) => refuse(denial.code()),
    }
}

/// Who shows the token, as the asking service tells; where it does not, that service itself.
fn sender<'a>(
    context: Option<&'a Context>,
    by: IpAddr,
    method: &'a str,
    path: &'a str,
) -> Result<Sender<'a>, Refused> {
    let told = |text: Option<&'a String>| text.map(String::as_str);
    let context = context.map(|context| {
        (
            told(context.sender_ip.as_ref()),
            told(context.sender_user_agent.as_ref()),
            told(context.sender_dpop.as_ref()),
        )
    });
    let (ip, user_agent, dpop) = context.unwrap_or_default();
    let ip = match ip {
        Some(ip) => ip
            .parse()
            .map_err(|_| Refused::Wrong("context.sender_ip is no IP address"))?,
        None => by,
    };
    Ok(Sender {
        user_agent: user_agent.unwrap_or_default().as_bytes(),
        ip,
        proof: dpop.map(|jwt| Proof::Dpop(DpopProof { jwt, method, path })),
    })
}

fn presented<'a>(lab: &Lab, token: &'a str) -> Presented<'a> {
    match (lab.design().credential, lab.design().binding) {
        (CredentialKind::ApiKey, _) => Presented::ApiKey(token),
        (_, BindingKind::Dpop) => Presented::Dpop(token),
        _ => Presented::Bearer(token),
    }
}

/// The answer, which nobody keeps, under the number of the request (§10.1).
fn answered(head: &Parts, answer: Result<Response, Refused>) -> Response {
    let mut response = match answer {
        Ok(response) => no_store(response),
        Err(Refused::Denied(denial)) => no_store(denied(denial, Challenge::Basic)),
        Err(Refused::Wrong(reason)) => oauth::wrong(reason),
    };
    if let Some(number) = head.headers.get(&REQUEST_ID) {
        response.headers_mut().insert(REQUEST_ID, number.clone());
    }
    response
}

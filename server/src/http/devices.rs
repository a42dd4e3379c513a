//! The third published design: an account signed in from several devices, each with a session of its own.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::admin::to_its_end;
use super::answers::{Challenge, denied, fixed, json, no_store};
use super::bodies::JsonOrForm;
use super::granted::{self, Granted, OwnAccount};
use super::head::Head;
use super::token;
use crate::denied::Denied;
use crate::lab::{Lab, Naming};
use crate::policy::{Action, Roles};

/// `GET /`
pub(super) async fn hello() -> Response {
    fixed(r#"{"message":"Hello from authlab"}"#)
}

/// What a user signs in with, and from what. It has no `Debug`: it never belongs into a log.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct SignIn {
    username: String,
    password: String,
    #[serde(default)]
    device_name: Option<String>,
    #[serde(default)]
    device_id: Option<String>,
}

/// `POST /login`
pub(super) async fn login(
    State(lab): State<Arc<Lab>>,
    Head(head): Head,
    JsonOrForm(sign_in): JsonOrForm<SignIn>,
) -> Response {
    #[derive(Serialize)]
    struct SignedIn<'a> {
        access_token: &'a str,
        token_type: &'static str,
        expires_in: u64,
        device_id: &'a str,
    }
    let naming = Naming {
        name: sign_in.device_name.as_deref(),
        id: sign_in.device_id.as_deref(),
    };
    let signed_in = match granted::sender(&head, &lab) {
        Ok(sender) => {
            lab.login_from(&sign_in.username, &sign_in.password, &sender, naming)
                .await
        }
        Err(denied) => Err(denied),
    };
    no_store(match signed_in {
        Ok((token, device_id)) => json(&SignedIn {
            access_token: &token.access_token,
            token_type: token.token_type,
            expires_in: token.expires_in,
            device_id: &device_id,
        }),
        Err(denial) => denied(denial, Challenge::of(&lab)),
    })
}

/// `GET /devices`
pub(super) async fn list(State(lab): State<Arc<Lab>>, Head(head): Head) -> Response {
    #[derive(Serialize)]
    struct Row<'a> {
        device_id: &'a str,
        device_name: &'a str,
        ip: std::net::IpAddr,
        signed_in_at: u64,
        expires_at: u64,
        current: bool,
    }
    #[derive(Serialize)]
    struct Devices<'a> {
        devices: Vec<Row<'a>>,
    }
    let listed = match granted::request(&head, Action::OwnAccount, &lab) {
        Ok(request) => lab.devices(&request).await,
        Err(denied) => Err(denied),
    };
    no_store(match listed {
        Ok(listed) => {
            let devices = listed.iter().map(|listed| {
                let device = &listed.signed.device;
                Row {
                    device_id: &device.id,
                    device_name: &device.name,
                    ip: device.ip,
                    signed_in_at: device.since.seconds(),
                    expires_at: device.until.seconds(),
                    current: listed.current,
                }
            });
            json(&Devices {
                devices: devices.collect(),
            })
        }
        Err(denial) => denied(denial, Challenge::of(&lab)),
    })
}

/// `DELETE /devices/{id}`
pub(super) async fn sign_out(
    State(lab): State<Arc<Lab>>,
    Path(id): Path<String>,
    Head(head): Head,
) -> Response {
    let change = {
        let lab = Arc::clone(&lab);
        async move {
            let request = granted::request(&head, Action::OwnAccount, &lab)?;
            lab.sign_out(&request, &id).await
        }
    };
    let ended = to_its_end(change).await;
    ended_or_denied(ended, &lab)
}

/// `POST /logout`
pub(super) async fn logout(State(lab): State<Arc<Lab>>, Head(head): Head) -> Response {
    let ended = to_its_end(token::ended(Arc::clone(&lab), head)).await;
    ended_or_denied(ended, &lab)
}

/// `POST /logout/all`
pub(super) async fn logout_all(State(lab): State<Arc<Lab>>, Head(head): Head) -> Response {
    #[derive(Serialize)]
    struct Ended {
        logged_out: bool,
        devices: usize,
    }
    let change = {
        let lab = Arc::clone(&lab);
        async move {
            let request = granted::request(&head, Action::OwnAccount, &lab)?;
            lab.sign_out_everywhere(&request).await
        }
    };
    let ended = to_its_end(change).await;
    no_store(match ended {
        Ok(devices) => json(&Ended {
            logged_out: true,
            devices,
        }),
        Err(denial) => denied(denial, Challenge::of(&lab)),
    })
}

/// `GET /user`: the account's document, from beside its sessions.
pub(super) async fn account(State(lab): State<Arc<Lab>>, granted: Granted<OwnAccount>) -> Response {
    #[derive(Serialize)]
    struct Account<'a> {
        username: &'a str,
        email: &'a str,
        bio: &'a str,
        roles: Roles,
    }
    let profile = match lab.profile(&granted.grant).await {
        Ok(profile) => profile,
        Err(denial) => return granted.answer(denied(denial, Challenge::of(&lab))),
    };
    granted.answer(json(&Account {
        username: &lab.name(&granted.grant),
        email: &profile.email,
        bio: &profile.bio,
        roles: granted.grant.roles(),
    }))
}

fn ended_or_denied(ended: Result<(), Denied>, lab: &Lab) -> Response {
    no_store(match ended {
        Ok(()) => fixed(r#"{"logged_out":true}"#),
        Err(denial) => denied(denial, Challenge::of(lab)),
    })
}

//! Which variants and loads can be predicted, and the designs that they mean.

use authlab_loadtest::arrivals::Arrivals;
use authlab_loadtest::protocol::Protocol;
use authlab_loadtest::scenario::{Load, Step, Target, Variant};
use authlab_server::{Design, SessionsFrom, UsersFrom, VerifyKind};

use crate::flags;

/// The design of a variant under a load.
pub(super) fn of(variant: &Variant, load: &Load) -> anyhow::Result<Design> {
    let Target::Authlab { flags, .. } = &variant.target else {
        anyhow::bail!("variant `{}` is not the reference server", variant.name);
    };
    let mut all = flags.clone();
    all.extend(load.flags.clone());
    flags::design(&format!("variant `{}`", variant.name), &all)
}

/// Why a variant cannot be predicted; none where it can.
pub(super) fn obstacle(variant: &Variant) -> Option<String> {
    let protocol = match &variant.target {
        Target::Authlab { protocol, .. } => protocol,
        Target::Command { .. } => {
            return Some("it is a command, whose cost only a run shows".to_owned());
        }
        Target::Url { .. } => {
            return Some("it runs elsewhere, where its cost is not known".to_owned());
        }
    };
    if let Some(beside) = variant.besides.first() {
        return Some(format!(
            "it depends on the service `{}`, whose latency the model does not know",
            beside.name
        ));
    }
    (*protocol != Protocol::default())
        .then(|| "it speaks TLS or HTTP/2, and the reference is HTTP/1.1 in the clear".to_owned())
}

/// Why a design cannot be predicted; none where it can.
pub(super) fn obstacle_within(design: &Design) -> Option<&'static str> {
    let is_alone = design.sessions == SessionsFrom::Memory
        && design.users == UsersFrom::Memory
        && design.verify == VerifyKind::Local;
    (!is_alone)
        .then_some("it asks a store outside of the server, whose latency the model does not know")
}

/// Why a load cannot be predicted; none where it can.
pub(super) fn obstacle_of(load: &Load, steps: &[Step]) -> Option<String> {
    if load.capacity.is_some() {
        return Some("it searches for the highest rate".to_owned());
    }
    if matches!(load.arrivals, Arrivals::Trace(_)) {
        return Some("it replays a log".to_owned());
    }
    let of_page = load
        .all_steps()
        .map(|step| &steps[step])
        .find(|step| step.follow > 0 || step.submit.is_some() || step.keeps_page);
    of_page.map(|step| {
        format!(
            "step `{}` follows redirects or submits a form, which is more than one request",
            step.name
        )
    })
}

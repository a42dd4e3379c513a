//! What was tried, counted as it is played.

use crate::contract::Contract;
use crate::draw::Draw;
use crate::history::{Act, Form, Op};
use crate::outcome::Coverage;
use crate::play::{Played, Player, Seen};

impl Coverage {
    /// Counts a history that was played and judged.
    pub(super) fn add(&mut self, contract: &Contract, ops: &[Op], played: &Played) {
        self.histories += 1;
        self.errors += played.refused_sign_ins.len();
        self.answers += played.refused_sign_ins.len();
        let mut before: Vec<Option<usize>> = vec![None; contract.routes.len()];
        for (op, seen) in ops.iter().zip(&played.seen) {
            match (op.act, seen) {
                (Act::Use { route, form, .. }, Seen::Asked { answer, .. }) => {
                    self.answers += 1;
                    let is_error = answer
                        .as_ref()
                        .map_or(true, |answer| answer.status == 429 || answer.status >= 500);
                    self.errors += usize::from(is_error);
                    *self.forms.entry(form.label()).or_default() += 1;
                    if let Some(earlier) = before[route].replace(op.who) {
                        self.seen_pairs.insert((earlier, op.who));
                        self.seen_combinations
                            .insert((route, earlier, op.who, form.label()));
                    }
                }
                (Act::Change(change), Seen::Changed { answered, .. }) => {
                    let name = &contract.changes[change].name;
                    let name = if answered.is_some() {
                        name.clone()
                    } else {
                        format!("{name} (failed)")
                    };
                    *self.changes.entry(name).or_default() += 1;
                }
                (Act::Expire, Seen::Waited) => {
                    *self.changes.entry("expire".to_owned()).or_default() += 1;
                }
                _ => {}
            }
        }
    }

    /// Notes what cannot be tried.
    pub(super) fn expects(&mut self, contract: &Contract, draw: &Draw<'_>, player: &Player<'_>) {
        let mut missing = |said: &str| self.not_covered.push(said.to_owned());
        match contract.expiry {
            None => missing("expiry: the contract has no [expiry]"),
            Some(_) if !draw.expires() => missing(
                "expiry: a credential lives too long for this check; give it more time (--for)",
            ),
            Some(_) => {}
        }
        if contract.changes.is_empty() {
            missing("revocation, sign-out, roles and refresh: the contract has no [[change]]");
        }
        if contract.tenant.is_none() {
            missing("other tenants: the contract has no [tenant]");
        }
        if contract.sender.is_none() {
            missing("other senders: the contract has no [sender]");
        }
        if !contract.one_host {
            missing(
                "requests without exactly one Host: the contract does not say `one_host = true`",
            );
        }
        if player.takes_query.contains(&false) {
            missing(
                "fresh cache entries on every route: some routes refuse a further query parameter, so histories may meet what earlier ones left",
            );
        }
    }

    /// Counts what was collected, and notes what a contract has and the check did not reach.
    pub(super) fn count(&mut self, contract: &Contract) {
        self.pairs = self.seen_pairs.len();
        self.pairs_of = contract.principals.len().pow(2);
        self.combinations = self.seen_combinations.len();
        for change in &contract.changes {
            if contract.histories.is_empty() && !self.changes.contains_key(&change.name) {
                self.not_covered
                    .push(format!("change `{}`: it was not made", change.name));
            }
        }
        let forms = Form::VARIED
            .iter()
            .filter(|form| !self.forms.contains_key(&form.label()));
        let forms: Vec<String> = forms.map(|form| form.label()).collect();
        if !forms.is_empty() {
            self.not_covered
                .push(format!("forms that were not sent: {}", forms.join(", ")));
        }
    }
}

//! Random histories of a seed: short, and about few things at a time, so that what one request leaves behind meets another.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::contract::Contract;
use crate::history::{Act, Form, Op};

/// Most operations of a history, without the plain requests at its end.
const MOST: usize = 8;
/// How many forms are considered; the one that was used least is taken.
const CONSIDERED: usize = 4;
/// An expiry that takes more of the time than one of so many parts is not waited for.
const PARTS: u32 = 12;

/// Draws histories.
pub(crate) struct Draw<'c> {
    contract: &'c Contract,
    random: StdRng,
    used: BTreeMap<(usize, usize, Form), usize>,
    forms: Vec<Form>,
    expires: bool,
}

impl<'c> Draw<'c> {
    pub(crate) fn new(contract: &'c Contract, seed: u64, time: Duration) -> Self {
        let forms = Form::VARIED.into_iter().filter(|form| {
            let is_known = match form {
                Form::OtherTenant => contract.tenant.is_some(),
                Form::OtherSender => contract.sender.is_some(),
                Form::NoHost | Form::TwoHosts => contract.one_host,
                _ => true,
            };
            is_known && !contract.ignored.contains(form)
        });
        Self {
            contract,
            random: StdRng::seed_from_u64(seed),
            used: BTreeMap::new(),
            forms: forms.collect(),
            expires: contract
                .expiry
                .is_some_and(|expiry| expiry.after + expiry.within <= time / PARTS),
        }
    }

    /// Whether credentials are waited for until they expire.
    pub(crate) fn expires(&self) -> bool {
        self.expires
    }

    /// The next history.
    pub(crate) fn history(&mut self) -> Vec<Op> {
        let principals = self.contract.principals.len();
        let route = self.random.random_range(0..self.contract.routes.len());
        let who = [
            self.random.random_range(0..principals),
            self.random.random_range(0..principals),
        ];
        let routes = [route, self.sibling(route)];
        let length = self.random.random_range(1..=MOST);
        let mut ops: Vec<Op> = Vec::new();
        while ops.len() < length {
            let who = who[usize::from(self.chance(0.5))];
            let route = routes[usize::from(self.chance(0.3))];
            let plain = self.plain(who, route);
            let act = match self.random.random_range(0..100) {
                0..20 => self.change(who),
                20..23 if self.expires && !self.contract.principals[who].sign_in.is_empty() => {
                    Some(Act::Expire)
                }
                _ => None,
            };
            let Some(act) = act else {
                let is_varied = self.chance(0.5);
                ops.push(if is_varied {
                    self.varied(plain, who, route)
                } else {
                    plain
                });
                continue;
            };
            // What was cached before a change shows after it.
            if self.chance(0.6) {
                ops.push(plain);
            }
            ops.push(Op { act, ..plain });
            if act != Act::Expire && self.chance(0.7) {
                ops.push(Op {
                    act: Act::Wait,
                    ..plain
                });
            }
            if self.chance(0.8) {
                ops.push(plain);
            }
        }
        self.at_once(&mut ops);
        for who in who {
            ops.push(self.plain(who, route));
        }
        ops
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.random.random_bool(probability)
    }

    /// Another route, most often one of the same path.
    fn sibling(&mut self, route: usize) -> usize {
        let routes = &self.contract.routes;
        let path = |route: usize| {
            routes[route]
                .target
                .split('?')
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase()
        };
        let same: Vec<usize> = (0..routes.len())
            .filter(|other| *other != route && path(*other) == path(route))
            .collect();
        if same.is_empty() || self.chance(0.2) {
            return self.random.random_range(0..routes.len());
        }
        same[self.random.random_range(0..same.len())]
    }

    fn plain(&mut self, who: usize, route: usize) -> Op {
        Op {
            who,
            credential: usize::from(self.chance(0.15)),
            client: self.random.random_range(0..3),
            at_once: false,
            act: Act::Use {
                route,
                way: self
                    .random
                    .random_range(0..self.contract.principals[who].ways.len()),
                form: Form::AsIs,
            },
        }
    }

    fn varied(&mut self, plain: Op, who: usize, route: usize) -> Op {
        let Act::Use { way, .. } = plain.act else {
            return plain;
        };
        if self.forms.is_empty() {
            return plain;
        }
        let drawn: Vec<Form> = (0..CONSIDERED)
            .map(|_| self.forms[self.random.random_range(0..self.forms.len())])
            .collect();
        let least = drawn
            .into_iter()
            .min_by_key(|form| self.used.get(&(who, route, *form)).copied().unwrap_or(0));
        let form = least.unwrap_or(Form::AsIs);
        *self.used.entry((who, route, form)).or_default() += 1;
        Op {
            act: Act::Use { route, way, form },
            ..plain
        }
    }

    fn change(&mut self, who: usize) -> Option<Act> {
        let changes = &self.contract.changes;
        let own: Vec<usize> = (0..changes.len())
            .filter(|change| changes[*change].of.contains(&who))
            .collect();
        if own.is_empty() {
            return None;
        }
        Some(Act::Change(own[self.random.random_range(0..own.len())]))
    }

    /// Has some requests sent together with what follows them.
    fn at_once(&mut self, ops: &mut [Op]) {
        for place in 1..ops.len() {
            let follows = !matches!(ops[place].act, Act::Wait | Act::Expire);
            if follows && matches!(ops[place - 1].act, Act::Use { .. }) && self.chance(0.1) {
                ops[place - 1].at_once = true;
                ops[place].client = ops[place - 1].client + 1;
            }
        }
    }
}

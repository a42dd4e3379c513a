//! The shortest history that still shows a violation: operations are left out, and what is left is made plain, for as long as
//! the violation repeats.

use crate::contract::Contract;
use crate::history::{Act, Form, Op};
use crate::judge::{Fault, Kind, Learned, judge};
use crate::play::{Played, Player, Stop};

/// A violation that depends on time may need more than one attempt.
const ATTEMPTS: usize = 2;
/// Histories that are played for one violation, at most.
const MOST: usize = 120;

/// A history that shows a violation, as it was played last.
pub(crate) struct Shown {
    pub(crate) ops: Vec<Op>,
    pub(crate) fault: Fault,
    pub(crate) played: Played,
}

pub(crate) struct Shrink<'a, 'c> {
    pub(crate) player: &'a mut Player<'c>,
    pub(crate) learned: &'a Learned,
    pub(crate) left: usize,
}

impl<'a, 'c> Shrink<'a, 'c> {
    pub(crate) fn new(player: &'a mut Player<'c>, learned: &'a Learned) -> Self {
        Self {
            player,
            learned,
            left: MOST,
        }
    }

    /// Plays a history once; the violation of that kind that it shows.
    pub(crate) async fn once(&mut self, ops: &[Op], kind: Kind) -> Result<Option<Shown>, Stop> {
        let contract: &Contract = self.player.contract;
        self.left = self.left.saturating_sub(1);
        let played = self.player.play(ops).await?;
        // The last operation is that of the violation: another one of the same kind is another violation.
        let route = |op: &Op| match op.act {
            Act::Use { route, .. } => Some(route),
            _ => None,
        };
        let wanted = ops.last().and_then(route);
        let mut faults = judge(contract, self.learned, ops, &played).into_iter();
        let fault = faults.find(|fault| {
            fault.kind == kind && ops.get(fault.op).is_some_and(|op| route(op) == wanted)
        });
        Ok(fault.map(|fault| Shown {
            ops: ops.get(..=fault.op).unwrap_or(ops).to_vec(),
            fault,
            played,
        }))
    }

    pub(crate) async fn attempt(&mut self, ops: &[Op], kind: Kind) -> Result<Option<Shown>, Stop> {
        for _ in 0..ATTEMPTS {
            if self.left == 0 {
                return Ok(None);
            }
            if let Some(shown) = self.once(ops, kind).await? {
                return Ok(Some(shown));
            }
        }
        Ok(None)
    }

    /// Shortens a history that shows a violation.
    pub(crate) async fn shorten(&mut self, mut shown: Shown) -> Result<Shown, Stop> {
        loop {
            let before = shown.ops.clone();
            shown = self.fewer(shown).await?;
            shown = self.plainer(shown).await?;
            if shown.ops == before || self.left == 0 {
                return Ok(shown);
            }
        }
    }

    /// Leaves out parts of it: halves at first, single operations at last.
    async fn fewer(&mut self, mut shown: Shown) -> Result<Shown, Stop> {
        let kind = shown.fault.kind;
        let mut size = shown.ops.len() / 2;
        while size > 0 {
            let mut from = 0;
            // The last operation is the one whose answer is wrong.
            while from + size < shown.ops.len() {
                let mut fewer = shown.ops.clone();
                fewer.drain(from..from + size);
                match self.attempt(&fewer, kind).await? {
                    Some(shorter) => shown = shorter,
                    None => from += size,
                }
            }
            size /= 2;
        }
        Ok(shown)
    }

    /// Makes its operations plain, one after the other.
    async fn plainer(&mut self, mut shown: Shown) -> Result<Shown, Stop> {
        let kind = shown.fault.kind;
        for place in 0..shown.ops.len() {
            for simpler in SIMPLER {
                let Some(op) = shown.ops.get(place) else {
                    return Ok(shown);
                };
                let Some(op) = simpler(op) else {
                    continue;
                };
                let mut plainer = shown.ops.clone();
                plainer[place] = op;
                if let Some(plain) = self.attempt(&plainer, kind).await? {
                    shown = plain;
                }
            }
        }
        Ok(shown)
    }
}

/// What is plainer than an operation.
type Simplify = fn(&Op) -> Option<Op>;

const SIMPLER: [Simplify; 4] = [
    |op| {
        op.at_once.then_some(Op {
            at_once: false,
            ..*op
        })
    },
    |op| match op.act {
        Act::Use { route, way, form } if form != Form::AsIs => Some(Op {
            act: Act::Use {
                route,
                way,
                form: Form::AsIs,
            },
            ..*op
        }),
        _ => None,
    },
    |op| {
        (op.credential > 0).then_some(Op {
            credential: 0,
            ..*op
        })
    },
    |op| (op.client > 0).then_some(Op { client: 0, ..*op }),
];

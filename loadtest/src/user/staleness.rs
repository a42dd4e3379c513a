//! Staleness: whether a request sent after its credentials' revoke was answered still passes.

use std::time::{Duration, Instant};

use http::StatusCode;

use super::members::{Drawn, Standing};

/// A probe under way: its member, and how that stood before.
pub(super) struct Watch {
    drawn: Drawn,
    before: Standing,
}

/// What a probe's answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judged {
    /// The member was not revoked: an answer like any other.
    Usual,
    /// Refused while a revoke was under way: either answer is right.
    RefusedEarly,
    /// Refused after the revoke was answered, as it should be.
    Refused,
    /// Passed so long after the revoke was answered.
    Stale(Duration),
    /// Sent after the revoke was answered, and neither passed nor refused.
    Failed,
}

impl Judged {
    /// Whether the answer is the refusal that it should be.
    pub(super) fn is_right_refusal(self) -> bool {
        matches!(self, Self::Refused | Self::RefusedEarly)
    }
}

impl Watch {
    pub(super) fn of(drawn: &Drawn) -> Self {
        Self {
            before: drawn.standing(),
            drawn: drawn.clone(),
        }
    }

    /// Judges an answer to a request sent at `sent`; `expected` is what its step says of the status.
    pub(super) fn judge(&self, sent: Instant, expected: bool, status: StatusCode) -> Judged {
        judge(
            self.before,
            self.drawn.standing(),
            sent,
            expected,
            status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN,
        )
    }
}

fn judge(before: Standing, now: Standing, sent: Instant, expected: bool, refused: bool) -> Judged {
    let filled_anew = now.generation != before.generation;
    let revoked = if filled_anew { before } else { now }.revoked;
    match revoked.filter(|answered| *answered <= sent) {
        Some(answered) if expected => Judged::Stale(sent - answered),
        Some(_) if refused => Judged::Refused,
        Some(_) => Judged::Failed,
        None if refused && !expected && (filled_anew || now.revoking.is_some()) => {
            Judged::RefusedEarly
        }
        None => Judged::Usual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_sent_after_the_revokes_answer_can_be_stale() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let fine = Standing::default();
        let revoking = Standing {
            revoking: Some(at(10)),
            ..fine
        };
        let revoked = Standing {
            revoked: Some(at(20)),
            ..revoking
        };
        let anew = Standing {
            generation: 1,
            ..fine
        };
        // (before, now, sent, expected, refused, judged)
        let table = [
            (fine, fine, 5, true, false, Judged::Usual),
            (fine, fine, 5, false, true, Judged::Usual),
            (fine, revoking, 5, false, true, Judged::RefusedEarly),
            (revoking, revoked, 15, true, false, Judged::Usual),
            (revoking, revoked, 15, false, true, Judged::RefusedEarly),
            (
                revoked,
                revoked,
                25,
                true,
                false,
                Judged::Stale(Duration::from_millis(5)),
            ),
            (
                revoking,
                revoked,
                25,
                true,
                false,
                Judged::Stale(Duration::from_millis(5)),
            ),
            (revoked, revoked, 25, false, true, Judged::Refused),
            (revoked, revoked, 25, false, false, Judged::Failed),
            (
                revoked,
                anew,
                25,
                true,
                false,
                Judged::Stale(Duration::from_millis(5)),
            ),
            (revoking, anew, 15, false, true, Judged::RefusedEarly),
        ];
        for (number, (before, now, sent, expected, refused, judged)) in
            table.into_iter().enumerate()
        {
            assert_eq!(
                judge(before, now, at(sent), expected, refused),
                judged,
                "{number}"
            );
        }
    }
}

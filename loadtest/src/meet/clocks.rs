//! How far two clocks are apart, by times that are written into files: a report is never seen before it was written.
//! All times are nanoseconds.

use authlab_reports::quantity;

/// How far another clock is ahead of ours: between the two, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Ahead {
    least: Option<i64>,
    most: Option<i64>,
}

impl Ahead {
    /// We saw at `now` what the other wrote when its clock showed `at`.
    pub(super) fn reported(&mut self, at: i64, now: i64) {
        let ahead = at.saturating_sub(now);
        self.least = Some(self.least.map_or(ahead, |least| least.max(ahead)));
    }

    /// The other saw what we wrote, and says how far it is ahead at most.
    pub(super) fn at_most(&mut self, ahead: i64) {
        self.most = Some(self.most.map_or(ahead, |most| most.min(ahead)));
    }

    /// Of our own clock, in the eyes of the other: we saw at `now` what it wrote when its clock showed `at`.
    pub(super) fn heard(&mut self, at: i64, now: i64) {
        self.at_most(now.saturating_sub(at));
    }

    /// At most.
    pub(super) fn most(self) -> i64 {
        self.most.unwrap_or(i64::MAX)
    }

    /// How long a report takes from one to the other and back, at least.
    pub(super) fn width(self) -> u64 {
        let width = self.least.zip(self.most);
        width.map_or(0, |(least, most)| most.saturating_sub(least).unsigned_abs())
    }

    /// Why they cannot begin together: the clocks are certainly further apart than `most`.
    pub(super) fn objection(self, most: i64) -> Option<String> {
        let (direction, apart) = match (self.least, self.most) {
            (Some(least), _) if least > most => ("ahead of", least),
            (_, Some(at_most)) if at_most < -most => ("behind", at_most.saturating_neg()),
            _ => return None,
        };
        Some(format!(
            "has a clock that is at least {} {direction} that of shard 0: let NTP set the clocks",
            quantity::duration(apart as f64)
        ))
    }

    /// How far these clocks and ours are apart at most, any two of them.
    pub(super) fn apart(all: impl Iterator<Item = Self>) -> u64 {
        let (mut least, mut most) = (0, 0);
        for ahead in all {
            least = least.min(ahead.least.unwrap_or_default());
            most = most.max(ahead.most.unwrap_or_default());
        }
        most.saturating_sub(least).unsigned_abs()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(ms: i64) -> i64 {
        ms * 1_000_000
    }

    /// What two shards learn of each other: the other's clock is `offset` ahead, and each report takes so long to be seen.
    fn exchanged(offset: i64, there: &[i64], back: &[i64]) -> Ahead {
        let zero = ms(1_000_000);
        let mut ours = Ahead::default();
        let mut theirs = Ahead::default();
        for (at, (there, back)) in (0..).zip(there.iter().zip(back)) {
            let sent = zero + ms(at * 50);
            theirs.heard(sent, sent + ms(there + offset));
            ours.reported(sent + ms(offset), sent + ms(*back));
            ours.at_most(theirs.most());
        }
        ours
    }

    proptest! {
        #[test]
        fn the_truth_is_always_within_what_is_known(
            offset in -5_000_i64..5_000,
            there in proptest::collection::vec(0_i64..3_000, 1..20),
            back in proptest::collection::vec(0_i64..3_000, 1..20),
        ) {
            let known = exchanged(offset, &there, &back);
            prop_assert!(known.least.unwrap() <= ms(offset) && ms(offset) <= known.most.unwrap());
            prop_assert!(offset.abs() > 50 || known.objection(ms(50)).is_none());
            prop_assert!(Ahead::apart([known].into_iter()) >= ms(offset).unsigned_abs());
        }
    }

    #[test]
    fn clocks_that_are_certainly_apart_are_told_with_their_direction() {
        let told = |offset| exchanged(offset, &[30, 900], &[700, 20]).objection(ms(50));
        assert_eq!(told(0), None);
        assert_eq!(told(69), None);
        assert_eq!(
            told(420).unwrap(),
            "has a clock that is at least 400 ms ahead of that of shard 0: let NTP set the clocks"
        );
        assert_eq!(
            told(-420).unwrap(),
            "has a clock that is at least 390 ms behind that of shard 0: let NTP set the clocks"
        );
        assert_eq!(exchanged(7, &[30, 900], &[700, 20]).width(), 50_000_000);
    }
}

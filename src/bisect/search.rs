//! Which commit is measured next: a binary search that steps over commits that cannot be measured.

/// What is known of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// As fast as the good end.
    Fast,
    /// As slow as the bad end.
    Slow,
    /// It cannot be measured, or its duel decided nothing.
    Skipped,
}

/// The commits after the good end, the oldest first; the last is the bad end.
#[derive(Debug)]
pub(super) struct Search {
    marks: Vec<Option<Mark>>,
}

/// Where a search stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// This one is to be measured.
    Measure(usize),
    /// The slowdown came with one of these.
    Found(std::ops::RangeInclusive<usize>),
}

impl Search {
    /// Of so many commits, of which the last is slow.
    pub(super) fn of(commits: usize) -> Self {
        let mut marks = vec![None; commits];
        if let Some(bad) = marks.last_mut() {
            *bad = Some(Mark::Slow);
        }
        Self { marks }
    }

    pub(super) fn mark(&mut self, commit: usize, mark: Mark) {
        self.marks[commit] = Some(mark);
    }

    /// The commits that are still possible: from the one after the last fast one to the first slow one.
    fn suspects(&self) -> std::ops::RangeInclusive<usize> {
        let at = |mark| move |of: &Option<Mark>| *of == Some(mark);
        let slow = self.marks.iter().position(at(Mark::Slow));
        let slow = slow.unwrap_or(self.marks.len().saturating_sub(1));
        let fast = self.marks[..slow].iter().rposition(at(Mark::Fast));
        fast.map_or(0, |fast| fast + 1)..=slow
    }

    /// What is measured next: the one nearest to the middle of those that are still possible.
    pub(super) fn next(&self) -> Next {
        let suspects = self.suspects();
        let middle = usize::midpoint(*suspects.start(), suspects.end().saturating_sub(1));
        let open = suspects.clone().filter(|at| self.marks[*at].is_none());
        match open.min_by_key(|at| at.abs_diff(middle)) {
            Some(commit) => Next::Measure(commit),
            None => Next::Found(suspects),
        }
    }

    /// How many more measurements it takes at the most, if none is skipped.
    pub(super) fn most(&self) -> u32 {
        self.suspects().count().next_power_of_two().ilog2()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The measurements of a search for `culprit`, and its end.
    fn searched(
        commits: usize,
        culprit: usize,
        is_skipped: impl Fn(usize) -> bool,
    ) -> (u32, std::ops::RangeInclusive<usize>) {
        let mut search = Search::of(commits);
        for measured in 0.. {
            match search.next() {
                Next::Found(suspects) => return (measured, suspects),
                Next::Measure(commit) if is_skipped(commit) => search.mark(commit, Mark::Skipped),
                Next::Measure(commit) if commit < culprit => search.mark(commit, Mark::Fast),
                Next::Measure(commit) => search.mark(commit, Mark::Slow),
            }
        }
        unreachable!()
    }

    #[test]
    fn each_commit_is_found_within_the_measurements_that_were_announced() {
        for commits in 1..=70 {
            let most = Search::of(commits).most();
            for culprit in 0..commits {
                let (measured, suspects) = searched(commits, culprit, |_| false);
                assert_eq!(suspects, culprit..=culprit);
                assert!(
                    measured <= most,
                    "{commits} {culprit}: {measured} of {most}"
                );
            }
        }
        assert_eq!(Search::of(64).most(), 6);
    }

    #[test]
    fn commits_that_cannot_be_measured_are_stepped_over_and_stay_suspects_only_beside_the_culprit()
    {
        for culprit in 0..40 {
            let (_, suspects) = searched(40, culprit, |commit| commit % 3 == 1);
            assert!(suspects.contains(&culprit) && suspects.clone().count() <= 2);
            assert!(
                *suspects.end() == culprit || culprit % 3 == 1,
                "{culprit} {suspects:?}"
            );
        }
        let (measured, suspects) = searched(9, 4, |_| true);
        assert_eq!((measured, suspects), (8, 0..=8));
    }
}

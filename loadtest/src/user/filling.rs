//! Steps outside of any measurement: `prepare`, and the `fill` steps of pool members.

use super::Seat;
use super::members::Drawn;
use crate::job::Job;
use crate::recorder::NO_ANSWER;

impl Seat {
    /// Fills a member that no user has filled at this server.
    pub(super) async fn fill_first(&mut self, job: &Job, drawn: Drawn) -> Result<(), String> {
        if drawn.members.pool.fill.is_empty() || !drawn.take_to_fill() {
            return Ok(());
        }
        let filled = self.fill(job, &drawn).await;
        if filled.is_err() {
            drawn.not_filled();
        }
        filled
    }

    /// Fills the revoked members that this user has claimed. Where that fails it is counted, and
    /// the next user that draws the member tries again.
    pub(super) async fn fill_anew(&mut self, job: &Job) {
        while let Some(claim) = self.claims.pop() {
            match self.fill(job, &claim.0).await {
                Ok(()) => claim.0.filled_anew(),
                Err(reason) => job.recorder().failed_untimed(reason),
            }
        }
    }

    /// Runs a member's `fill` steps, with a cookie jar of its own.
    async fn fill(&mut self, job: &Job, drawn: &Drawn) -> Result<(), String> {
        self.values.begin(vec![drawn.clone()]);
        self.browser.fills = true;
        for line in &mut self.lines {
            line.jar_of_member.clear();
        }
        let mut filled = Ok(());
        for &index in &drawn.members.pool.fill {
            filled = self.make(job, index).await;
            if filled.is_err() {
                break;
            }
        }
        self.browser.fills = false;
        filled.map_err(|reason| format!("filling pool `{}`: {reason}", drawn.members.pool.name))
    }

    /// Makes a step untimed.
    pub(super) async fn make(&mut self, job: &Job, index: usize) -> Result<(), String> {
        let step = &job.steps[index];
        let answer = tokio::time::timeout(job.load.timeout, self.attempt(job, index)).await;
        let made = if let Ok(answer) = answer {
            answer.and_then(|answer| self.accept(step, &answer))
        } else {
            // Its answer may still come, and is nobody's.
            self.lines[job.places[index]].connection = None;
            Err(NO_ANSWER.to_owned())
        };
        made.map_err(|reason| format!("step `{}`: {reason}", step.name))
    }
}

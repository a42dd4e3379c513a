//! One journey: its steps in order, each timed and recorded.

use std::time::Instant;

use authlab_reports::run::Bytes;
use http::{StatusCode, header};

use super::line::Retry;
use super::members::Drawn;
use super::request::{self, Built};
use super::saving;
use super::staleness::{Judged, Watch};
use super::{Ended, Seat, browse, decoding};
use crate::connection::{Answer, CONNECT_WITHIN, Coding};
use crate::job::Job;
use crate::recorder::Instants;
use crate::scenario::{Connections, Cookies, Journey, Step};
use crate::server_timing;

impl Seat {
    /// Makes a journey once, and the `once` steps before the first; then fills anew what it drew
    /// revoked.
    pub(super) async fn journey(&mut self, job: &Job, start: Instant, free: Instant) -> Ended {
        let journey = job.load.choose(&mut self.values.random);
        self.begin(job, journey);
        let ended = self.steps(job, journey, start, free).await;
        // What was drawn and never asked for is no draw.
        if job.keeps_draws
            && !matches!(ended, Ended::Over)
            && let Some(first) = self.values.drawn.first()
        {
            job.recorder().drew(first.key());
        }
        if self.claims.is_empty() {
            return ended;
        }
        let ended = self.filled(job, ended).await;
        // Filling is not timed.
        self.transferred();
        ended
    }

    /// Fills anew what the journey drew revoked.
    async fn filled(&mut self, job: &Job, ended: Ended) -> Ended {
        match ended {
            Ended::Made(_) => {
                self.fill_anew(job).await;
                let now = Instant::now();
                self.presence.rested(now);
                Ended::Made(now)
            }
            Ended::Broken => {
                self.fill_anew(job).await;
                Ended::Broken
            }
            Ended::Over => {
                self.claims.clear();
                Ended::Over
            }
        }
    }

    /// Draws the journey's members, or takes those of the trace's subject; what lasts for one journey is made anew.
    fn begin(&mut self, job: &Job, journey: &Journey) {
        if job.load.cookies == Cookies::Journey {
            for line in &mut self.lines {
                line.jar.clear();
            }
        }
        if job.load.connections != Connections::Kept {
            for line in &mut self.lines {
                line.connection = None;
            }
        }
        self.browser.fills = false;
        let mut drawn = Vec::new();
        for members in &self.pools {
            let pool = Some(&members.pool.name);
            if let Some(account) = self.account {
                drawn.push(members.drawn(account % members.pool.size));
                continue;
            }
            let steps = journey.steps.iter().map(|(step, _)| &job.steps[*step]);
            let to_revoke = steps.into_iter().any(|step| step.revoke.as_ref() == pool);
            let (member, claim) = members.draw(&mut self.values.random, to_revoke);
            drawn.push(member);
            self.claims.extend(claim);
        }
        self.values.begin(drawn);
    }

    /// Makes the journey's requests. It breaks off where the next step has nothing to go on:
    /// without a connection, or without what a step was to bring.
    async fn steps(
        &mut self,
        job: &Job,
        journey: &Journey,
        start: Instant,
        free: Instant,
    ) -> Ended {
        let (mut planned, mut free) = (start, free);
        let begun = Some((job.load_number, job.measured));
        let begins = self.begun != begun && !job.load.once.is_empty();
        let once = if begins { &job.load.once[..] } else { &[] };
        let once = once.iter().map(|step| (*step, 1));
        let mut steps = once.chain(journey.steps.iter().copied());
        while let Some((index, times)) = steps.next() {
            for made in 0..times {
                if job.is_over(planned) || !job.takes_request() {
                    return Ended::Over;
                }
                let (ended, answered) = self.visit(job, index, planned, free).await;
                let connected = self.lines[job.places[index]].connection.is_some();
                if !answered && (job.steps[index].is_needed() || !connected) {
                    let mut recorder = job.recorder();
                    let left = times.saturating_sub(made + 1);
                    for (index, times) in std::iter::once((index, left)).chain(steps) {
                        recorder.unreached(job.position(index), u64::from(times));
                    }
                    return Ended::Broken;
                }
                (planned, free) = (ended, ended);
            }
        }
        self.begun = begun;
        Ended::Made(planned)
    }

    /// Makes one timed step and records it; returns when it ended, and whether its answer was what
    /// the step expects.
    async fn visit(
        &mut self,
        job: &Job,
        index: usize,
        planned: Instant,
        free: Instant,
    ) -> (Instant, bool) {
        let step = &job.steps[index];
        let position = job.position(index);
        let watch = self.drawn(step.probe.as_ref()).map(Watch::of);
        let revoked = self.drawn(step.revoke.as_ref()).cloned();
        let revoked = revoked.map(|drawn| (drawn.revoking(), drawn));
        let sendable = planned.max(free);
        self.in_flight = Some((position, planned));
        self.retried = 0;
        self.under_way.begin(job, sendable);
        let answer = self.attempt(job, index).await;
        self.in_flight = None;
        self.under_way.end();
        let transferred = self.transferred();
        if self.retried > 0 {
            job.recorder().retried(self.retried);
        }
        let came = answer.is_ok();
        let judged = match (&watch, &answer) {
            (Some(watch), Ok(answer)) => {
                watch.judge(answer.sent, step.expects(answer.status), answer.status)
            }
            _ => Judged::Usual,
        };
        let refused = step.attack.as_ref().zip(answer.as_ref().ok());
        let refused = refused.map(|(attack, answer)| (attack, is_refusal(answer.status)));
        let outcome = match answer {
            Ok(answer) if judged.is_right_refusal() => Ok((answer, false)),
            Ok(answer) if refused.is_some_and(|(_, refused)| refused) => Ok((answer, false)),
            Ok(answer) => self.accept(step, &answer).map(|()| (answer, true)),
            Err(reason) => Err(reason),
        };
        if let Some((generation, drawn)) = revoked {
            let answered = outcome.as_ref().ok().map(|(answer, _)| answer.last_byte);
            drawn.revoked(generation, answered);
        }
        match judged {
            Judged::Usual | Judged::RefusedEarly => {}
            Judged::Refused | Judged::Failed => job.recorder().probed(position, None),
            Judged::Stale(after) => job.recorder().probed(position, Some(after)),
        }
        if let Some((attack, refused)) = refused
            && (refused || outcome.is_ok())
        {
            job.recorder().attacked(attack, !refused);
        }
        match outcome {
            Ok((answer, passed)) => {
                record(job, position, (planned, free), &answer, transferred);
                self.presence.ended(answer.last_byte);
                // The time in which a body was decoded is no request's.
                let ended = match answer.coding {
                    Coding::Decoded => {
                        let now = Instant::now();
                        self.presence.rested(now);
                        now
                    }
                    _ => answer.last_byte,
                };
                (ended, passed)
            }
            Err(reason) => {
                let ended = Instant::now();
                self.presence.ended(ended);
                let mut recorder = job.recorder();
                recorder.failed(position, &reason, planned, ended);
                recorder.transferred(transferred);
                if came {
                    recorder.refused();
                } else if ended.saturating_duration_since(sendable) >= CONNECT_WITHIN {
                    recorder.stalled();
                }
                (ended, false)
            }
        }
    }

    /// The journey's member of a pool.
    fn drawn(&self, pool: Option<&String>) -> Option<&Drawn> {
        let pool = pool?;
        let drawn = &self.values.drawn;
        drawn.iter().find(|drawn| drawn.members.pool.name == *pool)
    }

    /// Builds the step's request and sends it; an answer is not yet checked.
    pub(super) async fn attempt(&mut self, job: &Job, index: usize) -> Result<Answer, String> {
        let step = &job.steps[index];
        for (name, template) in &step.set {
            let value = self.values.fill(template)?;
            self.keep(name, value);
        }
        let place = job.places[index];
        let keep_cookies = job.load.cookies != Cookies::None;
        let fills = self.browser.fills;
        if !browse::is_plain(step) || !self.lines[place].jar(fills).is_empty() {
            let request = self.build(place, index, step)?;
            return self.browse(place, step, request, keep_cookies).await;
        }
        let mut retry = Retry::default();
        let mut spare: Option<Box<Built>> = None;
        loop {
            let request = match spare.take() {
                Some(same) => *same,
                None => self.build(place, index, step)?,
            };
            // Built anew, it would be another request.
            if step.changing || step.submit.is_some() {
                spare = Some(Box::new(request.clone()));
            }
            let line = &mut self.lines[place];
            let asked = keep_cookies.then(|| request::Address::of(&request));
            let answer = line.exchange(request, step.keeps_body()).await;
            let Some(mut answer) = retry.settle(answer, &mut self.retried)? else {
                continue;
            };
            if let Some(asked) = asked
                && answer.headers.contains_key(header::SET_COOKIE)
            {
                let url = asked.url(&line.endpoint)?;
                line.jar(fills).keep(&url, &answer.headers);
            }
            if step.keeps_body() {
                decoding::decode(&mut answer);
            }
            return Ok(answer);
        }
    }

    pub(super) fn build(
        &mut self,
        place: usize,
        index: usize,
        step: &Step,
    ) -> Result<Built, String> {
        let (values, endpoint) = (&mut self.values, &*self.lines[place].endpoint);
        match &step.submit {
            None => self.requests.build(index, step, values, endpoint),
            Some(fields) => {
                let page = self.browser.page.as_ref();
                request::submission(step, fields, page, values, endpoint)
            }
        }
    }

    /// Checks the answer against what the step expects and keeps the values that it saves.
    pub(super) fn accept(&mut self, step: &Step, answer: &Answer) -> Result<(), String> {
        if !step.expects(answer.status) {
            return Err(format!("status {}", answer.status.as_u16()));
        }
        if let Coding::Unreadable(reason) = &answer.coding {
            return Err(reason.to_string());
        }
        if !step.contains.is_empty() && !contains(&answer.body, step.contains.as_bytes()) {
            return Err(format!("the body does not contain `{}`", step.contains));
        }
        if step.save.is_empty() {
            return Ok(());
        }
        let places = step.save.iter().map(|(_, place)| place);
        let values = saving::read(answer, places)?;
        for ((name, _), value) in step.save.iter().zip(values) {
            self.keep(name, value);
        }
        Ok(())
    }

    pub(super) fn keep(&mut self, name: &str, value: String) {
        if self.values.keep(name, value) {
            self.requests.forget();
        }
    }
}

/// Whether a server refuses an attack: it does not believe it (400: RFC 6749 §5.2 of a refresh token that was used
/// before), does not let it in, or does not listen to it.
pub(super) fn is_refusal(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_REQUEST
            | StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::TOO_MANY_REQUESTS
    )
}

fn record(
    job: &Job,
    position: usize,
    (planned, free): (Instant, Instant),
    answer: &Answer,
    transferred: Bytes,
) {
    let mut recorder = job.recorder();
    recorder.answered(
        position,
        Instants {
            planned,
            free,
            proved_in: answer.proved_in,
            sent: answer.sent,
            first_byte: answer.first_byte,
            last_byte: answer.last_byte,
        },
    );
    recorder.transferred(transferred);
    recorder.answered_with(answer.status.as_u16());
    let timings = answer.headers.get_all("server-timing").iter();
    // A description may have octets of any encoding; names and durations are ASCII.
    for value in timings.map(|value| String::from_utf8_lossy(value.as_bytes())) {
        if let Some(hit) = server_timing::cache_hit(&value) {
            recorder.cached(hit);
        }
        for (stage, cost_ns) in server_timing::stages(&value) {
            recorder.stage(position, stage, cost_ns);
        }
    }
    recorder.staged(position);
}

fn contains(body: &[u8], wanted: &[u8]) -> bool {
    body.windows(wanted.len()).any(|window| window == wanted)
}

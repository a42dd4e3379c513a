//! A closed user's own account of its time in a slice, which what is recorded must add up to.

use std::time::{Duration, Instant};

use authlab_reports::run::UserTime;

/// One stay of a closed user in a slice; nothing is counted outside of one.
#[derive(Default)]
pub(super) struct Presence(Option<Stay>);

struct Stay {
    began: Instant,
    /// Until when its time is accounted for.
    reached: Instant,
    idle: Duration,
    requests: u64,
}

impl Presence {
    pub(super) fn enter(&mut self, at: Instant) {
        self.0 = Some(Stay {
            began: at,
            reached: at,
            idle: Duration::ZERO,
            requests: 0,
        });
    }

    /// A request has ended, answered or failed, and the recorder was told.
    pub(super) fn ended(&mut self, at: Instant) {
        if let Some(stay) = &mut self.0 {
            stay.reached = at;
            stay.requests += 1;
        }
    }

    /// The user has nothing under way for so long, as it is told to. It says how long and not until
    /// when: a pause that nobody planned is not accounted for.
    pub(super) fn rest(&mut self, pause: Duration) {
        if let Some(stay) = &mut self.0 {
            stay.reached += pause;
            stay.idle += pause;
        }
    }

    /// What took the user from its last request until now was no request.
    pub(super) fn rested(&mut self, now: Instant) {
        if let Some(stay) = &self.0 {
            let pause = now.saturating_duration_since(stay.reached);
            self.rest(pause);
        }
    }

    /// Ends the stay; what was left of a pause is no part of it.
    pub(super) fn leave(&mut self, now: Instant) -> Option<UserTime> {
        let stay = self.0.take()?;
        let left = stay.reached.saturating_duration_since(now);
        let present = stay.reached.saturating_duration_since(stay.began);
        let ns = |time: Duration| {
            let lived = time.saturating_sub(left);
            u64::try_from(lived.as_nanos()).unwrap_or(u64::MAX)
        };
        Some(UserTime {
            requests: stay.requests,
            present_ns: ns(present),
            idle_ns: ns(stay.idle),
        })
    }
}

#[cfg(test)]
mod tests {
    use authlab_reports::percentiles;
    use authlab_reports::run::Slice;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::recorder::{Instants, Recorder};

    /// How a simulated slice goes.
    #[derive(Clone, Copy)]
    struct Plan {
        users: usize,
        slice_ms: f64,
        /// Mean time of an answer; it is exponentially distributed.
        answer_ms: f64,
        think_ms: f64,
        /// Of ten requests so many fail.
        fail: u32,
        /// A longer answer is not waited for, and has failed.
        timeout_ms: f64,
        /// Of ten answers so many are not recorded.
        lost: u32,
        /// Between an answer and the next request, not planned.
        late_ms: f64,
    }

    const PLAN: Plan = Plan {
        users: 8,
        slice_ms: 1_000.0,
        answer_ms: 5.0,
        think_ms: 0.0,
        fail: 0,
        timeout_ms: 1e9,
        lost: 0,
        late_ms: 0.0,
    };

    /// By how much the recorded requests of the slice disagree with its users' time.
    fn disagreement(plan: Plan) -> Option<f64> {
        let start = Instant::now();
        let at = |ms: f64| start + Duration::from_secs_f64(ms / 1e3);
        let mut random = StdRng::seed_from_u64(7);
        let mut recorder = Recorder::new(["step".to_owned()], None);
        for user in 0..plan.users {
            let mut presence = Presence::default();
            // One user begins after the other.
            let mut planned = user as f64 * 0.01;
            let mut left = planned;
            presence.enter(at(planned));
            while planned < plan.slice_ms {
                let sent = planned + 0.01;
                let took = -plan.answer_ms * (1.0 - random.random::<f64>()).ln();
                let ended = sent + took.min(plan.timeout_ms);
                let failed = took > plan.timeout_ms || random.random_range(0..10) < plan.fail;
                if failed {
                    recorder.failed(0, "no", at(planned), at(ended));
                } else if random.random_range(0..10) >= plan.lost {
                    recorder.answered(
                        0,
                        Instants {
                            planned: at(planned),
                            free: at(planned),
                            proved_in: Duration::ZERO,
                            sent: at(sent),
                            first_byte: at(ended),
                            last_byte: at(ended),
                        },
                    );
                }
                presence.ended(at(ended));
                let think = plan.think_ms * random.random_range(0.0..2.0);
                presence.rest(Duration::from_secs_f64(think / 1e3));
                planned = ended + think + plan.late_ms;
                // A slice may end within a pause.
                left = ended.max(planned.min(plan.slice_ms));
            }
            recorder.left(presence.leave(at(left)));
        }
        let taken = recorder.take();
        let mut slice: Slice = serde_json::from_value(serde_json::json!({
            "load": "l", "variant": "v", "block": 0, "start_ns": 0, "length_ns": 1, "figures": [], "planned": null,
            "ok": taken.ok, "failed": taken.failed, "cpu_ns": null, "busy": null, "generator_waited": null,
            "server_waited": null, "steal": null, "user_time": taken.user_time
        }))
        .unwrap();
        let figures = taken.recorded.iter();
        let figures = figures
            .map(|part| percentiles::figure("v", "l", &part.step, &part.metric, &part.histogram));
        slice.figures = figures.collect();
        slice.user_time_disagreement()
    }

    #[test]
    fn what_is_recorded_adds_up_to_the_users_time_however_a_slice_goes() {
        for (name, plan) in [
            ("plain", PLAN),
            ("one", Plan { users: 1, ..PLAN }),
            (
                "short",
                Plan {
                    slice_ms: 5.0,
                    ..PLAN
                },
            ),
            (
                "answers as long as the slice",
                Plan {
                    answer_ms: 900.0,
                    ..PLAN
                },
            ),
            (
                "answers longer than the slice",
                Plan {
                    answer_ms: 9_000.0,
                    ..PLAN
                },
            ),
            (
                "think",
                Plan {
                    think_ms: 40.0,
                    ..PLAN
                },
            ),
            (
                "thinks longer than the slice",
                Plan {
                    think_ms: 5_000.0,
                    ..PLAN
                },
            ),
            ("failures", Plan { fail: 3, ..PLAN }),
            ("nothing but failures", Plan { fail: 10, ..PLAN }),
            (
                "timeouts",
                Plan {
                    timeout_ms: 4.0,
                    think_ms: 3.0,
                    ..PLAN
                },
            ),
        ] {
            let found = disagreement(plan).unwrap();
            assert!(found.abs() < 0.005, "{name}: {found}");
        }
        assert_eq!(disagreement(Plan { users: 0, ..PLAN }), None);
    }

    #[test]
    fn answers_and_time_that_were_lost_are_missing() {
        for (name, plan, expected) in [
            ("lost", Plan { lost: 1, ..PLAN }, -0.1),
            // Their pauses are missing with them, or a tenth of the answers were nothing beside them.
            (
                "lost, think",
                Plan {
                    lost: 1,
                    think_ms: 40.0,
                    slice_ms: 9e3,
                    ..PLAN
                },
                -0.1,
            ),
            (
                "half lost, fail",
                Plan {
                    lost: 5,
                    slice_ms: 9e3,
                    fail: 5,
                    ..PLAN
                },
                -0.25,
            ),
            (
                "late",
                Plan {
                    late_ms: 1.0,
                    ..PLAN
                },
                -1.0 / 6.0,
            ),
        ] {
            let found = disagreement(plan).unwrap();
            assert!((found - expected).abs() < 0.03, "{name}: {found}");
        }
    }
}

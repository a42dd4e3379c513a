//! How long a request may wait for the stores that it depends on, all its calls together.
//!
//! A call has a bound of its own, and a request makes several: a store that answers each just in time would keep its client
//! waiting for their sum. What is left is kept with the task that answers the request, and not passed from call to call: the
//! calls are far below the routes, behind parts that know nothing of requests. Only the time that calls take is counted. A
//! password's hash may take longer than that, and the call after it still has to be made.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// What a request has. A client of a store that is away is told to come back within two seconds.
pub(crate) const OF_REQUEST: Duration = Duration::from_millis(1500);

tokio::task_local! {
    static LEFT: Cell<Duration>;
}

/// A call was not answered within what it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Late {
    pub(crate) within: Duration,
}

/// Answers a request, or makes a part of it that runs in a task of its own.
pub(crate) async fn of_request<T>(answered: impl Future<Output = T>) -> T {
    LEFT.scope(Cell::new(OF_REQUEST), answered).await
}

/// Waits for a call for so long at most, and no longer than its request may. A call of no request has all of its time.
pub(crate) async fn within<T>(most: Duration, call: impl Future<Output = T>) -> Result<T, Late> {
    let left = LEFT.try_with(Cell::get).unwrap_or(most);
    let within = left.min(most);
    let begun = Instant::now();
    let answer = tokio::time::timeout(within, call).await;
    // A request asks one thing after another.
    let _ = LEFT.try_with(|kept| kept.set(left.saturating_sub(begun.elapsed())));
    answer.map_err(|_| Late { within })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: Duration = Duration::from_millis(200);

    async fn call() -> Result<(), Late> {
        within(Duration::from_secs(60), tokio::time::sleep(CALL)).await
    }

    #[tokio::test]
    async fn the_calls_of_a_request_share_its_time_and_those_of_the_next_one_have_theirs() {
        for _ in 0..2 {
            let mut answered = 0;
            let late = of_request(async {
                loop {
                    match call().await {
                        Ok(()) => answered += 1,
                        Err(late) => return late,
                    }
                }
            });
            let late = late.await;
            assert!(late.within < CALL + CALL, "{late:?}");
            assert!((1..=7).contains(&answered), "{answered} calls");
        }
    }

    #[tokio::test]
    async fn time_between_calls_is_not_counted_and_no_call_has_more_than_its_own() {
        of_request(async {
            tokio::time::sleep(OF_REQUEST + CALL).await;
            assert_eq!(call().await, Ok(()));
            let never = std::future::pending::<()>();
            assert_eq!(within(CALL, never).await, Err(Late { within: CALL }));
        })
        .await;
    }

    #[tokio::test]
    async fn outside_of_a_request_each_call_has_its_own_time() {
        for _ in 0..3 {
            let slow = tokio::time::sleep(OF_REQUEST / 2);
            assert_eq!(within(Duration::from_secs(60), slow).await, Ok(()));
        }
    }
}

//! The search for the highest rate within limits: doubling until beyond, bisection, confirmation.
//!
//! A single slice can be spoiled by a neighbour: a rate is beyond its limits only when two of three
//! slices are, and the rate that is reported was within them in most of its confirming slices.

use authlab_reports::run::LimitedBy;

/// What a search is to find out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bounds {
    /// The first rate, requests a second.
    pub(crate) from: f64,
    /// The rate is found when the next one beyond is higher by no more than this share.
    pub(crate) precision: f64,
    /// Slices that confirm it.
    pub(crate) confirmations: usize,
}

/// What a rate was found to be.
pub(crate) type Seen = Option<LimitedBy>;

/// The end of a search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    /// The highest rate confirmed; none when not even the least was within the limits.
    pub(crate) rate: Option<f64>,
    /// The lowest rate seen beyond.
    pub(crate) beyond: Option<f64>,
    pub(crate) limited_by: LimitedBy,
}

/// No server is asked for more.
const MOST_PER_SECOND: f64 = 1e7;
/// Less than this is no rate: the limits cannot be met.
const LEAST_PER_SECOND: f64 = 0.1;
/// However noisy the machine, a search ends.
const MOST_LOOKS: usize = 60;
/// Below a first rate that is beyond, the next is lower by this factor.
const DOWN: f64 = 4.0;
const UP: f64 = 2.0;

/// Searches with `probe(rate, confirms)`.
///
/// # Errors
/// The first error of a probe.
pub(crate) fn search<E>(
    bounds: Bounds,
    probe: &mut impl FnMut(f64, bool) -> Result<Seen, E>,
) -> Result<Found, E> {
    // Rates within the limits, ascending, and the lowest beyond.
    let mut within: Vec<f64> = Vec::new();
    let mut beyond: Option<(f64, LimitedBy)> = None;
    for _ in 0..MOST_LOOKS {
        let rate = match (within.last().copied(), beyond) {
            (None, None) => bounds.from,
            (Some(low), None) => low * UP,
            (None, Some((high, _))) if high / DOWN < LEAST_PER_SECOND => {
                return Ok(found(None, beyond));
            }
            (None, Some((high, _))) => high / DOWN,
            (Some(low), Some((high, _))) if high <= low * (1.0 + bounds.precision) => {
                match confirm(low, bounds.confirmations, probe)? {
                    None => return Ok(found(Some(low), beyond)),
                    Some(cause) => {
                        within.pop();
                        beyond = Some((low, cause));
                        continue;
                    }
                }
            }
            (Some(low), Some((high, _))) => (low * high).sqrt(),
        };
        // Beyond any generator, and so beyond any finding.
        let seen = if rate > MOST_PER_SECOND {
            Some(LimitedBy::Generator)
        } else {
            look(rate, probe)?
        };
        match seen {
            None => within.push(rate),
            Some(cause) => beyond = Some((rate, cause)),
        }
    }
    // Never settled: nothing was confirmed.
    Ok(found(None, beyond))
}

fn found(rate: Option<f64>, beyond: Option<(f64, LimitedBy)>) -> Found {
    Found {
        rate,
        beyond: beyond.map(|(rate, _)| rate),
        limited_by: beyond.map_or(LimitedBy::Generator, |(_, cause)| cause),
    }
}

/// Two of three slices decide; one is enough when it is within.
fn look<E>(rate: f64, probe: &mut impl FnMut(f64, bool) -> Result<Seen, E>) -> Result<Seen, E> {
    if probe(rate, false)?.is_none() {
        return Ok(None);
    }
    let second = probe(rate, false)?;
    if second.is_some() {
        return Ok(second);
    }
    probe(rate, false)
}

/// What most of the confirming slices say.
fn confirm<E>(
    rate: f64,
    slices: usize,
    probe: &mut impl FnMut(f64, bool) -> Result<Seen, E>,
) -> Result<Seen, E> {
    let mut beyond = Vec::new();
    for _ in 0..slices {
        beyond.extend(probe(rate, true)?);
    }
    Ok((beyond.len() * 2 >= slices).then(|| beyond[0]))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    const BOUNDS: Bounds = Bounds {
        from: 100.0,
        precision: 0.05,
        confirmations: 3,
    };

    /// A server that serves up to `capacity`; every `blip`-th slice is spoiled.
    fn searched(capacity: f64, blip: usize) -> (Found, usize) {
        let mut slices = 0;
        let found = search(BOUNDS, &mut |rate, _| {
            slices += 1;
            let spoiled = blip > 0 && slices % blip == 0;
            Ok::<_, Infallible>((rate > capacity || spoiled).then_some(LimitedBy::Latency))
        });
        let Ok(found) = found;
        (found, slices)
    }

    proptest! {
        #[test]
        fn the_rate_found_is_within_the_precision_below_the_capacity(capacity in 0.2_f64..5e6) {
            let (found, slices) = searched(capacity, 0);
            let rate = found.rate.unwrap();
            prop_assert!(rate <= capacity && rate * 1.05 * 1.0001 >= capacity, "{rate} of {capacity}");
            prop_assert!(found.beyond.unwrap() > capacity);
            prop_assert!(slices < 80, "{slices}");
        }

        #[test]
        fn a_spoiled_slice_now_and_then_does_not_move_it(capacity in 10_f64..1e6, blip in 4_usize..20) {
            let (found, _) = searched(capacity, blip);
            let rate = found.rate.unwrap();
            prop_assert!(rate <= capacity && rate * 1.2 >= capacity, "{rate} of {capacity}");
        }
    }

    #[test]
    fn a_server_that_never_meets_the_limits_has_no_rate() {
        let (found, slices) = searched(0.0, 0);
        assert_eq!((found.rate, found.limited_by), (None, LimitedBy::Latency));
        assert!(slices < 20);
    }

    #[test]
    fn a_rate_that_is_not_confirmed_is_beyond() {
        // Lucky when first seen, never again.
        let found = search(BOUNDS, &mut |rate, confirms| {
            let lucky = rate <= 1_000.0 && !confirms;
            Ok::<_, Infallible>((rate > 500.0 && !lucky).then_some(LimitedBy::Errors))
        });
        let Ok(found) = found;
        assert!(found.rate.unwrap() <= 500.0, "{found:?}");
    }

    #[test]
    fn a_machine_too_noisy_to_confirm_anything_ends_the_search_without_a_rate() {
        let mut slices = 0;
        let found = search(BOUNDS, &mut |rate, confirms| {
            slices += 1;
            Ok::<_, Infallible>((confirms || rate > 1_000.0).then_some(LimitedBy::Latency))
        });
        let Ok(found) = found;
        assert!(found.rate.is_none());
        assert!(slices < 400, "{slices}");
    }
}

//! Where an axis is marked.

/// Marks closer than this run into each other.
const LEAST_PX_BETWEEN_X: f64 = 38.0;
/// `99.999 %` is long.
const LEAST_PX_BETWEEN_NINES: f64 = 54.0;
const LEAST_PX_BETWEEN_Y: f64 = 24.0;
const LEAST_PX_BETWEEN_TIMES: f64 = 50.0;

/// Percentiles as 1/(1−p): 0 %, 50 %, and each further nine; fewer where the picture is narrow.
pub(crate) fn percentiles(end: f64, width_px: f64) -> Vec<f64> {
    let decades = end.max(10.0).log10();
    let px_per_decade = width_px / decades;
    let half = (2.0_f64.log10() * px_per_decade >= LEAST_PX_BETWEEN_X).then_some(2.0);
    let every = (LEAST_PX_BETWEEN_NINES / px_per_decade).ceil().max(1.0) as usize;
    let nines = (1..=decades.floor() as i32)
        .step_by(every)
        .map(|nine| 10_f64.powi(nine));
    [1.0].into_iter().chain(half).chain(nines).collect()
}

/// As many digits of each power of ten as a logarithmic axis has room for, or every other power; the middle if none fits.
pub(crate) fn logarithmic(low: f64, high: f64, height_px: f64) -> Vec<f64> {
    const DIGITS: [&[f64]; 4] = [
        &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
        &[1.0, 2.0, 3.0, 5.0, 7.0],
        &[1.0, 2.0, 5.0],
        &[1.0],
    ];
    const POWERS: &[f64] = &[1.0];
    let px_per_decade = height_px / (high / low).log10();
    let ticks = |digits: &&[f64]| -> Vec<f64> {
        // A value of 0 has no logarithm: its decade is the least of a double.
        let decade = |value: f64| value.log10().clamp(-323.0, 308.0);
        let decades = decade(low).floor() as i32..=decade(high).ceil() as i32;
        decades
            .flat_map(|decade| digits.iter().map(move |digit| digit * 10_f64.powi(decade)))
            .filter(|tick| low <= *tick && *tick <= high)
            .collect()
    };
    let apart = |ticks: &Vec<f64>| {
        !ticks.is_empty()
            && ticks
                .windows(2)
                .all(|pair| (pair[1] / pair[0]).log10() * px_per_decade >= LEAST_PX_BETWEEN_Y)
    };
    DIGITS
        .iter()
        .map(ticks)
        .chain([2, 3].map(|every| ticks(&POWERS).into_iter().skip(1).step_by(every).collect()))
        .find(apart)
        .unwrap_or_else(|| vec![(low * high).sqrt()])
}

/// Rates on a logarithmic axis below a chart, where each mark is as wide as its number.
pub(crate) fn rates(low: f64, high: f64, width_px: f64) -> Vec<f64> {
    logarithmic(
        low,
        high,
        width_px * LEAST_PX_BETWEEN_Y / LEAST_PX_BETWEEN_TIMES,
    )
}

/// Times from 0 on a linear axis, in steps of 1, 2 or 5.
pub(crate) fn linear(end: f64, width_px: f64) -> Vec<f64> {
    between(0.0, end, width_px)
}

/// The same between two times.
pub(crate) fn between(start: f64, end: f64, width_px: f64) -> Vec<f64> {
    let least = (end - start) * LEAST_PX_BETWEEN_TIMES / width_px;
    let decade = 10_f64.powf(least.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|digit| digit * decade)
        .into_iter()
        .find(|step| *step >= least);
    let step = step.unwrap_or(end - start);
    ((start / step).ceil() as u32..=(end / step) as u32)
        .map(|n| f64::from(n) * step)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_thin_out_where_there_is_little_room() {
        assert_eq!(percentiles(1e4, 800.0), [1.0, 2.0, 10.0, 100.0, 1e3, 1e4]);
        assert_eq!(percentiles(1e6, 240.0), [1.0, 10.0, 1e3, 1e5]);
    }

    #[test]
    fn short_ranges_are_marked_by_more_digits_than_long_ones() {
        assert_eq!(
            logarithmic(1e3, 1e9, 240.0),
            [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]
        );
        assert_eq!(logarithmic(2.5e4, 1.2e5, 200.0), [3e4, 5e4, 7e4, 1e5]);
        assert_eq!(logarithmic(5.5e8, 9.5e8, 50.0), [7e8]);
        assert_eq!(
            logarithmic(1.1e3, 1.2e3, 50.0),
            [(1.1e3_f64 * 1.2e3).sqrt()]
        );
    }

    #[test]
    fn linear_marks_are_round_and_apart() {
        assert_eq!(
            linear(11.6e3, 800.0),
            [0.0, 1e3, 2e3, 3e3, 4e3, 5e3, 6e3, 7e3, 8e3, 9e3, 1e4, 1.1e4]
        );
        assert_eq!(linear(11.6e3, 340.0), [0.0, 2e3, 4e3, 6e3, 8e3, 1e4]);
        assert_eq!(between(8.0, 29.0, 340.0), [10.0, 15.0, 20.0, 25.0]);
    }
}

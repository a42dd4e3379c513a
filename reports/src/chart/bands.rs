//! Where an axis is broken: a variant thousands of times slower than the others would leave them
//! one line.

/// An empty stretch of this many times breaks the axis.
const EMPTY_STRETCH: f64 = 10.0;

/// Which of the spans (least, greatest) share a stretch of the axis: the greatest first, within a
/// band in their own order.
pub(crate) fn bands(spans: &[(f64, f64)]) -> Vec<Vec<usize>> {
    let mut descending: Vec<usize> = (0..spans.len()).collect();
    descending.sort_by(|&one, &other| spans[other].1.total_cmp(&spans[one].1));
    let mut bands: Vec<Vec<usize>> = Vec::new();
    let mut floor = 0.0;
    for place in descending {
        let (least, greatest) = spans[place];
        match bands.last_mut() {
            Some(band) if greatest * EMPTY_STRETCH >= floor => {
                band.push(place);
                floor = least.min(floor);
            }
            _ => {
                bands.push(vec![place]);
                floor = least;
            }
        }
    }
    for band in &mut bands {
        band.sort_unstable();
    }
    bands
}

#[cfg(test)]
mod tests {
    use super::bands;

    #[test]
    fn an_axis_is_broken_only_where_nothing_lies_for_a_decade() {
        assert_eq!(bands(&[]), Vec::<Vec<usize>>::new());
        assert_eq!(bands(&[(7e8, 8e8)]), [[0]]);
        assert_eq!(
            bands(&[(7e8, 8e8), (3e4, 2e6), (4e4, 9e4)]),
            [vec![0], vec![1, 2]]
        );
        assert_eq!(bands(&[(4e4, 9e4), (3e4, 2e6), (9e6, 1e7)]), [[0, 1, 2]]);
        assert_eq!(
            bands(&[(1.0, 2.0), (1e3, 2e3), (1e6, 2e6)]),
            [[2], [1], [0]]
        );
    }
}

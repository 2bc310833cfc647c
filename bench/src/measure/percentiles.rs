//! Exact percentiles of sorted values, without estimation.

/// Values in ascending order.
#[derive(Debug, Clone, Default)]
pub struct Sorted(Vec<f64>);

impl Sorted {
    /// Sorts the values.
    pub fn new(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    /// Nearest-rank percentile: the smallest value that at least `percent` per cent of all do not exceed; NaN if there
    /// is none.
    pub fn percentile(&self, percent: f64) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank among far fewer than 2^52 values"
        )]
        let rank = (percent / 100.0 * self.0.len() as f64).ceil().max(1.0) as usize;
        self.0.get(rank - 1).or(self.0.last()).copied().unwrap_or(f64::NAN)
    }

    /// Median of the values (nearest rank); NaN if there is none.
    pub fn median(&self) -> f64 {
        self.percentile(50.0)
    }

    /// Largest value; NaN if there is none.
    pub fn max(&self) -> f64 {
        self.percentile(100.0)
    }

    /// Returns the values in ascending order.
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// Empirical distribution function at `points` places, as (value, share).
    pub fn cdf(&self, points: u32) -> Vec<(f64, f64)> {
        let share = |point| f64::from(point) / f64::from(points);
        (1..=points).map(|point| (self.percentile(100.0 * share(point)), share(point))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let sorted = Sorted::new((1..=20).rev().map(f64::from));
        let found = [0.0, 5.0, 50.0, 95.0, 96.0, 100.0].map(|percent| sorted.percentile(percent));
        for (found, expected) in found.into_iter().zip([1.0, 1.0, 10.0, 19.0, 20.0, 20.0]) {
            assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        }
    }

    #[test]
    fn of_nothing_there_are_no_percentiles() {
        assert!(Sorted::default().median().is_nan());
    }

    #[test]
    fn a_cdf_rises_to_one() {
        let cdf = Sorted::new([3.0, 1.0, 2.0]).cdf(3);
        assert_eq!(cdf.first().map(|point| point.0), Some(1.0));
        assert_eq!(cdf.last().copied(), Some((3.0, 1.0)));
    }
}

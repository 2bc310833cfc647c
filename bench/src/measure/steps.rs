//! Step functions of time: queue depths, busy slots.

/// A step function of time; 0 before its first step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Steps(Vec<(f64, f64)>);

impl Steps {
    /// Creates the function from (time, value from then on), in order of time.
    pub fn new(steps: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self(steps.into_iter().collect())
    }

    /// Creates a function that rises by one at each of `moments`, given in any order.
    pub fn counting(moments: impl IntoIterator<Item = f64>) -> Self {
        let mut moments: Vec<f64> = moments.into_iter().collect();
        moments.sort_by(f64::total_cmp);
        let mut count = 0.0;
        Self::new(moments.into_iter().map(|moment| {
            count += 1.0;
            (moment, count)
        }))
    }

    /// Combines functions point by point, for example to add, subtract or compare them.
    pub fn combine<const N: usize>(all: [&Self; N], with: impl Fn([f64; N]) -> f64) -> Self {
        let mut moments: Vec<f64> =
            all.iter().flat_map(|steps| steps.0.iter().map(|s| s.0)).collect();
        moments.sort_by(f64::total_cmp);
        moments.dedup();
        let mut next = [0; N];
        let mut values = [0.0; N];
        Self::new(moments.into_iter().map(|moment| {
            for (index, steps) in all.iter().enumerate() {
                while let Some(&(at, value)) = steps.0.get(next[index]).filter(|s| s.0 <= moment) {
                    debug_assert!(at <= moment);
                    values[index] = value;
                    next[index] += 1;
                }
            }
            (moment, with(values))
        }))
    }

    /// Sums any number of functions.
    pub fn sum(all: impl IntoIterator<Item = Self>) -> Self {
        all.into_iter()
            .fold(Self::default(), |sum, steps| Self::combine([&sum, &steps], |[a, b]| a + b))
    }

    /// Integral from `from` to `to`, in units of time.
    pub fn integral(&self, from: f64, to: f64) -> f64 {
        let ends = self.0.iter().skip(1).map(|step| step.0).chain([f64::INFINITY]);
        self.0
            .iter()
            .zip(ends)
            .map(|(&(at, value), end)| value * (end.min(to) - at.max(from)).max(0.0))
            .sum()
    }

    /// Means over `points` equal parts of the time from `from` to `to`, as (middle, mean): the points of a curve.
    pub fn grid(&self, from: f64, to: f64, points: u32) -> Vec<(f64, f64)> {
        let width = (to - from) / f64::from(points);
        let part = |index| f64::from(index).mul_add(width, from);
        (0..points)
            .map(|index| {
                let (begin, end) = (part(index), part(index + 1));
                (f64::midpoint(begin, end), self.integral(begin, end) / width)
            })
            .collect()
    }

    /// Largest value from `from` to `to`.
    pub fn max(&self, from: f64, to: f64) -> f64 {
        let ends = self.0.iter().skip(1).map(|step| step.0).chain([f64::INFINITY]);
        let inside = self.0.iter().zip(ends).filter(|(step, end)| step.0 < to && *end > from);
        inside.map(|(step, _)| step.1).fold(0.0, f64::max)
    }

    /// First time at which the value satisfies `wanted`, and the end of the last period in which it does.
    pub fn extent(&self, wanted: impl Fn(f64) -> bool) -> Option<(f64, f64)> {
        let first = self.0.iter().find(|step| wanted(step.1))?.0;
        let last = self.0.iter().rposition(|step| wanted(step.1))?;
        let end = self.0.get(last + 1).or(self.0.last()).map_or(first, |step| step.0);
        Some((first, end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn the_integral_clips_at_both_ends() {
        let steps = Steps::new([(0.0, 1.0), (10.0, 3.0)]);
        near(steps.integral(0.0, 20.0), 40.0);
        near(steps.integral(5.0, 11.0), 8.0);
        near(steps.integral(-5.0, 1.0), 1.0);
    }

    #[test]
    fn functions_combine_at_every_step_of_each() {
        let a = Steps::new([(0.0, 1.0), (2.0, 5.0)]);
        let b = Steps::new([(1.0, 10.0), (2.0, 20.0)]);
        let sum = Steps::combine([&a, &b], |[a, b]| a + b);
        assert_eq!(sum, Steps::new([(0.0, 1.0), (1.0, 11.0), (2.0, 25.0)]));
    }

    #[test]
    fn counting_takes_moments_in_any_order() {
        assert_eq!(Steps::counting([2.0, 1.0]), Steps::new([(1.0, 1.0), (2.0, 2.0)]));
    }

    #[test]
    fn the_grid_holds_means() {
        let grid = Steps::new([(0.0, 0.0), (1.0, 4.0)]).grid(0.0, 4.0, 2);
        assert_eq!(grid, [(1.0, 2.0), (3.0, 4.0)]);
    }

    #[test]
    fn the_extent_ends_where_the_last_such_step_does() {
        let steps = Steps::new([(0.0, 0.0), (1.0, 9.0), (2.0, 0.0), (3.0, 9.0), (4.0, 0.0)]);
        assert_eq!(steps.extent(|value| value > 5.0), Some((1.0, 4.0)));
        assert_eq!(steps.extent(|value| value > 10.0), None);
    }

    #[test]
    fn the_maximum_sees_a_step_that_began_before() {
        let steps = Steps::new([(0.0, 7.0), (2.0, 1.0)]);
        near(steps.max(1.0, 3.0), 7.0);
        near(steps.max(2.0, 3.0), 1.0);
    }
}

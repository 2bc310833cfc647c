//! Service times of the stub, and their degradation under overload.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

/// Exponent of the degradation: at twice the slots everything takes 2^1.3 times as long.
const DEGRADATION_EXPONENT: f64 = 1.3;
/// Cut-off of a heavy tail, in multiples of the mean, so that one draw does not decide a run.
const LONGEST_TAIL: f64 = 20.0;

/// Distribution of the service times around their mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Variation {
    /// Constant service time.
    Fixed,
    /// Lognormal, with this coefficient of variation.
    Lognormal(f64),
    /// Pareto, with this exponent (> 1; the smaller, the heavier the tail).
    Pareto(f64),
}

impl Variation {
    /// Draws one service time around `mean`, from two random numbers in [0, 1).
    pub fn sample(self, mean: f64, (first, second): (f64, f64)) -> f64 {
        match self {
            Self::Fixed => mean,
            Self::Lognormal(cv) => {
                let variance = cv.mul_add(cv, 1.0).ln();
                let normal = (-2.0 * (1.0 - first).ln()).sqrt() * (TAU * second).cos();
                mean * variance.sqrt().mul_add(normal, -variance / 2.0).exp()
            }
            Self::Pareto(exponent) => {
                let smallest = mean * (exponent - 1.0) / exponent;
                (smallest * (1.0 - first).powf(-exponent.recip())).min(mean * LONGEST_TAIL)
            }
        }
    }
}

/// Speed of each of `in_flight` requests on `slots` slots, 1 being unloaded.
pub fn progress_rate(in_flight: f64, slots: f64) -> f64 {
    (in_flight / slots.max(1.0)).max(1.0).powf(-DEGRADATION_EXPONENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_of(variation: Variation) -> f64 {
        let grid = 400;
        let at = |i: i32| (f64::from(i) + 0.5) / f64::from(grid);
        let all = (0..grid).flat_map(|i| (0..grid).map(move |j| (at(i), at(j))));
        all.map(|uniform| variation.sample(2.0, uniform)).sum::<f64>() / f64::from(grid * grid)
    }

    #[test]
    fn the_mean_is_kept_whatever_the_variation() {
        assert!((mean_of(Variation::Fixed) - 2.0).abs() < 1e-9);
        assert!((mean_of(Variation::Lognormal(0.5)) - 2.0).abs() < 0.02);
        assert!((mean_of(Variation::Pareto(2.5)) - 2.0).abs() < 0.08, "the tail is cut");
    }

    #[test]
    fn up_to_the_slots_nothing_slows_down() {
        assert!((progress_rate(1.0, 4.0) - 1.0).abs() < 1e-12);
        assert!((progress_rate(4.0, 4.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn overload_slows_down_more_than_it_adds() {
        let rate = progress_rate(12.0, 4.0);
        assert!((rate - 3.0_f64.powf(-1.3)).abs() < 1e-12);
        assert!(12.0 * rate < 4.0, "twelve together do less than four would");
    }
}

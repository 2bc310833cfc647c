//! Share: the limit of one user's jobs in the broker or running, so that users take turns. It follows the capacity:
//! large enough that one user alone keeps every slot busy, and no larger.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Limit of one user's jobs of a kind in the broker or running at once. Cheap to clone; all clones have the same value.
#[derive(Debug, Clone)]
pub struct Share(Arc<AtomicU32>);

impl Share {
    /// Share while the capacity is unknown.
    pub const UNKNOWN: u32 = 8;
    /// Minimum share, whatever the capacity.
    const LEAST: u32 = 4;

    /// Creates a constant share of `jobs`, for a kind whose capacity is not measured.
    pub fn fixed(jobs: u32) -> Self {
        Self(Arc::new(AtomicU32::new(jobs)))
    }

    /// Current share, in jobs.
    pub fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Adjusts the share to the number of jobs that can run at once and to the jobs ended per second; `None` if
    /// unknown.
    pub fn follow(&self, capacity: Option<u32>, per_second: Option<f64>) {
        self.0.store(share(capacity, per_second), Ordering::Relaxed);
    }
}

impl Default for Share {
    fn default() -> Self {
        Self(Arc::new(AtomicU32::new(Self::UNKNOWN)))
    }
}

/// Computes the share: as many as can run, as many again that are ready when these end, and those that end while a
/// successor is in transit through database and broker.
fn share(capacity: Option<u32>, per_second: Option<f64>) -> u32 {
    /// Time that a successor is in transit, at worst until the next run of the sweep.
    const TRANSIT_SECONDS: f64 = 0.3;
    let Some(capacity) = capacity else { return Share::UNKNOWN };
    let passing = (per_second.unwrap_or_default() * TRANSIT_SECONDS).clamp(0.0, 1e6).ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to a small positive number"
    )]
    let passing = passing as u32;
    capacity.saturating_mul(2).saturating_add(passing).max(Share::LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_keeps_every_slot_busy_and_a_successor_ready() {
        assert_eq!(share(None, Some(50.0)), Share::UNKNOWN);
        assert_eq!(share(Some(1), None), Share::LEAST);
        assert_eq!(share(Some(5), Some(2.0)), 11);
        assert_eq!(share(Some(5), Some(80.0)), 34);
        assert_eq!(share(Some(u32::MAX), Some(f64::INFINITY)), u32::MAX);
    }
}

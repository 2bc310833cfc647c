//! Prefetch window of the consumer: the limit of its unacknowledged deliveries. It grows at once with the flow's limit
//! and shrinks late, since every change costs the broker a new consumer.

use std::num::NonZeroU16;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use toneup_colour::capacity::JOBS_PER_WORKER;
use toneup_jobs::run::Window;

/// Time for which a smaller window must have sufficed before the window shrinks.
const SHRINK_AFTER: Duration = Duration::from_secs(5);

/// Window for a limit: large enough that a job is available when a slot gets free, and hardly larger, since a
/// prefetched job can run on this worker only.
pub(crate) fn size_for(limit: u32) -> NonZeroU16 {
    let ample = limit.saturating_mul(5).div_ceil(4) + 1;
    let size = ample.clamp(2, limit.saturating_add(2).max(2)).min(JOBS_PER_WORKER.into());
    u16::try_from(size).ok().and_then(NonZeroU16::new).unwrap_or(NonZeroU16::MIN)
}

/// Sets the window from the limit, and passes changes to the consumer.
#[derive(Debug)]
pub(crate) struct WindowSetter {
    sizes: watch::Sender<NonZeroU16>,
    /// Time since which a smaller window would have sufficed, and the largest needed since.
    smaller: Option<(Instant, NonZeroU16)>,
}

impl WindowSetter {
    /// Creates the window of a worker whose analyzers' capacity is unknown, with its setter.
    pub(crate) fn new() -> (Self, Window) {
        let (sizes, window) = watch::channel(size_for(1));
        (Self { sizes, smaller: None }, Window::following(window))
    }

    /// Adjusts the window to the current limit.
    pub(crate) fn follow(&mut self, now: Instant, limit: u32) {
        let (wanted, current) = (size_for(limit), *self.sizes.borrow());
        if wanted >= current {
            self.smaller = None;
            if wanted > current {
                self.sizes.send_replace(wanted);
            }
            return;
        }
        let (since, largest) = self.smaller.unwrap_or((now, wanted));
        let largest = largest.max(wanted);
        if now.duration_since(since) >= SHRINK_AFTER {
            self.sizes.send_replace(largest);
            self.smaller = None;
        } else {
            self.smaller = Some((since, largest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_a_little_more_than_the_limit_up_to_what_memory_bears() {
        let sizes: Vec<u16> = [0, 1, 2, 4, 8, 100].map(|limit| size_for(limit).get()).into();
        assert_eq!(sizes, [2, 3, 4, 6, 10, 64]);
    }

    #[test]
    fn it_grows_at_once_and_shrinks_late_to_the_largest_that_was_needed() {
        let (mut setter, mut window) = WindowSetter::new();
        let now = Instant::now();
        setter.follow(now, 8);
        assert_eq!(window.size(), size_for(8));
        setter.follow(now, 2);
        setter.follow(now + SHRINK_AFTER / 2, 4);
        assert_eq!(window.size(), size_for(8));
        setter.follow(now + SHRINK_AFTER, 2);
        assert_eq!(window.size(), size_for(4));
    }
}

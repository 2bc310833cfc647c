//! The consumer's window: how many deliveries may be unsettled. It grows with the limit at once and shrinks late, since
//! every change costs the broker a new consumer.

use std::num::NonZeroU16;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use toneup_colour::capacity::JOBS_PER_WORKER;
use toneup_jobs::run::Window;

/// How long a smaller window must have been enough.
const SHRINK_AFTER: Duration = Duration::from_secs(5);

/// The window for a limit: enough that a job is at hand when a slot gets free, and hardly more, since what waits here
/// waits for this worker.
pub(crate) fn size_for(limit: u32) -> NonZeroU16 {
    let ample = limit.saturating_mul(5).div_ceil(4) + 1;
    let size = ample.clamp(2, limit.saturating_add(2).max(2)).min(JOBS_PER_WORKER.into());
    u16::try_from(size).ok().and_then(NonZeroU16::new).unwrap_or(NonZeroU16::MIN)
}

/// Decides the window and tells the consumer.
#[derive(Debug)]
pub(crate) struct WindowSetter {
    sizes: watch::Sender<NonZeroU16>,
    /// Since when a smaller window would have been enough, and the largest asked for since.
    smaller: Option<(Instant, NonZeroU16)>,
}

impl WindowSetter {
    /// A window for an unknown analyzer, and what follows it.
    pub(crate) fn new() -> (Self, Window) {
        let (sizes, window) = watch::channel(size_for(1));
        (Self { sizes, smaller: None }, Window::following(window))
    }

    /// Takes note of the limit.
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

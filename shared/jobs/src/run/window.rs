//! Prefetch window: the limit of a worker's unacknowledged deliveries of one kind.

use std::num::NonZeroU16;

use tokio::sync::watch;

/// Receiving end of a window's size; the holder of the sender may resize it.
#[derive(Debug, Clone)]
pub struct Window(watch::Receiver<NonZeroU16>);

impl Window {
    /// Creates a window that follows `sizes`.
    pub fn following(sizes: watch::Receiver<NonZeroU16>) -> Self {
        Self(sizes)
    }

    /// Creates a window of a fixed size.
    pub fn fixed(size: NonZeroU16) -> Self {
        Self(watch::channel(size).1)
    }

    /// Current size; [`Self::changed`] reports later ones.
    pub fn size(&mut self) -> NonZeroU16 {
        *self.0.borrow_and_update()
    }

    /// Waits for a new size; forever if there will be none.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

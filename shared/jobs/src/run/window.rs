//! The window: how many deliveries of a kind a worker may hold unsettled.

use std::num::NonZeroU16;

use tokio::sync::watch;

/// The window as the consumer sees it; whoever holds the sender may resize it.
#[derive(Debug, Clone)]
pub struct Window(watch::Receiver<NonZeroU16>);

impl Window {
    /// A window that follows `sizes`.
    pub fn following(sizes: watch::Receiver<NonZeroU16>) -> Self {
        Self(sizes)
    }

    /// A window of a fixed size.
    pub fn fixed(size: NonZeroU16) -> Self {
        Self(watch::channel(size).1)
    }

    /// The size at present; [`Self::changed`] reports later ones.
    pub fn size(&mut self) -> NonZeroU16 {
        *self.0.borrow_and_update()
    }

    /// Waits for another size; forever if there will be none.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

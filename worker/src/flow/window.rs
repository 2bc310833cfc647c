//! The consumer's window: how many deliveries may be unsettled. The consumer follows whatever the sender says.

use std::num::NonZeroU16;

use tokio::sync::watch;

/// Says how large the window is, and tells the consumer when that changes.
#[derive(Debug, Clone)]
pub(crate) struct Window(watch::Receiver<NonZeroU16>);

impl Window {
    /// A window that follows `sizes`.
    pub(crate) fn following(sizes: watch::Receiver<NonZeroU16>) -> Self {
        Self(sizes)
    }

    /// A window that stays as it is.
    pub(crate) fn fixed(size: NonZeroU16) -> Self {
        Self::following(watch::channel(size).1)
    }

    /// The size now; [`Self::changed`] tells of later ones.
    pub(crate) fn size(&mut self) -> NonZeroU16 {
        *self.0.borrow_and_update()
    }

    /// Waits for another size; forever if there will be none.
    pub(crate) async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

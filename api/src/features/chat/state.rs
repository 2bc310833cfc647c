//! The state of conversations.

use toneup_platform::database::Database;

use super::hub::Hub;
use super::writer::Writer;
use crate::features::analyses::Watchers;
use crate::features::pictures::PictureUrls;
use crate::http::limits::RateLimiter;

/// The part of the application's state that conversations use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ChatState {
    pub(super) pool: Database,
    pub(super) limiter: RateLimiter,
    pub(crate) pictures: PictureUrls,
    pub(super) writer: Writer,
    pub(super) hub: Hub,
    /// Told when a picture is made.
    pub(super) watchers: Watchers,
}

//! The state of pictures.

use toneup_platform::database::Database;
use toneup_platform::objects::Objects;

use super::view::PictureUrls;
use crate::http::limits::RateLimiter;

/// The part of the application's state that pictures use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PicturesState {
    pub(super) pool: Database,
    pub(super) objects: Objects,
    pub(super) limiter: RateLimiter,
    pub(crate) urls: PictureUrls,
}

impl PicturesState {
    /// Shares the object store.
    pub(crate) fn new(
        pool: Database,
        objects: Objects,
        limiter: RateLimiter,
        urls: PictureUrls,
    ) -> Self {
        Self { pool, objects, limiter, urls }
    }
}

//! The state of posts.

use toneup_platform::database::Database;
use toneup_platform::objects::Objects;

use super::ranking::Rankings;
use crate::features::pictures::PictureUrls;
use crate::http::limits::RateLimiter;

/// The part of the application's state that posts use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PostsState {
    pub(crate) pool: Database,
    pub(super) objects: Objects,
    pub(super) limiter: RateLimiter,
    pub(crate) pictures: PictureUrls,
    pub(crate) rankings: Rankings,
}

impl PostsState {
    /// Shares the object store.
    pub(crate) fn new(
        pool: Database,
        objects: Objects,
        limiter: RateLimiter,
        pictures: PictureUrls,
    ) -> Self {
        Self { pool, objects, limiter, pictures, rankings: Rankings::default() }
    }
}

//! The state of comments.

use toneup_platform::database::Database;

use crate::features::notices::NoticePost;
use crate::features::pictures::PictureUrls;
use crate::http::limits::RateLimiter;

/// The part of the application's state that comments use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CommentsState {
    pub(super) pool: Database,
    pub(super) limiter: RateLimiter,
    pub(super) pictures: PictureUrls,
    pub(super) post: NoticePost,
}

impl CommentsState {
    /// Creates the state.
    pub(crate) fn new(
        pool: Database,
        limiter: RateLimiter,
        pictures: PictureUrls,
        post: NoticePost,
    ) -> Self {
        Self { pool, limiter, pictures, post }
    }
}

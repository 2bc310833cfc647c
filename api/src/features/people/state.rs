//! The state of people.

use toneup_platform::database::Database;
use toneup_platform::identity::UserId;

use super::content::Content;
use crate::features::notices::NoticePost;
use crate::features::pictures::PictureUrls;
use crate::http::limits::{Policy, RateLimiter};
use crate::http::problem::ApiError;

/// Times that one user may follow somebody in a minute.
const FOLLOWS: Policy = Policy::per_minute("follows", 120);

/// The part of the application's state that people use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PeopleState {
    pub(crate) pool: Database,
    limiter: RateLimiter,
    pub(crate) pictures: PictureUrls,
    pub(crate) content: Content,
    pub(super) post: NoticePost,
}

impl PeopleState {
    /// Creates the state.
    pub(crate) fn new(
        pool: Database,
        limiter: RateLimiter,
        pictures: PictureUrls,
        content: Content,
        post: NoticePost,
    ) -> Self {
        Self { pool, limiter, pictures, content, post }
    }

    /// Counts that a user follows somebody, or refuses it.
    pub(crate) async fn count_follow(&self, user: UserId) -> Result<(), ApiError> {
        self.limiter.check(&FOLLOWS, user.0).await
    }
}

//! The state of likes.

use toneup_people::likes::LikeWriter;
use toneup_platform::database::Database;
use toneup_platform::shutdown::Shutdown;

use crate::features::notices::NoticePost;
use crate::features::pictures::PictureUrls;
use crate::http::limits::RateLimiter;

/// The part of the application's state that likes use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LikesState {
    pub(super) pool: Database,
    pub(super) writer: LikeWriter,
    pub(super) limiter: RateLimiter,
    pub(super) pictures: PictureUrls,
}

impl LikesState {
    /// Starts the writer on `shutdown`.
    pub(crate) fn start(
        pool: Database,
        limiter: RateLimiter,
        pictures: PictureUrls,
        post: NoticePost,
        shutdown: &Shutdown,
    ) -> Self {
        let writer = LikeWriter::spawn(pool.clone(), &shutdown.tasks, move |told| post.send(told));
        Self { pool, writer, limiter, pictures }
    }
}

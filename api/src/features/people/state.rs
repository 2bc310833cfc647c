//! The state of people.

use toneup_platform::database::Database;

use super::content::Content;
use crate::features::notices::NoticePost;
use crate::features::pictures::PictureUrls;

/// The part of the application's state that people use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PeopleState {
    pub(crate) pool: Database,
    pub(crate) pictures: PictureUrls,
    pub(crate) content: Content,
    pub(super) post: NoticePost,
}

impl PeopleState {
    /// Creates the state.
    pub(crate) fn new(
        pool: Database,
        pictures: PictureUrls,
        content: Content,
        post: NoticePost,
    ) -> Self {
        Self { pool, pictures, content, post }
    }
}

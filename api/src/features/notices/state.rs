//! The state of notices.

use toneup_platform::database::Database;

use crate::features::pictures::PictureUrls;

/// The part of the application's state that notices use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct NoticesState {
    pub(super) pool: Database,
    pub(super) pictures: PictureUrls,
}

impl NoticesState {
    /// Creates the state.
    pub(crate) fn new(pool: Database, pictures: PictureUrls) -> Self {
        Self { pool, pictures }
    }
}

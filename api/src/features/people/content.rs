//! Counts of users' posts: an interface that features with posts implement.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use toneup_platform::identity::UserId;

/// Numbers of posts of a user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ContentCounts {
    /// Posts in the feed.
    pub(crate) feeds: u64,
    /// Entries of the diary.
    pub(crate) diaries: u64,
}

/// Counts what users have posted.
pub(crate) trait CountContent: fmt::Debug + Send + Sync {
    /// Counts a user's posts.
    fn count(&self, user: UserId) -> BoxFuture<'_, Result<ContentCounts, sqlx::Error>>;
}

/// The way of counting in this application. Cheap to clone.
pub(crate) type Content = Arc<dyn CountContent>;

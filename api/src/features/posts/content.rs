//! Numbers of what people have posted.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use toneup_platform::database::{Database, bounded};
use toneup_platform::identity::UserId;

use crate::features::people::{ContentCounts, CountContent};

/// Reads the counts that change with the posts.
#[derive(Debug)]
pub(crate) struct PostCounts(pub(crate) Database);

impl CountContent for PostCounts {
    fn count(&self, user: UserId) -> BoxFuture<'_, Result<ContentCounts, sqlx::Error>> {
        let counting = bounded(async move {
            let counts = sqlx::query!("SELECT posts, entries FROM authors WHERE user_id = ?", user);
            let counts = counts.fetch_optional(&mut *self.0.acquire().await?).await?;
            Ok(counts.map_or_else(ContentCounts::default, |counts| ContentCounts {
                feeds: counts.posts.into(),
                diaries: counts.entries.into(),
            }))
        });
        counting.boxed()
    }
}

//! Posts as search knows them: those that are shown to everybody. Who may see one is decided when it is read.

use std::collections::HashMap;

use sqlx::{FromRow, MySqlConnection, QueryBuilder};
use toneup_catalogue::live::{Batch, Consumer, Source};
use toneup_catalogue::product::changes::SubjectKind;
use toneup_catalogue::search::{Document, Writer};
use toneup_people::posts::Visibility;
use toneup_platform::database::{bind_list, bounded};
use toneup_platform::identity::UserId;

use super::read::read_all;
use super::state::PostsState;
use super::view::PostView;
use crate::http::problem::ApiError;

/// The posts of the feed that are ready.
#[derive(Debug)]
pub(crate) struct PublicPosts;

/// The text of a post.
#[derive(Debug, FromRow)]
pub(crate) struct PostText {
    number: u64,
    text: String,
}

impl Source for PublicPosts {
    const KIND: SubjectKind = SubjectKind::Post;
    type Id = u64;
    type Item = PostText;

    fn id(item: &PostText) -> u64 {
        item.number
    }

    async fn list(
        conn: &mut MySqlConnection,
        after: u64,
        most: u32,
    ) -> Result<Vec<PostText>, sqlx::Error> {
        sqlx::query_as(
            "SELECT number, text FROM posts FORCE INDEX (posts_newest)
             WHERE visibility = 'public' AND state = 'ready' AND number > ?
             ORDER BY number LIMIT ?",
        )
        .bind(after)
        .bind(most)
        .fetch_all(conn)
        .await
    }

    async fn find(
        conn: &mut MySqlConnection,
        ids: &[u64],
    ) -> Result<HashMap<u64, PostText>, sqlx::Error> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let mut query = QueryBuilder::new(
            "SELECT number, text FROM posts
             WHERE visibility = 'public' AND state = 'ready' AND number IN ",
        );
        bind_list(&mut query, ids.iter().copied());
        let found: Vec<PostText> = query.build_query_as().fetch_all(conn).await?;
        Ok(found.into_iter().map(|post| (post.number, post)).collect())
    }
}

/// Writes posts to the search engine.
#[derive(Debug)]
pub(crate) struct PostIndexer(pub(crate) Writer);

impl Consumer<PublicPosts> for PostIndexer {
    fn apply(&self, batch: &Batch<PublicPosts>) {
        let present = batch.present.iter();
        let documents: Vec<Document> =
            present.map(|post| Document::of_post(post.number, post.text.clone())).collect();
        self.0.write(&documents, &batch.gone);
    }

    fn flush(&self) {
        self.0.flush();
    }
}

/// Reads posts that were found, in that order; those that `viewer` may not see, or has muted, are left out.
pub(crate) async fn read_found(
    state: &PostsState,
    viewer: UserId,
    numbers: &[u64],
) -> Result<Vec<PostView>, ApiError> {
    let reading = bounded(async {
        let mut conn = state.pool.acquire().await?;
        read_all(&mut conn, viewer, Visibility::Public, numbers).await
    });
    // Its author sees a post before others do; search does not.
    let ready = reading.await?.into_iter().filter(|post| post.state == "ready");
    Ok(ready.map(|post| PostView::new(post, &state.pictures)).collect())
}

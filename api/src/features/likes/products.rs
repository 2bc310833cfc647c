//! Likes of products, as the likes of all things are stored.

use std::collections::HashMap;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::QueryBuilder;
use toneup_catalogue::product::ProductId;
use toneup_platform::database::{Database, bind_list};
use toneup_platform::identity::UserId;

use crate::features::catalogue::{Mark, ReadLikes};

/// A time after all likes, in µs: the year 5138.
const LAST_MICROS: u64 = 100_000_000_000_000_000;

/// Reads likes of products from the database.
#[derive(Debug)]
pub(crate) struct ProductLikes(pub(crate) Database);

impl ReadLikes for ProductLikes {
    fn latest(
        &self,
        user: UserId,
        most: u32,
    ) -> BoxFuture<'_, Result<Vec<ProductId>, sqlx::Error>> {
        async move {
            sqlx::query_scalar!(
                r#"SELECT target_id AS "id: ProductId" FROM likes
                   WHERE user_id = ? AND kind = 'product' ORDER BY created_at DESC, target_id DESC LIMIT ?"#,
                user,
                most
            )
            .fetch_all(&mut *self.0.acquire().await?)
            .await
        }
        .boxed()
    }

    fn page(
        &self,
        user: UserId,
        before: Option<u64>,
        most: u32,
    ) -> BoxFuture<'_, Result<Vec<(ProductId, u64)>, sqlx::Error>> {
        async move {
            sqlx::query_as(
                "SELECT target_id, CAST(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', created_at) AS UNSIGNED)
                 FROM likes WHERE user_id = ? AND kind = 'product'
                   AND created_at < TIMESTAMP('1970-01-01') + INTERVAL ? MICROSECOND
                 ORDER BY created_at DESC, target_id DESC LIMIT ?",
            )
            .bind(user)
            .bind(before.unwrap_or(LAST_MICROS).min(LAST_MICROS))
            .bind(most)
            .fetch_all(&mut *self.0.acquire().await?)
            .await
        }
        .boxed()
    }

    fn count(&self, user: UserId) -> BoxFuture<'_, Result<u64, sqlx::Error>> {
        async move {
            sqlx::query_scalar(
                "SELECT CAST(COUNT(*) AS UNSIGNED) FROM likes WHERE user_id = ? AND kind = 'product'",
            )
            .bind(user)
            .fetch_one(&mut *self.0.acquire().await?)
            .await
        }
        .boxed()
    }

    fn marks(
        &self,
        user: UserId,
        products: Vec<ProductId>,
    ) -> BoxFuture<'_, Result<HashMap<ProductId, Mark>, sqlx::Error>> {
        async move {
            if products.is_empty() {
                return Ok(HashMap::new());
            }
            let mut query = QueryBuilder::new(
                "SELECT c.target_id, c.likes, l.user_id IS NOT NULL FROM content_counters c
                 LEFT JOIN likes l ON l.kind = 'product' AND l.target_id = c.target_id
                     AND l.user_id = ",
            );
            query.push_bind(user).push(" WHERE c.kind = 'product' AND c.target_id IN ");
            bind_list(&mut query, products.into_iter());
            let rows: Vec<(ProductId, u32, bool)> =
                query.build_query_as().fetch_all(&mut *self.0.acquire().await?).await?;
            Ok(rows
                .into_iter()
                .map(|(id, likes, is_liked)| (id, Mark { likes, is_liked }))
                .collect())
        }
        .boxed()
    }

    fn counts(&self) -> BoxFuture<'_, Result<HashMap<ProductId, u32>, sqlx::Error>> {
        async move {
            let rows = sqlx::query!(
                r#"SELECT target_id AS "id: ProductId", likes FROM content_counters
                   WHERE kind = 'product' AND likes > 0"#
            )
            .fetch_all(&mut *self.0.acquire().await?)
            .await?;
            Ok(rows.into_iter().map(|row| (row.id, row.likes)).collect())
        }
        .boxed()
    }
}

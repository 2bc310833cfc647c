//! Likes of products: an interface that the feature with likes implements.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use toneup_catalogue::product::ProductId;
use toneup_platform::identity::UserId;

/// What people like.
pub(crate) trait ReadLikes: fmt::Debug + Send + Sync {
    /// The products that a user likes, latest first, at most `most`.
    fn latest(&self, user: UserId, most: u32)
    -> BoxFuture<'_, Result<Vec<ProductId>, sqlx::Error>>;

    /// A page of the products that a user likes, latest first, each with the time of the like in µs: from just before a time,
    /// at most `most`.
    fn page(
        &self,
        user: UserId,
        before: Option<u64>,
        most: u32,
    ) -> BoxFuture<'_, Result<Vec<(ProductId, u64)>, sqlx::Error>>;

    /// How many products a user likes.
    fn count(&self, user: UserId) -> BoxFuture<'_, Result<u64, sqlx::Error>>;

    /// Those of the products that a user likes.
    fn liked(
        &self,
        user: UserId,
        products: Vec<ProductId>,
    ) -> BoxFuture<'_, Result<HashSet<ProductId>, sqlx::Error>>;

    /// How many people like each product; those that nobody likes may be left out.
    fn counts(&self) -> BoxFuture<'_, Result<HashMap<ProductId, u32>, sqlx::Error>>;
}

/// The application's way of reading likes. Cheap to clone.
pub(crate) type Likes = Arc<dyn ReadLikes>;

//! Likes of products: an interface that the feature with likes implements.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use toneup_catalogue::product::ProductId;
use toneup_platform::identity::UserId;

/// What people like.
pub(crate) trait ReadLikes: fmt::Debug + Send + Sync {
    /// The products that a user likes, latest first, at most `most`.
    fn latest(&self, user: UserId, most: u32)
    -> BoxFuture<'_, Result<Vec<ProductId>, sqlx::Error>>;

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

/// Without a feature for it, nobody likes anything.
#[derive(Debug)]
pub(crate) struct NoLikes;

impl ReadLikes for NoLikes {
    fn latest(&self, _: UserId, _: u32) -> BoxFuture<'_, Result<Vec<ProductId>, sqlx::Error>> {
        async { Ok(Vec::new()) }.boxed()
    }

    fn liked(
        &self,
        _: UserId,
        _: Vec<ProductId>,
    ) -> BoxFuture<'_, Result<HashSet<ProductId>, sqlx::Error>> {
        async { Ok(HashSet::new()) }.boxed()
    }

    fn counts(&self) -> BoxFuture<'_, Result<HashMap<ProductId, u32>, sqlx::Error>> {
        async { Ok(HashMap::new()) }.boxed()
    }
}

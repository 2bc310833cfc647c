//! Likes of products: an interface that the feature with likes implements.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use toneup_catalogue::product::ProductId;
use toneup_platform::identity::UserId;

/// How a product is liked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// People who like it.
    pub(crate) likes: u32,
    /// Whether the user is one of them.
    pub(crate) is_liked: bool,
}

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

    /// How many people like each of the products, and whether a user does; those that nobody likes may be left out.
    fn marks(
        &self,
        user: UserId,
        products: Vec<ProductId>,
    ) -> BoxFuture<'_, Result<HashMap<ProductId, Mark>, sqlx::Error>>;

    /// How many people like each product; those that nobody likes may be left out.
    fn counts(&self) -> BoxFuture<'_, Result<HashMap<ProductId, u32>, sqlx::Error>>;
}

/// The application's way of reading likes. Cheap to clone.
pub(crate) type Likes = Arc<dyn ReadLikes>;

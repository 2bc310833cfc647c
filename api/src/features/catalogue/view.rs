//! Products as clients see them.

use std::collections::HashMap;

use serde::Serialize;
use toneup_catalogue::product::store::{self, StoredProduct};
use toneup_catalogue::product::{Product, ProductId};
use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;
use utoipa::ToSchema;

use super::likes::Mark;
use super::state::CatalogueState;
use crate::http::problem::ApiError;

/// A product.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProductView {
    #[serde(flatten)]
    product: Product,
    /// People who like it.
    likes: u32,
    /// The caller likes it.
    is_liked: bool,
}

/// A product of a list.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) product: Product,
    pub(crate) mark: Mark,
}

impl From<Listed> for ProductView {
    fn from(Listed { product, mark: Mark { likes, is_liked } }: Listed) -> Self {
        Self { product, likes, is_liked }
    }
}

/// The products that a user likes, latest first, from just before a time in µs: a page of them, and the time of its last
/// like if there are more.
pub(crate) async fn list_liked(
    state: &CatalogueState,
    user: UserId,
    before: Option<u64>,
    limit: u32,
) -> Result<(Vec<Listed>, Option<u64>), ApiError> {
    let mut found = bounded(state.likes.page(user, before, limit + 1)).await?;
    let has_more = found.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    if has_more {
        found.pop();
    }
    let next = found.last().filter(|_| has_more).map(|(_, time)| *time);
    let ids: Vec<ProductId> = found.into_iter().map(|(id, _)| id).collect();
    Ok((read(state, user, &ids).await?, next))
}

/// Counts the products that a user likes.
pub(crate) async fn count_liked(state: &CatalogueState, user: UserId) -> Result<u64, ApiError> {
    Ok(bounded(state.likes.count(user)).await?)
}

/// Reads products, in the order of their ids; those that are gone are left out.
pub(super) async fn read(
    state: &CatalogueState,
    user: UserId,
    ids: &[ProductId],
) -> Result<Vec<Listed>, ApiError> {
    let reading = bounded(async { store::find(&mut *state.pool.acquire().await?, ids).await });
    let mut found: HashMap<ProductId, StoredProduct> = reading.await?;
    let marks = bounded(state.likes.marks(user, ids.to_vec())).await?;
    let listed = |id: &ProductId| {
        let StoredProduct { product, .. } = found.remove(id)?;
        Some(Listed { product, mark: marks.get(id).copied().unwrap_or_default() })
    };
    Ok(ids.iter().filter_map(listed).collect())
}

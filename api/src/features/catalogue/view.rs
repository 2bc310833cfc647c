//! Products as clients see them.

use std::collections::HashMap;

use serde::Serialize;
use toneup_catalogue::product::store::{self, StoredProduct};
use toneup_catalogue::product::{Product, ProductId};
use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;
use utoipa::ToSchema;

use super::state::CatalogueState;
use crate::http::problem::ApiError;

/// A product.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProductView {
    #[serde(flatten)]
    product: Product,
    /// The caller likes it.
    is_liked: bool,
}

/// A product of a list.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) product: Product,
    /// The caller likes it.
    pub(crate) is_liked: bool,
}

impl From<Listed> for ProductView {
    fn from(Listed { product, is_liked }: Listed) -> Self {
        Self { product, is_liked }
    }
}

/// Reads products, in the order of their ids; those that are gone are left out.
pub(super) async fn read(
    state: &CatalogueState,
    user: UserId,
    ids: &[ProductId],
) -> Result<Vec<Listed>, ApiError> {
    let reading = bounded(async { store::find(&mut *state.pool.acquire().await?, ids).await });
    let mut found: HashMap<ProductId, StoredProduct> = reading.await?;
    let liked = bounded(state.likes.liked(user, ids.to_vec())).await?;
    let listed = |id: &ProductId| {
        let StoredProduct { product, .. } = found.remove(id)?;
        Some(Listed { product, is_liked: liked.contains(id) })
    };
    Ok(ids.iter().filter_map(listed).collect())
}

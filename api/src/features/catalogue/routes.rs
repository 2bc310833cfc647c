//! HTTP endpoints of products.

use axum::Json;
use axum::extract::{FromRef, State};
use serde::{Deserialize, Serialize};
use toneup_catalogue::product::ProductId;
use toneup_catalogue::recommend::similar;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::recommendations;
use super::search;
use super::state::CatalogueState;
use super::view::{ProductView, read};
use crate::features::people::PeopleState;
use crate::features::posts::PostsState;
use crate::http::extract::{ApiQuery, IdPath};
use crate::http::identity::{Authenticator, CurrentUser};
use crate::http::problem::{ApiError, Problem};

/// The routes of the catalogue.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    CatalogueState: FromRef<S>,
    PostsState: FromRef<S>,
    PeopleState: FromRef<S>,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(get_product))
        .routes(routes!(list_similar))
        .routes(routes!(recommendations::list_recommendations))
        .routes(routes!(search::search))
        .routes(routes!(search::suggest))
}

/// A product.
#[utoipa::path(
    get,
    path = "/v1/products/{id}",
    tag = "catalogue",
    security(("bearer" = [])),
    params(("id" = u64, Path)),
    responses((status = OK, body = ProductView), Problem)
)]
async fn get_product(
    State(state): State<CatalogueState>,
    CurrentUser(user): CurrentUser,
    IdPath(id): IdPath<ProductId>,
) -> Result<Json<ProductView>, ApiError> {
    let found = read(&state, user, &[id]).await?.pop();
    found.map(|listed| Json(listed.into())).ok_or(ApiError::NotFound)
}

/// Query parameters of products like another one.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SimilarQuery {
    /// Products, 1 to 50.
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 50, default = 20)]
    limit: usize,
}

fn default_limit() -> usize {
    20
}

/// Products that are like another one.
#[derive(Debug, Serialize, ToSchema)]
struct SimilarProducts {
    /// The nearest first.
    items: Vec<ProductView>,
}

/// Products that are like a product: by their pictures and what they are.
#[utoipa::path(
    get,
    path = "/v1/products/{id}/similar",
    tag = "catalogue",
    security(("bearer" = [])),
    params(("id" = u64, Path), SimilarQuery),
    responses((status = OK, body = SimilarProducts), Problem)
)]
async fn list_similar(
    State(state): State<CatalogueState>,
    CurrentUser(user): CurrentUser,
    IdPath(id): IdPath<ProductId>,
    ApiQuery(SimilarQuery { limit }): ApiQuery<SimilarQuery>,
) -> Result<Json<SimilarProducts>, ApiError> {
    if !(1..=50).contains(&limit) {
        return Err(ApiError::invalid("limit", "expected 1 to 50"));
    }
    let near = state.compute(move |copies| {
        let vectors = copies.vectors.read();
        similar(&copies.facts.read(), vectors.as_deref(), id, limit)
    });
    let near = near.await?.map_err(|error| ApiError::Internal(error.into()))?;
    let near = near.ok_or(ApiError::NotFound)?;
    let items = read(&state, user, &near).await?.into_iter().map(ProductView::from).collect();
    Ok(Json(SimilarProducts { items }))
}

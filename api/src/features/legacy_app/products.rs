//! Products: recommended, searched, suggested.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use toneup_colour::result::PersonalColor;
use toneup_people::likes::{TargetName, Wish};
use toneup_platform::identity::UserId;
use utoipa::{IntoParams, ToSchema};

use super::envelope::{Answer, Doubled, Failure};
use crate::features::catalogue::{
    CatalogueState, Listed, Opening, complete, count_liked, find_first, list_liked, recommend_from,
};
use crate::features::likes::{LikesState, give};
use crate::http::extract::{ApiQuery, IdPath};
use crate::http::identity::CurrentUser;
use crate::http::problem::ApiError;

/// Products of a page, whatever the app asks for.
const MOST: usize = 50;

/// Query parameters of a page. Others that the app sends are passed over.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// `nextCursor` of the page before.
    cursor: Option<usize>,
    /// Products a page: from 1 to 50, whatever is asked for.
    limit: Option<usize>,
}

/// A product as the app reads it: none is null.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProductData {
    product_id: u64,
    brand: String,
    product_name: String,
    /// In won.
    price: u32,
    /// Empty where the product has no picture.
    image_url: String,
    /// The shop's page.
    product_detail_url: String,
    is_liked: bool,
}

impl From<Listed> for ProductData {
    fn from(Listed { product, mark }: Listed) -> Self {
        Self {
            product_id: product.id.0,
            brand: product.brand,
            product_name: product.name,
            price: product.price,
            image_url: product.pictures.into_iter().next().unwrap_or_default(),
            product_detail_url: product.url,
            is_liked: mark.is_liked,
        }
    }
}

/// A page of products.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProductPage {
    products: Vec<ProductData>,
    /// Behind the last product of the page, also of the last page.
    next_cursor: usize,
    has_next: bool,
}

type PageAnswer = Answer<Doubled<ProductPage>>;

/// Products for the caller.
#[utoipa::path(
    get,
    path = "/api/product/recommendation",
    tag = "app",
    security(("bearer" = [])),
    params(ListQuery),
    responses((status = OK, body = PageAnswer), (status = "default", body = Failure))
)]
pub(super) async fn recommend_products(
    State(state): State<CatalogueState>,
    CurrentUser(user): CurrentUser,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<PageAnswer>, ApiError> {
    page(&state, user, query, None).await
}

/// Products for the caller, by the name that the path had before.
#[utoipa::path(
    get,
    path = "/api/product/recommandation",
    tag = "app",
    security(("bearer" = [])),
    params(ListQuery),
    responses((status = OK, body = PageAnswer), (status = "default", body = Failure))
)]
pub(super) async fn recommend_products_formerly(
    State(state): State<CatalogueState>,
    CurrentUser(user): CurrentUser,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<PageAnswer>, ApiError> {
    page(&state, user, query, None).await
}

/// Products for a season.
#[utoipa::path(
    get,
    path = "/api/product/recommandation/{colorType}",
    tag = "app",
    security(("bearer" = [])),
    params(("colorType" = PersonalColor, Path), ListQuery),
    responses((status = OK, body = PageAnswer), (status = "default", body = Failure))
)]
pub(super) async fn recommend_products_of_season(
    State(state): State<CatalogueState>,
    CurrentUser(user): CurrentUser,
    IdPath(season): IdPath<String>,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<PageAnswer>, ApiError> {
    let named = |one: &PersonalColor| one.as_str().eq_ignore_ascii_case(&season);
    let season = PersonalColor::ALL.into_iter().find(named).ok_or_else(|| {
        ApiError::invalid("colorType", "expected SPRING, SUMMER, AUTUMN or WINTER")
    })?;
    page(&state, user, query, Some(season)).await
}

async fn page(
    state: &CatalogueState,
    user: UserId,
    query: ListQuery,
    season: Option<PersonalColor>,
) -> Result<Json<PageAnswer>, ApiError> {
    let limit = query.limit.unwrap_or(10).clamp(1, MOST);
    let skip = query.cursor.unwrap_or(0);
    let part = Opening { skip, limit, season };
    let (listed, has_next) = recommend_from(state, user, part).await?;
    let products: Vec<ProductData> = listed.into_iter().map(ProductData::from).collect();
    let next_cursor = skip.saturating_add(limit);
    Ok(Answer::doubled("ok", ProductPage { products, next_cursor, has_next }))
}

/// What the app searches for. Others of its parameters are passed over.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SearchQuery {
    /// The text; without it, nothing is found.
    query: Option<String>,
    /// Products: from 1 to 50, whatever is asked for.
    limit: Option<usize>,
}

/// Products that were found, of one page.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct FoundProducts {
    products: Vec<ProductData>,
    has_next: bool,
}

/// Searches products.
#[utoipa::path(
    get,
    path = "/api/search",
    tag = "app",
    security(("bearer" = [])),
    params(SearchQuery),
    responses((status = OK, body = Answer<Doubled<FoundProducts>>), (status = "default", body = Failure))
)]
pub(super) async fn search_products(
    State(state): State<CatalogueState>,
    CurrentUser(user): CurrentUser,
    ApiQuery(SearchQuery { query, limit }): ApiQuery<SearchQuery>,
) -> Result<Json<Answer<Doubled<FoundProducts>>>, ApiError> {
    let limit = limit.unwrap_or(10).clamp(1, MOST);
    let text = query.unwrap_or_default();
    let (listed, has_next) = find_first(&state, user, &text, limit).await?;
    let products = listed.into_iter().map(ProductData::from).collect();
    Ok(Answer::doubled("ok", FoundProducts { products, has_next }))
}

/// A text that is being typed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CompletionQuery {
    /// The text; without it, nothing is suggested.
    keyword: Option<String>,
}

/// A suggestion.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CompletionData {
    brand_or_product_name: String,
}

/// Suggestions, the best first, 20 at most.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CompletionList {
    auto_complete_list: Vec<CompletionData>,
}

/// Suggests brands and names of products.
#[utoipa::path(
    get,
    path = "/api/auto-complete",
    tag = "app",
    security(("bearer" = [])),
    params(CompletionQuery),
    responses((status = OK, body = Answer<Doubled<CompletionList>>), (status = "default", body = Failure))
)]
pub(super) async fn complete_text(
    State(state): State<CatalogueState>,
    CurrentUser(_): CurrentUser,
    ApiQuery(CompletionQuery { keyword }): ApiQuery<CompletionQuery>,
) -> Result<Json<Answer<Doubled<CompletionList>>>, ApiError> {
    let suggested = complete(&state, keyword.unwrap_or_default()).await?.into_iter();
    let data = |(text, _)| CompletionData { brand_or_product_name: text };
    Ok(Answer::doubled("ok", CompletionList { auto_complete_list: suggested.map(data).collect() }))
}

/// Whether the caller likes a product now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProductLiked {
    product_id: u64,
    liked: bool,
    is_liked: bool,
}

/// Likes a product if that is not so, and no longer if it is.
#[utoipa::path(
    post,
    path = "/api/products/{productId}/like",
    tag = "app",
    security(("bearer" = [])),
    params(("productId" = u64, Path)),
    responses((status = OK, body = Answer<ProductLiked>), (status = "default", body = Failure))
)]
pub(super) async fn toggle_product_like(
    State(state): State<LikesState>,
    CurrentUser(user): CurrentUser,
    IdPath(product_id): IdPath<u64>,
) -> Result<Json<Answer<ProductLiked>>, ApiError> {
    let given = give(&state, user, TargetName::Product(product_id), Wish::Toggle).await?;
    let data = ProductLiked { product_id, liked: given.liked, is_liked: given.liked };
    Ok(Answer::said(200, "ok", data))
}

/// Query parameters of the products that the caller likes. Others that the app sends are passed over.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct LikedQuery {
    /// `nextCursor` of the page before.
    cursor: Option<u64>,
    /// Products a page: from 1 to 50, whatever is asked for.
    limit: Option<u32>,
}

/// A page of products that the caller likes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LikedProducts {
    products: Vec<ProductData>,
    /// The time of the page's last like, in µs; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<u64>,
    has_next: bool,
    total_count: u64,
}

/// Products that the caller likes, those liked last first.
#[utoipa::path(
    get,
    path = "/api/product/like",
    tag = "app",
    security(("bearer" = [])),
    params(LikedQuery),
    responses((status = OK, body = Answer<LikedProducts>), (status = "default", body = Failure))
)]
pub(super) async fn list_liked_products(
    State(state): State<CatalogueState>,
    CurrentUser(user): CurrentUser,
    ApiQuery(query): ApiQuery<LikedQuery>,
) -> Result<Json<Answer<LikedProducts>>, ApiError> {
    liked_page(&state, user, query).await
}

/// Products that the caller likes, by the path of the published app.
#[utoipa::path(
    get,
    path = "/api/products/like",
    tag = "app",
    security(("bearer" = [])),
    params(LikedQuery),
    responses((status = OK, body = Answer<LikedProducts>), (status = "default", body = Failure))
)]
pub(super) async fn list_liked_products_of_app(
    State(state): State<CatalogueState>,
    CurrentUser(user): CurrentUser,
    ApiQuery(query): ApiQuery<LikedQuery>,
) -> Result<Json<Answer<LikedProducts>>, ApiError> {
    liked_page(&state, user, query).await
}

async fn liked_page(
    state: &CatalogueState,
    user: UserId,
    LikedQuery { cursor, limit }: LikedQuery,
) -> Result<Json<Answer<LikedProducts>>, ApiError> {
    let limit = limit.unwrap_or(10).clamp(1, 50);
    let (listed, next_cursor) = list_liked(state, user, cursor, limit).await?;
    let page = LikedProducts {
        products: listed.into_iter().map(ProductData::from).collect(),
        next_cursor,
        has_next: next_cursor.is_some(),
        total_count: count_liked(state, user).await?,
    };
    Ok(Answer::said(200, "ok", page))
}

//! Recommendations over HTTP.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use toneup_catalogue::live::Filter;
use toneup_catalogue::product::palettes::palette;
use toneup_catalogue::recommend::{
    Cursor, MOST_SHOWN, Reason, Recommended, Request, Taste, read_colour,
};
use toneup_colour::result::PersonalColor;
use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;
use utoipa::{IntoParams, ToSchema};

use super::selection::Selection;
use super::state::CatalogueState;
use super::view::{Listed, ProductView, read};
use crate::http::extract::ApiQuery;
use crate::http::identity::CurrentUser;
use crate::http::problem::{ApiError, Problem};

/// Likes that count.
const LIKES: u32 = 20;
const DAY: i64 = 86_400;

/// Query parameters of a page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// Products a page, 1 to 50.
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 50, default = 20)]
    limit: usize,
    /// `nextCursor` of the page before. Good for an hour.
    cursor: Option<String>,
}

fn default_limit() -> usize {
    20
}

/// A product that is recommended.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RecommendedView {
    product: ProductView,
    /// Why, the strongest reason first.
    why: Vec<Reason>,
}

/// A page of recommendations.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecommendationPage {
    items: Vec<RecommendedView>,
    /// The cursor of the next page; null at the end, after 500 products at most.
    next_cursor: Option<String>,
}

/// Products for the caller: by colour, likes, popularity and novelty.
#[utoipa::path(
    get,
    path = "/v1/recommendations",
    tag = "catalogue",
    security(("bearer" = [])),
    params(PageQuery, Selection),
    responses((status = OK, body = RecommendationPage), Problem)
)]
pub(super) async fn list_recommendations(
    State(state): State<CatalogueState>,
    CurrentUser(user): CurrentUser,
    ApiQuery(PageQuery { limit, cursor }): ApiQuery<PageQuery>,
    ApiQuery(selection): ApiQuery<Selection>,
) -> Result<Json<RecommendationPage>, ApiError> {
    if !(1..=50).contains(&limit) {
        return Err(ApiError::invalid("limit", "expected 1 to 50"));
    }
    let filter = selection.check()?;
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let list = format!("{} {filter:?}", user.0).into_bytes();
    let seconds = now.unsigned_abs();
    let cursor = cursor.map(|text| Cursor::decode(&text, &list, seconds)).transpose();
    let cursor = cursor.map_err(|error| ApiError::invalid("cursor", error.to_string()))?;
    let taste = taste(&state, user).await?;
    let mut cursor = cursor.unwrap_or_else(|| Cursor::beginning(seed(user, &taste, now)));
    let most = limit.min(MOST_SHOWN.saturating_sub(cursor.shown.len()));
    let ranking = Ranking { taste, filter, cursor: cursor.clone(), most, now };
    let recommended = ranking.run(&state).await?;
    cursor.shown.extend(recommended.iter().map(|one| one.product));
    let has_next = recommended.len() == limit && cursor.shown.len() < MOST_SHOWN;
    let next_cursor = has_next.then(|| cursor.encode(&list, seconds));
    let ids: Vec<_> = recommended.iter().map(|one| one.product).collect();
    let mut why: std::collections::HashMap<_, _> =
        recommended.into_iter().map(|one| (one.product, one.why)).collect();
    let view = |listed: Listed| RecommendedView {
        why: why.remove(&listed.product.id).unwrap_or_default(),
        product: listed.into(),
    };
    let items = read(&state, user, &ids).await?.into_iter().map(view).collect();
    Ok(Json(RecommendationPage { items, next_cursor }))
}

/// A part of a list that begins anew with each day, for clients whose cursor is a number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opening {
    /// Products before it.
    pub(crate) skip: usize,
    /// Its products.
    pub(crate) limit: usize,
    /// The season to recommend for; none is the caller's.
    pub(crate) season: Option<PersonalColor>,
}

/// Recommends the products of a part of the caller's list; returns true if others follow.
pub(crate) async fn recommend_from(
    state: &CatalogueState,
    user: UserId,
    part: Opening,
) -> Result<(Vec<Listed>, bool), ApiError> {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let mut taste = taste(state, user).await?;
    if let Some(season) = part.season.filter(|season| taste.season != Some(*season)) {
        taste = Taste {
            season: Some(season),
            palette: palette(season).to_vec(),
            confidence: 1.0,
            ..taste
        };
    }
    let end = part.skip.saturating_add(part.limit).min(MOST_SHOWN);
    if part.skip >= end {
        return Ok((Vec::new(), false));
    }
    let cursor = Cursor::beginning(seed(user, &taste, now));
    // One more tells whether others follow.
    let ranking = Ranking { taste, filter: Filter::default(), cursor, most: end + 1, now };
    let recommended = ranking.run(state).await?;
    let has_next = recommended.len() > end && end < MOST_SHOWN;
    let part = recommended.iter().take(end).skip(part.skip);
    let ids: Vec<_> = part.map(|one| one.product).collect();
    Ok((read(state, user, &ids).await?, has_next))
}

/// What is known of the caller.
async fn taste(state: &CatalogueState, user: UserId) -> Result<Taste, ApiError> {
    let colour = bounded(async { read_colour(&mut *state.pool.acquire().await?, user).await });
    let mut taste = colour.await?;
    taste.likes = bounded(state.likes.latest(user, LIKES)).await?;
    Ok(taste)
}

/// The seed of a list: another one each day, and for each analysis.
fn seed(user: UserId, taste: &Taste, now: i64) -> u64 {
    let mut digest = Sha256::new();
    digest.update(user.0.as_bytes());
    digest.update((now / DAY).to_le_bytes());
    if let Some(version) = taste.version {
        digest.update(version.0.as_bytes());
    }
    let digest: [u8; 32] = digest.finalize().into();
    digest.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte))
}

/// A ranking, which a thread that may block computes.
struct Ranking {
    taste: Taste,
    filter: Filter,
    cursor: Cursor,
    most: usize,
    now: i64,
}

impl Ranking {
    async fn run(self, state: &CatalogueState) -> Result<Vec<Recommended>, ApiError> {
        let ranked = state.compute(move |copies| {
            let facts = copies.facts.read();
            let vectors = copies.vectors.read();
            let request = Request {
                taste: &self.taste,
                filter: &self.filter.prepare(&facts),
                shown: &self.cursor.shown,
                seed: self.cursor.seed,
                most: self.most,
                now: self.now,
            };
            copies.recommender.recommend(&facts, vectors.as_deref(), &request)
        });
        ranked.await?.map_err(|error| ApiError::Internal(error.into()))
    }
}

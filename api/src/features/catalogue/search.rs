//! Search over HTTP.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use toneup_catalogue::live::Filter;
use toneup_catalogue::product::ProductId;
use toneup_catalogue::product::changes::SubjectKind;
use toneup_catalogue::recommend::read_colour;
use toneup_catalogue::search::{
    EngineError, Facets, Hit, Page, Place, Request, Segment, highlight, query_words,
};
use toneup_catalogue::suggest::SuggestionKind;
use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;
use utoipa::{IntoParams, ToSchema};

use super::problems::too_deep;
use super::selection::Selection;
use super::state::CatalogueState;
use super::view::{Listed, ProductView, read};
use crate::http::extract::ApiQuery;
use crate::http::identity::CurrentUser;
use crate::http::problem::{ApiError, Problem};

/// Longest text, in characters.
const LONGEST: usize = 200;
/// Things that one list shows at most.
const DEEPEST: u32 = 1000;

/// What is searched for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SearchQuery {
    /// The text, 1 to 200 characters.
    #[param(max_length = 200)]
    q: String,
    /// Things a page, 1 to 50.
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 50, default = 20)]
    limit: usize,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// Count the values of filters.
    #[serde(default)]
    facets: bool,
}

fn default_limit() -> usize {
    20
}

/// A product that was found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FoundView {
    /// `product`.
    kind: &'static str,
    product: ProductView,
    highlights: Highlights,
}

/// Texts in parts, those that match marked.
#[derive(Debug, Serialize, ToSchema)]
struct Highlights {
    brand: Vec<Segment>,
    name: Vec<Segment>,
}

/// A page of what was found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SearchPage {
    /// The best first.
    items: Vec<FoundView>,
    /// The number of things that were found.
    total: usize,
    /// True if nothing matches what was typed, and these may be meant.
    is_loose: bool,
    /// Values of filters among all that was found; null unless asked for.
    facets: Option<Facets>,
    /// The cursor of the next page; null at the end.
    next_cursor: Option<String>,
}

/// Searches products. What is typed may lack spaces, have particles, a slip in it, be half typed, be initial consonants, or be
/// written with the keyboard in the other mode.
#[utoipa::path(
    get,
    path = "/v1/search",
    tag = "catalogue",
    security(("bearer" = [])),
    params(SearchQuery, Selection),
    responses((status = OK, body = SearchPage), Problem)
)]
pub(super) async fn search(
    State(state): State<CatalogueState>,
    CurrentUser(user): CurrentUser,
    ApiQuery(query): ApiQuery<SearchQuery>,
    ApiQuery(selection): ApiQuery<Selection>,
) -> Result<Json<SearchPage>, ApiError> {
    let SearchQuery { q, limit, cursor, facets } = query;
    check_text("q", &q)?;
    if !(1..=50).contains(&limit) {
        return Err(ApiError::invalid("limit", "expected 1 to 50"));
    }
    let filter = selection.check()?;
    let list = format!("{} {filter:?} {q}", user.0).into_bytes();
    let decode = |text: String| {
        let place = Place::decode(&text, &list);
        place.ok_or_else(|| ApiError::invalid("cursor", "expected nextCursor of this search"))
    };
    let (after, before) = cursor.map(decode).transpose()?.unzip();
    let before = before.unwrap_or(0);
    if before >= DEEPEST {
        return Err(too_deep());
    }
    let words = query_words(&q);
    let wanted = Wanted { text: q, filter, after, most: limit + 1, facets };
    let Page { mut hits, total, is_loose, facets } = find(&state, user, wanted).await?;
    let has_next = hits.len() > limit;
    hits.truncate(limit);
    let shown = before.saturating_add(u32::try_from(hits.len()).unwrap_or(u32::MAX));
    let next_cursor = hits.last().filter(|_| has_next).map(|hit| hit.place.encode(shown, &list));
    let view = |listed: Listed| FoundView {
        kind: SubjectKind::Product.as_str(),
        highlights: Highlights {
            brand: highlight(&listed.product.brand, &words),
            name: highlight(&listed.product.name, &words),
        },
        product: listed.into(),
    };
    let items = read(&state, user, &products(&hits)).await?.into_iter().map(view).collect();
    Ok(Json(SearchPage { items, total, is_loose, facets, next_cursor }))
}

fn check_text(field: &str, text: &str) -> Result<(), ApiError> {
    let length = text.chars().count();
    if (1..=LONGEST).contains(&length) {
        return Ok(());
    }
    Err(ApiError::invalid(field, format!("expected 1 to {LONGEST} characters, found {length}")))
}

/// What to find.
struct Wanted {
    text: String,
    filter: Filter,
    after: Option<Place>,
    most: usize,
    facets: bool,
}

async fn find(state: &CatalogueState, user: UserId, wanted: Wanted) -> Result<Page, ApiError> {
    let colour = bounded(async { read_colour(&mut *state.pool.acquire().await?, user).await });
    let request = Request {
        text: wanted.text,
        kinds: vec![SubjectKind::Product],
        filter: wanted.filter,
        preferred: colour.await?.season,
        after: wanted.after,
        most: wanted.most,
        wants_facets: wanted.facets,
    };
    let found = state.compute(move |copies| copies.engine.search(&request)).await?;
    found.map_err(|error: EngineError| ApiError::Internal(error.into()))
}

fn products(hits: &[Hit]) -> Vec<ProductId> {
    hits.iter().filter_map(|hit| hit.subject.id.parse().ok().map(ProductId)).collect()
}

/// Finds the first products for a text, for clients that know no pages; returns true if there are others. Texts that cannot
/// be searched for find nothing.
pub(crate) async fn find_first(
    state: &CatalogueState,
    user: UserId,
    text: &str,
    limit: usize,
) -> Result<(Vec<Listed>, bool), ApiError> {
    let text: String = text.chars().take(LONGEST).collect();
    let wanted =
        Wanted { text, filter: Filter::default(), after: None, most: limit + 1, facets: false };
    let Page { mut hits, .. } = find(state, user, wanted).await?;
    let has_next = hits.len() > limit;
    hits.truncate(limit);
    Ok((read(state, user, &products(&hits)).await?, has_next))
}

/// A text that is being typed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SuggestQuery {
    /// The text, 1 to 200 characters.
    #[param(max_length = 200)]
    q: String,
}

/// A suggestion.
#[derive(Debug, Serialize, ToSchema)]
struct SuggestionView {
    /// A brand, or a product's name.
    text: String,
    /// `brand` or `name`.
    kind: &'static str,
}

/// Suggestions, the best first, 20 at most.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SuggestionList {
    items: Vec<SuggestionView>,
}

/// Suggests brands and names of products while a text is typed.
#[utoipa::path(
    get,
    path = "/v1/search/suggestions",
    tag = "catalogue",
    security(("bearer" = [])),
    params(SuggestQuery),
    responses((status = OK, body = SuggestionList), Problem)
)]
pub(super) async fn suggest(
    State(state): State<CatalogueState>,
    CurrentUser(_): CurrentUser,
    ApiQuery(SuggestQuery { q }): ApiQuery<SuggestQuery>,
) -> Result<Json<SuggestionList>, ApiError> {
    check_text("q", &q)?;
    let view = |(text, kind): (String, SuggestionKind)| SuggestionView {
        text,
        kind: match kind {
            SuggestionKind::Brand => "brand",
            SuggestionKind::Name => "name",
        },
    };
    let items = complete(&state, q).await?.into_iter().map(view).collect();
    Ok(Json(SuggestionList { items }))
}

/// Brands and names that begin with a text, the best first.
pub(crate) async fn complete(
    state: &CatalogueState,
    text: String,
) -> Result<Vec<(String, SuggestionKind)>, ApiError> {
    let text: String = text.chars().take(LONGEST).collect();
    let suggested = state.compute(move |copies| {
        let index = copies.suggestions.index();
        let found = index.suggest(&text).into_iter();
        found.map(|one| (one.text.clone(), one.kind)).collect()
    });
    suggested.await
}

//! Search over HTTP.

use std::str::FromStr;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use toneup_catalogue::live::Filter;
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
use crate::features::people::{PeopleState, PersonView, find_people};
use crate::features::posts::{PostView, PostsState, read_found};
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
    /// What to find. Filters and facets are of products.
    #[serde(default)]
    #[param(inline)]
    kind: Kind,
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

/// What can be found.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum Kind {
    #[default]
    Product,
    Post,
    Person,
}

/// Something that was found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub(super) enum FoundView {
    /// A product.
    Product {
        /// The product.
        product: Box<ProductView>,
        /// What matches.
        highlights: Highlights,
    },
    /// A post.
    Post {
        /// The post.
        post: Box<PostView>,
        /// What matches.
        highlights: TextHighlights,
    },
    /// A person, whose nickname begins with the text.
    Person {
        /// The person.
        person: PersonView,
    },
}

/// Texts in parts, those that match marked.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Highlights {
    brand: Vec<Segment>,
    name: Vec<Segment>,
}

/// A text in parts, those that match marked.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TextHighlights {
    text: Vec<Segment>,
}

/// A page of what was found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SearchPage {
    /// The best first.
    items: Vec<FoundView>,
    /// The number of products that were found; null of other things.
    total: Option<usize>,
    /// True if nothing matches what was typed, and these may be meant.
    is_loose: bool,
    /// Values of filters among all that was found; null unless asked for.
    facets: Option<Facets>,
    /// The cursor of the next page; null at the end.
    next_cursor: Option<String>,
}

/// Searches products, posts or people. What is typed may lack spaces, have particles, a slip in it, be half typed, be initial
/// consonants, or be written with the keyboard in the other mode. Of posts, a page may have fewer than asked for, and a next one.
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
    State(posts): State<PostsState>,
    State(people): State<PeopleState>,
    CurrentUser(user): CurrentUser,
    ApiQuery(query): ApiQuery<SearchQuery>,
    ApiQuery(selection): ApiQuery<Selection>,
) -> Result<Json<SearchPage>, ApiError> {
    check_text("q", &query.q)?;
    if !(1..=50).contains(&query.limit) {
        return Err(ApiError::invalid("limit", "expected 1 to 50"));
    }
    let filter = selection.check()?;
    let page = match query.kind {
        Kind::Product => search_products(&state, user, query, filter).await,
        Kind::Post => search_posts(&state, &posts, user, query).await,
        Kind::Person => search_people(&people, user, query).await,
    };
    page.map(Json)
}

async fn search_products(
    state: &CatalogueState,
    user: UserId,
    query: SearchQuery,
    filter: Filter,
) -> Result<SearchPage, ApiError> {
    let SearchQuery { q, limit, cursor, facets, .. } = query;
    let words = query_words(&q);
    let list = format!("{} {filter:?} {q}", user.0).into_bytes();
    let wanted = Wanted { text: q, kind: SubjectKind::Product, filter, limit, facets };
    let (Page { hits, total, is_loose, facets, .. }, next_cursor) =
        find_page(state, user, wanted, cursor, &list).await?;
    let view = |listed: Listed| FoundView::Product {
        highlights: Highlights {
            brand: highlight(&listed.product.brand, &words),
            name: highlight(&listed.product.name, &words),
        },
        product: Box::new(listed.into()),
    };
    let items = read(state, user, &ids(&hits)).await?.into_iter().map(view).collect();
    Ok(SearchPage { items, total: Some(total), is_loose, facets, next_cursor })
}

async fn search_posts(
    state: &CatalogueState,
    posts: &PostsState,
    user: UserId,
    query: SearchQuery,
) -> Result<SearchPage, ApiError> {
    let SearchQuery { q, limit, cursor, .. } = query;
    let words = query_words(&q);
    let list = format!("{} post {q}", user.0).into_bytes();
    let (kind, filter) = (SubjectKind::Post, Filter::default());
    let wanted = Wanted { text: q, kind, filter, limit, facets: false };
    let (Page { hits, is_loose, .. }, next_cursor) =
        find_page(state, user, wanted, cursor, &list).await?;
    let view = |post: PostView| FoundView::Post {
        highlights: TextHighlights { text: highlight(post.text(), &words) },
        post: Box::new(post),
    };
    let items = read_found(posts, user, &ids(&hits)).await?.into_iter().map(view).collect();
    // How many there are would tell of posts that the caller may not see.
    Ok(SearchPage { items, total: None, is_loose, facets: None, next_cursor })
}

async fn search_people(
    people: &PeopleState,
    user: UserId,
    query: SearchQuery,
) -> Result<SearchPage, ApiError> {
    let SearchQuery { q, limit, cursor, .. } = query;
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let cursor = cursor.unwrap_or_default();
    let page = find_people(people, user, q.trim(), &cursor, limit).await?;
    let items = page.items.into_iter().map(|person| FoundView::Person { person }).collect();
    let next_cursor = page.next_cursor;
    Ok(SearchPage { items, total: None, is_loose: false, facets: None, next_cursor })
}

/// Finds a page of a list behind a cursor, and makes the cursor of the next page.
async fn find_page(
    state: &CatalogueState,
    user: UserId,
    wanted: Wanted,
    cursor: Option<String>,
    list: &[u8],
) -> Result<(Page, Option<String>), ApiError> {
    let decode = |text: String| {
        let place = Place::decode(&text, list);
        place.ok_or_else(|| ApiError::invalid("cursor", "expected nextCursor of this search"))
    };
    let (after, before) = cursor.map(decode).transpose()?.unzip();
    let before = before.unwrap_or(0);
    if before >= DEEPEST {
        return Err(too_deep());
    }
    let limit = wanted.limit;
    let mut page = find(state, user, wanted, after).await?;
    let has_next = page.hits.len() > limit;
    page.hits.truncate(limit);
    let shown = before.saturating_add(u32::try_from(page.hits.len()).unwrap_or(u32::MAX));
    let last = page.hits.last().filter(|_| has_next);
    let next_cursor = last.map(|hit| hit.place.encode(shown, list));
    Ok((page, next_cursor))
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
    kind: SubjectKind,
    filter: Filter,
    /// Things a page; one more is looked for.
    limit: usize,
    facets: bool,
}

async fn find(
    state: &CatalogueState,
    user: UserId,
    wanted: Wanted,
    after: Option<Place>,
) -> Result<Page, ApiError> {
    let colour = bounded(async { read_colour(&mut *state.pool.acquire().await?, user).await });
    let request = Request {
        text: wanted.text,
        kinds: vec![wanted.kind],
        filter: wanted.filter,
        preferred: colour.await?.season,
        after,
        most: wanted.limit + 1,
        wants_facets: wanted.facets,
    };
    let found = state.search(move |engine| engine.search(&request)).await?;
    found.map_err(|error: EngineError| ApiError::Internal(error.into()))
}

/// The ids of what was found.
fn ids<T: FromStr>(hits: &[Hit]) -> Vec<T> {
    hits.iter().filter_map(|hit| hit.subject.id.parse().ok()).collect()
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
    let (kind, filter) = (SubjectKind::Product, Filter::default());
    let wanted = Wanted { text, kind, filter, limit, facets: false };
    let Page { mut hits, .. } = find(state, user, wanted, None).await?;
    let has_next = hits.len() > limit;
    hits.truncate(limit);
    Ok((read(state, user, &ids(&hits)).await?, has_next))
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

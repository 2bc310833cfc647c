//! Lists of posts as the app pages through them: by numbers.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;
use utoipa::{IntoParams, ToSchema};

use super::envelope::{Answer, Failure};
use super::images::addresses;
use crate::features::people::{self, PeopleState};
use crate::features::posts::{Feed, Post, PostsState, RankedPage, count_liked, read_feed};
use crate::http::cursor::{ListPage, Place};
use crate::http::extract::ApiQuery;
use crate::http::identity::CurrentUser;
use crate::http::problem::ApiError;

/// Places of one ranking in the app's cursors.
const PLACES: u64 = 10_000;

/// Query parameters of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct FeedsQuery {
    /// `nextCursor` of the page before.
    cursor: Option<u64>,
    /// Bounded to 1 to 50.
    #[serde(default = "default_limit")]
    limit: i64,
    /// The caller's own; before `targetId`.
    #[serde(default)]
    is_mine: bool,
    /// A user's, by the public number.
    target_id: Option<u64>,
}

/// Query parameters of a list without a choice.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PlainQuery {
    /// `nextCursor` of the page before.
    cursor: Option<u64>,
    /// Bounded to 1 to 50.
    #[serde(default = "default_limit")]
    limit: i64,
}

fn default_limit() -> i64 {
    10
}

/// A post in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FeedPreview {
    feed_id: u64,
    /// The first picture.
    image_url: String,
    is_liked: bool,
    liked: bool,
}

/// A page of posts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct FeedsPage {
    feeds: Vec<FeedPreview>,
    /// Absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<u64>,
    has_next: bool,
    /// Of the caller's own and of those that the caller likes.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_count: Option<u64>,
}

/// A page of the ranking.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RankingPage {
    feeds: Vec<FeedPreview>,
    /// Null at the end.
    next_cursor: Option<u64>,
    has_next: bool,
}

fn previews(state: &PostsState, posts: &[Post]) -> Vec<FeedPreview> {
    let preview = |post: &Post| {
        let image = addresses(&state.pictures, post).into_iter().next();
        FeedPreview {
            feed_id: post.number,
            image_url: image.map(|(medium, _)| medium).unwrap_or_default(),
            is_liked: post.is_liked(),
            liked: post.is_liked(),
        }
    };
    posts.iter().map(preview).collect()
}

async fn page(
    state: &PostsState,
    viewer: UserId,
    feed: Feed,
    (limit, after): (i64, Option<Place>),
    total_count: Option<u64>,
) -> Result<FeedsPage, ApiError> {
    let page = ListPage::bounded(limit, after);
    let reading =
        bounded(async { read_feed(&mut *state.pool.acquire().await?, viewer, feed, page).await });
    let (posts, next) = reading.await?;
    Ok(FeedsPage {
        feeds: previews(state, &posts),
        next_cursor: next.map(|(place, _)| place),
        has_next: next.is_some(),
        total_count,
    })
}

/// Posts, newest first: everybody's, the caller's or a user's.
#[utoipa::path(
    get,
    path = "/api/feeds",
    tag = "app",
    security(("bearer" = [])),
    params(FeedsQuery),
    responses((status = OK, body = Answer<FeedsPage>), (status = "default", body = Failure))
)]
pub(super) async fn list_feeds(
    State(state): State<PostsState>,
    State(people): State<PeopleState>,
    CurrentUser(viewer): CurrentUser,
    ApiQuery(query): ApiQuery<FeedsQuery>,
) -> Result<Json<Answer<FeedsPage>>, ApiError> {
    let at = (query.limit, query.cursor.map(|number| (number, 0)));
    let (feed, total_count) = match query.target_id {
        _ if query.is_mine => {
            let counts = people.content.count(viewer).await?;
            (Feed::Of(viewer), Some(counts.feeds))
        }
        Some(number) => {
            let finding = bounded(async {
                people::find_by_number(&mut *state.pool.acquire().await?, viewer, number).await
            });
            (Feed::Of(finding.await?.ok_or(ApiError::NotFound)?.id), None)
        }
        None => (Feed::Newest, None),
    };
    let page = page(&state, viewer, feed, at, total_count).await?;
    Ok(Answer::said(0, "ok", page))
}

/// Posts that the caller likes, those liked last first.
#[utoipa::path(
    get,
    path = "/api/feeds/like",
    tag = "app",
    security(("bearer" = [])),
    params(PlainQuery),
    responses((status = OK, body = Answer<FeedsPage>), (status = "default", body = Failure))
)]
pub(super) async fn list_liked_feeds(
    State(state): State<PostsState>,
    CurrentUser(viewer): CurrentUser,
    ApiQuery(PlainQuery { cursor, limit }): ApiQuery<PlainQuery>,
) -> Result<Json<Answer<FeedsPage>>, ApiError> {
    let counting = bounded(async { count_liked(&mut *state.pool.acquire().await?, viewer).await });
    let total_count = Some(counting.await?);
    // The cursor is the time of a like, in µs.
    let at = (limit, cursor.map(|time| (time, 0)));
    let page = page(&state, viewer, Feed::Liked, at, total_count).await?;
    Ok(Answer::said(200, "ok", page))
}

/// Posts by their likes, of which those of a day ago count 1/e; as they were in one minute, over all pages.
#[utoipa::path(
    get,
    path = "/api/rankingfeeds",
    tag = "app",
    security(("bearer" = [])),
    params(PlainQuery),
    responses((status = OK, body = Answer<RankingPage>), (status = "default", body = Failure))
)]
pub(super) async fn list_ranking_feeds(
    State(state): State<PostsState>,
    CurrentUser(viewer): CurrentUser,
    ApiQuery(PlainQuery { cursor, limit }): ApiQuery<PlainQuery>,
) -> Result<Json<Answer<RankingPage>>, ApiError> {
    let after = cursor.map(|cursor| (cursor / PLACES, cursor % PLACES));
    let page = ListPage::bounded(limit, after);
    let reading = bounded(async {
        state.rankings.read(&mut *state.pool.acquire().await?, viewer, page).await
    });
    // A ranking that is not kept any more has come to its end: the app knows no other answer.
    let RankedPage { posts, next } =
        reading.await?.unwrap_or(RankedPage { posts: Vec::new(), next: None });
    let next_cursor = next.map(|(version, place)| version * PLACES + place);
    let page = RankingPage {
        feeds: previews(&state, &posts),
        next_cursor,
        has_next: next_cursor.is_some(),
    };
    Ok(Answer::said(0, "ok", page))
}

//! HTTP endpoints of lists of posts.

use axum::Json;
use axum::extract::{FromRef, State};
use sqlx::MySqlConnection;
use toneup_people::posts::Visibility;
use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::home::list_home;
use super::numbers::{list_liked, list_newest, list_of, list_own};
use super::problems::cursor_expired;
use super::ranking::RankedPage;
use super::read::{Post, read_all};
use super::state::PostsState;
use super::view::{PostPage, PostView};
use crate::features::people;
use crate::http::cursor::{self, ListPage, ListQuery, Place};
use crate::http::extract::{ApiQuery, IdPath};
use crate::http::identity::{Authenticator, CurrentUser};
use crate::http::problem::{ApiError, Problem};

/// The routes of lists of posts.
pub(super) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    PostsState: FromRef<S>,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list_home_feed))
        .routes(routes!(list_newest_posts))
        .routes(routes!(list_ranking))
        .routes(routes!(list_liked_posts))
        .routes(routes!(list_own_posts))
        .routes(routes!(list_posts_of_user))
}

/// A list of posts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Feed {
    /// Of those whom the viewer follows.
    Home,
    /// Everybody's.
    Newest,
    /// Those that the viewer likes.
    Liked,
    /// The viewer's own, in whatever state they are.
    Own,
    /// A user's.
    Of(UserId),
}

impl Feed {
    /// Its name in cursors.
    fn name(self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Newest => "newest",
            Self::Liked => "liked",
            Self::Own => "own",
            Self::Of(_) => "user",
        }
    }

    async fn places(
        self,
        conn: &mut MySqlConnection,
        viewer: UserId,
        page: ListPage,
    ) -> Result<Vec<Place>, sqlx::Error> {
        let numbers = match self {
            Self::Home => list_home(conn, viewer, page).await?,
            Self::Newest => list_newest(conn, viewer, page).await?,
            Self::Liked => return list_liked(conn, viewer, page).await,
            Self::Own => list_own(conn, viewer, Visibility::Public, page).await?,
            Self::Of(user) => list_of(conn, user, Visibility::Public, page).await?,
        };
        Ok(numbers.into_iter().map(|number| (number, 0)).collect())
    }

    /// The number of the post at a place.
    fn number(self, (first, second): Place) -> u64 {
        if self == Self::Liked { second } else { first }
    }
}

/// Reads a page of a feed for `viewer`; with the place of its last entry, if there is another page.
pub(crate) async fn read_feed(
    conn: &mut MySqlConnection,
    viewer: UserId,
    feed: Feed,
    page: ListPage,
) -> Result<(Vec<Post>, Option<Place>), sqlx::Error> {
    let mut places = feed.places(&mut *conn, viewer, page).await?;
    let next = page.cut(&mut places, |place| *place);
    let numbers: Vec<u64> = places.into_iter().map(|place| feed.number(place)).collect();
    let posts = read_all(conn, viewer, Visibility::Public, &numbers).await?;
    Ok((posts, next))
}

async fn feed_page(
    state: &PostsState,
    viewer: UserId,
    feed: Feed,
    query: &ListQuery,
) -> Result<Json<PostPage>, ApiError> {
    let page = query.check(feed.name())?;
    let reading = bounded(async {
        let mut connection = state.pool.acquire().await?;
        if let Feed::Of(user) = feed
            && people::find(&mut connection, viewer, user).await?.is_none()
        {
            return Ok::<_, sqlx::Error>(None);
        }
        read_feed(&mut connection, viewer, feed, page).await.map(Some)
    });
    let (posts, next) = reading.await?.ok_or(ApiError::NotFound)?;
    let items = posts.into_iter().map(|post| PostView::new(post, &state.pictures)).collect();
    Ok(Json(PostPage { items, next_cursor: next.map(|place| cursor::write(feed.name(), place)) }))
}

/// Posts of those whom the caller follows, newest first.
#[utoipa::path(
    get,
    path = "/v1/feed",
    tag = "posts",
    security(("bearer" = [])),
    params(ListQuery),
    responses((status = OK, body = PostPage), Problem)
)]
async fn list_home_feed(
    State(state): State<PostsState>,
    CurrentUser(viewer): CurrentUser,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<PostPage>, ApiError> {
    feed_page(&state, viewer, Feed::Home, &query).await
}

/// Everybody's posts, newest first.
#[utoipa::path(
    get,
    path = "/v1/feed/newest",
    tag = "posts",
    security(("bearer" = [])),
    params(ListQuery),
    responses((status = OK, body = PostPage), Problem)
)]
async fn list_newest_posts(
    State(state): State<PostsState>,
    CurrentUser(viewer): CurrentUser,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<PostPage>, ApiError> {
    feed_page(&state, viewer, Feed::Newest, &query).await
}

/// Posts by their likes, of which those of a day ago count 1/e; as they were in one minute, over all pages.
#[utoipa::path(
    get,
    path = "/v1/feed/ranking",
    tag = "posts",
    security(("bearer" = [])),
    params(ListQuery),
    responses(
        (status = OK, body = PostPage),
        (status = GONE, body = Problem, content_type = "application/problem+json",
         description = "`cursor_expired`"),
        Problem,
    )
)]
async fn list_ranking(
    State(state): State<PostsState>,
    CurrentUser(viewer): CurrentUser,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<PostPage>, ApiError> {
    const LIST: &str = "ranking";
    let page = query.check(LIST)?;
    let reading = bounded(async {
        let mut connection = state.pool.acquire().await?;
        state.rankings.read(&mut connection, viewer, page).await
    });
    let RankedPage { posts, next } = reading.await?.ok_or_else(cursor_expired)?;
    let items = posts.into_iter().map(|post| PostView::new(post, &state.pictures)).collect();
    Ok(Json(PostPage { items, next_cursor: next.map(|place| cursor::write(LIST, place)) }))
}

/// Posts that the caller likes, those liked last first.
#[utoipa::path(
    get,
    path = "/v1/feed/liked",
    tag = "posts",
    security(("bearer" = [])),
    params(ListQuery),
    responses((status = OK, body = PostPage), Problem)
)]
async fn list_liked_posts(
    State(state): State<PostsState>,
    CurrentUser(viewer): CurrentUser,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<PostPage>, ApiError> {
    feed_page(&state, viewer, Feed::Liked, &query).await
}

/// The caller's posts, newest first, also those that are not shown.
#[utoipa::path(
    get,
    path = "/v1/me/posts",
    tag = "posts",
    security(("bearer" = [])),
    params(ListQuery),
    responses((status = OK, body = PostPage), Problem)
)]
async fn list_own_posts(
    State(state): State<PostsState>,
    CurrentUser(viewer): CurrentUser,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<PostPage>, ApiError> {
    feed_page(&state, viewer, Feed::Own, &query).await
}

/// A user's posts, newest first.
#[utoipa::path(
    get,
    path = "/v1/users/{id}/posts",
    tag = "posts",
    security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path), ListQuery),
    responses((status = OK, body = PostPage), Problem)
)]
async fn list_posts_of_user(
    State(state): State<PostsState>,
    CurrentUser(viewer): CurrentUser,
    IdPath(user): IdPath<UserId>,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<Json<PostPage>, ApiError> {
    feed_page(&state, viewer, Feed::Of(user), &query).await
}

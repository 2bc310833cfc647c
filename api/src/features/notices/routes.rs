//! Notices over HTTP.

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use serde::Deserialize;
use toneup_notify::notices::NoticeId;
use toneup_notify::notices::list::{count_unread, list, mark_read};
use toneup_platform::database::bounded;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::settings_routes;
use super::state::NoticesState;
use super::view::{NoticePage, NoticeView};
use crate::http::extract::{ApiJson, ApiQuery};
use crate::http::identity::{Authenticator, CurrentUser};
use crate::http::page::PageQuery;
use crate::http::problem::{ApiError, Problem};

/// Most notices marked at once.
const MOST_MARKED: usize = 100;

/// The routes of notices.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    NoticesState: FromRef<S>,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list_notices))
        .routes(routes!(read_notices))
        .merge(settings_routes::routes())
}

/// What other people have done that concerns the caller, the latest first. Everything of one kind about one subject is
/// one notice until it is read.
#[utoipa::path(
    get,
    path = "/v1/notices",
    tag = "notices",
    security(("bearer" = [])),
    params(PageQuery),
    responses((status = OK, body = NoticePage), Problem)
)]
async fn list_notices(
    State(state): State<NoticesState>,
    CurrentUser(user): CurrentUser,
    ApiQuery(page): ApiQuery<PageQuery>,
) -> Result<Json<NoticePage>, ApiError> {
    let page = page.check()?;
    let reading = bounded(async {
        let mut connection = state.pool.acquire().await?;
        let found = list(&mut connection, user, page.before, page.reach()).await?;
        Ok::<_, sqlx::Error>((found, count_unread(&mut connection, user).await?))
    });
    let (mut found, unread) = reading.await?;
    let next_cursor = page.cut(&mut found, |notice| notice.place);
    let items = found.into_iter().map(|one| NoticeView::new(one, &state.pictures)).collect();
    Ok(Json(NoticePage { items, unread, next_cursor }))
}

/// Which notices were read.
#[derive(Debug, Deserialize, ToSchema)]
struct ReadNotices {
    /// At most 100 ids; without it, all of the caller's notices.
    ids: Option<Vec<Uuid>>,
}

/// Marks notices as read; safe to repeat. Ids that are not the caller's are passed over.
#[utoipa::path(
    post,
    path = "/v1/notices/read",
    tag = "notices",
    security(("bearer" = [])),
    request_body = ReadNotices,
    responses((status = NO_CONTENT), Problem)
)]
async fn read_notices(
    State(state): State<NoticesState>,
    CurrentUser(user): CurrentUser,
    ApiJson(ReadNotices { ids }): ApiJson<ReadNotices>,
) -> Result<StatusCode, ApiError> {
    if ids.as_ref().is_some_and(|ids| ids.len() > MOST_MARKED) {
        return Err(ApiError::invalid("ids", "expected at most 100 ids"));
    }
    let ids: Option<Vec<NoticeId>> = ids.map(|ids| ids.into_iter().map(NoticeId).collect());
    let marking =
        bounded(async { mark_read(&mut *state.pool.acquire().await?, user, ids.as_deref()).await });
    marking.await?;
    Ok(StatusCode::NO_CONTENT)
}

//! Members of rooms over HTTP.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use toneup_platform::database::{bounded, retry_deadlock};
use toneup_platform::identity::UserId;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::features::chat::model::RoomId;
use crate::features::chat::state::ChatState;
use crate::features::chat::store::lock::is_member;
use crate::features::chat::store::{find, groups, leave};
use crate::features::chat::view::MemberView;
use crate::http::extract::{ApiQuery, IdPath};
use crate::http::identity::CurrentUser;
use crate::http::problem::{ApiError, Problem};

/// Query parameters of the list of members.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct MembersQuery {
    /// Entries a page, 1 to 100.
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 100, default = 100)]
    limit: u32,
    /// `nextCursor` of the page before.
    cursor: Option<Uuid>,
}

fn default_limit() -> u32 {
    100
}

/// A page of members.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MembersPage {
    items: Vec<MemberView>,
    /// The cursor of the next page; null at the end.
    next_cursor: Option<Uuid>,
}

/// Who is in a room.
#[utoipa::path(
    get,
    path = "/v1/rooms/{id}/members",
    tag = "chat",
    security(("bearer" = [])),
    params(("id" = Uuid, Path), MembersQuery),
    responses((status = OK, body = MembersPage), Problem)
)]
pub(super) async fn list_members(
    State(state): State<ChatState>,
    CurrentUser(user): CurrentUser,
    IdPath(room): IdPath<RoomId>,
    ApiQuery(query): ApiQuery<MembersQuery>,
) -> Result<Json<MembersPage>, ApiError> {
    if !(1..=100).contains(&query.limit) {
        return Err(ApiError::invalid("limit", "expected 1 to 100"));
    }
    let reading = bounded(async {
        let mut lent = state.pool.acquire().await?;
        let after = query.cursor.unwrap_or_default();
        let found = find::list_members(&mut lent, room, after, query.limit + 1).await?;
        // After the list: whoever has left since is told nothing.
        let joined = is_member(&mut lent, room, user).await?;
        Ok::<_, sqlx::Error>(joined.then_some(found))
    });
    let mut found = reading.await?.ok_or(ApiError::NotFound)?;
    let more = found.len() > usize::try_from(query.limit).unwrap_or(usize::MAX);
    if more {
        found.pop();
    }
    let next_cursor = found.last().filter(|_| more).map(|last| last.id.0);
    let items = found.into_iter().map(|one| MemberView::new(one, &state.pictures)).collect();
    Ok(Json(MembersPage { items, next_cursor }))
}

/// Invites a person to a group; any member may. Safe to repeat.
#[utoipa::path(
    put,
    path = "/v1/rooms/{id}/members/{userId}",
    tag = "chat",
    security(("bearer" = [])),
    params(("id" = Uuid, Path), ("userId" = Uuid, Path)),
    responses(
        (status = NO_CONTENT),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json",
         description = "`not_a_group` or `room_full`"),
        Problem,
    )
)]
pub(super) async fn invite_member(
    State(state): State<ChatState>,
    CurrentUser(user): CurrentUser,
    IdPath((room, guest)): IdPath<(RoomId, UserId)>,
) -> Result<StatusCode, ApiError> {
    let inviting = retry_deadlock(|| {
        state.pool.in_transaction(async |conn| groups::invite(conn, room, user, guest).await)
    });
    let changed = bounded(inviting).await?;
    state.announce(changed?, vec![guest]);
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a member out of a group; its owner may. Safe to repeat.
#[utoipa::path(
    delete,
    path = "/v1/rooms/{id}/members/{userId}",
    tag = "chat",
    security(("bearer" = [])),
    params(("id" = Uuid, Path), ("userId" = Uuid, Path)),
    responses(
        (status = NO_CONTENT),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json",
         description = "`not_a_group` or `room_owner_only`"),
        Problem,
    )
)]
pub(super) async fn remove_member(
    State(state): State<ChatState>,
    CurrentUser(user): CurrentUser,
    IdPath((room, member)): IdPath<(RoomId, UserId)>,
) -> Result<StatusCode, ApiError> {
    let removing = retry_deadlock(|| {
        state.pool.in_transaction(async |conn| leave::remove(conn, room, user, member).await)
    });
    let changed = bounded(removing).await?;
    state.announce(changed?, Vec::new());
    Ok(StatusCode::NO_CONTENT)
}

//! Creation of groups.

use toneup_platform::database::{bounded, retry_deadlock};
use toneup_platform::identity::UserId;
use uuid::Uuid;

use crate::features::chat::content::check_name;
use crate::features::chat::hints::Hint;
use crate::features::chat::model::RoomId;
use crate::features::chat::state::ChatState;
use crate::features::chat::store::groups::{self, MOST_MEMBERS, find_guests};
use crate::http::idempotency::{Claimed, RequestKey, claim, key_reused};
use crate::http::problem::ApiError;

/// Result of creating a group.
enum Created {
    /// The group, of now or of an earlier request.
    Room(RoomId),
    /// Another request had the key.
    KeyReused,
    /// Not all members are there.
    Strangers,
}

/// Creates a group, or finds the one that a request with the same key has created.
pub(super) async fn create_group(
    state: &ChatState,
    user: UserId,
    name: &str,
    members: Vec<Uuid>,
    key: Option<&RequestKey>,
) -> Result<RoomId, ApiError> {
    let name = check_name(name)?;
    let mut members: Vec<UserId> = members.into_iter().map(UserId).collect();
    members.sort_unstable();
    members.dedup();
    members.retain(|member| *member != user);
    if members.len() >= usize::try_from(MOST_MEMBERS).unwrap_or(usize::MAX) {
        let detail = format!("expected at most {} members", MOST_MEMBERS - 1);
        return Err(ApiError::invalid("memberIds", detail));
    }
    let creating = retry_deadlock(|| {
        state.pool.in_transaction(async |conn| {
            let guests = find_guests(&mut *conn, user, &members).await?;
            if guests.len() < members.len() {
                return Ok(Created::Strangers);
            }
            let room = RoomId::generate();
            if let Some(key) = key {
                match claim(conn, user, "room", key, room.0).await? {
                    Claimed::First => {}
                    Claimed::Repeated(first) => return Ok(Created::Room(RoomId(first))),
                    Claimed::Reused => return Ok(Created::KeyReused),
                }
            }
            groups::create(conn, room, user, &name, &guests).await?;
            Ok::<_, sqlx::Error>(Created::Room(room))
        })
    });
    let room = match bounded(creating).await? {
        Created::Room(room) => room,
        Created::KeyReused => return Err(key_reused()),
        Created::Strangers => {
            return Err(ApiError::invalid("memberIds", "expected ids of users who are there"));
        }
    };
    members.push(user);
    state.hub.tell(Hint::Log { room, seq: 0, joined: members });
    Ok(room)
}

//! Summaries of people in lists.

use serde::Serialize;
use sqlx::MySqlConnection;
use toneup_colour::result::PersonalColor;
use toneup_platform::identity::UserId;
use utoipa::ToSchema;
use uuid::Uuid;

use super::restriction::RestrictionKind;
use crate::features::pictures::{PictureUrls, PictureView, ReadyPicture};

/// A person in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PersonView {
    pub(crate) id: Uuid,
    /// The public number.
    pub(crate) number: u64,
    pub(crate) nickname: String,
    /// Null before the first analysis that succeeded.
    pub(crate) personal_color: Option<PersonalColor>,
    pub(crate) picture: Option<PictureView>,
}

/// A page of people.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PeoplePage {
    pub(crate) items: Vec<PersonView>,
    /// The cursor of the next page; null at the end.
    pub(crate) next_cursor: Option<String>,
}

impl PeoplePage {
    pub(crate) fn new(
        found: Vec<Summary>,
        next_cursor: Option<String>,
        urls: &PictureUrls,
    ) -> Self {
        let view = |found: Summary| PersonView {
            id: found.id.0,
            number: found.number,
            nickname: found.nickname,
            personal_color: found.colour,
            picture: ReadyPicture::new(found.id, found.picture, found.thumb_hash)
                .map(|one| urls.view(&one)),
        };
        Self { items: found.into_iter().map(view).collect(), next_cursor }
    }
}

/// A person in a list, and the place in the list.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) place: Uuid,
    pub(super) id: UserId,
    number: u64,
    pub(super) nickname: String,
    pub(super) nickname_key: String,
    colour: Option<PersonalColor>,
    picture: Option<Uuid>,
    thumb_hash: Option<Vec<u8>>,
}

/// One list of columns for every list of people. Those who block the viewer (the last argument but one), and those who
/// have asked to be deleted, are left out.
macro_rules! list_people {
    ($place:tt, $from:tt, $condition:tt, $order:tt, $($argument:expr),+; $viewer:expr, $limit:expr) => {
        sqlx::query_as!(
            Summary,
            "SELECT " + $place + r#" AS "place!: Uuid", u.id AS "id: UserId", u.number,
                      u.nickname, u.nickname_key, c.colour AS "colour?: PersonalColor",
                      u.picture_id AS "picture: Uuid", p.thumb_hash AS "thumb_hash?"
               FROM "# + $from + r#"
               LEFT JOIN personal_colours c ON c.user_id = u.id
               LEFT JOIN pictures p ON p.id = u.picture_id
               WHERE "# + $condition + r#"
                 AND u.deleted_at IS NULL
                 AND NOT EXISTS (SELECT 1 FROM restrictions b
                                 WHERE b.user_id = u.id AND b.subject_id = ? AND b.kind = 'block')
               ORDER BY "# + $order + " LIMIT ?",
            $($argument,)+
            $viewer,
            $limit
        )
    };
}

/// Direction of a follow list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follows {
    /// Those who follow the user.
    Followers,
    /// Those whom the user follows.
    Following,
}

/// Lists a user's people for `viewer`, those who came last first, from just before `before`.
pub(super) async fn list_follows(
    conn: &mut MySqlConnection,
    viewer: UserId,
    (which, user): (Follows, UserId),
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Summary>, sqlx::Error> {
    let before = before.unwrap_or(Uuid::max());
    match which {
        Follows::Followers => {
            list_people!(
                "f.id",
                "follows f FORCE INDEX (follows_followers) JOIN users u ON u.id = f.follower_id",
                "f.followed_id = ? AND f.id < ?",
                "f.id DESC",
                user, before; viewer, limit
            )
            .fetch_all(conn)
            .await
        }
        Follows::Following => {
            list_people!(
                "f.id",
                "follows f FORCE INDEX (follows_following) JOIN users u ON u.id = f.followed_id",
                "f.follower_id = ? AND f.id < ?",
                "f.id DESC",
                user, before; viewer, limit
            )
            .fetch_all(conn)
            .await
        }
    }
}

/// Lists the people whom a user restricts, those who came last first, from just before `before`.
pub(super) async fn list_restricted(
    conn: &mut MySqlConnection,
    user: UserId,
    kind: RestrictionKind,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Summary>, sqlx::Error> {
    list_people!(
        "r.id",
        "restrictions r FORCE INDEX (restrictions_list) JOIN users u ON u.id = r.subject_id",
        "r.user_id = ? AND r.kind = ? AND r.id < ?",
        "r.id DESC",
        user, kind.as_str(), before.unwrap_or(Uuid::max()); user, limit
    )
    .fetch_all(conn)
    .await
}

/// Lists for `viewer` the people who like a thing, in order of their ids downwards, from just before `before`; without those
/// whom the viewer blocks or mutes.
pub(crate) async fn list_likers(
    conn: &mut MySqlConnection,
    viewer: UserId,
    (kind, number): (&str, u64),
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Summary>, sqlx::Error> {
    list_people!(
        "l.user_id",
        "likes l FORCE INDEX (PRIMARY) JOIN users u ON u.id = l.user_id",
        "l.kind = ? AND l.target_id = ? AND l.user_id < ?
         AND NOT EXISTS (SELECT 1 FROM restrictions r
                         WHERE r.user_id = ? AND r.subject_id = l.user_id)",
        "l.user_id DESC",
        kind, number, before.unwrap_or(Uuid::max()), viewer; viewer, limit
    )
    .fetch_all(conn)
    .await
}

/// Finds people for `viewer` by the beginning of their nickname's key, in the order of the keys, from just after `after`.
pub(super) async fn search(
    conn: &mut MySqlConnection,
    viewer: UserId,
    prefix: &str,
    after: &str,
    limit: u32,
) -> Result<Vec<Summary>, sqlx::Error> {
    // Binary collation: all that begin with the prefix, and nothing else, lie before its continuation by the last character.
    let end = format!("{prefix}{}", char::MAX);
    list_people!(
        "u.id",
        "users u FORCE INDEX (users_nickname)",
        "u.nickname_key >= ? AND u.nickname_key < ? AND u.nickname_key > ?",
        "u.nickname_key",
        prefix, end, after; viewer, limit
    )
    .fetch_all(conn)
    .await
}

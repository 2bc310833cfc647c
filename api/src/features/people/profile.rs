//! Profiles: what people may know of each other.

use sqlx::MySqlConnection;
use toneup_colour::result::PersonalColor;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::nickname::Nickname;
use crate::features::pictures::ReadyPicture;

/// A user as another one may see them.
#[derive(Debug, Clone)]
pub(crate) struct Profile {
    pub(crate) id: UserId,
    /// Public number of the user.
    pub(crate) number: u64,
    pub(crate) nickname: String,
    pub(crate) bio: String,
    /// `None` before the first analysis that succeeded.
    pub(crate) colour: Option<PersonalColor>,
    pub(crate) picture: Option<ReadyPicture>,
    /// Users who follow this one.
    pub(crate) followers: u32,
    /// Users whom this one follows.
    pub(crate) following: u32,
    /// Relation of the viewer to this user.
    pub(crate) relation: Relation,
}

/// Relation of a user to another one.
#[expect(clippy::struct_excessive_bools, reason = "four independent facts")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Relation {
    /// The user follows the other.
    pub(crate) is_following: bool,
    /// The other follows the user.
    pub(crate) is_follower: bool,
    /// The user blocks the other.
    pub(crate) is_blocked: bool,
    /// The user mutes the other.
    pub(crate) is_muted: bool,
}

#[expect(clippy::struct_excessive_bools, reason = "four independent facts")]
struct Row {
    id: UserId,
    number: u64,
    nickname: String,
    bio: String,
    colour: Option<PersonalColor>,
    picture: Option<Uuid>,
    thumb_hash: Option<Vec<u8>>,
    followers: u32,
    following: u32,
    is_following: bool,
    is_follower: bool,
    is_blocked: bool,
    is_muted: bool,
}

impl From<Row> for Profile {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            number: row.number,
            nickname: row.nickname,
            bio: row.bio,
            colour: row.colour,
            picture: ReadyPicture::new(row.id, row.picture, row.thumb_hash),
            followers: row.followers,
            following: row.following,
            relation: Relation {
                is_following: row.is_following,
                is_follower: row.is_follower,
                is_blocked: row.is_blocked,
                is_muted: row.is_muted,
            },
        }
    }
}

/// One query for every way of finding a profile: each part is looked up by a primary key. Users who block the viewer, and
/// those who have asked to be deleted, are not found.
macro_rules! find_profile {
    ($condition:tt, $viewer:expr, $argument:expr) => {
        sqlx::query_as!(
            Row,
            r#"SELECT u.id AS "id: UserId", u.number, u.nickname, u.bio,
                      c.colour AS "colour?: PersonalColor", u.picture_id AS "picture: Uuid",
                      p.thumb_hash AS "thumb_hash?", u.followers, u.following,
                      EXISTS (SELECT 1 FROM follows WHERE follower_id = ? AND followed_id = u.id)
                          AS "is_following!: bool",
                      EXISTS (SELECT 1 FROM follows WHERE follower_id = u.id AND followed_id = ?)
                          AS "is_follower!: bool",
                      EXISTS (SELECT 1 FROM restrictions
                              WHERE user_id = ? AND subject_id = u.id AND kind = 'block')
                          AS "is_blocked!: bool",
                      EXISTS (SELECT 1 FROM restrictions
                              WHERE user_id = ? AND subject_id = u.id AND kind = 'mute')
                          AS "is_muted!: bool"
               FROM users u
               LEFT JOIN personal_colours c ON c.user_id = u.id
               LEFT JOIN pictures p ON p.id = u.picture_id
               WHERE u.deleted_at IS NULL
                 AND NOT EXISTS (SELECT 1 FROM restrictions
                                 WHERE user_id = u.id AND subject_id = ? AND kind = 'block')
                 AND "# + $condition,
            $viewer,
            $viewer,
            $viewer,
            $viewer,
            $viewer,
            $argument
        )
    };
}

/// Finds a user for `viewer`.
pub(crate) async fn find(
    conn: &mut MySqlConnection,
    viewer: UserId,
    id: UserId,
) -> Result<Option<Profile>, sqlx::Error> {
    let found = find_profile!("u.id = ?", viewer, id).fetch_optional(conn).await?;
    Ok(found.map(Profile::from))
}

/// Finds a user by the public number for `viewer`.
pub(crate) async fn find_by_number(
    conn: &mut MySqlConnection,
    viewer: UserId,
    number: u64,
) -> Result<Option<Profile>, sqlx::Error> {
    let found = find_profile!("u.number = ?", viewer, number).fetch_optional(conn).await?;
    Ok(found.map(Profile::from))
}

/// The outcome of a change of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changed {
    /// It is as asked.
    Done,
    /// The nickname is another user's.
    NicknameTaken,
    /// There is no such user.
    Missing,
}

/// Changes what is given and leaves the rest.
pub(super) async fn change(
    conn: &mut MySqlConnection,
    user: UserId,
    nickname: Option<&Nickname>,
    bio: Option<&str>,
) -> Result<Changed, sqlx::Error> {
    let update = sqlx::query!(
        "UPDATE users SET nickname = COALESCE(?, nickname), nickname_key = COALESCE(?, nickname_key),
                          bio = COALESCE(?, bio)
         WHERE id = ? AND deleted_at IS NULL",
        nickname.map(Nickname::as_str),
        nickname.map(Nickname::key),
        bio,
        user,
    );
    match update.execute(conn).await {
        Ok(updated) if updated.rows_affected() == 0 => Ok(Changed::Missing),
        Ok(_) => Ok(Changed::Done),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
            Ok(Changed::NicknameTaken)
        }
        Err(error) => Err(error),
    }
}

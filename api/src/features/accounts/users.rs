//! Creation, promotion and look-up of users.

use sqlx::MySqlConnection;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use crate::features::people::Nickname;

/// Nicknames that are tried for a new user. Those after the first are random, so that a second collision is a defect.
const TRIES: usize = 4;

/// Kind of a user: guest or member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserKind {
    /// Anonymous user without an identity.
    Guest,
    /// Has an identity at a provider.
    Member,
}

impl UserKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Member => "member",
        }
    }
}

/// A user who was just created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// Identifier of the user.
    pub id: UserId,
    /// Public number of the user.
    pub number: u64,
    /// Nickname of the user.
    pub nickname: String,
}

/// Inserts a user with a valid, unique nickname: like `name` where a name is given and yields one, else at random.
pub async fn insert_user(
    conn: &mut MySqlConnection,
    kind: UserKind,
    name: Option<&str>,
) -> Result<NewUser, sqlx::Error> {
    let id = UserId(Uuid::now_v7());
    let wanted = name.and_then(Nickname::from_name);
    let mut nickname = wanted.clone().unwrap_or_else(Nickname::generate);
    for _ in 1..TRIES {
        match try_insert(conn, id, kind, &nickname).await {
            // Undoes the statement, not the transaction.
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                nickname = wanted.as_ref().map_or_else(Nickname::generate, Nickname::varied);
            }
            inserted => return inserted,
        }
    }
    try_insert(conn, id, kind, &Nickname::generate()).await
}

async fn try_insert(
    conn: &mut MySqlConnection,
    id: UserId,
    kind: UserKind,
    nickname: &Nickname,
) -> Result<NewUser, sqlx::Error> {
    let insert = sqlx::query!(
        "INSERT INTO users (id, kind, created_at, nickname, nickname_key)
         VALUES (?, ?, NOW(3), ?, ?)",
        id,
        kind.as_str(),
        nickname.as_str(),
        nickname.key(),
    );
    let number = insert.execute(conn).await?.last_insert_id();
    Ok(NewUser { id, number, nickname: nickname.as_str().to_owned() })
}

/// Makes a guest a member; `false` if the user is no guest. Locks the user's row.
pub(crate) async fn promote_guest(
    conn: &mut MySqlConnection,
    user: UserId,
) -> Result<bool, sqlx::Error> {
    let promoted = sqlx::query!(
        "UPDATE users SET kind = 'member' WHERE id = ? AND kind = 'guest' AND deleted_at IS NULL",
        user
    );
    Ok(promoted.execute(conn).await?.rows_affected() == 1)
}

/// Public part of a user that other features show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// Public number of the user.
    pub(crate) number: u64,
    /// Nickname of the user.
    pub(crate) nickname: String,
}

/// Finds a user's number and nickname.
pub(crate) async fn find_known(
    conn: &mut MySqlConnection,
    user: UserId,
) -> Result<Option<Known>, sqlx::Error> {
    sqlx::query_as!(Known, "SELECT number, nickname FROM users WHERE id = ?", user)
        .fetch_optional(conn)
        .await
}

//! Changes between two users, each in one transaction that locks both, in order of id: the counts change by the rows that
//! have really changed, and no two such transactions can wait for each other in a circle.

use sqlx::MySqlConnection;
use toneup_notify::notices::{NewNotice, NoticeKind, Told, tell};
use toneup_platform::database::{Database, bounded, retry_deadlock};
use toneup_platform::identity::UserId;
use uuid::Uuid;

use crate::features::people::restriction::RestrictionKind;
use crate::features::people::state::PeopleState;

/// The outcome of following.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Followed {
    /// It is so now.
    Done {
        /// True if the user follows the other.
        is_following: bool,
        /// True if the other follows the user.
        is_follower: bool,
    },
    /// There is no such user, or none for this one.
    Missing,
    /// The user blocks the other.
    Blocked,
}

/// A user and another one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) user: UserId,
    pub(super) other: UserId,
}

/// Has the user follow the other; safe to repeat. The other is told.
pub(super) async fn follow(state: &PeopleState, pair: Pair) -> Result<Followed, sqlx::Error> {
    change_follow(state, pair, |_| true).await
}

/// Has the user follow the other no longer; safe to repeat.
pub(super) async fn unfollow(database: &Database, pair: Pair) -> Result<(), sqlx::Error> {
    let unfollowing = retry_deadlock(|| {
        database.in_transaction(async |conn| {
            // Of somebody who is being deleted, the deletion takes care.
            if lock(&mut *conn, pair).await? {
                delete_follow(conn, pair.user, pair.other).await?;
            }
            Ok(())
        })
    });
    bounded(unfollowing).await
}

/// Has the user follow the other if that is not so, and no longer if it is.
pub(crate) async fn toggle_follow(
    state: &PeopleState,
    user: UserId,
    other: UserId,
) -> Result<Followed, sqlx::Error> {
    change_follow(state, Pair { user, other }, |following| !following).await
}

async fn change_follow(
    state: &PeopleState,
    pair: Pair,
    wanted: impl Fn(bool) -> bool,
) -> Result<Followed, sqlx::Error> {
    let changing = retry_deadlock(|| {
        state.pool.in_transaction(async |conn| set_follow(conn, pair, &wanted).await)
    });
    let (followed, told) = bounded(changing).await?;
    state.post.send(told);
    Ok(followed)
}

/// Has the user block or mute the other; `false` if there is no such user for this one. Whoever is blocked follows and is
/// followed by the user no longer. Safe to repeat.
pub(super) async fn restrict(
    database: &Database,
    pair: Pair,
    kind: RestrictionKind,
) -> Result<bool, sqlx::Error> {
    let restricting = retry_deadlock(|| {
        database.in_transaction(async |conn| set_restriction(conn, pair, kind).await)
    });
    bounded(restricting).await
}

/// Has the user block or mute the other no longer; safe to repeat.
pub(super) async fn lift(
    database: &Database,
    pair: Pair,
    kind: RestrictionKind,
) -> Result<(), sqlx::Error> {
    let lifting = bounded(async {
        let delete = sqlx::query!(
            "DELETE FROM restrictions WHERE user_id = ? AND subject_id = ? AND kind = ?",
            pair.user,
            pair.other,
            kind.as_str(),
        );
        delete.execute(&mut *database.acquire().await?).await.map(drop)
    });
    lifting.await
}

async fn set_restriction(
    conn: &mut MySqlConnection,
    pair: Pair,
    kind: RestrictionKind,
) -> Result<bool, sqlx::Error> {
    if !lock(conn, pair).await? || blocks(conn, pair.other, pair.user).await? {
        return Ok(false);
    }
    sqlx::query!(
        "INSERT IGNORE INTO restrictions (user_id, subject_id, kind, id) VALUES (?, ?, ?, ?)",
        pair.user,
        pair.other,
        kind.as_str(),
        Uuid::now_v7(),
    )
    .execute(&mut *conn)
    .await?;
    if kind == RestrictionKind::Block {
        delete_follow(conn, pair.user, pair.other).await?;
        delete_follow(conn, pair.other, pair.user).await?;
    }
    Ok(true)
}

async fn set_follow(
    conn: &mut MySqlConnection,
    pair: Pair,
    wanted: impl Fn(bool) -> bool,
) -> Result<(Followed, Vec<Told>), sqlx::Error> {
    let Pair { user, other } = pair;
    if !lock(conn, pair).await? || blocks(conn, other, user).await? {
        return Ok((Followed::Missing, Vec::new()));
    }
    let is_following = wanted(follows(conn, user, other).await?);
    let mut told = Vec::new();
    if !is_following {
        delete_follow(conn, user, other).await?;
    } else if blocks(conn, user, other).await? {
        return Ok((Followed::Blocked, told));
    } else if insert_follow(conn, user, other).await? {
        let kind = NoticeKind::PersonFollowed;
        let notice = NewNotice { user: other, kind, subject: other.0, actor: user };
        told = tell(&mut *conn, &[notice]).await?;
    }
    let is_follower = follows(conn, other, user).await?;
    Ok((Followed::Done { is_following, is_follower }, told))
}

/// Locks both users; whether both exist.
async fn lock(conn: &mut MySqlConnection, pair: Pair) -> Result<bool, sqlx::Error> {
    let locked = sqlx::query_scalar!(
        r#"SELECT id AS "id: UserId" FROM users
           WHERE id IN (?, ?) AND deleted_at IS NULL ORDER BY id FOR UPDATE"#,
        pair.user,
        pair.other,
    );
    Ok(locked.fetch_all(conn).await?.len() == 2)
}

async fn blocks(
    conn: &mut MySqlConnection,
    user: UserId,
    other: UserId,
) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM restrictions
                          WHERE user_id = ? AND subject_id = ? AND kind = 'block') AS "found!: bool""#,
        user,
        other,
    );
    found.fetch_one(conn).await
}

async fn follows(
    conn: &mut MySqlConnection,
    user: UserId,
    other: UserId,
) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM follows
                          WHERE follower_id = ? AND followed_id = ?) AS "found!: bool""#,
        user,
        other,
    );
    found.fetch_one(conn).await
}

/// Inserts a follow; `false` if it is there.
async fn insert_follow(
    conn: &mut MySqlConnection,
    user: UserId,
    other: UserId,
) -> Result<bool, sqlx::Error> {
    let insert = sqlx::query!(
        "INSERT IGNORE INTO follows (follower_id, followed_id, id) VALUES (?, ?, ?)",
        user,
        other,
        Uuid::now_v7(),
    );
    if insert.execute(&mut *conn).await?.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!("UPDATE users SET following = following + 1 WHERE id = ?", user)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("UPDATE users SET followers = followers + 1 WHERE id = ?", other)
        .execute(conn)
        .await?;
    Ok(true)
}

async fn delete_follow(
    conn: &mut MySqlConnection,
    user: UserId,
    other: UserId,
) -> Result<(), sqlx::Error> {
    let delete =
        sqlx::query!("DELETE FROM follows WHERE follower_id = ? AND followed_id = ?", user, other,);
    if delete.execute(&mut *conn).await?.rows_affected() == 0 {
        return Ok(());
    }
    sqlx::query!("UPDATE users SET following = following - 1 WHERE id = ?", user)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("UPDATE users SET followers = followers - 1 WHERE id = ?", other)
        .execute(conn)
        .await
        .map(drop)
}

//! Erasure of a person's data, in this order. Every table that stores data about a user is named here: a test compares
//! the list with the schema.

use futures_util::FutureExt;
use sqlx::{MySqlConnection, QueryBuilder};
use toneup_jobs::store::erase as jobs;
use toneup_notify::erase as notifications;
use toneup_notify::notices::list as notices;
use toneup_platform::database::bind_list;
use toneup_platform::erasure::Erasure;
use toneup_platform::identity::UserId;

use crate::conversations;
use crate::deletion::PERSON_DELETION;
use crate::{comments, likes, posts};

/// Tables that keep something of users and that nothing here erases, with the reason.
pub const EXEMPT: &[(&str, &str)] =
    &[("stream_tickets", "random and good for a minute; the purge deletes them")];

/// All erasures. The user comes last: as long as the row is there, no other user gets the nickname.
pub fn erasures() -> Vec<Erasure> {
    vec![
        // What is due is revoked at the provider, and then deleted: docs/auth.md.
        Erasure::new(&["sign_in_grants"], |conn, user, most| {
            async move {
                let end = sqlx::query!(
                    "UPDATE sign_in_grants SET due_at = NOW(3), user_id = NULL WHERE user_id = ? LIMIT ?",
                    user,
                    most,
                );
                Ok(end.execute(conn).await?.rows_affected())
            }
            .boxed()
        }),
        owned(&["identities"]),
        owned(&["sessions"]),
        Erasure::new(&["guest_transfers"], |conn, user, most| {
            erase_transfers(conn, user, most).boxed()
        }),
        owned(&["refresh_tokens"]),
        Erasure::new(&["follows"], |conn, user, most| erase_follows(conn, user, most).boxed()),
        Erasure::new(&["restrictions"], |conn, user, most| {
            erase_restrictions(conn, user, most).boxed()
        }),
        Erasure::new(&["likes"], |conn, user, most| likes::erase_of_user(conn, user, most).boxed()),
        Erasure::new(&["comments", "mentions"], |conn, user, most| {
            comments::erase_of_user(conn, user, most).boxed()
        }),
        Erasure::new(&["reports"], |conn, user, most| erase_reports(conn, user, most).boxed()),
        Erasure::new(&["posts", "authors"], |conn, user, most| {
            posts::erase::erase_of_user(conn, user, most).boxed()
        }),
        Erasure::new(&["request_keys"], |conn, user, most| {
            async move {
                let delete =
                    sqlx::query!("DELETE FROM request_keys WHERE user_id = ? LIMIT ?", user, most);
                Ok(delete.execute(conn).await?.rows_affected())
            }
            .boxed()
        }),
        Erasure::new(conversations::TABLES, |conn, user, most| {
            conversations::erase(conn, user, most).boxed()
        }),
        Erasure::new(jobs::TABLES, |conn, user, most| {
            jobs::erase(conn, user, PERSON_DELETION, most).boxed()
        }),
        Erasure::new(&["photo_answers", "personal_colours"], |conn, user, most| {
            erase_colours(conn, user, most).boxed()
        }),
        Erasure::new(notices::TABLES, |conn, user, most| notices::erase(conn, user, most).boxed()),
        Erasure::new(notifications::TABLES, |conn, user, most| {
            notifications::erase(conn, user, most).boxed()
        }),
        owned(&["pictures"]),
        Erasure::new(&["users"], |conn, user, _| {
            async move {
                let delete = sqlx::query!("DELETE FROM users WHERE id = ?", user);
                Ok(delete.execute(conn).await?.rows_affected())
            }
            .boxed()
        }),
    ]
}

/// Erases a table's rows by their column `user_id`.
fn owned(table: &'static [&'static str; 1]) -> Erasure {
    Erasure::new(table, move |conn, user, most| {
        async move {
            let delete = format!("DELETE FROM {} WHERE user_id = ? LIMIT ?", table[0]);
            let delete = sqlx::query(sqlx::AssertSqlSafe(delete)).bind(user).bind(most);
            Ok(delete.execute(conn).await?.rows_affected())
        }
        .boxed()
    })
}

/// Erases transfers of the user's analyses as a guest, and of guests' analyses to the user.
async fn erase_transfers(
    conn: &mut MySqlConnection,
    user: UserId,
    most: u32,
) -> Result<u64, sqlx::Error> {
    let from = sqlx::query!("DELETE FROM guest_transfers WHERE guest_id = ?", user);
    let from = from.execute(&mut *conn).await?.rows_affected();
    let to = sqlx::query!("DELETE FROM guest_transfers WHERE user_id = ? LIMIT ?", user, most);
    Ok(from + to.execute(conn).await?.rows_affected())
}

/// Erases follows in either direction, and takes them out of the others' counts, under the locks of all users concerned.
async fn erase_follows(
    conn: &mut MySqlConnection,
    user: UserId,
    most: u32,
) -> Result<u64, sqlx::Error> {
    let others: Vec<UserId> = sqlx::query_scalar!(
        r#"(SELECT followed_id AS "id: UserId" FROM follows WHERE follower_id = ? LIMIT ?)
           UNION
           (SELECT follower_id FROM follows WHERE followed_id = ? LIMIT ?)"#,
        user,
        most,
        user,
        most
    )
    .fetch_all(&mut *conn)
    .await?;
    if others.is_empty() {
        return Ok(0);
    }
    let mut query = QueryBuilder::new("SELECT id FROM users WHERE id IN ");
    bind_list(&mut query, others.iter().copied().chain([user]));
    query.push(" ORDER BY id FOR UPDATE");
    query.build().fetch_all(&mut *conn).await?;

    let mut erased = 0;
    for (mine, theirs, count) in
        [("follower_id", "followed_id", "followers"), ("followed_id", "follower_id", "following")]
    {
        // Under the locks, these rows are what the counts count.
        let mut query = QueryBuilder::new(format!(
            "UPDATE users SET {count} = {count} - 1
             WHERE id IN (SELECT {theirs} FROM follows WHERE {mine} = "
        ));
        query.push_bind(user).push(format_args!(" AND {theirs} IN "));
        bind_list(&mut query, others.iter().copied());
        query.push(")").build().execute(&mut *conn).await?;
        let mut query = QueryBuilder::new(format!("DELETE FROM follows WHERE {mine} = "));
        query.push_bind(user).push(format_args!(" AND {theirs} IN "));
        bind_list(&mut query, others.iter().copied());
        erased += query.build().execute(&mut *conn).await?.rows_affected();
    }
    // Two deletions may have met: then the other has erased the rows.
    Ok(erased.max(1))
}

/// Erases what the user has reported, and reports that quote the user.
async fn erase_reports(
    conn: &mut MySqlConnection,
    user: UserId,
    most: u32,
) -> Result<u64, sqlx::Error> {
    let own = sqlx::query!("DELETE FROM reports WHERE user_id = ? LIMIT ?", user, most);
    let own = own.execute(&mut *conn).await?.rows_affected();
    let quoting = sqlx::query!("DELETE FROM reports WHERE author_id = ? LIMIT ?", user, most);
    Ok(own + quoting.execute(conn).await?.rows_affected())
}

async fn erase_restrictions(
    conn: &mut MySqlConnection,
    user: UserId,
    most: u32,
) -> Result<u64, sqlx::Error> {
    let own = sqlx::query!("DELETE FROM restrictions WHERE user_id = ? LIMIT ?", user, most);
    let own = own.execute(&mut *conn).await?.rows_affected();
    let others = sqlx::query!("DELETE FROM restrictions WHERE subject_id = ? LIMIT ?", user, most);
    Ok(own + others.execute(conn).await?.rows_affected())
}

async fn erase_colours(
    conn: &mut MySqlConnection,
    user: UserId,
    most: u32,
) -> Result<u64, sqlx::Error> {
    // Answers that all users share name no user: the scope is nobody's.
    let answers = sqlx::query!("DELETE FROM photo_answers WHERE scope = ? LIMIT ?", user, most);
    let answers = answers.execute(&mut *conn).await?.rows_affected();
    let colours = sqlx::query!("DELETE FROM personal_colours WHERE user_id = ?", user);
    Ok(answers + colours.execute(conn).await?.rows_affected())
}

//! Identities in the database: who a provider says that a user is.

use sqlx::MySqlConnection;
use time::OffsetDateTime;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::grants;

/// An identity of a user.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) id: Uuid,
    pub(super) provider: String,
    pub(super) subject: String,
    pub(super) created_at: OffsetDateTime,
}

/// Finds the user of an identity. An identity whose user is being deleted is nobody's, and is forgotten.
pub(super) async fn find_user(
    conn: &mut MySqlConnection,
    provider: &str,
    subject: &str,
) -> Result<Option<UserId>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT identities.user_id AS "user: UserId",
                  users.id IS NOT NULL AND users.deleted_at IS NULL AS "lives!: bool"
           FROM identities LEFT JOIN users ON users.id = identities.user_id
           WHERE identities.provider = ? AND identities.subject = ?"#,
        provider,
        subject,
    )
    .fetch_optional(&mut *conn)
    .await?;
    match row {
        Some(row) if row.lives => Ok(Some(row.user)),
        Some(row) => {
            sqlx::query!(
                "DELETE FROM identities WHERE provider = ? AND subject = ? AND user_id = ?",
                provider,
                subject,
                row.user,
            )
            .execute(conn)
            .await?;
            Ok(None)
        }
        None => Ok(None),
    }
}

/// Adds an identity. Fails with a unique violation if it belongs to somebody.
pub(super) async fn insert(
    conn: &mut MySqlConnection,
    user: UserId,
    provider: &str,
    subject: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO identities (provider, subject, id, user_id, created_at)
         VALUES (?, ?, ?, ?, NOW(3))",
        provider,
        subject,
        Uuid::now_v7(),
        user,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Lists a user's identities, oldest first, after locking the user: identities are added and removed one at a time.
pub(super) async fn list_locked(
    conn: &mut MySqlConnection,
    user: UserId,
) -> Result<Vec<Identity>, sqlx::Error> {
    sqlx::query_scalar!("SELECT 1 AS found FROM users WHERE id = ? FOR UPDATE", user)
        .fetch_optional(&mut *conn)
        .await?;
    list(conn, user).await
}

/// Lists a user's identities, oldest first.
pub(super) async fn list(
    conn: &mut MySqlConnection,
    user: UserId,
) -> Result<Vec<Identity>, sqlx::Error> {
    sqlx::query_as!(
        Identity,
        r#"SELECT id AS "id: Uuid", provider, subject, created_at AS "created_at: OffsetDateTime"
           FROM identities WHERE user_id = ? ORDER BY id LIMIT 100"#,
        user,
    )
    .fetch_all(conn)
    .await
}

/// Removes an identity of a user, and has its grant revoked.
pub(super) async fn delete(
    conn: &mut MySqlConnection,
    user: UserId,
    id: Uuid,
) -> Result<(), sqlx::Error> {
    grants::end(conn, id).await?;
    sqlx::query!("DELETE FROM identities WHERE id = ? AND user_id = ?", id, user)
        .execute(conn)
        .await
        .map(drop)
}

//! Retention: sessions, refresh tokens and stream tickets are deleted once they have expired.

use crate::http::purge::Purge;

/// The retention rules of accounts.
pub(crate) fn purges() -> Vec<Purge> {
    let tokens = Purge::new("refresh_tokens", |conn, most| {
        Box::pin(async move {
            // For a day, its client is told why it does not serve any more.
            let delete = sqlx::query!(
                "DELETE FROM refresh_tokens WHERE expires_at < NOW(3) - INTERVAL 1 DAY LIMIT ?",
                most
            );
            Ok(delete.execute(conn).await?.rows_affected())
        })
    });
    let tickets = Purge::new("stream_tickets", |conn, most| {
        Box::pin(async move {
            let delete =
                sqlx::query!("DELETE FROM stream_tickets WHERE expires_at < NOW(3) LIMIT ?", most);
            Ok(delete.execute(conn).await?.rows_affected())
        })
    });
    let sessions = Purge::new("sessions", |conn, most| {
        Box::pin(async move {
            // One that was revoked just before it expired must still be found by every replica.
            let delete = sqlx::query!(
                "DELETE FROM sessions WHERE expires_at < NOW(3) - INTERVAL 1 DAY LIMIT ?",
                most
            );
            Ok(delete.execute(conn).await?.rows_affected())
        })
    });
    vec![tokens, tickets, sessions]
}

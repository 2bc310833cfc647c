//! Revocation of operators' tokens: all that one operator holds, at once.

use std::collections::HashMap;

use sqlx::MySqlConnection;
use sqlx::types::time::OffsetDateTime;
use toneup_platform::database::{Database, bounded};

use crate::actions::Actor;
use crate::audit_log::{Action, AuditEntry, record};
use crate::token::LONGEST;

/// Revokes the tokens that `operator` holds, and records who did so.
pub async fn revoke(
    database: &Database,
    actor: Actor<'_>,
    operator: &str,
) -> Result<(), sqlx::Error> {
    let revoking = database.in_transaction(async |conn| {
        let entry = AuditEntry {
            operator: actor.operator,
            action: Action::RevokeOperator,
            target: operator,
            detail: None,
            address: actor.address,
        };
        record(&mut *conn, &entry).await?;
        sqlx::query!(
            "INSERT INTO operator_revocations (operator, revoked_at) VALUES (?, NOW(3))
             ON DUPLICATE KEY UPDATE revoked_at = VALUES(revoked_at)",
            operator,
        )
        .execute(conn)
        .await
        .map(drop)
    });
    bounded(revoking).await
}

/// Lists when operators' tokens were revoked, as far as tokens from before may still live.
pub async fn list(
    conn: &mut MySqlConnection,
) -> Result<HashMap<String, OffsetDateTime>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT operator, revoked_at AS "revoked_at: OffsetDateTime" FROM operator_revocations
           WHERE revoked_at > NOW(3) - INTERVAL ? SECOND"#,
        LONGEST.as_secs(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.operator, row.revoked_at)).collect())
}

//! Consents that people gave on a provider's page: what takes them back (RFC 7009) is kept, encrypted, as long as the
//! identity is, and then used.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use sqlx::MySqlConnection;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use toneup_platform::database::{Database, bounded};
use toneup_platform::leader::Leadership;
use toneup_platform::reseal::SealedRows;
use toneup_platform::vault::Vault;
use uuid::Uuid;

use super::state::Offered;

/// Time between two looks for grants that are to be revoked.
const LOOK: Duration = Duration::from_secs(10);
/// Grants of one look.
const AT_ONCE: u32 = 20;
/// Pause after the first attempt that failed; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_mins(1);
/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_hours(6);
/// Attempts, over about a week.
const ATTEMPTS: u16 = 36;

/// Keeps what redeeming a code has granted, in place of what an earlier code did.
pub(super) async fn keep(
    conn: &mut MySqlConnection,
    vault: &Vault,
    provider: &str,
    subject: &str,
    grant: &SecretString,
) -> anyhow::Result<()> {
    let identity = sqlx::query!(
        r#"SELECT id AS "id: Uuid", user_id AS "user: Uuid"
           FROM identities WHERE provider = ? AND subject = ?"#,
        provider,
        subject,
    );
    let Some(identity) = identity.fetch_optional(&mut *conn).await? else { return Ok(()) };
    let token = vault.seal(identity.id, grant.expose_secret())?;
    sqlx::query!(
        "INSERT INTO sign_in_grants (identity_id, user_id, provider, token, created_at)
         VALUES (?, ?, ?, ?, NOW(3))
         ON DUPLICATE KEY UPDATE token = VALUES(token)",
        identity.id,
        identity.user,
        provider,
        token,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Has the grant of an identity revoked, in the transaction that removes the identity.
pub(super) async fn end(conn: &mut MySqlConnection, identity: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE sign_in_grants SET due_at = NOW(3), user_id = NULL WHERE identity_id = ?",
        identity,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Revokes what is due, on the replica that leads, until `draining`.
pub(super) async fn run(
    pool: Database,
    vault: Vault,
    providers: Arc<BTreeMap<String, Offered>>,
    leadership: Leadership,
    draining: CancellationToken,
) {
    loop {
        let jittered = LOOK.mul_f64(rand::random_range(0.8..1.2));
        if draining.run_until_cancelled(sleep(jittered)).await.is_none() {
            return;
        }
        if leadership.is_held()
            && let Err(error) = revoke_some(&pool, &vault, &providers).await
        {
            tracing::warn!(%error, "cannot revoke what sign-in providers granted");
        }
    }
}

/// A grant to revoke.
pub(super) struct Due {
    pub(super) identity: Uuid,
    provider: String,
    token: String,
    attempts: u16,
}

async fn revoke_some(
    pool: &Database,
    vault: &Vault,
    providers: &BTreeMap<String, Offered>,
) -> Result<(), sqlx::Error> {
    let due = bounded(async { find_due(&mut *pool.acquire().await?).await }).await?;
    for grant in due {
        let outcome = revoke(vault, providers, &grant).await;
        if let Err(error) = &outcome {
            tracing::warn!(
                provider = grant.provider,
                error = format!("{error:#}"),
                "cannot revoke a grant"
            );
        }
        let next = outcome.is_err().then(|| pause(grant.attempts)).flatten();
        let noting = async { note(&mut *pool.acquire().await?, grant.identity, next).await };
        bounded(noting).await?;
    }
    Ok(())
}

pub(super) async fn find_due(conn: &mut MySqlConnection) -> Result<Vec<Due>, sqlx::Error> {
    sqlx::query_as!(
        Due,
        r#"SELECT identity_id AS "identity: Uuid", provider, token, attempts
           FROM sign_in_grants WHERE due_at <= NOW(3) ORDER BY due_at LIMIT ?"#,
        AT_ONCE,
    )
    .fetch_all(conn)
    .await
}

/// Takes the consent back. Safe to repeat: a token that is not known is no error (RFC 7009 §2.2).
async fn revoke(
    vault: &Vault,
    providers: &BTreeMap<String, Offered>,
    grant: &Due,
) -> anyhow::Result<()> {
    let offered = providers.get(&grant.provider).context("the provider is not configured")?;
    let token = vault.open(grant.identity, &grant.token)?.into();
    Ok(offered.provider.revoke(&token).await?)
}

/// The grants of all identities, as rows that are encrypted anew when keys are replaced.
pub(super) struct Grants;

impl SealedRows for Grants {
    const NAME: &'static str = "grants of sign-in providers";

    async fn list(
        conn: &mut MySqlConnection,
        prefix: &str,
        after: Uuid,
        most: u32,
    ) -> Result<Vec<(Uuid, String)>, sqlx::Error> {
        let found = sqlx::query!(
            r#"SELECT identity_id AS "identity: Uuid", token FROM sign_in_grants
               WHERE identity_id > ? AND token NOT LIKE CONCAT(?, '%')
               ORDER BY identity_id LIMIT ?"#,
            after,
            prefix,
            most,
        );
        let found = found.fetch_all(conn).await?;
        Ok(found.into_iter().map(|grant| (grant.identity, grant.token)).collect())
    }

    async fn replace(
        conn: &mut MySqlConnection,
        owner: Uuid,
        old: &str,
        new: &str,
    ) -> Result<bool, sqlx::Error> {
        let update = sqlx::query!(
            "UPDATE sign_in_grants SET token = ? WHERE identity_id = ? AND token = ?",
            new,
            owner,
            old,
        );
        Ok(update.execute(conn).await?.rows_affected() == 1)
    }
}

/// Forgets a grant, or puts its next attempt off.
pub(super) async fn note(
    conn: &mut MySqlConnection,
    identity: Uuid,
    next: Option<Duration>,
) -> Result<(), sqlx::Error> {
    let Some(pause) = next else {
        let delete = sqlx::query!("DELETE FROM sign_in_grants WHERE identity_id = ?", identity);
        return delete.execute(conn).await.map(drop);
    };
    sqlx::query!(
        "UPDATE sign_in_grants SET due_at = NOW(3) + INTERVAL ? SECOND, attempts = attempts + 1
         WHERE identity_id = ?",
        pause.as_secs(),
        identity,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Pause after an attempt that failed, of which there were `before`; `None` after the last.
fn pause(before: u16) -> Option<Duration> {
    let doubled = FIRST_PAUSE.checked_mul(2_u32.checked_pow(before.into()).unwrap_or(u32::MAX));
    (before + 1 < ATTEMPTS).then(|| doubled.unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_end_after_a_week() {
        assert_eq!(pause(0), Some(Duration::from_mins(1)));
        assert_eq!(pause(3), Some(Duration::from_mins(8)));
        assert_eq!(pause(34), Some(LONGEST_PAUSE));
        assert_eq!(pause(35), None);
        assert_eq!(pause(u16::MAX - 1), None);
        let days = (0..).map_while(pause).sum::<Duration>().as_secs() / 86_400;
        assert!((6..=8).contains(&days), "{days}");
    }
}

//! Encrypts stored secrets anew whose key is being replaced.

use std::time::Duration;

use sqlx::MySqlConnection;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::database::{Database, bounded};
use crate::leader::Leadership;
use crate::vault::Vault;

/// Time between two looks: another replica may still write under the key that is being replaced.
const INTERVAL: Duration = Duration::from_mins(10);
/// Secrets that are read at once.
const PAGE: u32 = 200;

/// Rows that keep secrets of a vault.
pub trait SealedRows: Send + Sync + 'static {
    /// Name of the rows in the log.
    const NAME: &'static str;

    /// Lists secrets after that of the owner `after`, in the order of their owners, that do not begin with `prefix`.
    fn list(
        conn: &mut MySqlConnection,
        prefix: &str,
        after: Uuid,
        most: u32,
    ) -> impl Future<Output = Result<Vec<(Uuid, String)>, sqlx::Error>> + Send;

    /// Replaces an owner's secret if it is still `old`; `false` otherwise.
    fn replace(
        conn: &mut MySqlConnection,
        owner: Uuid,
        old: &str,
        new: &str,
    ) -> impl Future<Output = Result<bool, sqlx::Error>> + Send;

    /// Decrypts a secret.
    fn open(vault: &Vault, owner: Uuid, stored: &str) -> anyhow::Result<String> {
        vault.open(owner, stored)
    }
}

/// Looks for such secrets every few minutes, on the replica that leads, until `draining`.
pub async fn run<R: SealedRows>(
    pool: Database,
    vault: Vault,
    mut leadership: Leadership,
    draining: CancellationToken,
) {
    let looking = async {
        loop {
            leadership.until_held().await;
            match reseal::<R>(&pool, &vault).await {
                Ok(0) => {}
                Ok(secrets) => tracing::info!(secrets, of = R::NAME, "encrypted secrets anew"),
                Err(error) => tracing::warn!(%error, of = R::NAME, "cannot encrypt secrets anew"),
            }
            sleep(INTERVAL).await;
        }
    };
    draining.run_until_cancelled(looking).await;
}

/// Encrypts all of them with the first key; returns their number. One that changes meanwhile, or that no key opens, is left
/// alone.
async fn reseal<R: SealedRows>(pool: &Database, vault: &Vault) -> anyhow::Result<u64> {
    let (mut resealed, mut after) = (0, Uuid::nil());
    loop {
        let page = bounded(async {
            let mut connection = pool.acquire().await?;
            R::list(&mut connection, vault.current_prefix(), after, PAGE).await
        });
        let page = page.await?;
        let Some((last, _)) = page.last() else { return Ok(resealed) };
        after = *last;
        for (owner, stored) in page {
            let plain = match R::open(vault, owner, &stored) {
                Ok(plain) => plain,
                Err(error) => {
                    tracing::error!(%error, of = R::NAME, %owner, "cannot read a secret");
                    continue;
                }
            };
            let sealed = vault.seal(owner, &plain)?;
            let replacing = bounded(async {
                R::replace(&mut *pool.acquire().await?, owner, &stored, &sealed).await
            });
            resealed += u64::from(replacing.await?);
        }
    }
}

//! Encrypts secrets anew that are stored in the clear, or under a key that is being replaced.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use toneup_notify::targets::{list_other_secrets, replace_secrets};
use toneup_notify::{ChannelKind, TargetId};
use toneup_platform::database::{Database, bounded};
use toneup_platform::leader::Leadership;
use toneup_platform::vault::Vault;

use super::sign::unseal;

/// Time between two looks: another replica may still write under the key that is being replaced.
const INTERVAL: Duration = Duration::from_mins(10);
/// Webhooks that are read at once.
const PAGE: u32 = 200;

/// Looks for such secrets on the replica that leads, until `draining`.
pub(in crate::features::notifications) async fn run(
    pool: Database,
    vault: Vault,
    mut leadership: Leadership,
    draining: CancellationToken,
) {
    let looking = async {
        loop {
            leadership.until_held().await;
            match reseal(&pool, &vault).await {
                Ok(0) => {}
                Ok(webhooks) => tracing::info!(webhooks, "encrypted secrets anew"),
                Err(error) => tracing::warn!(%error, "cannot encrypt secrets anew"),
            }
            sleep(INTERVAL).await;
        }
    };
    draining.run_until_cancelled(looking).await;
}

/// Encrypts all of them with the first key; returns the number of webhooks. One that changes meanwhile is left alone.
async fn reseal(pool: &Database, vault: &Vault) -> anyhow::Result<u64> {
    let (mut resealed, mut after) = (0, TargetId(uuid::Uuid::nil()));
    loop {
        let page = bounded(async {
            let mut connection = pool.acquire().await?;
            let (kind, current) = (ChannelKind::Webhook, vault.current_prefix());
            list_other_secrets(&mut connection, kind, current, after, PAGE).await
        });
        let page = page.await?;
        let Some((last, _)) = page.last() else { return Ok(resealed) };
        after = *last;
        for (id, stored) in page {
            let plain = match unseal(vault, id, &stored) {
                Ok(plain) => plain,
                Err(error) => {
                    tracing::error!(%error, target.id = %id.0, "cannot sign for a webhook");
                    continue;
                }
            };
            let sealed = vault.seal(id.0, &plain)?;
            let replacing = bounded(async {
                replace_secrets(&mut *pool.acquire().await?, id, &stored, &sealed).await
            });
            resealed += u64::from(replacing.await?);
        }
    }
}

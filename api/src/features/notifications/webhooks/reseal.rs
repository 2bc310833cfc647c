//! The secrets of webhooks, as rows that are encrypted anew when keys are replaced, or when they are still stored in the clear.

use sqlx::MySqlConnection;
use toneup_notify::targets::{list_other_secrets, replace_secrets};
use toneup_notify::{ChannelKind, TargetId};
use toneup_platform::reseal::SealedRows;
use toneup_platform::vault::Vault;
use uuid::Uuid;

use super::sign::unseal;

/// The webhooks of all users.
pub(in crate::features::notifications) struct WebhookSecrets;

impl SealedRows for WebhookSecrets {
    const NAME: &'static str = "webhooks";

    async fn list(
        conn: &mut MySqlConnection,
        prefix: &str,
        after: Uuid,
        most: u32,
    ) -> Result<Vec<(Uuid, String)>, sqlx::Error> {
        let found =
            list_other_secrets(conn, ChannelKind::Webhook, prefix, TargetId(after), most).await?;
        Ok(found.into_iter().map(|(id, secrets)| (id.0, secrets)).collect())
    }

    async fn replace(
        conn: &mut MySqlConnection,
        owner: Uuid,
        old: &str,
        new: &str,
    ) -> Result<bool, sqlx::Error> {
        replace_secrets(conn, TargetId(owner), old, new).await
    }

    fn open(vault: &Vault, owner: Uuid, stored: &str) -> anyhow::Result<String> {
        unseal(vault, TargetId(owner), stored)
    }
}

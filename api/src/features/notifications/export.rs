//! Export of a user's notification targets and events.

use futures_util::FutureExt;
use serde_json::json;
use sqlx::MySqlConnection;
use time::format_description::well_known::Rfc3339;
use toneup_notify::ChannelKind;
use toneup_notify::events::list_after;
use toneup_notify::targets::{Target, list_owned};
use toneup_platform::identity::UserId;

use crate::http::export::{Export, ExportPage};

/// Entries of a page.
const PAGE: u32 = 500;

/// The lists of notifications.
pub(crate) fn exports() -> Vec<Export> {
    vec![
        Export::new("notificationTargets", |conn, user, _| list_targets(conn, user).boxed()),
        Export::new("events", |conn, user, from| list_events(conn, user, from).boxed()),
    ]
}

/// Without their secrets, which prove who we are and say nothing of the user.
async fn list_targets(conn: &mut MySqlConnection, user: UserId) -> Result<ExportPage, sqlx::Error> {
    let mut items = Vec::new();
    for channel in ChannelKind::REGISTERED {
        let targets = list_owned(&mut *conn, user, channel).await?;
        items.extend(targets.into_iter().map(|target: Target| {
            json!({
                "channel": channel.as_str(),
                "address": target.address,
                "description": target.description,
                "createdAt": target.created_at.format(&Rfc3339).ok(),
            })
        }));
    }
    ExportPage::of(items, None)
}

async fn list_events(
    conn: &mut MySqlConnection,
    user: UserId,
    from: Option<String>,
) -> Result<ExportPage, sqlx::Error> {
    let after = from.and_then(|text| text.parse().ok()).unwrap_or_default();
    let events = list_after(conn, user, after, PAGE).await?;
    let whole = events.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
    let next = events.last().filter(|_| whole).map(|last| last.sequence.to_string());
    let view = |event: &toneup_notify::events::Event| json!({ "number": event.sequence, "name": event.name, "subject": event.subject });
    ExportPage::of(events.iter().map(view), next)
}

//! Export of a user's notices and of the wishes about them.

use futures_util::FutureExt;
use serde_json::json;
use sqlx::MySqlConnection;
use time::format_description::well_known::Rfc3339;
use toneup_notify::notices::list::{Notice, list};
use toneup_notify::notices::settings;
use toneup_platform::identity::UserId;

use super::settings_routes::SettingsView;
use crate::http::export::{Export, ExportPage};

/// Entries of a page.
const PAGE: u32 = 200;

/// The lists of notices.
pub(crate) fn exports() -> Vec<Export> {
    vec![
        Export::new("notices", |conn, user, from| list_notices(conn, user, from).boxed()),
        Export::new("notificationSettings", |conn, user, _| read_settings(conn, user).boxed()),
    ]
}

async fn list_notices(
    conn: &mut MySqlConnection,
    user: UserId,
    from: Option<String>,
) -> Result<ExportPage, sqlx::Error> {
    let before = from.and_then(|text| text.parse().ok());
    let found = list(conn, user, before, PAGE).await?;
    let whole = found.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
    let next = found.last().filter(|_| whole).map(|last| last.place.to_string());
    let view = |notice: &Notice| {
        json!({
            "type": notice.name,
            "subjectId": notice.subject_id,
            "by": notice.nickname,
            "times": notice.times,
            "changedAt": notice.changed_at.format(&Rfc3339).ok(),
        })
    };
    ExportPage::of(found.iter().map(view), next)
}

async fn read_settings(
    conn: &mut MySqlConnection,
    user: UserId,
) -> Result<ExportPage, sqlx::Error> {
    let found = settings::find(conn, std::iter::once(user)).await?;
    ExportPage::of(found.into_values().map(SettingsView::from), None)
}

//! What users wish to be told.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{FromRow, MySqlConnection, QueryBuilder};
use toneup_platform::database::bind_list;
use toneup_platform::identity::UserId;

use super::NoticeKind;
use super::quiet::QuietHours;

/// A user's wishes. By default everything is told at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoticeSettings {
    /// Kinds that the user is not told of.
    pub off: BTreeSet<NoticeKind>,
    /// When devices are not rung.
    pub quiet: Option<QuietHours>,
}

#[derive(FromRow)]
struct Row {
    user_id: UserId,
    off: String,
    quiet_from: Option<u16>,
    quiet_until: Option<u16>,
    utc_offset: i16,
}

impl Row {
    fn settings(&self) -> NoticeSettings {
        let quiet = self.quiet_from.zip(self.quiet_until);
        NoticeSettings {
            off: self.off.split(',').filter_map(NoticeKind::named).collect(),
            quiet: quiet.map(|(from, until)| QuietHours {
                from,
                until,
                utc_offset: self.utc_offset,
            }),
        }
    }
}

/// Finds the settings of users; those who have never changed them are left out.
pub async fn find(
    conn: &mut MySqlConnection,
    users: impl Iterator<Item = UserId>,
) -> Result<BTreeMap<UserId, NoticeSettings>, sqlx::Error> {
    let users: Vec<UserId> = users.collect();
    if users.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut query = QueryBuilder::new(
        "SELECT user_id, off, quiet_from, quiet_until, utc_offset FROM notice_settings
         WHERE user_id IN ",
    );
    bind_list(&mut query, users.into_iter());
    let rows: Vec<Row> = query.build_query_as().fetch_all(conn).await?;
    Ok(rows.iter().map(|row| (row.user_id, row.settings())).collect())
}

/// Stores a user's settings.
pub async fn put(
    conn: &mut MySqlConnection,
    user: UserId,
    settings: &NoticeSettings,
) -> Result<(), sqlx::Error> {
    let names: Vec<&str> = settings.off.iter().map(|kind| kind.as_str()).collect();
    let quiet = settings.quiet;
    sqlx::query!(
        "INSERT INTO notice_settings (user_id, off, quiet_from, quiet_until, utc_offset)
         VALUES (?, ?, ?, ?, ?)
         ON DUPLICATE KEY UPDATE off = VALUES(off), quiet_from = VALUES(quiet_from),
             quiet_until = VALUES(quiet_until), utc_offset = VALUES(utc_offset)",
        user,
        names.join(","),
        quiet.map(|quiet| quiet.from),
        quiet.map(|quiet| quiet.until),
        quiet.map_or(0, |quiet| quiet.utc_offset),
    )
    .execute(conn)
    .await
    .map(drop)
}

//! Retention: notices are deleted after their time.

use toneup_notify::notices::list;

use super::settings::NoticesSettings;
use crate::http::purge::Purge;

/// The retention rules of notices.
pub(crate) fn purges(settings: &NoticesSettings) -> Vec<Purge> {
    let retention = settings.notice_retention;
    vec![Purge::new("notices", move |conn, most| Box::pin(list::purge(conn, retention, most)))]
}

//! Export of a user's identities.

use futures_util::FutureExt;
use serde_json::json;
use sqlx::MySqlConnection;
use time::format_description::well_known::Rfc3339;
use toneup_platform::identity::UserId;

use super::identities;
use crate::http::export::{Export, ExportPage};

/// The lists of signing in.
pub(crate) fn exports() -> Vec<Export> {
    vec![Export::new("identities", |conn, user, _| list_identities(conn, user).boxed())]
}

async fn list_identities(
    conn: &mut MySqlConnection,
    user: UserId,
) -> Result<ExportPage, sqlx::Error> {
    let identities = identities::list(conn, user).await?;
    let view = identities.into_iter().map(|identity| {
        let since = identity.created_at.format(&Rfc3339).unwrap_or_default();
        json!({ "provider": identity.provider, "subject": identity.subject, "createdAt": since })
    });
    ExportPage::of(view, None)
}

//! Export of a user's profile and relations.

use futures_util::FutureExt;
use serde_json::json;
use sqlx::MySqlConnection;
use time::OffsetDateTime;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::profile;
use super::restriction::RestrictionKind;
use super::summary::{Follows, Summary, list_follows, list_restricted};
use crate::http::export::{Export, ExportPage};

/// Entries of a page.
const PAGE: u32 = 200;

/// The lists of people.
pub(crate) fn exports() -> Vec<Export> {
    let follows = |name, which| {
        Export::new(name, move |conn, user, from| {
            async move {
                let found = list_follows(conn, user, (which, user), before(from), PAGE).await?;
                page(&found)
            }
            .boxed()
        })
    };
    let restricted = |name, kind| {
        Export::new(name, move |conn, user, from| {
            async move { page(&list_restricted(conn, user, kind, before(from), PAGE).await?) }
                .boxed()
        })
    };
    vec![
        Export::new("profile", |conn, user, _| read_profile(conn, user).boxed()),
        follows("followers", Follows::Followers),
        follows("following", Follows::Following),
        restricted("blocks", RestrictionKind::Block),
        restricted("mutes", RestrictionKind::Mute),
    ]
}

fn before(from: Option<String>) -> Option<Uuid> {
    from.and_then(|text| text.parse().ok())
}

fn page(found: &[Summary]) -> Result<ExportPage, sqlx::Error> {
    let whole = found.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
    let next = found.last().filter(|_| whole).map(|last| last.place.to_string());
    let view = |one: &Summary| {
        let (seconds, _) = one.place.get_timestamp().map_or((0, 0), |time| time.to_unix());
        let since =
            i64::try_from(seconds).ok().and_then(|s| OffsetDateTime::from_unix_timestamp(s).ok());
        let format = time::format_description::well_known::Rfc3339;
        let since = since.and_then(|since| since.format(&format).ok());
        json!({ "id": one.id, "nickname": one.nickname, "since": since })
    };
    ExportPage::of(found.iter().map(view), next)
}

async fn read_profile(conn: &mut MySqlConnection, user: UserId) -> Result<ExportPage, sqlx::Error> {
    let profile = profile::find(conn, user, user).await?;
    let view = profile.map(|profile| {
        json!({
            "number": profile.number,
            "nickname": profile.nickname,
            "bio": profile.bio,
            "personalColor": profile.colour,
            "followers": profile.followers,
            "following": profile.following,
        })
    });
    ExportPage::of(view, None)
}

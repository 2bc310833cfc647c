//! Reports of posts, as the app sends them.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use toneup_people::posts::Visibility;
use utoipa::ToSchema;

use super::envelope::{Answer, Failure, Nothing};
use super::posts::find;
use super::problems::feed_not_found;
use crate::features::posts::PostsState;
use crate::features::reports::{NewReport, Reason, ReportsState, Subject, file};
use crate::http::extract::{ApiJson, IdPath};
use crate::http::identity::CurrentUser;
use crate::http::problem::ApiError;

/// Why a post is reported.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReportFeed {
    /// A reason of `/v1/reports`, or any other text.
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    description: Option<String>,
}

/// Reports a post to the operators; safe to repeat.
#[utoipa::path(
    post,
    path = "/api/v1/feeds/{feedId}/report",
    tag = "app",
    security(("bearer" = [])),
    params(("feedId" = u64, Path)),
    responses((status = OK, body = Answer<Nothing>), (status = "default", body = Failure))
)]
pub(super) async fn report_feed(
    State(posts): State<PostsState>,
    State(reports): State<ReportsState>,
    CurrentUser(user): CurrentUser,
    IdPath(number): IdPath<u64>,
    ApiJson(ReportFeed { reason, description }): ApiJson<ReportFeed>,
) -> Result<Json<Answer<Nothing>>, ApiError> {
    let post = find(&posts, user, Visibility::Public, number).await?.ok_or_else(feed_not_found)?;
    let word = reason.unwrap_or_default();
    let reason = Reason::of(&word);
    // What the app says in its own words is kept.
    let said = match (reason, description) {
        (Reason::Other, Some(text)) if !word.is_empty() => Some(format!("{word}: {text}")),
        (Reason::Other, None) if !word.is_empty() => Some(word),
        (_, description) => description,
    };
    let new = NewReport { subject: Subject::Post(post.id), reason, description: said };
    file(&reports, user, new).await?;
    Ok(Answer::said(0, "ok", Nothing {}))
}

//! What users wish to be told, over HTTP.

use axum::Json;
use axum::extract::{FromRef, State};
use serde::{Deserialize, Serialize};
use toneup_notify::notices::NoticeKind;
use toneup_notify::notices::quiet::QuietHours;
use toneup_notify::notices::settings::{self, NoticeSettings};
use toneup_platform::database::bounded;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::state::NoticesState;
use crate::http::extract::ApiJson;
use crate::http::identity::{Authenticator, CurrentUser};
use crate::http::problem::{ApiError, Problem};

/// Clocks differ from UTC by at most this many minutes (Baker Island, Kiritimati).
const OFFSETS: std::ops::RangeInclusive<i16> = -12 * 60..=14 * 60;

pub(super) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    NoticesState: FromRef<S>,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(get_settings, put_settings))
}

/// What the caller wishes to be told of other people.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SettingsView {
    /// Kinds of notices that are off, e.g. `post.liked`.
    off: Vec<String>,
    /// When browsers and phones are not rung; null: never.
    quiet_hours: Option<QuietHoursView>,
}

/// A span of the day, which may pass midnight.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct QuietHoursView {
    /// Begin, `HH:MM`.
    #[schema(example = "22:00")]
    from: String,
    /// End, `HH:MM`.
    #[schema(example = "07:00")]
    until: String,
    /// Minutes of the caller's clock from UTC, -720 to 840.
    #[schema(example = 540)]
    utc_offset: i16,
}

impl From<NoticeSettings> for SettingsView {
    fn from(settings: NoticeSettings) -> Self {
        let hours = |hours: QuietHours| QuietHoursView {
            from: clock(hours.from),
            until: clock(hours.until),
            utc_offset: hours.utc_offset,
        };
        Self {
            off: settings.off.into_iter().map(|kind| kind.as_str().to_owned()).collect(),
            quiet_hours: settings.quiet.map(hours),
        }
    }
}

impl SettingsView {
    fn check(&self) -> Result<NoticeSettings, ApiError> {
        let kind = |name: &String| {
            let kinds = NoticeKind::ALL.map(NoticeKind::as_str).join(", ");
            NoticeKind::named(name)
                .ok_or_else(|| ApiError::invalid("off", format!("expected some of {kinds}")))
        };
        let quiet = self.quiet_hours.as_ref().map(QuietHoursView::check).transpose()?;
        Ok(NoticeSettings { off: self.off.iter().map(kind).collect::<Result<_, _>>()?, quiet })
    }
}

impl QuietHoursView {
    fn check(&self) -> Result<QuietHours, ApiError> {
        let minutes = |field, text: &str| {
            minutes(text).ok_or_else(|| ApiError::invalid(field, "expected HH:MM, 00:00 to 23:59"))
        };
        if !OFFSETS.contains(&self.utc_offset) {
            return Err(ApiError::invalid("quietHours.utcOffset", "expected -720 to 840 minutes"));
        }
        Ok(QuietHours {
            from: minutes("quietHours.from", &self.from)?,
            until: minutes("quietHours.until", &self.until)?,
            utc_offset: self.utc_offset,
        })
    }
}

fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn minutes(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
    if !two_digits(hour) || !two_digits(minute) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

/// What the caller wishes to be told.
#[utoipa::path(
    get,
    path = "/v1/notification-settings",
    tag = "notices",
    security(("bearer" = [])),
    responses((status = OK, body = SettingsView), Problem)
)]
async fn get_settings(
    State(state): State<NoticesState>,
    CurrentUser(user): CurrentUser,
) -> Result<Json<SettingsView>, ApiError> {
    let reading = bounded(async {
        settings::find(&mut *state.pool.acquire().await?, std::iter::once(user)).await
    });
    let found: Result<_, sqlx::Error> = reading.await;
    let settings = found?.remove(&user).unwrap_or_default();
    Ok(Json(settings.into()))
}

/// Changes what the caller wishes to be told; safe to repeat.
#[utoipa::path(
    put,
    path = "/v1/notification-settings",
    tag = "notices",
    security(("bearer" = [])),
    request_body = SettingsView,
    responses((status = OK, body = SettingsView), Problem)
)]
async fn put_settings(
    State(state): State<NoticesState>,
    CurrentUser(user): CurrentUser,
    ApiJson(wishes): ApiJson<SettingsView>,
) -> Result<Json<SettingsView>, ApiError> {
    let settings = wishes.check()?;
    let storing =
        bounded(async { settings::put(&mut *state.pool.acquire().await?, user, &settings).await });
    storing.await?;
    Ok(Json(settings.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_two_digits_and_two_digits() {
        assert_eq!(["00:00", "07:05", "23:59"].map(minutes), [Some(0), Some(425), Some(1439)]);
        for wrong in ["24:00", "7:05", "07:60", "0705", "+7:05", "", ":", "07:05:00"] {
            assert_eq!(minutes(wrong), None, "{wrong}");
        }
        assert_eq!([0, 425, 1439].map(clock), ["00:00", "07:05", "23:59"]);
    }
}

//! HTTP endpoints of webhooks.

use std::time::Duration;

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use sqlx::MySqlConnection;
use time::OffsetDateTime;
use toneup_notify::targets::{
    Change, NewTarget, Target, change, count_locked, delete_owned, find_owned, insert, list_owned,
};
use toneup_notify::{ChannelKind, TargetId};
use toneup_platform::database::{bounded, retry_deadlock};
use toneup_platform::identity::UserId;
use toneup_platform::vault::Vault;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::sign::Secrets;
use super::view::{CallbackSecret, WebhookList, WebhookView, WebhookWithSecret};
use crate::features::notifications::problems::{
    too_many_secrets, too_many_webhooks, webhook_exists,
};
use crate::features::notifications::state::NotificationsState;
use crate::http::extract::{ApiJson, IdPath, Nullable, present};
use crate::http::idempotency::{Claimed, RequestKey, claim, key_reused};
use crate::http::identity::{Authenticator, CurrentUser};
use crate::http::problem::{ApiError, Problem};

const DESCRIPTION_LIMIT: usize = 200;

pub(in crate::features::notifications) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    NotificationsState: FromRef<S>,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(create_webhook, list_webhooks))
        .routes(routes!(get_webhook, change_webhook, delete_webhook))
        .routes(routes!(rotate_secret))
        .routes(routes!(get_callback_secret))
}

/// A server to tell.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CreateWebhook {
    /// An https URL of a public host, at most 2048 characters.
    url: String,
    /// What the caller calls it, at most 200 characters.
    description: Option<String>,
    /// What it is told of: `analysis.succeeded`, `.failed`, `.cancelled`, `.expired`; all of them if not given.
    events: Option<Vec<String>>,
}

/// What to change; what is not named stays. A description can be `null`: then there is none; and so can `events`: all.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ChangeWebhook {
    /// An https URL of a public host, at most 2048 characters.
    #[serde(default, deserialize_with = "present")]
    url: Option<String>,
    /// What the caller calls it, at most 200 characters.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    description: Option<Nullable<String>>,
    /// What it is told of.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<String>>)]
    events: Option<Nullable<Vec<String>>>,
    /// `false`: nothing is sent. `true`: it is sent again, also to one that was disabled because it failed.
    #[serde(default, deserialize_with = "present")]
    enabled: Option<bool>,
}

/// Adds a webhook. Its secret is in this answer and in no other; `Idempotency-Key` makes it safe to repeat.
#[utoipa::path(
    post,
    path = "/v1/webhooks",
    tag = "webhooks",
    security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = CREATED, body = WebhookWithSecret, headers(("Location" = String))),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json",
         description = "`webhook_exists` with this URL, or `too_many_webhooks`."),
        Problem,
    )
)]
async fn create_webhook(
    State(state): State<NotificationsState>,
    CurrentUser(user): CurrentUser,
    headers: HeaderMap,
    ApiJson(webhook): ApiJson<CreateWebhook>,
) -> Result<impl IntoResponse, ApiError> {
    let body = serde_json::to_vec(&webhook).map_err(anyhow::Error::from)?;
    let key = RequestKey::of(&headers, &body)?;
    let (id, secrets) = (TargetId(Uuid::now_v7()), Secrets::generate());
    let new = NewTarget {
        id,
        user,
        channel: ChannelKind::Webhook,
        address: state.urls.check("url", &webhook.url)?,
        secrets: Some(secrets.seal(&state.settings.vault, id)?),
        description: webhook.description.map(check_description).transpose()?,
        events: webhook.events.map(|events| check_events(&state, &events)).transpose()?,
    };
    let limit = state.settings.webhook_limit;
    let adding = state.pool.in_transaction(async |conn| {
        if let Some(key) = &key {
            match claim(conn, user, "webhook", key, id.0).await? {
                Claimed::First => {}
                Claimed::Repeated(first) => return find(conn, user, TargetId(first)).await,
                Claimed::Reused => return Err(key_reused()),
            }
        }
        if count_locked(conn, user, ChannelKind::Webhook).await? >= i64::from(limit) {
            return Err(too_many_webhooks(limit));
        }
        if !insert(conn, &new).await? {
            return Err(webhook_exists());
        }
        find(conn, user, new.id).await
    });
    let target = bounded(adding).await?;
    let location = [(header::LOCATION, format!("/v1/webhooks/{}", target.id.0))];
    let secrets = Secrets::open(&state.settings.vault, &target)?;
    let view = with_secret(target, &secrets)?;
    Ok((StatusCode::CREATED, location, Json(view)))
}

/// The caller's webhooks.
#[utoipa::path(
    get,
    path = "/v1/webhooks",
    tag = "webhooks",
    security(("bearer" = [])),
    responses(
        (status = OK, body = WebhookList),
        Problem,
    )
)]
async fn list_webhooks(
    State(state): State<NotificationsState>,
    CurrentUser(user): CurrentUser,
) -> Result<Json<WebhookList>, ApiError> {
    let targets = bounded(async {
        list_owned(&mut *state.pool.acquire().await?, user, ChannelKind::Webhook).await
    });
    Ok(Json(WebhookList { items: targets.await?.into_iter().map(WebhookView::from).collect() }))
}

/// One webhook.
#[utoipa::path(
    get,
    path = "/v1/webhooks/{id}",
    tag = "webhooks",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses(
        (status = OK, body = WebhookView),
        Problem,
    )
)]
async fn get_webhook(
    State(state): State<NotificationsState>,
    CurrentUser(user): CurrentUser,
    IdPath(id): IdPath<TargetId>,
) -> Result<Json<WebhookView>, ApiError> {
    let target = bounded(async { find(&mut *state.pool.acquire().await?, user, id).await }).await?;
    Ok(Json(target.into()))
}

/// Changes a webhook.
#[utoipa::path(
    patch,
    path = "/v1/webhooks/{id}",
    tag = "webhooks",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses(
        (status = OK, body = WebhookView),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json",
         description = "`webhook_exists` with this URL."),
        Problem,
    )
)]
async fn change_webhook(
    State(state): State<NotificationsState>,
    CurrentUser(user): CurrentUser,
    IdPath(id): IdPath<TargetId>,
    ApiJson(wanted): ApiJson<ChangeWebhook>,
) -> Result<Json<WebhookView>, ApiError> {
    let wanted = Change {
        address: wanted.url.map(|url| state.urls.check("url", &url)).transpose()?,
        secrets: None,
        description: match wanted.description {
            Some(Nullable(text)) => Some(check_description(text.unwrap_or_default())?),
            None => None,
        },
        events: match wanted.events {
            Some(Nullable(Some(events))) => Some(check_events(&state, &events)?),
            Some(Nullable(None)) => Some(String::new()),
            None => None,
        },
        enabled: wanted.enabled,
    };
    let changing = state.pool.in_transaction(async |conn| {
        find(conn, user, id).await?;
        change(conn, id, &wanted).await.map_err(|error| match error {
            sqlx::Error::Database(cause) if cause.is_unique_violation() => webhook_exists(),
            error => error.into(),
        })?;
        find(conn, user, id).await
    });
    let target = bounded(changing).await?;
    state.dispatchers.wake(ChannelKind::Webhook);
    Ok(Json(target.into()))
}

/// Deletes a webhook; what was not sent never is.
#[utoipa::path(
    delete,
    path = "/v1/webhooks/{id}",
    tag = "webhooks",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses(
        (status = NO_CONTENT),
        Problem,
    )
)]
async fn delete_webhook(
    State(state): State<NotificationsState>,
    CurrentUser(user): CurrentUser,
    IdPath(id): IdPath<TargetId>,
) -> Result<StatusCode, ApiError> {
    // It may be settled at this moment.
    let deleted = bounded(retry_deadlock(|| async {
        delete_owned(&mut *state.pool.acquire().await?, user, ChannelKind::Webhook, id).await
    }));
    if deleted.await? { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::NotFound) }
}

/// Gives a webhook a new secret. For 24 hours requests are signed with the one before, too.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/rotate-secret",
    tag = "webhooks",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses(
        (status = OK, body = WebhookWithSecret),
        (status = TOO_MANY_REQUESTS, body = Problem, content_type = "application/problem+json",
         description = "`too_many_secrets`.", headers(("Retry-After" = u64))),
        Problem,
    )
)]
async fn rotate_secret(
    State(state): State<NotificationsState>,
    CurrentUser(user): CurrentUser,
    IdPath(id): IdPath<TargetId>,
) -> Result<Json<WebhookWithSecret>, ApiError> {
    let rotating = state.pool.in_transaction(async |conn| {
        // Two rotations at once would lose one of the two secrets.
        count_locked(conn, user, ChannelKind::Webhook).await?;
        let target = find(conn, user, id).await?;
        let (sealed, secrets) = rotate(&state.settings.vault, &target)?;
        let wanted = Change { secrets: Some(sealed), ..Change::default() };
        change(conn, id, &wanted).await?;
        with_secret(target, &secrets)
    });
    Ok(Json(bounded(rotating).await?))
}

/// The secret of requests to the `webhook` of a submit; the same for all submits of the caller.
#[utoipa::path(
    get,
    path = "/v1/webhooks/secret",
    tag = "webhooks",
    security(("bearer" = [])),
    responses((status = OK, body = CallbackSecret), Problem)
)]
async fn get_callback_secret(
    State(state): State<NotificationsState>,
    CurrentUser(user): CurrentUser,
) -> Result<Json<CallbackSecret>, ApiError> {
    let secrets = Secrets::of_callbacks(&state.callbacks, user);
    let secret = secrets.newest().ok_or_else(|| anyhow::anyhow!("no secret"))?.to_owned();
    Ok(Json(CallbackSecret { secret }))
}

fn rotate(vault: &Vault, target: &Target) -> Result<(String, Secrets), ApiError> {
    let mut secrets = Secrets::open(vault, target)?;
    secrets
        .rotate(OffsetDateTime::now_utc())
        .map_err(|wait| too_many_secrets(Duration::try_from(wait).unwrap_or_default()))?;
    Ok((secrets.seal(vault, target.id)?, secrets))
}

fn with_secret(target: Target, secrets: &Secrets) -> Result<WebhookWithSecret, ApiError> {
    let secret = secrets.newest().ok_or_else(|| anyhow::anyhow!("no secret"))?.to_owned();
    Ok(WebhookWithSecret { webhook: target.into(), secret })
}

/// A user's webhook; another's does not exist.
pub(super) async fn find(
    conn: &mut MySqlConnection,
    user: UserId,
    id: TargetId,
) -> Result<Target, ApiError> {
    find_owned(conn, user, ChannelKind::Webhook, id).await?.ok_or(ApiError::NotFound)
}

/// Names of events, each once, as they are kept.
fn check_events(state: &NotificationsState, events: &[String]) -> Result<String, ApiError> {
    let known: Vec<&str> = state.formats.names().collect();
    let chosen: Vec<&str> =
        known.iter().copied().filter(|name| events.iter().any(|event| event == name)).collect();
    if events.is_empty() || chosen.len() != events.len() {
        let detail = format!("expected at least one of {}, each once", known.join(", "));
        return Err(ApiError::invalid("events", detail));
    }
    Ok(chosen.join(","))
}

fn check_description(text: String) -> Result<String, ApiError> {
    if text.chars().count() > DESCRIPTION_LIMIT {
        let detail = format!("expected at most {DESCRIPTION_LIMIT} characters");
        return Err(ApiError::invalid("description", detail));
    }
    Ok(text)
}

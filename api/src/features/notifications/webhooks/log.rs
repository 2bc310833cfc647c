//! Deliveries to a webhook: the log, pings, redelivery.

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use sqlx::MySqlConnection;
use toneup_notify::deliveries::{NewDelivery, insert};
use toneup_notify::delivery_log::{Logged, find as find_delivery, list, list_attempts, redeliver};
use toneup_notify::targets::make_due_now;
use toneup_notify::{ChannelKind, DeliveryId, PING, TargetId};
use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::routes::find;
use super::view::{DeliveryPage, DeliveryView};
use crate::features::notifications::problems::webhook_disabled;
use crate::features::notifications::state::NotificationsState;
use crate::http::extract::{ApiQuery, IdPath};
use crate::http::identity::{Authenticator, CurrentUser};
use crate::http::limits::Policy;
use crate::http::page::PageQuery;
use crate::http::problem::{ApiError, Problem};

/// Pings and deliveries sent again that one user may ask for in a minute.
const TESTS: Policy = Policy::per_minute("webhook-tests", 30);

pub(in crate::features::notifications) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    NotificationsState: FromRef<S>,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list_deliveries))
        .routes(routes!(ping_webhook))
        .routes(routes!(redeliver_delivery))
}

/// What a webhook was told, and what is still to be told, newest first.
#[utoipa::path(
    get,
    path = "/v1/webhooks/{id}/deliveries",
    tag = "webhooks",
    security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path), PageQuery),
    responses(
        (status = OK, body = DeliveryPage),
        Problem,
    )
)]
async fn list_deliveries(
    State(state): State<NotificationsState>,
    CurrentUser(user): CurrentUser,
    IdPath(id): IdPath<TargetId>,
    ApiQuery(page): ApiQuery<PageQuery>,
) -> Result<Json<DeliveryPage>, ApiError> {
    let page = page.check()?;
    let reading = bounded(async {
        let mut connection = state.pool.acquire().await?;
        find(&mut connection, user, id).await?;
        let before = page.before.map(DeliveryId);
        let mut found = list(&mut connection, id, before, page.reach()).await?;
        let next_cursor = page.cut(&mut found, |delivery| delivery.id.0);
        let items = with_attempts(&mut connection, found).await?;
        Ok::<_, ApiError>(DeliveryPage { items, next_cursor })
    });
    Ok(Json(reading.await?))
}

async fn with_attempts(
    conn: &mut MySqlConnection,
    deliveries: Vec<Logged>,
) -> Result<Vec<DeliveryView>, sqlx::Error> {
    let ids: Vec<DeliveryId> = deliveries.iter().map(|delivery| delivery.id).collect();
    let mut attempts = list_attempts(conn, &ids).await?;
    let view = |delivery: Logged| {
        let mut attempts = attempts.remove(&delivery.id).unwrap_or_default();
        // Not those that came after the delivery was read: it would not match them.
        attempts.retain(|attempt| attempt.number <= delivery.attempt);
        DeliveryView::new(delivery, attempts)
    };
    Ok(deliveries.into_iter().map(view).collect())
}

/// Sends a test: one request with the event `webhook.ping`, which is not repeated. The log tells what came of it.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/ping",
    tag = "webhooks",
    security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = ACCEPTED, body = DeliveryView),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json",
         description = "`webhook_disabled`."),
        Problem,
    )
)]
async fn ping_webhook(
    State(state): State<NotificationsState>,
    CurrentUser(user): CurrentUser,
    IdPath(id): IdPath<TargetId>,
) -> Result<(StatusCode, Json<DeliveryView>), ApiError> {
    let ping = NewDelivery::new(id, PING, None);
    send_now(&state, user, id, ping.id, Some(ping)).await
}

/// Sends a delivery again, at once and with the same `webhook-id`, whatever became of it.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/deliveries/{deliveryId}/redeliver",
    tag = "webhooks",
    security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path), ("deliveryId" = uuid::Uuid, Path)),
    responses(
        (status = ACCEPTED, body = DeliveryView),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json",
         description = "`webhook_disabled`."),
        Problem,
    )
)]
async fn redeliver_delivery(
    State(state): State<NotificationsState>,
    CurrentUser(user): CurrentUser,
    IdPath((id, delivery)): IdPath<(TargetId, DeliveryId)>,
) -> Result<(StatusCode, Json<DeliveryView>), ApiError> {
    send_now(&state, user, id, delivery, None).await
}

/// Makes a new delivery, or an old one, due at once.
async fn send_now(
    state: &NotificationsState,
    user: UserId,
    id: TargetId,
    delivery: DeliveryId,
    new: Option<NewDelivery>,
) -> Result<(StatusCode, Json<DeliveryView>), ApiError> {
    state.limiter.check(&TESTS, user.0).await?;
    let sending = state.pool.in_transaction(async |conn| {
        if find(conn, user, id).await?.disabled_at.is_some() {
            return Err(webhook_disabled());
        }
        match new {
            Some(new) => {
                insert(conn, &[new]).await?;
                make_due_now(conn, id).await?;
            }
            None => redeliver(conn, id, delivery).await?,
        }
        let found = find_delivery(conn, id, delivery).await?;
        let views = with_attempts(conn, found.into_iter().collect()).await?;
        views.into_iter().next().ok_or(ApiError::NotFound)
    });
    let view = bounded(sending).await?;
    state.dispatchers.wake(ChannelKind::Webhook);
    Ok((StatusCode::ACCEPTED, Json(view)))
}

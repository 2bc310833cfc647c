//! The routes of notifications.

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;

use super::state::NotificationsState;
use super::{subscriptions, webhooks};
use crate::http::identity::Authenticator;

/// The routes of webhooks and push subscriptions.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    NotificationsState: FromRef<S>,
    Authenticator: FromRef<S>,
{
    webhooks::routes::routes().merge(webhooks::log::routes()).merge(subscriptions::routes())
}

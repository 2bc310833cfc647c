//! Browsers and phones that want to be told, over HTTP.

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use toneup_notify::subscriptions::{Registered, register};
use toneup_notify::targets::{NewTarget, Target, delete_owned, find_owned, list_owned};
use toneup_notify::{ChannelKind, TargetId};
use toneup_platform::database::{bounded, retry_deadlock};
use toneup_platform::identity::UserId;
use url::Url;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::fcm::Device;
use super::problems::{push_unavailable, too_many_push_subscriptions};
use super::settings::NotificationsSettings;
use super::state::NotificationsState;
use super::subscription_keys::{BadKey, SubscriptionKeys};
use crate::http::extract::{ApiJson, IdPath};
use crate::http::identity::{Authenticator, CurrentUser};
use crate::http::language::Language;
use crate::http::problem::{ApiError, Problem};

/// Longest endpoint or token, in characters.
const ADDRESS_LIMIT: usize = 2048;

pub(super) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    NotificationsState: FromRef<S>,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(create_push_subscription, list_push_subscriptions))
        .routes(routes!(delete_push_subscription))
        .routes(routes!(get_vapid_key))
}

/// How a browser or a phone is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum SubscriptionKind {
    /// A browser's push service.
    Web,
    /// Firebase Cloud Messaging.
    Fcm,
}

impl SubscriptionKind {
    const ALL: [Self; 2] = [Self::Web, Self::Fcm];

    fn channel(self) -> ChannelKind {
        match self {
            Self::Web => ChannelKind::WebPush,
            Self::Fcm => ChannelKind::Fcm,
        }
    }
}

/// A browser (`endpoint` and `keys`) or a phone (`token`).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CreatePushSubscription {
    kind: SubscriptionKind,
    /// Of a browser: `PushSubscription.endpoint`, an https URL of a public host.
    #[schema(max_length = 2048)]
    endpoint: Option<String>,
    /// Of a browser: `PushSubscription.toJSON().keys`.
    keys: Option<SubscriptionKeys>,
    /// Of a browser: `PushSubscription.toJSON().expirationTime`, taken as it comes. A push service says by itself when
    /// a subscription has ended.
    #[expect(dead_code, reason = "part of what browsers serialise")]
    expiration_time: Option<f64>,
    /// Of a phone: its FCM registration token.
    #[schema(max_length = 2048)]
    token: Option<String>,
    /// Of a phone: what its notifications are written in, `en` if not given. A browser's are in its own language.
    language: Option<Language>,
}

/// A browser or a phone that is told.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PushSubscriptionView {
    id: Uuid,
    kind: SubscriptionKind,
    /// The host of a browser's push service; null for a phone.
    service: Option<String>,
    /// What a phone's notifications are written in; null for a browser.
    language: Option<Language>,
    /// `false`: it could not be reached for days, and is not told any more. Registering it again changes that.
    active: bool,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

impl PushSubscriptionView {
    fn new(kind: SubscriptionKind, target: &Target) -> Self {
        let is_web = kind == SubscriptionKind::Web;
        let endpoint = is_web.then(|| target.address.parse::<Url>().ok()).flatten();
        let device = target.secrets.as_deref().filter(|_| !is_web);
        let device = device.and_then(|json| serde_json::from_str::<Device>(json).ok());
        Self {
            id: target.id.0,
            kind,
            service: endpoint.and_then(|url| url.host_str().map(str::to_owned)),
            language: device.map(|device| device.language),
            active: target.disabled_at.is_none(),
            created_at: target.created_at,
        }
    }
}

/// The caller's browsers and phones.
#[derive(Debug, Serialize, ToSchema)]
struct PushSubscriptionList {
    items: Vec<PushSubscriptionView>,
}

/// What a browser subscribes with.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct VapidKeyView {
    /// `applicationServerKey`, base64url; null where browsers are not pushed to.
    public_key: Option<String>,
}

/// Registers a browser or a phone. The same one again is the same registration; one that was another user's is the
/// caller's from now on.
#[utoipa::path(
    post,
    path = "/v1/push-subscriptions",
    tag = "push subscriptions",
    security(("bearer" = [])),
    responses(
        (status = CREATED, body = PushSubscriptionView),
        (status = OK, body = PushSubscriptionView, description = "It was registered before."),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json",
         description = "`too_many_push_subscriptions`."),
        (status = NOT_IMPLEMENTED, body = Problem, content_type = "application/problem+json",
         description = "`push_unavailable`: this kind is not pushed to here."),
        Problem,
    )
)]
async fn create_push_subscription(
    State(state): State<NotificationsState>,
    CurrentUser(user): CurrentUser,
    ApiJson(wanted): ApiJson<CreatePushSubscription>,
) -> Result<(StatusCode, Json<PushSubscriptionView>), ApiError> {
    let new = check(&state, user, &wanted)?;
    let limit = state.settings.subscription_limit;
    let registering = retry_deadlock(|| {
        state.pool.in_transaction(async |conn| {
            let registered = register(conn, &new, limit).await?;
            let id = if let Registered::Known(id) = registered { id } else { new.id };
            Ok((registered, find_owned(conn, user, new.channel, id).await?))
        })
    });
    let (registered, target) = bounded(registering).await?;
    let status = match registered {
        Registered::Full => return Err(too_many_push_subscriptions(limit)),
        Registered::New => StatusCode::CREATED,
        Registered::Known(_) => {
            // What it was not told while it could not be reached is due.
            state.dispatchers.wake(new.channel);
            StatusCode::OK
        }
    };
    let target = target.ok_or_else(|| anyhow::anyhow!("no row of what was registered"))?;
    Ok((status, Json(PushSubscriptionView::new(wanted.kind, &target))))
}

/// The caller's browsers and phones.
#[utoipa::path(
    get,
    path = "/v1/push-subscriptions",
    tag = "push subscriptions",
    security(("bearer" = [])),
    responses(
        (status = OK, body = PushSubscriptionList),
        Problem,
    )
)]
async fn list_push_subscriptions(
    State(state): State<NotificationsState>,
    CurrentUser(user): CurrentUser,
) -> Result<Json<PushSubscriptionList>, ApiError> {
    let items = bounded(async {
        let mut connection = state.pool.acquire().await?;
        let mut items = Vec::new();
        for kind in SubscriptionKind::ALL {
            let targets = list_owned(&mut connection, user, kind.channel()).await?;
            items.extend(targets.iter().map(|target| PushSubscriptionView::new(kind, target)));
        }
        Ok::<_, ApiError>(items)
    });
    Ok(Json(PushSubscriptionList { items: items.await? }))
}

/// Forgets a browser or a phone; what was not sent never is.
#[utoipa::path(
    delete,
    path = "/v1/push-subscriptions/{id}",
    tag = "push subscriptions",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses(
        (status = NO_CONTENT),
        Problem,
    )
)]
async fn delete_push_subscription(
    State(state): State<NotificationsState>,
    CurrentUser(user): CurrentUser,
    IdPath(id): IdPath<TargetId>,
) -> Result<StatusCode, ApiError> {
    // It may be settled at this moment.
    let deleted = bounded(retry_deadlock(|| async {
        let mut connection = state.pool.acquire().await?;
        for kind in SubscriptionKind::ALL {
            if delete_owned(&mut connection, user, kind.channel(), id).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }));
    if deleted.await? { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::NotFound) }
}

/// The public key that browsers subscribe with (RFC 8292 §4). Open.
#[utoipa::path(
    get,
    path = "/v1/push-subscriptions/vapid-key",
    tag = "push subscriptions",
    responses((status = OK, body = VapidKeyView))
)]
async fn get_vapid_key(State(state): State<NotificationsState>) -> Json<VapidKeyView> {
    let vapid = state.settings.vapid.as_ref();
    Json(VapidKeyView { public_key: vapid.map(|vapid| vapid.public_key().to_owned()) })
}

impl NotificationsState {
    /// Registers a phone by its FCM token, and takes it from whoever had it; returns the target's id. `None` where phones are
    /// not pushed to, or the user has as many as anybody may have.
    pub(crate) async fn register_phone(
        &self,
        user: UserId,
        token: &str,
    ) -> Result<Option<Uuid>, ApiError> {
        if self.settings.fcm.is_none() {
            return Ok(None);
        }
        let wanted = CreatePushSubscription {
            kind: SubscriptionKind::Fcm,
            endpoint: None,
            keys: None,
            expiration_time: None,
            token: Some(token.to_owned()),
            language: None,
        };
        let new = check(self, user, &wanted)?;
        let limit = self.settings.subscription_limit;
        let registering = retry_deadlock(|| {
            self.pool.in_transaction(async |conn| register(conn, &new, limit).await)
        });
        Ok(match bounded(registering).await? {
            Registered::New => Some(new.id.0),
            Registered::Known(id) => {
                self.dispatchers.wake(new.channel);
                Some(id.0)
            }
            Registered::Full => None,
        })
    }
}

fn check(
    state: &NotificationsState,
    user: UserId,
    wanted: &CreatePushSubscription,
) -> Result<NewTarget, ApiError> {
    let (address, secrets) = match wanted.kind {
        SubscriptionKind::Web => check_browser(&state.settings, wanted)?,
        SubscriptionKind::Fcm => check_phone(&state.settings, wanted)?,
    };
    let channel = wanted.kind.channel();
    let id = TargetId(Uuid::now_v7());
    let (secrets, description, events) = (Some(secrets), None, None);
    Ok(NewTarget { id, user, channel, address, secrets, description, events })
}

fn check_browser(
    settings: &NotificationsSettings,
    wanted: &CreatePushSubscription,
) -> Result<(String, String), ApiError> {
    if settings.vapid.is_none() {
        return Err(push_unavailable("browsers"));
    }
    let refused = |detail: String| ApiError::invalid("endpoint", detail);
    let text = wanted.endpoint.as_deref().ok_or_else(|| refused("expected a URL".to_owned()))?;
    let url: Url = text.parse().map_err(|error| refused(format!("expected a URL: {error}")))?;
    settings.webhook_allowed.check(&url).map_err(|refusal| refused(refusal.to_string()))?;
    let address = check_length("endpoint", url.into())?;
    let keys = wanted.keys.as_ref();
    let keys = keys.ok_or_else(|| ApiError::invalid("keys", "expected p256dh and auth"))?;
    keys.parse().map_err(|BadKey(field, expected)| ApiError::invalid(field, expected))?;
    absent("token", wanted.token.is_none())?;
    absent("language", wanted.language.is_none())?;
    Ok((address, keys.to_json().map_err(anyhow::Error::from)?))
}

fn check_phone(
    settings: &NotificationsSettings,
    wanted: &CreatePushSubscription,
) -> Result<(String, String), ApiError> {
    if settings.fcm.is_none() {
        return Err(push_unavailable("phones"));
    }
    let is_token =
        |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    let token = wanted.token.as_deref().filter(is_token);
    let token = token.ok_or_else(|| ApiError::invalid("token", "expected printable ASCII"))?;
    let address = check_length("token", token.to_owned())?;
    absent("endpoint", wanted.endpoint.is_none())?;
    absent("keys", wanted.keys.is_none())?;
    let device = Device { language: wanted.language.unwrap_or_default() };
    Ok((address, serde_json::to_string(&device).map_err(anyhow::Error::from)?))
}

fn check_length(field: &str, address: String) -> Result<String, ApiError> {
    if address.len() > ADDRESS_LIMIT {
        let detail = format!("expected at most {ADDRESS_LIMIT} characters");
        return Err(ApiError::invalid(field, detail));
    }
    Ok(address)
}

fn absent(field: &str, is_absent: bool) -> Result<(), ApiError> {
    if is_absent { Ok(()) } else { Err(ApiError::invalid(field, "not expected with this kind")) }
}

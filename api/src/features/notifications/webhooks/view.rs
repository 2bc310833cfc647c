//! Webhooks and their deliveries as their owners see them.

use serde::Serialize;
use time::OffsetDateTime;
use toneup_notify::delivery_log::{Logged, LoggedAttempt};
use toneup_notify::targets::Target;
use utoipa::ToSchema;
use uuid::Uuid;

/// A server that is told when analyses end.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WebhookView {
    id: Uuid,
    url: String,
    description: Option<String>,
    /// What it is told of; null: all events.
    events: Option<Vec<String>>,
    /// Whether anything is sent to it.
    enabled: bool,
    /// Since when every attempt has failed; null while it works.
    #[serde(with = "time::serde::rfc3339::option")]
    failing_since: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    disabled_at: Option<OffsetDateTime>,
    /// `gone` (it answered 410), `failing` (for too long) or `owner`.
    disabled_reason: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

impl From<Target> for WebhookView {
    fn from(target: Target) -> Self {
        Self {
            id: target.id.0,
            url: target.address,
            description: target.description,
            events: target.events.map(|list| list.split(',').map(str::to_owned).collect()),
            enabled: target.disabled_at.is_none(),
            failing_since: target.failing_since,
            disabled_at: target.disabled_at,
            disabled_reason: target.disabled_reason,
            created_at: target.created_at,
        }
    }
}

/// A webhook with its secret, which is shown when it is made and never again.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WebhookWithSecret {
    #[serde(flatten)]
    pub(super) webhook: WebhookView,
    /// `whsec_…`: what signatures are checked with.
    pub(super) secret: String,
}

/// What requests to the webhooks of single submits are signed with.
#[derive(Serialize, ToSchema)]
pub(super) struct CallbackSecret {
    /// `whsec_…`: what signatures are checked with.
    pub(super) secret: String,
}

/// All webhooks of the caller.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WebhookList {
    /// Oldest first.
    pub(super) items: Vec<WebhookView>,
}

/// Something that was told, or is to be told.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeliveryView {
    /// The request's `webhook-id`, the same at every attempt.
    id: Uuid,
    /// `analysis.succeeded`, `.failed`, `.cancelled`, `.expired`, `webhook.ping` or `webhook.disabled`.
    event: String,
    analysis_id: Option<Uuid>,
    /// `pending`, `delivered` or `failed`.
    status: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// While pending: when it is sent next, at the earliest.
    #[serde(with = "time::serde::rfc3339::option")]
    next_attempt_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    ended_at: Option<OffsetDateTime>,
    /// First to last.
    attempts: Vec<AttemptView>,
}

/// One request.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AttemptView {
    number: u16,
    /// When it was over.
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// The answer's HTTP status; null if there was no answer.
    status: Option<u16>,
    /// What went wrong; null if it was delivered.
    error: Option<String>,
    duration_ms: u32,
}

impl DeliveryView {
    pub(super) fn new(delivery: Logged, attempts: Vec<LoggedAttempt>) -> Self {
        let is_analysis = delivery.event.starts_with("analysis.");
        let view = |attempt: LoggedAttempt| AttemptView {
            number: attempt.number,
            at: attempt.created_at,
            status: attempt.status,
            error: attempt.error,
            duration_ms: attempt.duration_ms,
        };
        Self {
            id: delivery.id.0,
            event: delivery.event,
            analysis_id: delivery.subject.filter(|_| is_analysis),
            status: delivery.state,
            created_at: delivery.created_at,
            next_attempt_at: delivery.due_at,
            ended_at: delivery.ended_at,
            attempts: attempts.into_iter().map(view).collect(),
        }
    }
}

/// One page of a webhook's deliveries.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeliveryPage {
    /// Newest first.
    pub(super) items: Vec<DeliveryView>,
    /// Pass as `cursor` for the next page; null on the last.
    pub(super) next_cursor: Option<String>,
}

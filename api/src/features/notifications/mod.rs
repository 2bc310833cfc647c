//! Telling users where they are not looking. Each way of telling is a `Channel`; what is due, when it is tried again and
//! what becomes of targets that cannot be reached is the same for all of them (`dispatch`).

mod dispatch;
pub mod fcm;
mod google;
mod notice;
mod subscription_keys;
mod subscriptions;
mod turn;
pub mod vapid;
mod web_push;
pub mod webhooks;

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use toneup_shared::database::Database;
use toneup_shared::pushes::ChannelKind;
use toneup_shared::pushes::claim::Delivery;
use toneup_shared::pushes::settle::Health;
use toneup_shared::pushes::targets::Target;
use toneup_shared::shutdown::Shutdown;
use utoipa_axum::router::OpenApiRouter;

use self::dispatch::Dispatcher;
use self::fcm::Fcm;
use self::web_push::WebPush;
use self::webhooks::guard::system_lookup;
use self::webhooks::send::Webhooks;
use crate::app::AppState;
use crate::app::config::PushConfig;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    webhooks::routes::routes().merge(subscriptions::routes())
}

/// Pauses after each failed attempt: ten attempts in a little over three days.
const FOR_DAYS: &[Duration] = &[
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];

/// A way of telling.
pub(crate) trait Channel: Send + Sync + 'static {
    /// Whose targets it sends to.
    const KIND: ChannelKind;
    /// Pauses after each failed attempt, before jitter; when there are no more, the delivery has failed.
    const PAUSES: &'static [Duration] = FOR_DAYS;
    /// What becomes of a target that answers [`Verdict::TargetGone`].
    const GONE: Health;

    /// The host a target lies on, where hosts should not take each other's turns.
    fn host(&self, _target: &Target) -> Option<String> {
        None
    }

    /// Sends one delivery. The dispatcher ends it after `PUSH_TIMEOUT`, which counts as [`Verdict::Retry`].
    fn send(&self, target: &Target, delivery: &Delivery) -> impl Future<Output = Verdict> + Send;
}

/// What came of one attempt. Errors are shown to the target's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It arrived.
    Delivered {
        /// The answer's HTTP status.
        status: u16,
    },
    /// It may arrive another time.
    Retry {
        /// The answer's HTTP status, if there was an answer.
        status: Option<u16>,
        /// What went wrong.
        error: String,
        /// How long the receiver wants to be left alone, if it said so.
        after: Option<Duration>,
    },
    /// It will never arrive; the target is well.
    GiveUp {
        /// The answer's HTTP status, if there was an answer.
        status: Option<u16>,
        /// What went wrong.
        error: String,
    },
    /// The target wants no more, or exists no more; see [`Channel::GONE`].
    TargetGone {
        /// The answer's HTTP status, if there was an answer.
        status: Option<u16>,
        /// What it said.
        error: String,
    },
}

impl Verdict {
    /// A failure without an answer.
    pub(crate) fn unanswered(error: impl fmt::Display) -> Self {
        Self::Retry { status: None, error: error.to_string(), after: None }
    }
}

/// The channels that are on. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pushes {
    wakes: Arc<HashMap<ChannelKind, Arc<Notify>>>,
}

impl Pushes {
    /// Starts a dispatcher for each channel that is configured; they end when `shutdown` drains.
    pub fn start(config: &PushConfig, pool: Database, shutdown: &Shutdown) -> anyhow::Result<Self> {
        let webhooks = Arc::new(Webhooks::new(config)?);
        let mut wakes =
            HashMap::from([Dispatcher::start(webhooks, config, pool.clone(), shutdown)]);
        if let Some(vapid) = &config.vapid {
            let allowed = config.webhook_allowed.clone();
            let web_push = Arc::new(WebPush::new(vapid.clone(), allowed, system_lookup())?);
            wakes.extend([Dispatcher::start(web_push, config, pool.clone(), shutdown)]);
        }
        if let Some(fcm) = &config.fcm {
            let fcm = Arc::new(Fcm::new(fcm)?);
            wakes.extend([Dispatcher::start(fcm, config, pool, shutdown)]);
        }
        Ok(Self { wakes: Arc::new(wakes) })
    }

    /// Has a channel, if it is on, look at once whether something is due.
    pub fn wake(&self, channel: ChannelKind) {
        if let Some(wake) = self.wakes.get(&channel) {
            wake.notify_one();
        }
    }
}

//! Channels: the ways of sending notifications.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use toneup_notify::ChannelKind;
use toneup_notify::claim::Delivery;
use toneup_notify::settle::Health;
use toneup_notify::targets::Target;

use super::lanes::Place;

/// Pauses after each failed attempt: ten attempts in a little over three days.
pub(super) const FOR_DAYS: &[Duration] = &[
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

/// A way of sending notifications.
pub(super) trait Channel: Send + Sync + 'static {
    /// The kind of targets it sends to.
    const KIND: ChannelKind;
    /// Pauses after each failed attempt, before jitter; when there are no more, the delivery has failed.
    const PAUSES: &'static [Duration] = FOR_DAYS;
    /// The state of a target that answers [`SendOutcome::TargetGone`].
    const GONE: Health;

    /// Returns the network location of a target, on channels whose receivers share the lanes fairly.
    fn place(&self, _target: &Target) -> Place {
        Place::Common
    }

    /// Sends one delivery. The dispatcher ends it after `PUSH_TIMEOUT`, which counts as [`SendOutcome::Retry`].
    fn send(
        &self,
        target: &Target,
        delivery: &Delivery,
    ) -> impl Future<Output = SendOutcome> + Send;
}

/// The outcome of one attempt. Errors are shown to the target's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SendOutcome {
    /// The receiver accepted it.
    Delivered {
        /// The answer's HTTP status.
        status: u16,
    },
    /// It may arrive another time.
    Retry {
        /// The answer's HTTP status, if there was an answer.
        status: Option<u16>,
        /// Description of the failure.
        error: String,
        /// The pause that the receiver asks for, if any.
        after: Option<Duration>,
    },
    /// It will never arrive; the target is well.
    GiveUp {
        /// The answer's HTTP status, if there was an answer.
        status: Option<u16>,
        /// Description of the failure.
        error: String,
    },
    /// It will never arrive, and nothing will while the target refuses what we send. Forgotten after `PUSH_DISABLE_AFTER`.
    Refused {
        /// The answer's HTTP status.
        status: u16,
        /// Description of the refusal.
        error: String,
    },
    /// The target wants no more, or exists no more; see [`Channel::GONE`].
    TargetGone {
        /// The answer's HTTP status, if there was an answer.
        status: Option<u16>,
        /// Description of the failure.
        error: String,
    },
}

impl SendOutcome {
    /// A failure without an answer.
    pub(super) fn unanswered(error: impl fmt::Display) -> Self {
        Self::Retry { status: None, error: error.to_string(), after: None }
    }
}

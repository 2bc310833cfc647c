//! Jobs: identity, states and the transitions between them.
//!
//! ```text
//! queued ──claim──► running ──► succeeded | failed
//!   ▲                 │ failed attempt, or handed back
//!   └─────────────────┘
//! queued | running ──► cancelled | expired
//! failed ──► queued                            only when an operator replays it
//! ```
//!
//! Every arrow is a guarded change under the row's lock (see [`crate::store`]); a late or duplicate worker loses the
//! comparison and changes nothing.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sqlx::MySql;
use sqlx::error::BoxDynError;
use sqlx::mysql::{MySqlTypeInfo, MySqlValueRef};
use toneup_platform::identity::UserId;
use utoipa::ToSchema;
use uuid::Uuid;

/// Identifier of a job: a `UUIDv7`, so that ids sort by time of submission.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type,
)]
#[sqlx(transparent)]
#[serde(transparent)]
pub struct JobId(pub Uuid);

impl JobId {
    /// Generates an id that sorts after all ids generated before.
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }
}

/// State of a job.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Waiting for a worker.
    Queued,
    /// Being worked on by a worker that holds its lease.
    Running,
    /// Ended with a result; terminal.
    Succeeded,
    /// Ended with an error; terminal unless an operator replays it.
    Failed,
    /// Cancelled by its owner; terminal.
    Cancelled,
    /// Not ended before its deadline; terminal.
    Expired,
}

impl Status {
    /// All states, in order of the life cycle.
    pub const ALL: [Self; 6] = [
        Self::Queued,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
    ];

    /// True if no transition follows, except a replay by an operator.
    pub fn is_terminal(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// Name of the state in SQL, JSON and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

/// Error: the text names no status.
#[derive(Debug, thiserror::Error)]
#[error("unknown status {0:?}")]
pub struct ParseStatusError(String);

impl FromStr for Status {
    type Err = ParseStatusError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let status = Self::ALL.into_iter().find(|status| status.as_str() == text);
        status.ok_or_else(|| ParseStatusError(text.to_owned()))
    }
}

// Stored as text, not as ENUM: a new state needs no change of the table.
impl sqlx::Type<MySql> for Status {
    fn type_info() -> MySqlTypeInfo {
        <str as sqlx::Type<MySql>>::type_info()
    }

    fn compatible(ty: &MySqlTypeInfo) -> bool {
        <str as sqlx::Type<MySql>>::compatible(ty)
    }
}

impl<'r> sqlx::Decode<'r, MySql> for Status {
    fn decode(value: MySqlValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(<&str as sqlx::Decode<MySql>>::decode(value)?.parse()?)
    }
}

/// Lease of one attempt of a job. Every change that the worker makes is guarded by all three fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lease {
    /// Identifier of the job.
    pub job: JobId,
    /// Number of the attempt, from 1.
    pub attempt: u16,
    /// Fencing token: random, and new with every claim.
    pub token: Uuid,
}

/// Notification that a job, or whatever else its listeners know by such an id, has reached a new version, without its content.
/// Sent as a hint; the database is the truth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Owner of the job.
    pub user: UserId,
    /// Identifier of the job, or of another subject (a notice).
    pub job: JobId,
    /// Name of the job's kind, or of the subject's.
    pub kind: String,
    /// Version that the job has reached.
    pub version: u32,
    /// Further subjects that the transaction has made due, for other listeners. The engine passes them on as they are.
    #[serde(default)]
    pub topics: BTreeSet<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_survives_the_wire_and_a_later_version_may_say_more() {
        let topics = BTreeSet::from(["webhook".to_owned()]);
        let kind = "analysis".to_owned();
        let user = UserId(Uuid::now_v7());
        let sent = Changed { user, job: JobId::generate(), kind, version: 2, topics };
        let mut wire = serde_json::to_value(&sent).unwrap();
        wire["mood"] = "sunny".into();
        assert_eq!(serde_json::from_value::<Changed>(wire).unwrap(), sent);
    }
}

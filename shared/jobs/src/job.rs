//! The job: its identity, its states and the rules by which it moves between them.
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

/// A job's identity: `UUIDv7`, so that ids sort by the time of submission.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type,
)]
#[sqlx(transparent)]
#[serde(transparent)]
pub struct JobId(pub Uuid);

impl JobId {
    /// Generates an id that sorts after every id made before.
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }
}

/// The state of a job.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Waits for a worker.
    Queued,
    /// A worker holds its lease.
    Running,
    /// Has a result.
    Succeeded,
    /// Has an error.
    Failed,
    /// The caller withdrew it.
    Cancelled,
    /// Its deadline passed before it ended.
    Expired,
}

impl Status {
    /// Every state, in the order of a life.
    pub const ALL: [Self; 6] = [
        Self::Queued,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
    ];

    /// Whether nothing follows.
    pub fn is_terminal(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// The word used in SQL, JSON and logs.
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

/// The text is not a status.
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

// Stored as text, not as ENUM: adding a state needs no change of the table.
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

/// A worker's right to one attempt at one job. Every change it makes is guarded by all three parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The job.
    pub job: JobId,
    /// The attempt, from 1.
    pub attempt: u16,
    /// Random, and fresh with every claim.
    pub token: Uuid,
}

/// A job reached a new version: where to look, not what is there. Sent as a hint; the database is the truth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The owner of the job.
    pub user: UserId,
    /// The job.
    pub job: JobId,
    /// The name of its kind.
    pub kind: String,
    /// Its new version.
    pub version: u32,
    /// Words for further listeners: what else the transaction has made due. The engine passes them on unread.
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

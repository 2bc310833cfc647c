//! The analysis: its identity, its states and the rules by which it moves between them.
//!
//! ```text
//! queued ──claim──► running ──► succeeded | failed
//!   ▲                 │ failed attempt, or handed back
//!   └─────────────────┘
//! queued | running ──► cancelled | expired
//! failed ──► queued                            only when an operator replays it
//! ```
//!
//! Every arrow is a guarded change under the row's lock (`claim`, `lease`, `finish`); a late or duplicate worker loses
//! the comparison and changes nothing.

pub mod audit;
pub mod claim;
pub mod dead;
pub mod due;
pub mod finish;
pub mod held;
pub mod history;
pub mod idempotency;
pub mod lease;
pub mod outcome;
pub mod photos;
pub mod purge;
pub mod read;
pub mod search;
pub mod submit;

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sqlx::MySql;
use sqlx::error::BoxDynError;
use sqlx::mysql::{MySqlTypeInfo, MySqlValueRef};
use utoipa::ToSchema;
use uuid::Uuid;

/// A user's identity.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type,
)]
#[sqlx(transparent)]
#[serde(transparent)]
pub struct UserId(pub Uuid);

impl UserId {
    /// For whom load tests submit; nobody has a token of this user.
    pub const LOAD_TESTER: Self = Self(Uuid::from_u128(1));
}

/// An analysis's identity: `UUIDv7`, so that ids sort by the time of submission.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type,
)]
#[sqlx(transparent)]
#[serde(transparent)]
pub struct AnalysisId(pub Uuid);

impl AnalysisId {
    /// An id that sorts after every id made before.
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }
}

/// Where an analysis is in its life.
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

/// A worker's right to one attempt at one analysis. Every change it makes is guarded by all three parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The analysis.
    pub analysis: AnalysisId,
    /// The attempt, from 1.
    pub attempt: u16,
    /// Random, and fresh with every claim.
    pub token: Uuid,
}

/// An analysis reached a new version: where to look, not what is there. Sent as a hint; the database is the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Whose analysis.
    pub user: UserId,
    /// Which one.
    pub analysis: AnalysisId,
    /// Its new version.
    pub version: u32,
}

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

use std::collections::BTreeSet;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use sqlx::MySql;
use sqlx::error::BoxDynError;
use sqlx::mysql::{MySqlTypeInfo, MySqlValueRef};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::pushes::ChannelKind;

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Whose analysis.
    pub user: UserId,
    /// Which one.
    pub analysis: AnalysisId,
    /// Its new version.
    pub version: u32,
    /// On which channels something is due because of it. Senders of earlier versions do not say: on any, perhaps.
    #[serde(default = "every_channel", deserialize_with = "known_channels")]
    pub channels: BTreeSet<ChannelKind>,
}

fn every_channel() -> BTreeSet<ChannelKind> {
    ChannelKind::ALL.into()
}

/// Passes over the channels of a later version: it must not cost the rest of the hint.
fn known_channels<'de, D: Deserializer<'de>>(words: D) -> Result<BTreeSet<ChannelKind>, D::Error> {
    let words = Vec::<String>::deserialize(words)?;
    Ok(words.iter().filter_map(|word| ChannelKind::named(word)).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What is heard when this is sent, besides what every version sends.
    fn heard(more: Value) -> BTreeSet<ChannelKind> {
        let mut hint = json!({ "user": Uuid::nil(), "analysis": Uuid::nil(), "version": 3 });
        let Value::Object(more) = more else { panic!("not an object: {more}") };
        hint.as_object_mut().unwrap().extend(more);
        serde_json::from_value::<Changed>(hint).unwrap().channels
    }

    #[test]
    fn a_hint_survives_the_wire() {
        for channels in [every_channel(), BTreeSet::from([ChannelKind::Fcm]), BTreeSet::new()] {
            let (user, analysis) = (UserId(Uuid::now_v7()), AnalysisId::generate());
            let sent = Changed { user, analysis, version: 2, channels };
            let wire = serde_json::to_string(&sent).unwrap();
            assert_eq!(serde_json::from_str::<Changed>(&wire).unwrap(), sent);
        }
    }

    #[test]
    fn a_hint_of_an_earlier_version_may_mean_any_channel() {
        assert_eq!(heard(json!({})), every_channel());
    }

    #[test]
    fn a_hint_of_a_later_version_may_say_more() {
        let later = json!({ "channels": ["pigeon", "webhook"], "mood": "sunny" });
        assert_eq!(heard(later), BTreeSet::from([ChannelKind::Webhook]));
    }
}

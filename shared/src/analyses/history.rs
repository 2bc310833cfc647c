//! What befell an analysis on its way. Written in the transaction that makes it true.

use sqlx::types::time::OffsetDateTime;
use sqlx::{FromRow, MySqlConnection, QueryBuilder};

use super::AnalysisId;
use super::outcome::AnalysisError;

/// What can befall an analysis besides beginning and ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An attempt failed; another will follow.
    AttemptFailed,
    /// A worker that was ending gave it back.
    HandedBack,
    /// Its worker vanished, and its lease ran out.
    LeaseExpired,
    /// Its worker vanished, and the broker gave it to another.
    TakenOver,
    /// Its message was lost, and is published again.
    MessageLost,
    /// An operator had it tried again.
    Replayed,
}

impl Kind {
    /// The word used in SQL and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AttemptFailed => "attempt_failed",
            Self::HandedBack => "handed_back",
            Self::LeaseExpired => "lease_expired",
            Self::TakenOver => "taken_over",
            Self::MessageLost => "message_lost",
            Self::Replayed => "replayed",
        }
    }
}

/// Something that befell an analysis.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Which analysis.
    pub analysis: AnalysisId,
    /// Attempts begun by then.
    pub attempt: u16,
    /// What.
    pub kind: Kind,
    /// Why, where there is more to say.
    pub error: Option<AnalysisError>,
}

impl Entry {
    /// An entry that says no more than its kind.
    pub fn new(analysis: AnalysisId, attempt: u16, kind: Kind) -> Self {
        Self { analysis, attempt, kind, error: None }
    }
}

/// Writes entries in the caller's transaction; nothing where there are none.
pub async fn write(conn: &mut MySqlConnection, entries: &[Entry]) -> Result<(), sqlx::Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new(
        "INSERT INTO analysis_history (analysis_id, attempt, kind, code, message, created_at) ",
    );
    query.push_values(entries, |mut row, entry| {
        row.push_bind(entry.analysis)
            .push_bind(entry.attempt)
            .push_bind(entry.kind.as_str())
            .push_bind(entry.error.as_ref().map(|error| error.code.clone()))
            .push_bind(entry.error.as_ref().map(|error| error.message.clone()))
            .push("NOW(3)");
    });
    query.build().execute(conn).await.map(drop)
}

/// An entry as it is read.
#[derive(Debug, Clone, FromRow)]
pub struct Written {
    /// When.
    pub created_at: OffsetDateTime,
    /// Attempts begun by then.
    pub attempt: u16,
    /// What; see [`Kind`].
    pub kind: String,
    /// The error's code.
    pub code: Option<String>,
    /// The error in words.
    pub message: Option<String>,
}

/// Most entries that are read.
const MOST: u32 = 200;

/// Reads an analysis's history, oldest first.
pub async fn read(
    conn: &mut MySqlConnection,
    analysis: AnalysisId,
) -> Result<Vec<Written>, sqlx::Error> {
    sqlx::query_as!(
        Written,
        r#"SELECT created_at AS "created_at: OffsetDateTime", attempt, kind, code, message
           FROM analysis_history WHERE analysis_id = ? ORDER BY id LIMIT ?"#,
        analysis,
        MOST
    )
    .fetch_all(conn)
    .await
}

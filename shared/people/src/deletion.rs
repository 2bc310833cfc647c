//! Deleting a person: a kind of job that erases all that is kept of them, in slices.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::MySqlConnection;
use toneup_jobs::document::Document;
use toneup_jobs::kind::Kind;
use toneup_jobs::store::submit::schedule;
use toneup_platform::identity::UserId;

/// The name of the kind.
pub const PERSON_DELETION: &str = "person_deletion";

/// Time after which a second pass looks for what requests that were still open have left: longer than an access token and
/// a presigned upload are valid.
pub const SECOND_PASS: Duration = Duration::from_hours(1);

/// The pass over a person's belongings; the person is the job's owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PersonDeletion {
    /// Number of the pass: 1 or 2.
    pub pass: u8,
}

/// The kind: patient, since the object store may be away for long.
pub fn kind() -> Kind {
    Kind { noun: "deletion", max_attempts: 100, ..Kind::new(PERSON_DELETION) }
}

/// Schedules a pass, `delay` from now, in the caller's transaction.
pub async fn schedule_pass(
    conn: &mut MySqlConnection,
    user: UserId,
    pass: u8,
    delay: Duration,
) -> Result<(), sqlx::Error> {
    let payload = Document::of(&PersonDeletion { pass });
    let payload = payload.map_err(|error| sqlx::Error::Encode(error.into()))?;
    schedule(conn, PERSON_DELETION, &[(user, payload)], delay).await.map(drop)
}

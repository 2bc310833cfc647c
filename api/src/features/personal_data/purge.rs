//! Retention: deletions are forgotten once nobody asks about them.

use std::time::Duration;

use toneup_jobs::store::purge::purge_succeeded;
use toneup_people::deletion::PERSON_DELETION;

use crate::http::purge::Purge;

/// Retention of a deletion that succeeded: long enough for operators to look it up.
const DELETIONS: Duration = Duration::from_hours(7 * 24);

/// The retention rules of personal data.
pub(crate) fn purges() -> Vec<Purge> {
    vec![Purge::new("jobs", |conn, most| {
        Box::pin(purge_succeeded(conn, PERSON_DELETION, DELETIONS, most))
    })]
}

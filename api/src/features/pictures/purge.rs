//! Retention: the jobs that made and deleted pictures are forgotten once nobody asks about them.

use std::time::Duration;

use toneup_jobs::store::purge::purge_succeeded;
use toneup_people::pictures::{PICTURE, PICTURE_DELETION};

use crate::http::purge::Purge;

/// Retention of a job that succeeded: long enough for operators to look it up.
const JOBS: Duration = Duration::from_hours(7 * 24);

/// The retention rules of pictures.
pub(crate) fn purges() -> Vec<Purge> {
    let of = |kind| {
        Purge::new("jobs", move |conn, most| Box::pin(purge_succeeded(conn, kind, JOBS, most)))
    };
    vec![of(PICTURE), of(PICTURE_DELETION)]
}

//! Kinds of jobs of this product, and the hooks into the transactions that end them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::MySqlConnection;
use toneup_jobs::job::{JobId, Status};
use toneup_jobs::kind::{EndedJob, Endings, Kind};
use toneup_jobs::outcome::Outcome;
use toneup_notify::ChannelKind;
use toneup_notify::callbacks::{Callback, call_back};
use toneup_notify::deliveries::{Announcement, Audience, announce};
use toneup_notify::events::{self, NewEvent};
use toneup_platform::identity::UserId;

use crate::analysis::{ANALYSIS, AnalysisPayload};
use crate::config::ColourConfig;
use crate::photo_answers::{self, PhotoKey};
use crate::result::{AnalysisResult, PersonalColor};
use crate::{personal_colours, photo_deletion};

/// Prefix of the names of exchange and queues.
pub const NAMESPACE: &str = "toneup";

/// Creates the kinds of jobs of this crate: the analysis, and the deletion of its photo.
pub fn colour_kinds(config: &ColourConfig) -> [Kind; 2] {
    [analysis(config), photo_deletion::kind()]
}

fn analysis(config: &ColourConfig) -> Kind {
    Kind {
        noun: "analysis",
        max_attempts: config.job_max_attempts,
        user_ceiling: config.job_user_ceiling,
        codes: &CODES,
        endings: Arc::new(AnalysisEndings { photo_retention: config.photo_retention }),
        ..Kind::new(ANALYSIS)
    }
}

/// Error codes of failed analyses, the label values of metrics.
const CODES: [&str; 17] = [
    "IMAGE_MISSING",
    "IMAGE_TOO_LARGE",
    "NOT_AN_IMAGE",
    "UNSUPPORTED_FORMAT",
    "DAMAGED",
    "IMAGE_TOO_SMALL",
    "NO_FACE",
    "MULTIPLE_FACES",
    "FACE_TOO_SMALL",
    "TOO_DARK",
    "TOO_BRIGHT",
    "GREYSCALE",
    "LIGHT_TOO_COLOURED",
    "BLURRED",
    "PHOTO_REFUSED",
    "ANALYZER_TIMEOUT",
    "ANALYZER_FAILED",
];

/// Name of the event that an analysis ended in a state.
pub fn event_name(status: Status) -> &'static str {
    match status {
        Status::Succeeded => "analysis.succeeded",
        Status::Failed => "analysis.failed",
        Status::Cancelled => "analysis.cancelled",
        Status::Expired => "analysis.expired",
        Status::Queued | Status::Running => "analysis.changed",
    }
}

/// Consequences of an analysis's end: an event of its owner's, deliveries to the owner's targets and to the URL that
/// came with it, the photo's reusable answer, the owner's personal colour, and the deletion of the photo.
#[derive(Debug)]
struct AnalysisEndings {
    photo_retention: Option<Duration>,
}

impl Endings for AnalysisEndings {
    fn lock<'a>(
        &'a self,
        conn: &'a mut MySqlConnection,
        users: &'a BTreeSet<UserId>,
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        async move { events::lock(conn, users).await.map(drop) }.boxed()
    }

    fn ended<'a>(
        &'a self,
        conn: &'a mut MySqlConnection,
        jobs: &'a [EndedJob<'a>],
    ) -> BoxFuture<'a, Result<Vec<BTreeSet<String>>, sqlx::Error>> {
        self.write(conn, jobs).boxed()
    }
}

impl AnalysisEndings {
    async fn write(
        &self,
        conn: &mut MySqlConnection,
        jobs: &[EndedJob<'_>],
    ) -> Result<Vec<BTreeSet<String>>, sqlx::Error> {
        let entries: Vec<NewEvent> = jobs.iter().map(event).collect();
        events::append(&mut *conn, &entries).await?;
        let announcements: Vec<Announcement> = jobs.iter().map(announcement).collect();
        let mut channels = announce(&mut *conn, &announcements).await?;
        let mut callbacks = Vec::new();
        for (job, channels) in jobs.iter().zip(&mut channels) {
            let Some(callback) = callback(job) else { continue };
            callbacks.push(callback);
            channels.insert(ChannelKind::Callback);
        }
        call_back(&mut *conn, &callbacks).await?;
        let answered = jobs.iter().filter_map(|job| {
            let photo: PhotoKey = job.note?.read().ok()?;
            Some((photo, job.job))
        });
        photo_answers::remember(&mut *conn, answered).await?;
        personal_colours::remember(&mut *conn, jobs.iter().filter_map(colour)).await?;
        if let Some(retention) = self.photo_retention {
            // A job that an operator may replay still needs its photo.
            let over = jobs.iter().filter(|job| !may_be_replayed(job.outcome)).map(|job| job.job);
            photo_deletion::schedule(conn, &over.collect(), retention).await?;
        }
        let words = |due: BTreeSet<ChannelKind>| {
            due.into_iter().map(|channel| channel.as_str().to_owned()).collect()
        };
        Ok(channels.into_iter().map(words).collect())
    }
}

fn event(job: &EndedJob<'_>) -> NewEvent {
    let name = event_name(job.outcome.status());
    NewEvent { user: job.user, name, subject: job.job.0 }
}

fn announcement(job: &EndedJob<'_>) -> Announcement {
    let status = job.outcome.status();
    // A user who cancelled an analysis needs no notification of it; a server does.
    let audience = if status == Status::Cancelled { Audience::Servers } else { Audience::Everyone };
    Announcement {
        user: job.user,
        event: event_name(status),
        subject: job.job.0,
        audience,
        quiet: Duration::ZERO,
        folds: false,
    }
}

/// The call to the URL that came with an analysis.
fn callback(job: &EndedJob<'_>) -> Option<Callback> {
    let AnalysisPayload { webhook: Some(address), .. } = job.payload.read().ok()? else {
        return None;
    };
    let event = event_name(job.outcome.status());
    Some(Callback { user: job.user, event, subject: job.job.0, address })
}

fn colour(job: &EndedJob<'_>) -> Option<(UserId, JobId, PersonalColor)> {
    let Outcome::Succeeded(result) = job.outcome else {
        return None;
    };
    let AnalysisResult { personal_color, .. } = result.read().ok()?;
    Some((job.user, job.job, personal_color))
}

fn may_be_replayed(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(error) if error.retryable)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_reason_of_the_analyzers_for_refusing_a_photo_is_known() {
        const OF_REQUESTS: [&str; 8] = [
            "INVALID_REQUEST",
            "FILE_REQUIRED",
            "READ_TIMEOUT",
            "OVERLOADED",
            "NOT_READY",
            "NOT_FOUND",
            "METHOD_NOT_ALLOWED",
            "INTERNAL",
        ];
        let words = include_str!("../../../analyzer/app/analyze/words.json");
        let words: Value = serde_json::from_str(words).unwrap();
        let problems = words["problems"].as_object().unwrap();
        assert!(OF_REQUESTS.iter().all(|code| problems.contains_key(*code)));
        let mut of_photos = problems.keys().filter(|code| !OF_REQUESTS.contains(&code.as_str()));
        assert!(of_photos.all(|code| CODES.contains(&code.as_str())), "{:?}", problems.keys());
    }
}

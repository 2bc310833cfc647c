//! The kinds of jobs of this product, and what belongs to the transaction that ends them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::MySqlConnection;
use toneup_jobs::job::Status;
use toneup_jobs::kind::{EndedJob, Endings, Kind, Kinds};
use toneup_jobs::outcome::Outcome;
use toneup_notify::deliveries::{Announcement, Audience, announce};
use toneup_notify::events::{self, NewEvent};
use toneup_platform::identity::UserId;

use crate::analysis::ANALYSIS;
use crate::config::ColourConfig;
use crate::photo_answers::{self, PhotoKey};
use crate::photo_deletion;

/// The beginning of the names of exchange and queues.
const NAMESPACE: &str = "toneup";

/// The kinds of jobs: the analysis, and the deletion of its photo.
pub fn kinds(config: &ColourConfig) -> Kinds {
    Kinds::new(NAMESPACE, [analysis(config), photo_deletion::kind()])
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

/// The codes with which analyses fail.
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

/// The name of the event that an analysis ended in a state.
pub fn event_name(status: Status) -> &'static str {
    match status {
        Status::Succeeded => "analysis.succeeded",
        Status::Failed => "analysis.failed",
        Status::Cancelled => "analysis.cancelled",
        Status::Expired => "analysis.expired",
        Status::Queued | Status::Running => "analysis.changed",
    }
}

/// An analysis that ends is an event of its owner's, is announced to the owner's targets, may answer the same photo again,
/// and no longer needs its photo.
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
        let channels = announce(&mut *conn, &announcements).await?;
        let answered = jobs.iter().filter_map(|job| {
            let photo: PhotoKey = job.note?.read().ok()?;
            Some((photo, job.job))
        });
        photo_answers::remember(&mut *conn, answered).await?;
        if let Some(retention) = self.photo_retention {
            // A job that an operator may replay needs its photo.
            let over = jobs.iter().filter(|job| !may_be_replayed(job.outcome)).map(|job| job.job);
            photo_deletion::schedule(conn, &over.collect(), retention).await?;
        }
        let words = |due: BTreeSet<toneup_notify::ChannelKind>| {
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
    // Who withdrew an analysis needs no notification of it; a server does.
    let audience = if status == Status::Cancelled { Audience::Servers } else { Audience::Everyone };
    Announcement { user: job.user, event: event_name(status), subject: job.job.0, audience }
}

fn may_be_replayed(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(error) if error.retryable)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::{Value, json};
    use toneup_jobs::broker::topology;
    use toneup_platform::config::Settings;

    use super::*;

    #[test]
    fn the_definitions_the_broker_loads_are_the_topology_the_services_declare() {
        let config: ColourConfig = Settings::from_vars(HashMap::new()).section().unwrap();
        let kinds = kinds(&config);
        let definitions = include_str!("../../../rabbitmq/definitions.json");
        let definitions: Value = serde_json::from_str(definitions).unwrap();
        let exchange = topology::exchange(&kinds);
        assert_eq!(definitions["exchanges"][0]["name"], exchange);
        let queues = topology::queues(&kinds);
        let (declared, bindings) = (&definitions["queues"], &definitions["bindings"]);
        assert_eq!(declared.as_array().map(Vec::len), Some(queues.len()));
        for (index, (queue, routing_key)) in queues.iter().enumerate() {
            assert_eq!(declared[index]["name"], *queue);
            assert_eq!(declared[index]["durable"], true);
            assert_eq!(declared[index]["arguments"], json!({ "x-queue-type": "quorum" }));
            assert_eq!(bindings[index]["source"], exchange);
            assert_eq!(bindings[index]["destination"], *queue);
            assert_eq!(bindings[index]["routing_key"], *routing_key);
        }
        let policy = &definitions["policies"][0];
        assert_eq!(policy["pattern"], r"^toneup\.[a-z_]+\.jobs$");
        let policy = &policy["definition"];
        assert_eq!(policy["dead-letter-exchange"], exchange);
        assert_eq!(policy["dead-letter-routing-key"], topology::DEAD_KEY);
        assert_eq!(policy["dead-letter-strategy"], "at-least-once");
        assert_eq!(policy["overflow"], "reject-publish");
    }

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

    #[test]
    fn names_of_kinds_fit_the_policy_of_their_queues() {
        let config: ColourConfig = Settings::from_vars(HashMap::new()).section().unwrap();
        for name in kinds(&config).names() {
            assert!(name.len() <= 30 && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
        }
    }
}

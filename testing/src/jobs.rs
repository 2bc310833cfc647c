//! Jobs that a test creates or ends by itself, without a worker.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::MySqlPool;
use toneup_colour::analysis::{ANALYSIS, AnalysisPayload};
use toneup_colour::config::ColourConfig;
use toneup_colour::result::{AnalysisResult, PersonalColor};
use toneup_jobs::document::Document;
use toneup_jobs::job::{Changed, JobId};
use toneup_jobs::kind::Kinds;
use toneup_jobs::outcome::Outcome;
use toneup_jobs::store::finish::{Finish, Guard, finish};
use toneup_jobs::store::submit::{Allowance, NewJob, insert};
use toneup_people::kinds::kinds;
use toneup_people::pictures::{MadePicture, PICTURE};
use toneup_platform::config::Settings;
use toneup_platform::database::{Database, retry_deadlock};
use toneup_platform::identity::UserId;
use toneup_platform::trace::TraceParent;

/// Queue of the analyses.
pub const JOBS_QUEUE: &str = "toneup.analysis.jobs";
/// Routing key of [`JOBS_QUEUE`].
pub const JOBS_KEY: &str = "analysis";
/// Queue of the dead letters.
pub const DEAD_QUEUE: &str = "toneup.dead";
/// Exchange that all jobs are published to.
pub const EXCHANGE: &str = "toneup";

const GRACE: Duration = Duration::from_secs(15);

fn all_kinds() -> Kinds {
    let config: ColourConfig =
        Settings::from_vars(HashMap::new()).section().expect("every setting has a default");
    kinds(&config)
}

/// Creates an analysis of a photo that was never uploaded.
pub fn new_analysis(user: UserId) -> NewJob {
    let payload = AnalysisPayload::of("u/x/photo.jpg");
    NewJob {
        id: JobId::generate(),
        user,
        payload: Document::of(&payload).expect("a document"),
        trace: TraceParent::new(),
        deadline: None,
        idempotency: None,
        result: None,
    }
}

/// Creates an outcome with a season and nothing else.
pub fn season(color: PersonalColor) -> Outcome {
    Outcome::Succeeded(Document::of(&AnalysisResult::bare(color)).expect("a document"))
}

/// Accepts analyses without publishing them.
pub async fn insert_analyses(db: &MySqlPool, items: &[NewJob]) {
    let allowance = Allowance { share: 100_000, ceiling: 100_000 };
    let (database, kinds) = (Database::from(db.clone()), all_kinds());
    let kind = kinds.get(ANALYSIS).expect("the analysis");
    let inserted = database
        .in_transaction(async |conn| insert(conn, &kinds, kind, items, allowance, GRACE).await);
    inserted.await.expect("accepted");
}

/// Ends analyses of one user, even while they are running; `None` for each that had already ended.
pub async fn end_analyses(
    db: &MySqlPool,
    user: UserId,
    ids: &[JobId],
    outcome: &Outcome,
) -> Vec<Option<Changed>> {
    let items: Vec<(UserId, JobId)> = ids.iter().map(|id| (user, *id)).collect();
    end_batch(db, &items, outcome).await
}

/// Ends analyses of several users in one transaction.
pub async fn end_batch(
    db: &MySqlPool,
    items: &[(UserId, JobId)],
    outcome: &Outcome,
) -> Vec<Option<Changed>> {
    end_jobs(db, ANALYSIS, items, outcome).await
}

/// Has all pictures made that are waiting for it, in the database alone: nothing is stored at their addresses.
pub async fn make_pictures(db: &MySqlPool) {
    let pending: Vec<(UserId, JobId)> =
        sqlx::query_as("SELECT user_id, id FROM pictures WHERE state = 'pending' ORDER BY id")
            .fetch_all(db)
            .await
            .unwrap();
    if pending.is_empty() {
        // Another writer of the same test has had them made.
        return;
    }
    let made = MadePicture { width: 640, height: 640, thumb_hash: "YWJjZGVmZ2g=".to_owned() };
    let outcome = Outcome::Succeeded(Document::of(&made).expect("a document"));
    end_jobs(db, PICTURE, &pending, &outcome).await;
}

async fn end_jobs(
    db: &MySqlPool,
    kind: &'static str,
    items: &[(UserId, JobId)],
    outcome: &Outcome,
) -> Vec<Option<Changed>> {
    let (database, kinds) = (Database::from(db.clone()), all_kinds());
    let end = |(user, job): &(UserId, JobId)| Finish {
        job: *job,
        kind,
        user: *user,
        guard: Guard::Active,
        outcome: outcome.clone(),
        note: None,
    };
    let items: Vec<Finish> = items.iter().map(end).collect();
    let ended = retry_deadlock(|| {
        database.in_transaction(async |conn| finish(conn, &kinds, &items, GRACE).await)
    });
    ended.await.expect("ended").changes
}

//! Users and jobs to test with.

use std::time::Duration;

use sqlx::{MySqlConnection, MySqlPool};
use toneup_colour::analysis::{ANALYSIS, AnalysisPayload};
use toneup_colour::config::ColourConfig;
use toneup_colour::kinds::{NAMESPACE, colour_kinds};
use toneup_colour::photo_answers::Reuse;
use toneup_colour::result::{AnalysisResult, PersonalColor};
use toneup_jobs::document::Document;
use toneup_jobs::job::{Changed, JobId};
use toneup_jobs::kind::{Kind, Kinds};
use toneup_jobs::outcome::Outcome;
use toneup_jobs::store::claim::{Claim, ClaimRequest, Claimed, commit_claim};
use toneup_jobs::store::due::{self, Due, Scope};
use toneup_jobs::store::finish::{self, Ended, Finish, Guard};
use toneup_jobs::store::submit::{self, Accepted, Allowance, NewJob};
use toneup_platform::database::{Database, retry_deadlock};
use toneup_platform::identity::UserId;
use toneup_platform::trace::TraceParent;
use uuid::Uuid;

pub(crate) const LEASE: Duration = Duration::from_mins(1);
pub(crate) const MAX_ATTEMPTS: u16 = 3;

pub(crate) const GRACE: Duration = Duration::from_secs(15);
/// Enough for every test that is not about it.
pub(crate) const ALLOWANCE: Allowance = Allowance { share: 100_000, ceiling: 100_000 };

pub(crate) fn config() -> ColourConfig {
    ColourConfig {
        job_max_attempts: MAX_ATTEMPTS,
        job_user_ceiling: 1000,
        job_ceiling: 1000,
        photo_reuse: Reuse::User,
        photo_retention: None,
    }
}

pub(crate) fn all_kinds() -> Kinds {
    Kinds::new(NAMESPACE, colour_kinds(&config()))
}

pub(crate) fn analysis() -> Kind {
    all_kinds().get(ANALYSIS).unwrap().clone()
}

pub(crate) async fn user(db: &MySqlPool) -> UserId {
    let user = UserId(Uuid::now_v7());
    sqlx::query("INSERT INTO users (id, kind, created_at) VALUES (?, 'guest', NOW(3))")
        .bind(user)
        .execute(db)
        .await
        .unwrap();
    user
}

/// An analysis to submit.
pub(crate) fn new(user: UserId) -> NewJob {
    let payload = AnalysisPayload::of("u/x/photo.jpg");
    NewJob {
        id: JobId::generate(),
        user,
        payload: Document::of(&payload).unwrap(),
        trace: TraceParent::new(),
        deadline: None,
        idempotency: None,
        result: None,
    }
}

/// A result that says no more than a season.
pub(crate) fn season(color: PersonalColor) -> Document {
    Document::of(&AnalysisResult::bare(color)).unwrap()
}

pub(crate) async fn insert(
    conn: &mut MySqlConnection,
    items: &[NewJob],
    allowance: Allowance,
) -> Accepted {
    submit::insert(conn, &all_kinds(), &analysis(), items, allowance, GRACE).await.unwrap()
}

/// Submits `count` analyses of a user.
pub(crate) async fn submit(db: &MySqlPool, user: UserId, count: usize) -> Vec<JobId> {
    let items: Vec<NewJob> = (0..count).map(|_| new(user)).collect();
    insert(&mut db.acquire().await.unwrap(), &items, ALLOWANCE).await;
    items.into_iter().map(|item| item.id).collect()
}

pub(crate) async fn claim(db: &MySqlPool, job: JobId, redelivered: bool) -> Claim {
    let request = ClaimRequest { job, redelivered };
    let claims =
        commit_claim(&db.clone().into(), &analysis(), &[request], Uuid::new_v4(), LEASE).await;
    claims.unwrap().remove(0)
}

pub(crate) async fn claimed(db: &MySqlPool, id: JobId) -> Claimed {
    match claim(db, id, false).await {
        Claim::Granted(claimed) => *claimed,
        other => panic!("not granted: {other:?}"),
    }
}

pub(crate) async fn take_due(conn: &mut MySqlConnection, scope: Scope) -> Due {
    due::take_due(conn, &all_kinds(), scope, GRACE).await.unwrap()
}

/// The end of an analysis.
pub(crate) fn end(user: UserId, job: JobId, guard: Guard, outcome: Outcome) -> Finish {
    Finish { job, kind: ANALYSIS, user, guard, outcome, note: None }
}

/// Ends jobs with one commit, as the engine does.
pub(crate) async fn commit_finish(db: &MySqlPool, items: &[Finish]) -> Ended {
    commit_finish_of(&all_kinds(), db, items).await
}

/// Ends jobs of `kinds` with one commit.
pub(crate) async fn commit_finish_of(kinds: &Kinds, db: &MySqlPool, items: &[Finish]) -> Ended {
    let database = Database::from(db.clone());
    let finishing = retry_deadlock(|| {
        database.in_transaction(async |conn| finish::finish(conn, kinds, items, GRACE).await)
    });
    finishing.await.unwrap()
}

/// Ends jobs; the changes in the order of `items`.
pub(crate) async fn finish(db: &MySqlPool, items: &[Finish]) -> Vec<Option<Changed>> {
    commit_finish(db, items).await.changes
}

/// Makes it as late as it would be after all waits.
pub(crate) async fn time_passes(db: &MySqlPool) {
    sqlx::query(
        "UPDATE jobs SET publish_due = publish_due - INTERVAL 1 DAY,
                lease_expires_at = lease_expires_at - INTERVAL 1 DAY",
    )
    .execute(db)
    .await
    .unwrap();
}

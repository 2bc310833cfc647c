//! The second kind of job: it passes through the same states by the same statements, and nothing asks for its name.

use std::time::Duration;

use sqlx::MySqlPool;
use toneup_colour::config::ColourConfig;
use toneup_colour::kinds::{NAMESPACE, colour_kinds};
use toneup_colour::photo_deletion::{PHOTO_DELETION, PhotoDeletion, is_needed};
use toneup_colour::result::PersonalColor;
use toneup_jobs::document::Document;
use toneup_jobs::job::{JobId, Status};
use toneup_jobs::kind::Kinds;
use toneup_jobs::outcome::{JobError, Outcome};
use toneup_jobs::store::claim::{Claim, ClaimRequest, commit_claim};
use toneup_jobs::store::due::{Scope, take_due};
use toneup_jobs::store::finish::{Finish, Guard};
use toneup_jobs::store::purge::purge_succeeded;
use toneup_jobs::store::read::{Filter, Job, find, list_owned};
use toneup_notify::events::last_event;
use toneup_platform::identity::UserId;

use crate::support::{
    GRACE, LEASE, commit_finish_of, config, end, season, submit, time_passes, user,
};

/// The kinds of an installation that deletes photos some time after the end.
fn deleting() -> Kinds {
    let config = ColourConfig { photo_retention: Some(Duration::from_hours(1)), ..config() };
    Kinds::new(NAMESPACE, colour_kinds(&config))
}

async fn deletions(db: &MySqlPool, user: UserId) -> Vec<Job> {
    let mut connection = db.acquire().await.unwrap();
    list_owned(&mut connection, PHOTO_DELETION, user, Filter::default(), None, 10).await.unwrap()
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_ended_analysis_schedules_the_deletion_of_its_photo_in_the_same_commit(db: MySqlPool) {
    let alice = user(&db).await;
    let id = submit(&db, alice, 1).await[0];
    let result = Outcome::Succeeded(season(PersonalColor::Spring));
    let finish = end(alice, id, Guard::Active, result);
    commit_finish_of(&deleting(), &db, &[finish]).await;

    let scheduled = deletions(&db, alice).await;
    assert_eq!(scheduled.len(), 1);
    let payload: PhotoDeletion = scheduled[0].payload.read().unwrap();
    assert_eq!(payload.object_key, "u/x/photo.jpg");
    let mut connection = db.acquire().await.unwrap();
    let due = take_due(&mut connection, &deleting(), Scope::All, GRACE).await.unwrap();
    assert!(due.is_empty(), "not before the retention is over");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_photo_that_a_replay_would_need_stays(db: MySqlPool) {
    let alice = user(&db).await;
    let id = submit(&db, alice, 1).await[0];
    let failed = Outcome::Failed(JobError::retryable("ANALYZER_FAILED", "it failed"));
    commit_finish_of(&deleting(), &db, &[end(alice, id, Guard::Active, failed)]).await;
    assert!(deletions(&db, alice).await.is_empty());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_deletion_lives_by_the_rules_of_every_job_and_is_no_event(db: MySqlPool) {
    let (alice, all) = (user(&db).await, deleting());
    let id = submit(&db, alice, 1).await[0];
    let ended = Outcome::Succeeded(season(PersonalColor::Spring));
    commit_finish_of(&all, &db, &[end(alice, id, Guard::Active, ended)]).await;
    time_passes(&db).await;
    let mut connection = db.acquire().await.unwrap();
    let due = take_due(&mut connection, &all, Scope::All, GRACE).await.unwrap();
    let [publication] = due.publications[..] else { panic!("{due:?}") };
    assert_eq!(publication.kind, PHOTO_DELETION);

    let kind = all.get(PHOTO_DELETION).unwrap();
    let request = ClaimRequest { job: publication.job, redelivered: false };
    let claim = commit_claim(&db.clone().into(), kind, &[request], uuid::Uuid::new_v4(), LEASE)
        .await
        .unwrap()
        .remove(0);
    let Claim::Granted(claimed) = claim else { panic!("{claim:?}") };
    let done = Finish {
        job: publication.job,
        kind: PHOTO_DELETION,
        user: alice,
        guard: Guard::Leased(claimed.lease),
        outcome: Outcome::Succeeded(Document::of(&()).unwrap()),
        note: None,
    };
    let twice = [done.clone(), done];
    let changes = commit_finish_of(&all, &db, &twice).await.changes;
    assert_eq!(changes.iter().flatten().count(), 1, "and once");
    let found = find(&mut connection, publication.job).await.unwrap().unwrap();
    assert_eq!(found.status, Status::Succeeded);
    assert_eq!(last_event(&mut connection, alice).await.unwrap(), 1, "the analysis's alone");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_program_leaves_kinds_that_it_does_not_know_to_others(db: MySqlPool) {
    let alice = user(&db).await;
    let id: JobId = submit(&db, alice, 1).await[0];
    sqlx::query("UPDATE jobs SET kind = 'of_tomorrow'").execute(&db).await.unwrap();
    time_passes(&db).await;
    let mut connection = db.acquire().await.unwrap();
    let due = take_due(&mut connection, &deleting(), Scope::All, GRACE).await.unwrap();
    assert!(due.is_empty());
    let kept = find(&mut connection, id).await.unwrap().unwrap();
    assert_eq!(kept.status, Status::Queued);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_photo_is_needed_until_the_last_of_its_analyses_has_ended(db: MySqlPool) {
    let (alice, bob) = (user(&db).await, user(&db).await);
    let ids = submit(&db, alice, 2).await;
    let mut connection = db.acquire().await.unwrap();
    for id in ids {
        assert!(is_needed(&mut connection, alice, "u/x/photo.jpg").await.unwrap());
        assert!(!is_needed(&mut connection, alice, "u/x/other.jpg").await.unwrap());
        assert!(!is_needed(&mut connection, bob, "u/x/photo.jpg").await.unwrap());
        let ended = Outcome::Succeeded(season(PersonalColor::Spring));
        commit_finish_of(&deleting(), &db, &[end(alice, id, Guard::Active, ended)]).await;
    }
    assert!(!is_needed(&mut connection, alice, "u/x/photo.jpg").await.unwrap());
    assert_eq!(deletions(&db, alice).await.len(), 2, "each end schedules its own");
}

#[sqlx::test(migrations = "../../migrations")]
async fn every_photo_of_an_analysis_is_needed_and_then_deleted(db: MySqlPool) {
    let alice = user(&db).await;
    let id = submit(&db, alice, 1).await[0];
    sqlx::query("UPDATE jobs SET payload = ?")
        .bind(r#"{"objectKey":"u/x/1.jpg","otherKeys":["u/x/2.jpg","u/x/3.jpg"]}"#)
        .execute(&db)
        .await
        .unwrap();
    let mut connection = db.acquire().await.unwrap();
    for key in ["u/x/1.jpg", "u/x/2.jpg", "u/x/3.jpg"] {
        assert!(is_needed(&mut connection, alice, key).await.unwrap(), "{key}");
    }
    assert!(!is_needed(&mut connection, alice, "u/x/4.jpg").await.unwrap());
    let ended = Outcome::Succeeded(season(PersonalColor::Spring));
    commit_finish_of(&deleting(), &db, &[end(alice, id, Guard::Active, ended)]).await;
    let mut keys: Vec<String> = Vec::new();
    for deletion in deletions(&db, alice).await {
        keys.push(deletion.payload.read::<PhotoDeletion>().unwrap().object_key);
    }
    keys.sort();
    assert_eq!(keys, ["u/x/1.jpg", "u/x/2.jpg", "u/x/3.jpg"]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn deletions_that_succeeded_are_purged_and_analyses_and_failures_stay(db: MySqlPool) {
    let alice = user(&db).await;
    for id in submit(&db, alice, 3).await {
        let ended = Outcome::Succeeded(season(PersonalColor::Spring));
        commit_finish_of(&deleting(), &db, &[end(alice, id, Guard::Active, ended)]).await;
    }
    let failed = JobError::retryable("STORE_UNAVAILABLE", "it is away");
    let outcomes = [Outcome::Succeeded(Document::of(&()).unwrap()), Outcome::Failed(failed)];
    let ends: Vec<Finish> = deletions(&db, alice)
        .await
        .iter()
        .zip(outcomes)
        .map(|(job, outcome)| Finish {
            kind: PHOTO_DELETION,
            ..end(alice, job.id, Guard::Active, outcome)
        })
        .collect();
    commit_finish_of(&deleting(), &db, &ends).await;
    sqlx::query("UPDATE jobs SET finished_at = finished_at - INTERVAL 1 HOUR")
        .execute(&db)
        .await
        .unwrap();

    let mut connection = db.acquire().await.unwrap();
    let mut purge =
        async |retention| purge_succeeded(&mut connection, PHOTO_DELETION, retention, 10).await;
    assert_eq!(purge(Duration::from_hours(2)).await.unwrap(), 0, "too early");
    assert_eq!(purge(Duration::ZERO).await.unwrap(), 1);
    assert_eq!(purge(Duration::ZERO).await.unwrap(), 0);
    let mut left: Vec<Status> =
        deletions(&db, alice).await.into_iter().map(|job| job.status).collect();
    left.sort_by_key(|status| status.as_str());
    assert_eq!(left, [Status::Failed, Status::Queued]);
    let counts: (i64, i64) = sqlx::query_as(
        "SELECT (SELECT COUNT(*) FROM jobs WHERE kind = 'analysis'), COUNT(*) FROM job_outcomes",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!(counts, (3, 4));
}

//! The second kind of job: it passes through the same states by the same statements, and nothing asks for its name.

use std::time::Duration;

use sqlx::MySqlPool;
use toneup_colour::config::ColourConfig;
use toneup_colour::kinds::kinds;
use toneup_colour::photo_deletion::{PHOTO_DELETION, PhotoDeletion};
use toneup_colour::result::PersonalColor;
use toneup_jobs::document::Document;
use toneup_jobs::job::{JobId, Status};
use toneup_jobs::kind::Kinds;
use toneup_jobs::outcome::{JobError, Outcome};
use toneup_jobs::store::claim::{Claim, ClaimRequest, commit_claim};
use toneup_jobs::store::due::{Scope, take_due};
use toneup_jobs::store::finish::{Finish, Guard};
use toneup_jobs::store::read::{Job, find, list_owned};
use toneup_notify::events::last_event;
use toneup_platform::identity::UserId;

use crate::support::{
    GRACE, LEASE, commit_finish_of, config, end, season, submit, time_passes, user,
};

/// The kinds of an installation that deletes photos some time after the end.
fn deleting() -> Kinds {
    kinds(&ColourConfig { photo_retention: Some(Duration::from_hours(1)), ..config() })
}

async fn deletions(db: &MySqlPool, user: UserId) -> Vec<Job> {
    let mut connection = db.acquire().await.unwrap();
    list_owned(&mut connection, PHOTO_DELETION, user, None, 10).await.unwrap()
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
    let claim = commit_claim(&db.clone().into(), kind, &[request], LEASE).await.unwrap().remove(0);
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

//! Every arrow of a job's life, and that it is taken once.

use futures_util::future::join_all;
use sqlx::MySqlPool;
use toneup_colour::analysis::find_owned;
use toneup_colour::result::PersonalColor;
use toneup_jobs::job::{Lease, Status};
use toneup_jobs::outcome::{JobError, Outcome};
use toneup_jobs::store::claim::Claim;
use toneup_jobs::store::due::{Due, Scope, note_published, note_unpublished};
use toneup_jobs::store::finish::{Finish, Guard};
use toneup_jobs::store::lease::{Message, hand_back, renew, retry_later};
use toneup_notify::events::{last_event, list_after};
use toneup_platform::identity::UserId;

use crate::support::{
    LEASE, MAX_ATTEMPTS, claim, claimed, end, finish, season, submit, take_due, time_passes, user,
};

fn trouble() -> JobError {
    JobError::retryable("ANALYZER_FAILED", "the analyzer failed")
}

fn success(user: UserId, lease: Lease) -> Finish {
    end(user, lease.job, Guard::Leased(lease), Outcome::Succeeded(season(PersonalColor::Spring)))
}

async fn look(db: &MySqlPool) -> Due {
    look_for(db, Scope::All).await
}

async fn look_for(db: &MySqlPool, scope: Scope) -> Due {
    let mut transaction = db.begin().await.unwrap();
    let due = take_due(&mut transaction, scope).await;
    transaction.commit().await.unwrap();
    due
}

#[sqlx::test(migrations = "../../migrations")]
async fn of_many_that_finish_one_job_at_once_one_wins(db: MySqlPool) {
    let user = user(&db).await;
    let id = submit(&db, user, 1).await[0];
    let lease = claimed(&db, id).await.lease;
    let finishes = (0..8).map(|_| async { finish(&db, &[success(user, lease)]).await });
    let won: Vec<_> = join_all(finishes).await.into_iter().map(|mut won| won.remove(0)).collect();
    assert_eq!(won.iter().flatten().count(), 1);
    let mut connection = db.acquire().await.unwrap();
    assert_eq!(list_after(&mut connection, user, 0, 10).await.unwrap().len(), 1);
    let done = find_owned(&mut connection, user, id).await.unwrap().unwrap();
    assert_eq!((done.status, done.version), (Status::Succeeded, 3));
    assert_eq!(done.result.unwrap().personal_color, PersonalColor::Spring);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_batch_ends_what_may_end_and_leaves_the_rest(db: MySqlPool) {
    let user = user(&db).await;
    let ids = submit(&db, user, 3).await;
    let (first, second) = (claimed(&db, ids[0]).await.lease, claimed(&db, ids[1]).await.lease);
    let stale = Lease { attempt: second.attempt + 1, ..second };
    let batch = [success(user, first), success(user, stale), success(user, first)];
    let ended = finish(&db, &batch).await;
    assert_eq!(ended.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(last_event(&mut db.acquire().await.unwrap(), user).await.unwrap(), 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn events_of_one_user_are_numbered_without_gaps_under_concurrent_writers(db: MySqlPool) {
    let (alice, bob) = (user(&db).await, user(&db).await);
    let mut finishes = Vec::new();
    for user in [alice, bob, alice, bob, alice, bob] {
        let id = submit(&db, user, 1).await[0];
        finishes.push(success(user, claimed(&db, id).await.lease));
    }
    // Batches that share both users, in opposite orders: they must wait for each other, not deadlock.
    let mut backwards: Vec<Finish> = finishes.split_off(3);
    backwards.reverse();
    let (one, two) = futures_util::join!(finish(&db, &finishes), finish(&db, &backwards));
    assert!(one.iter().chain(&two).all(Option::is_some));
    let mut connection = db.acquire().await.unwrap();
    for user in [alice, bob] {
        let events = list_after(&mut connection, user, 0, 10).await.unwrap();
        let sequences: Vec<u64> = events.iter().map(|event| event.sequence).collect();
        assert_eq!(sequences, [1, 2, 3]);
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_worker_that_lost_its_lease_changes_nothing(db: MySqlPool) {
    let user = user(&db).await;
    let id = submit(&db, user, 1).await[0];
    let lost = claimed(&db, id).await.lease;
    let Claim::Granted(heir) = claim(&db, id, true).await else {
        panic!("redelivered: taken over")
    };
    let mut connection = db.acquire().await.unwrap();
    assert!(!retry_later(&mut connection, lost, LEASE, &trouble()).await.unwrap());
    assert!(!hand_back(&mut connection, lost, Message::Anew).await.unwrap());
    assert_eq!(finish(&db, &[success(user, lost)]).await, [None]);
    let standing = renew(&mut connection, &[lost, heir.lease], LEASE).await.unwrap();
    assert_eq!(standing.into_iter().collect::<Vec<_>>(), [heir.lease]);
    assert!(finish(&db, &[success(user, heir.lease)]).await[0].is_some());
}

#[sqlx::test(migrations = "../../migrations")]
async fn of_many_that_claim_one_job_at_once_one_gets_it(db: MySqlPool) {
    let user = user(&db).await;
    let id = submit(&db, user, 1).await[0];
    let claims = join_all((0..8).map(|_| claim(&db, id, false))).await;
    let granted = claims.iter().filter(|claim| matches!(claim, Claim::Granted(_))).count();
    assert_eq!(granted, 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_unconfirmed_publish_is_repeated_until_it_is_noted(db: MySqlPool) {
    let id = submit(&db, user(&db).await, 1).await[0];
    assert!(look(&db).await.is_empty(), "not due yet");
    time_passes(&db).await;
    let due = look(&db).await;
    assert_eq!(due.publications.len(), 1);
    assert!(look(&db).await.is_empty(), "pushed into the future");

    let mut connection = db.acquire().await.unwrap();
    let late = due.publications[0].sequence - 1;
    note_published(&mut connection, &[(id, late)]).await.unwrap();
    time_passes(&db).await;
    let again = look(&db).await.publications;
    assert_eq!(again.len(), 1, "a confirm of an earlier publish clears nothing");
    note_published(&mut connection, &[(id, again[0].sequence)]).await.unwrap();
    time_passes(&db).await;
    assert!(look(&db).await.is_empty());
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_the_broker_did_not_take_is_due_at_once(db: MySqlPool) {
    let ids = submit(&db, user(&db).await, 2).await;
    let mut connection = db.acquire().await.unwrap();
    note_published(&mut connection, &[(ids[0], 0)]).await.unwrap();
    note_unpublished(&mut connection, &[(ids[0], 0), (ids[1], 0)]).await.unwrap();
    let due: Vec<_> = look(&db).await.publications.iter().map(|due| due.job).collect();
    assert_eq!(due, [ids[1]], "a confirmed message is none of them");
}

#[sqlx::test(migrations = "../../migrations")]
async fn without_a_broker_only_what_needs_none_is_taken(db: MySqlPool) {
    let user = user(&db).await;
    let ids = submit(&db, user, 3).await;
    claimed(&db, ids[0]).await;
    let past = "UPDATE jobs SET deadline = NOW(3) - INTERVAL 1 SECOND WHERE id = ?";
    sqlx::query(past).bind(ids[1]).execute(&db).await.unwrap();
    time_passes(&db).await;
    let due = look_for(&db, Scope::WithoutPublishing).await;
    assert_eq!(
        (due.publications.len(), due.finishes.len()),
        (1, 1),
        "a vanished worker's, an overdue one"
    );
    assert_eq!(look(&db).await.publications[0].job, ids[2], "stayed due");
}

#[sqlx::test(migrations = "../../migrations")]
async fn two_sweeps_at_once_take_each_row_once(db: MySqlPool) {
    submit(&db, user(&db).await, 50).await;
    time_passes(&db).await;
    let found = join_all((0..4).map(|_| look(&db))).await;
    assert_eq!(found.iter().map(|due| due.publications.len()).sum::<usize>(), 50);
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_work_of_a_vanished_worker_is_queued_again_until_no_attempt_is_left(db: MySqlPool) {
    let user = user(&db).await;
    let id = submit(&db, user, 1).await[0];
    for attempt in 1..=MAX_ATTEMPTS {
        assert_eq!(claimed(&db, id).await.lease.attempt, attempt);
        time_passes(&db).await;
        let due = look(&db).await;
        if attempt < MAX_ATTEMPTS {
            assert_eq!((due.publications.len(), due.finishes.len()), (1, 0));
        } else {
            assert_eq!((due.publications.len(), due.finishes.len()), (0, 1));
            assert!(finish(&db, &due.finishes).await[0].is_some());
        }
    }
    let read = find_owned(&mut db.acquire().await.unwrap(), user, id).await.unwrap().unwrap();
    assert_eq!(
        (read.status, read.error.unwrap().code.as_str()),
        (Status::Failed, "ATTEMPTS_EXHAUSTED")
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_retry_waits_for_its_pause_and_a_job_handed_back_does_not(db: MySqlPool) {
    let user = user(&db).await;
    let ids = submit(&db, user, 2).await;
    let mut connection = db.acquire().await.unwrap();
    let (failed, unstarted) = (claimed(&db, ids[0]).await.lease, claimed(&db, ids[1]).await.lease);
    assert!(retry_later(&mut connection, failed, LEASE, &trouble()).await.unwrap());
    assert!(hand_back(&mut connection, unstarted, Message::Anew).await.unwrap());
    let due = look(&db).await;
    assert_eq!(due.publications.len(), 1);
    assert_eq!((due.publications[0].job, due.publications[0].attempt), (ids[1], 0));
    time_passes(&db).await;
    let due = look(&db).await.publications;
    let retried = due.iter().find(|publication| publication.job == ids[0]).unwrap();
    assert_eq!(retried.attempt, 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_analysis_past_its_deadline_expires_and_is_never_started(db: MySqlPool) {
    let user = user(&db).await;
    let ids = submit(&db, user, 2).await;
    sqlx::query("UPDATE jobs SET deadline = NOW(3) - INTERVAL 1 SECOND, publish_due = deadline")
        .execute(&db)
        .await
        .unwrap();
    assert!(matches!(claim(&db, ids[0], false).await, Claim::Overdue(owner) if owner == user));
    let due = look(&db).await;
    assert_eq!((due.publications.len(), due.finishes.len()), (0, 2));
    finish(&db, &due.finishes).await;
    let read = find_owned(&mut db.acquire().await.unwrap(), user, ids[1]).await.unwrap().unwrap();
    assert_eq!(read.status, Status::Expired);
}

//! Dead letters: noted, replayed, dropped; and the deletion of old analyses, with their letters.

use std::time::Duration;

use sqlx::MySqlPool;
use toneup_colour::analysis::find_owned;
use toneup_colour::prune::{count_prunable, prune};
use toneup_colour::result::PersonalColor;
use toneup_jobs::job::{JobId, Status};
use toneup_jobs::outcome::{JobError, Outcome};
use toneup_jobs::store::dead_letters::{self, GivenUp, Replay};
use toneup_jobs::store::finish::Guard;
use toneup_jobs::store::transitions;
use toneup_notify::events::last_event;
use toneup_platform::identity::UserId;

use crate::support::{self, claimed, finish, season, submit, user};

/// Ends one analysis of a user.
async fn ended(db: &MySqlPool, user: UserId, outcome: Outcome) -> JobId {
    let id = submit(db, user, 1).await[0];
    end(db, user, id, outcome).await;
    id
}

async fn end(db: &MySqlPool, user: UserId, analysis: JobId, outcome: Outcome) {
    let guard = Guard::Leased(claimed(db, analysis).await.lease);
    assert!(finish(db, &[support::end(user, analysis, guard, outcome)]).await[0].is_some());
}

fn success() -> Outcome {
    Outcome::Succeeded(season(PersonalColor::Winter))
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_another_try_may_mend_is_a_dead_letter_and_a_bad_photo_is_none(db: MySqlPool) {
    let user = user(&db).await;
    let failed = JobError::retryable("ANALYZER_FAILED", "it failed");
    let broken = ended(&db, user, Outcome::Failed(failed)).await;
    ended(&db, user, Outcome::Failed(JobError::permanent("NO_FACE", "no face"))).await;
    ended(&db, user, success()).await;
    let mut connection = db.acquire().await.unwrap();
    let letters = dead_letters::list(&mut connection, None, 10).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].job_id, letters[0].reason.as_str()), (Some(broken), "ANALYZER_FAILED"));
    assert!(dead_letters::list(&mut connection, Some("OTHER"), 10).await.unwrap().is_empty());
    assert_eq!(dead_letters::drop_letters(&mut connection, &[letters[0].id]).await.unwrap(), 1);
    assert!(dead_letters::list(&mut connection, None, 10).await.unwrap().is_empty());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_replayed_job_has_all_its_attempts_and_ends_once_more(db: MySqlPool) {
    let user = user(&db).await;
    let failed = JobError::retryable("ANALYZER_FAILED", "it failed");
    let id = ended(&db, user, Outcome::Failed(failed)).await;
    assert_eq!(dead_letters::replay(&db.clone().into(), id).await.unwrap(), Replay::Queued);
    let mut connection = db.acquire().await.unwrap();
    let queued = find_owned(&mut connection, user, id).await.unwrap().unwrap();
    assert_eq!((queued.status, queued.attempt), (Status::Queued, 0));
    assert!(queued.error.is_none() && queued.finished_at.is_none());
    assert!(dead_letters::list_of(&mut connection, id).await.unwrap().is_empty());
    end(&db, user, id, success()).await;
    assert_eq!(last_event(&mut connection, user).await.unwrap(), 2);
    let history = transitions::read(&mut connection, id).await.unwrap();
    assert_eq!(
        history.iter().map(|entry| entry.transition.as_str()).collect::<Vec<_>>(),
        ["replayed"]
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_replay_undoes_no_result(db: MySqlPool) {
    let user = user(&db).await;
    let id = ended(&db, user, success()).await;
    let pool = db.clone().into();
    assert_eq!(dead_letters::replay(&pool, id).await.unwrap(), Replay::Ended(Status::Succeeded));
    assert_eq!(dead_letters::replay(&pool, JobId::generate()).await.unwrap(), Replay::Missing);
    let waiting = submit(&db, user, 1).await[0];
    assert_eq!(dead_letters::replay(&pool, waiting).await.unwrap(), Replay::Republished);
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_unreadable_message_is_kept_for_an_operator(db: MySqlPool) {
    let given_up =
        GivenUp { job: None, kind: None, reason: "REJECTED".to_owned(), message: "x".repeat(900) };
    dead_letters::record_given_up(&db.clone().into(), &given_up).await.unwrap();
    let letters =
        dead_letters::list(&mut db.acquire().await.unwrap(), Some("REJECTED"), 10).await.unwrap();
    assert_eq!((letters[0].source.as_str(), letters[0].message.len()), ("broker", 500));
}

#[sqlx::test(migrations = "../../migrations")]
async fn analyses_that_ended_long_ago_are_deleted_in_slices_and_no_others(db: MySqlPool) {
    const DAY: Duration = Duration::from_hours(24);
    let user = user(&db).await;
    let waiting = submit(&db, user, 1).await[0];
    let mut old = Vec::new();
    for _ in 0..3 {
        old.push(ended(&db, user, success()).await);
    }
    old.push(ended(&db, user, Outcome::Failed(JobError::retryable("AWAY", "away"))).await);
    sqlx::query(
        "UPDATE jobs SET finished_at = finished_at - INTERVAL 2 DAY WHERE finished_at IS NOT NULL",
    )
    .execute(&db)
    .await
    .unwrap();
    let recent = ended(&db, user, success()).await;
    let mut connection = db.acquire().await.unwrap();
    assert_eq!(count_prunable(&mut connection, DAY).await.unwrap(), 4);
    let mut slices = Vec::new();
    for _ in 0..2 {
        slices.push(prune(&mut connection, DAY, 3).await.unwrap());
    }
    assert_eq!(slices, [3, 1]);
    for id in old {
        assert!(find_owned(&mut connection, user, id).await.unwrap().is_none());
    }
    for id in [waiting, recent] {
        assert!(find_owned(&mut connection, user, id).await.unwrap().is_some());
    }
    assert!(dead_letters::list(&mut connection, None, 10).await.unwrap().is_empty());
    let left = "SELECT (SELECT COUNT(*) FROM events) + (SELECT COUNT(*) FROM job_outcomes)";
    let left: i64 = sqlx::query_scalar(left).fetch_one(&mut *connection).await.unwrap();
    assert_eq!(left, 2, "event and outcome of the recent one");
}

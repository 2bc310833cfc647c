//! Dead letters: noted, replayed, dropped.

use sqlx::MySqlPool;
use toneup_shared::analyses::dead::{self, GivenUp, Replay};
use toneup_shared::analyses::finish::{Finish, Guard};
use toneup_shared::analyses::outcome::{AnalysisError, AnalysisResult, Outcome, PersonalColor};
use toneup_shared::analyses::read::{find_owned, last_event};
use toneup_shared::analyses::{AnalysisId, Status, UserId, history};

use crate::support::{claimed, finish, submit, user};

/// Ends one analysis of a user.
async fn ended(db: &MySqlPool, user: UserId, outcome: Outcome) -> AnalysisId {
    let id = submit(db, user, 1).await[0];
    end(db, user, id, outcome).await;
    id
}

async fn end(db: &MySqlPool, user: UserId, analysis: AnalysisId, outcome: Outcome) {
    let guard = Guard::Leased(claimed(db, analysis).await.lease);
    assert!(finish(db, &[Finish { analysis, user, guard, outcome }]).await[0].is_some());
}

fn success() -> Outcome {
    Outcome::Succeeded(Box::new(AnalysisResult::bare(PersonalColor::Winter)))
}

#[sqlx::test(migrations = "../migrations")]
async fn what_another_try_may_mend_is_a_dead_letter_and_a_bad_photo_is_none(db: MySqlPool) {
    let user = user(&db).await;
    let failed = AnalysisError::retryable("ANALYZER_FAILED", "it failed");
    let broken = ended(&db, user, Outcome::Failed(failed)).await;
    ended(&db, user, Outcome::Failed(AnalysisError::permanent("NO_FACE", "no face"))).await;
    ended(&db, user, success()).await;
    let mut connection = db.acquire().await.unwrap();
    let letters = dead::list(&mut connection, None, 10).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(
        (letters[0].analysis_id, letters[0].reason.as_str()),
        (Some(broken), "ANALYZER_FAILED")
    );
    assert!(dead::list(&mut connection, Some("OTHER"), 10).await.unwrap().is_empty());
    assert_eq!(dead::drop_letters(&mut connection, &[letters[0].id]).await.unwrap(), 1);
    assert!(dead::list(&mut connection, None, 10).await.unwrap().is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_replayed_job_has_all_its_attempts_and_ends_once_more(db: MySqlPool) {
    let user = user(&db).await;
    let failed = AnalysisError::retryable("ANALYZER_FAILED", "it failed");
    let id = ended(&db, user, Outcome::Failed(failed)).await;
    assert_eq!(dead::replay(&db.clone().into(), id).await.unwrap(), Replay::Queued);
    let mut connection = db.acquire().await.unwrap();
    let queued = find_owned(&mut connection, user, id).await.unwrap().unwrap();
    assert_eq!((queued.status, queued.attempt), (Status::Queued, 0));
    assert!(queued.error.is_none() && queued.finished_at.is_none());
    assert!(dead::list_of(&mut connection, id).await.unwrap().is_empty());
    end(&db, user, id, success()).await;
    assert_eq!(last_event(&mut connection, user).await.unwrap(), 2);
    let history = history::read(&mut connection, id).await.unwrap();
    assert_eq!(history.iter().map(|entry| entry.kind.as_str()).collect::<Vec<_>>(), ["replayed"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_replay_undoes_no_result(db: MySqlPool) {
    let user = user(&db).await;
    let id = ended(&db, user, success()).await;
    let pool = db.clone().into();
    assert_eq!(dead::replay(&pool, id).await.unwrap(), Replay::Ended(Status::Succeeded));
    assert_eq!(dead::replay(&pool, AnalysisId::generate()).await.unwrap(), Replay::Missing);
    let waiting = submit(&db, user, 1).await[0];
    assert_eq!(dead::replay(&pool, waiting).await.unwrap(), Replay::Republished);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_message_nobody_could_read_is_kept_for_a_person(db: MySqlPool) {
    let given_up =
        GivenUp { analysis: None, reason: "REJECTED".to_owned(), message: "x".repeat(900) };
    dead::note_given_up(&db.clone().into(), &given_up).await.unwrap();
    let letters = dead::list(&mut db.acquire().await.unwrap(), Some("REJECTED"), 10).await.unwrap();
    assert_eq!((letters[0].source.as_str(), letters[0].message.len()), ("broker", 500));
}

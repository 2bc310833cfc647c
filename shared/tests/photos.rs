//! Photos that come again: while they run, and when they have been answered.

use sqlx::MySqlPool;
use toneup_shared::analyses::claim::Claim;
use toneup_shared::analyses::finish::{Finish, Guard};
use toneup_shared::analyses::idempotency::Idempotency;
use toneup_shared::analyses::outcome::{AnalysisResult, Model, Outcome, PersonalColor};
use toneup_shared::analyses::photos::{PhotoDigest, PhotoKey, Reuse, find_answers, remember};
use toneup_shared::analyses::read::{find_owned, list_events_after};
use toneup_shared::analyses::submit::{Accepted, Allowance, NewAnalysis, Submitted, insert};
use toneup_shared::analyses::{AnalysisId, Status, UserId};

use crate::support::{ALLOWANCE, GRACE, claim, finish, new, submit, user};

fn photo(user: UserId) -> NewAnalysis {
    NewAnalysis { idempotency: Some(Idempotency::of_photo([7; 32])), ..new(user) }
}

fn answered(user: UserId) -> NewAnalysis {
    NewAnalysis { answer: Some(Box::new(AnalysisResult::bare(PersonalColor::Autumn))), ..new(user) }
}

async fn submit_all(db: &MySqlPool, items: &[NewAnalysis], allowance: Allowance) -> Accepted {
    let mut transaction = db.begin().await.unwrap();
    let accepted = insert(&mut transaction, items, allowance, GRACE).await.unwrap();
    transaction.commit().await.unwrap();
    accepted
}

async fn submit_one(db: &MySqlPool, item: &NewAnalysis) -> Submitted {
    submit_all(db, std::slice::from_ref(item), ALLOWANCE).await.submitted[0]
}

async fn succeed(db: &MySqlPool, user: UserId, analysis: AnalysisId) {
    let outcome = Outcome::Succeeded(Box::new(AnalysisResult::bare(PersonalColor::Winter)));
    let ended = finish(db, &[Finish { analysis, user, guard: Guard::Active, outcome }]).await;
    assert!(ended[0].is_some());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_photo_sent_again_finds_the_analysis_that_runs(db: MySqlPool) {
    let (alice, bob) = (user(&db).await, user(&db).await);
    let first = photo(alice);
    assert!(matches!(submit_one(&db, &first).await, Submitted::Accepted { .. }));
    assert_eq!(submit_one(&db, &photo(alice)).await, Submitted::Repeated(first.id));
    assert!(matches!(submit_one(&db, &photo(bob)).await, Submitted::Accepted { .. }));

    let twins = [photo(bob), photo(alice)];
    let (id, other) = (first.id, submit_all(&db, &twins, ALLOWANCE).await.submitted);
    assert!(matches!(other[0], Submitted::Repeated(found) if found != id), "{other:?}");
    assert_eq!(other[1], Submitted::Repeated(id));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_photo_sent_again_after_its_end_is_a_new_analysis(db: MySqlPool) {
    let alice = user(&db).await;
    let first = photo(alice);
    submit_one(&db, &first).await;
    succeed(&db, alice, first.id).await;
    // Two at once: one takes over, the other finds it.
    let twins = [photo(alice), photo(alice)];
    let submitted = submit_all(&db, &twins, ALLOWANCE).await.submitted;
    assert!(matches!(submitted[0], Submitted::Accepted { .. }));
    assert_eq!(submitted[1], Submitted::Repeated(twins[0].id));
    assert_eq!(submit_one(&db, &photo(alice)).await, Submitted::Repeated(twins[0].id));

    // However long it takes: whoever was told to send the photo again finds it.
    let earlier = "UPDATE analyses SET created_at = created_at - INTERVAL 1 HOUR";
    sqlx::query(earlier).execute(&db).await.unwrap();
    assert_eq!(submit_one(&db, &photo(alice)).await, Submitted::Repeated(twins[0].id));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_photo_with_its_answer_ends_in_the_commit_that_accepts_it(db: MySqlPool) {
    let alice = user(&db).await;
    let item = answered(alice);
    let accepted = submit_all(&db, std::slice::from_ref(&item), ALLOWANCE).await;
    assert!(accepted.publications.is_empty(), "nobody has to work on it");
    assert_eq!(accepted.ended.len(), 1);

    let mut connection = db.acquire().await.unwrap();
    let found = find_owned(&mut connection, alice, item.id).await.unwrap().unwrap();
    assert_eq!((found.status, found.attempt), (Status::Succeeded, 0));
    assert_eq!(found.result.unwrap().personal_color, PersonalColor::Autumn);
    let events = list_events_after(&mut connection, alice, 0, 10).await.unwrap();
    assert_eq!((events.len(), events[0].analysis), (1, item.id));
    assert!(matches!(claim(&db, item.id, false).await, Claim::Stale));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_photo_with_its_answer_takes_no_place_and_frees_none(db: MySqlPool) {
    let alice = user(&db).await;
    let allowance = Allowance { share: 1, ceiling: 2 };
    let waiting = [new(alice), new(alice)];
    let accepted = submit_all(&db, &waiting, allowance).await;
    assert_eq!(accepted.publications.len(), 1, "the other is held");
    let accepted = submit_all(&db, &[answered(alice), answered(alice)], allowance).await;
    assert!(accepted.submitted.iter().all(|one| matches!(one, Submitted::Accepted { .. })));
    assert_eq!((accepted.ended.len(), accepted.publications.len()), (2, 0));
    let held: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM held_analyses").fetch_one(&db).await.unwrap();
    assert_eq!(held, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_last_answer_to_a_photo_is_found_in_its_own_scope(db: MySqlPool) {
    let (alice, bob) = (user(&db).await, user(&db).await);
    let key = |reuse, user| PhotoKey::new(reuse, user, PhotoDigest::of(b"photo")).unwrap();
    let (own, all) = (key(Reuse::User, alice), key(Reuse::All, alice));
    let ids = submit(&db, alice, 2).await;
    let answer = |color, version: &str| AnalysisResult {
        model: Some(Model { name: "rules".to_owned(), version: version.to_owned() }),
        ..AnalysisResult::bare(color)
    };
    let results = [answer(PersonalColor::Spring, "1"), answer(PersonalColor::Summer, "2")];
    let mut connection = db.acquire().await.unwrap();
    for (analysis, result) in ids.iter().zip(&results) {
        let outcome = Outcome::Succeeded(Box::new(result.clone()));
        let end = Finish { analysis: *analysis, user: alice, guard: Guard::Active, outcome };
        finish(&db, &[end]).await;
        remember(&mut connection, [(own, *analysis), (all, *analysis)]).await.unwrap();
    }
    let keys = [own, all, key(Reuse::User, bob), key(Reuse::All, bob)];
    let found = find_answers(&mut connection, &keys).await.unwrap();
    assert_eq!(found.get(&own), Some(&results[1]));
    assert_eq!(found.get(&key(Reuse::All, bob)), Some(&results[1]), "one place for all");
    assert_eq!(found.get(&key(Reuse::User, bob)), None);
}

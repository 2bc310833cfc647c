//! Photos that come again: while they run, and when they have been answered.

use sqlx::MySqlPool;
use toneup_colour::analysis::find_owned;
use toneup_colour::photo_answers::{PhotoDigest, PhotoKey, Reuse, find_answers, remember};
use toneup_colour::result::{AnalysisResult, Model, PersonalColor};
use toneup_jobs::document::Document;
use toneup_jobs::job::{JobId, Status};
use toneup_jobs::outcome::Outcome;
use toneup_jobs::store::claim::Claim;
use toneup_jobs::store::finish::Guard;
use toneup_jobs::store::idempotency::Idempotency;
use toneup_jobs::store::submit::{Accepted, Allowance, NewJob, Submitted};
use toneup_notify::events::list_after;
use toneup_platform::identity::UserId;

use crate::support::{ALLOWANCE, claim, end, finish, insert, new, season, submit, user};

fn photo(user: UserId) -> NewJob {
    NewJob { idempotency: Some(Idempotency::implicit([7; 32])), ..new(user) }
}

fn answered(user: UserId) -> NewJob {
    NewJob { result: Some(season(PersonalColor::Autumn)), ..new(user) }
}

async fn submit_all(db: &MySqlPool, items: &[NewJob], allowance: Allowance) -> Accepted {
    let mut transaction = db.begin().await.unwrap();
    let accepted = insert(&mut transaction, items, allowance).await;
    transaction.commit().await.unwrap();
    accepted
}

async fn submit_one(db: &MySqlPool, item: &NewJob) -> Submitted {
    submit_all(db, std::slice::from_ref(item), ALLOWANCE).await.submitted[0]
}

async fn succeed(db: &MySqlPool, user: UserId, analysis: JobId) {
    let outcome = Outcome::Succeeded(season(PersonalColor::Winter));
    let ended = finish(db, &[end(user, analysis, Guard::Active, outcome)]).await;
    assert!(ended[0].is_some());
}

#[sqlx::test(migrations = "../../migrations")]
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

#[sqlx::test(migrations = "../../migrations")]
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

    // However long it takes: a user who was told to send the photo again finds it.
    let earlier = "UPDATE jobs SET created_at = created_at - INTERVAL 1 HOUR";
    sqlx::query(earlier).execute(&db).await.unwrap();
    assert_eq!(submit_one(&db, &photo(alice)).await, Submitted::Repeated(twins[0].id));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_photo_with_its_answer_ends_in_the_commit_that_accepts_it(db: MySqlPool) {
    let alice = user(&db).await;
    let item = answered(alice);
    let accepted = submit_all(&db, std::slice::from_ref(&item), ALLOWANCE).await;
    assert!(accepted.publications.is_empty(), "no worker has to run it");
    assert_eq!(accepted.ended.len(), 1);

    let mut connection = db.acquire().await.unwrap();
    let found = find_owned(&mut connection, alice, item.id).await.unwrap().unwrap();
    assert_eq!((found.status, found.attempt), (Status::Succeeded, 0));
    assert_eq!(found.result.unwrap().personal_color, PersonalColor::Autumn);
    let events = list_after(&mut connection, alice, 0, 10).await.unwrap();
    assert_eq!((events.len(), events[0].subject), (1, item.id.0));
    assert!(matches!(claim(&db, item.id, false).await, Claim::Stale));
}

#[sqlx::test(migrations = "../../migrations")]
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
        sqlx::query_scalar("SELECT COUNT(*) FROM held_jobs").fetch_one(&db).await.unwrap();
    assert_eq!(held, 1);
}

#[sqlx::test(migrations = "../../migrations")]
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
        let outcome = Outcome::Succeeded(Document::of(result).unwrap());
        let ended = end(alice, *analysis, Guard::Active, outcome);
        finish(&db, &[ended]).await;
        remember(&mut connection, [(own, *analysis), (all, *analysis)]).await.unwrap();
    }
    let keys = [own, all, key(Reuse::User, bob), key(Reuse::All, bob)];
    let found = find_answers(&mut connection, &keys).await.unwrap();
    assert_eq!(found.get(&own), Some(&results[1]));
    assert_eq!(found.get(&key(Reuse::All, bob)), Some(&results[1]), "one place for all");
    assert_eq!(found.get(&key(Reuse::User, bob)), None);
}

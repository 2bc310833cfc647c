//! One user's thousand jobs and another's first.

use std::collections::BTreeSet;

use sqlx::MySqlPool;
use toneup_shared::analyses::finish::{Finish, Guard, commit_finish};
use toneup_shared::analyses::held::{Active, count_active, list_held, release_room};
use toneup_shared::analyses::idempotency::{Idempotency, Lasts};
use toneup_shared::analyses::outcome::Outcome;
use toneup_shared::analyses::submit::{Allowance, Submitted, insert};
use toneup_shared::analyses::{AnalysisId, UserId};

use crate::support::{GRACE, claimed, finish, new, user};

const SHARE: Allowance = Allowance { share: 3, ceiling: 6 };

/// Submits, with shares; which analyses are to be published.
async fn submit(db: &MySqlPool, user: UserId, count: usize) -> (Vec<AnalysisId>, Vec<AnalysisId>) {
    let items: Vec<_> = (0..count).map(|_| new(user)).collect();
    let mut connection = db.acquire().await.unwrap();
    let accepted = insert(&mut connection, &items, SHARE, GRACE).await.unwrap();
    let published = accepted.publications.iter().map(|publication| publication.analysis).collect();
    (items.into_iter().map(|item| item.id).collect(), published)
}

async fn active(db: &MySqlPool, user: UserId) -> Active {
    let users = BTreeSet::from([user]);
    let counts = count_active(&mut db.acquire().await.unwrap(), &users).await.unwrap();
    counts.get(&user).copied().unwrap_or_default()
}

fn cancel(user: UserId, analysis: AnalysisId) -> Finish {
    Finish { analysis, user, guard: Guard::Active, outcome: Outcome::Cancelled }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_users_jobs_beyond_the_share_wait_in_the_database(db: MySqlPool) {
    let (alice, bob) = (user(&db).await, user(&db).await);
    let (ids, published) = submit(&db, alice, 5).await;
    assert_eq!(published, ids[..3]);
    assert_eq!(active(&db, alice).await, Active { moving: 3, held: 2 });
    let (ids, published) = submit(&db, bob, 1).await;
    assert_eq!(published, ids, "another's first is not held up");
}

#[sqlx::test(migrations = "../migrations")]
async fn as_one_ends_the_next_follows_in_order(db: MySqlPool) {
    let alice = user(&db).await;
    let (ids, _) = submit(&db, alice, 5).await;
    let leases = [claimed(&db, ids[0]).await.lease, claimed(&db, ids[1]).await.lease];
    let ends: Vec<Finish> = leases
        .iter()
        .map(|lease| Finish { guard: Guard::Leased(*lease), ..cancel(alice, lease.analysis) })
        .collect();
    let ended = commit_finish(&db.clone().into(), &ends, GRACE).await.unwrap();
    let released: Vec<_> = ended.released.iter().map(|released| released.analysis).collect();
    assert_eq!(released, ids[3..]);
    assert_eq!(active(&db, alice).await, Active { moving: 3, held: 0 });
}

#[sqlx::test(migrations = "../migrations")]
async fn a_held_job_that_ends_makes_no_room(db: MySqlPool) {
    let alice = user(&db).await;
    let (ids, _) = submit(&db, alice, 5).await;
    let end = [cancel(alice, ids[4])];
    let ended = commit_finish(&db.clone().into(), &end, GRACE).await.unwrap();
    assert!(ended.changes[0].is_some() && ended.released.is_empty());
    assert_eq!(active(&db, alice).await, Active { moving: 3, held: 1 });
}

#[sqlx::test(migrations = "../migrations")]
async fn room_that_nobody_used_is_found(db: MySqlPool) {
    let alice = user(&db).await;
    let (ids, _) = submit(&db, alice, 5).await;
    let mut transaction = db.begin().await.unwrap();
    assert!(release_room(&mut transaction, 3, GRACE).await.unwrap().is_empty());
    let released = release_room(&mut transaction, 4, GRACE).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(released.iter().map(|one| one.analysis).collect::<Vec<_>>(), [ids[3]]);
    let held = list_held(&mut db.acquire().await.unwrap(), 10).await.unwrap();
    assert_eq!(held, [(alice, ids[4])]);
}

#[sqlx::test(migrations = "../migrations")]
async fn beyond_the_ceiling_is_refused_and_the_key_stays_free(db: MySqlPool) {
    let alice = user(&db).await;
    let (ids, _) = submit(&db, alice, 6).await;
    let mut item = new(alice);
    item.idempotency =
        Some(Idempotency { key: "k".to_owned(), fingerprint: [7; 32], lasts: Lasts::Remembered });
    let mut connection = db.acquire().await.unwrap();
    let items = [item];
    let refused = insert(&mut connection, &items, SHARE, GRACE).await.unwrap();
    assert_eq!(refused.submitted, [Submitted::TooMany]);
    finish(&db, &[cancel(alice, ids[0])]).await;
    let accepted = insert(&mut connection, &items, SHARE, GRACE).await.unwrap();
    assert!(matches!(accepted.submitted[..], [Submitted::Accepted { .. }]), "{accepted:?}");
}

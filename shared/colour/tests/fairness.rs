//! One user's thousand jobs and another's first.

use std::collections::BTreeSet;

use sqlx::{MySqlConnection, MySqlPool};
use toneup_colour::analysis::ANALYSIS;
use toneup_jobs::broker::message::Publication;
use toneup_jobs::job::JobId;
use toneup_jobs::kind::Kind;
use toneup_jobs::outcome::Outcome;
use toneup_jobs::share::Share;
use toneup_jobs::store::fairness::{self, Active, count_active, list_held};
use toneup_jobs::store::finish::{Finish, Guard};
use toneup_jobs::store::idempotency::{Idempotency, Lasts};
use toneup_jobs::store::submit::{Allowance, Submitted};
use toneup_platform::identity::UserId;

use crate::support::{GRACE, analysis, claimed, commit_finish, end, finish, insert, new, user};

const SHARE: Allowance = Allowance { share: 3, ceiling: 6 };

/// Submits, with shares; which analyses are to be published.
async fn submit(db: &MySqlPool, user: UserId, count: usize) -> (Vec<JobId>, Vec<JobId>) {
    let items: Vec<_> = (0..count).map(|_| new(user)).collect();
    let accepted = insert(&mut db.acquire().await.unwrap(), &items, SHARE).await;
    let published = accepted.publications.iter().map(|publication| publication.job).collect();
    (items.into_iter().map(|item| item.id).collect(), published)
}

async fn active(db: &MySqlPool, user: UserId) -> Active {
    let users = BTreeSet::from([user]);
    let counts = count_active(&mut db.acquire().await.unwrap(), ANALYSIS, &users).await.unwrap();
    counts.by_user.get(&user).copied().unwrap_or_default()
}

/// Releases held analyses as if the share were `share`.
async fn release_room(conn: &mut MySqlConnection, share: u32) -> Vec<Publication> {
    let kind = Kind { share: Share::fixed(share), ..analysis() };
    fairness::release_room(conn, &kind, GRACE).await.unwrap()
}

fn cancel(user: UserId, analysis: JobId) -> Finish {
    end(user, analysis, Guard::Active, Outcome::Cancelled)
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_users_jobs_beyond_the_share_wait_in_the_database(db: MySqlPool) {
    let (alice, bob) = (user(&db).await, user(&db).await);
    let (ids, published) = submit(&db, alice, 5).await;
    assert_eq!(published, ids[..3]);
    assert_eq!(active(&db, alice).await, Active { moving: 3, held: 2 });
    let (ids, published) = submit(&db, bob, 1).await;
    assert_eq!(published, ids, "another's first is not held up");
}

#[sqlx::test(migrations = "../../migrations")]
async fn as_one_ends_the_next_follows_in_order(db: MySqlPool) {
    let alice = user(&db).await;
    let (ids, _) = submit(&db, alice, 5).await;
    let leases = [claimed(&db, ids[0]).await.lease, claimed(&db, ids[1]).await.lease];
    let ends: Vec<Finish> = leases
        .iter()
        .map(|lease| Finish { guard: Guard::Leased(*lease), ..cancel(alice, lease.job) })
        .collect();
    let ended = commit_finish(&db, &ends).await;
    let released: Vec<_> = ended.released.iter().map(|released| released.job).collect();
    assert_eq!(released, ids[3..]);
    assert_eq!(active(&db, alice).await, Active { moving: 3, held: 0 });
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_held_job_that_ends_makes_no_room(db: MySqlPool) {
    let alice = user(&db).await;
    let (ids, _) = submit(&db, alice, 5).await;
    let end = [cancel(alice, ids[4])];
    let ended = commit_finish(&db, &end).await;
    assert!(ended.changes[0].is_some() && ended.released.is_empty());
    assert_eq!(active(&db, alice).await, Active { moving: 3, held: 1 });
}

#[sqlx::test(migrations = "../../migrations")]
async fn unused_room_is_found(db: MySqlPool) {
    let alice = user(&db).await;
    let (ids, _) = submit(&db, alice, 5).await;
    let mut transaction = db.begin().await.unwrap();
    assert!(release_room(&mut transaction, 3).await.is_empty());
    let released = release_room(&mut transaction, 4).await;
    transaction.commit().await.unwrap();
    assert_eq!(released.iter().map(|one| one.job).collect::<Vec<_>>(), [ids[3]]);
    let held = list_held(&mut db.acquire().await.unwrap(), ANALYSIS, 10).await.unwrap();
    assert_eq!(held, [(alice, ids[4])]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn beyond_the_ceiling_is_refused_and_the_key_stays_free(db: MySqlPool) {
    let alice = user(&db).await;
    let (ids, _) = submit(&db, alice, 6).await;
    let mut item = new(alice);
    item.idempotency =
        Some(Idempotency { key: "k".to_owned(), fingerprint: [7; 32], lasts: Lasts::Remembered });
    let mut connection = db.acquire().await.unwrap();
    let items = [item];
    let refused = insert(&mut connection, &items, SHARE).await;
    assert_eq!(refused.submitted, [Submitted::TooMany]);
    finish(&db, &[cancel(alice, ids[0])]).await;
    let accepted = insert(&mut connection, &items, SHARE).await;
    assert!(matches!(accepted.submitted[..], [Submitted::Accepted { .. }]), "{accepted:?}");
}

/// Users with lower ids who hold jobs without room, beside many more than one look examines.
const OTHERS: usize = 600;

#[sqlx::test(migrations = "../../migrations")]
async fn users_with_higher_ids_are_not_starved(db: MySqlPool) {
    // Each has three at work and two held; there is room for the last one only, whose running jobs have ended.
    let mut last = None;
    for _ in 0..OTHERS {
        let one = user(&db).await;
        submit(&db, one, 4).await;
        last = Some(one);
    }
    let last = last.unwrap();
    sqlx::query("UPDATE jobs SET finished_at = NOW(3), status = 'cancelled' WHERE user_id = ? AND publish_due IS NOT NULL")
        .bind(last)
        .execute(&db)
        .await
        .unwrap();
    let mut connection = db.acquire().await.unwrap();
    let mut looks = 0;
    while active(&db, last).await.held > 0 {
        release_room(&mut connection, 3).await;
        looks += 1;
        assert!(looks < 100, "{:?}", active(&db, last).await);
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn one_batch_releases_a_successor_for_each_of_many_users(db: MySqlPool) {
    let mut ends = Vec::new();
    for _ in 0..300 {
        let one = user(&db).await;
        let (ids, _) = submit(&db, one, 4).await;
        ends.push(cancel(one, ids[0]));
    }
    let ended = commit_finish(&db, &ends).await;
    assert_eq!(ended.released.len(), 300);
}

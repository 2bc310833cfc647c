//! Following the log of changes.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{MySqlConnection, MySqlPool};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use toneup_catalogue::generate::Catalogue;
use toneup_catalogue::live::{FactsCopy, Follower};
use toneup_catalogue::product::{ProductId, store};
use toneup_platform::database::Database;

async fn write(conn: &mut MySqlConnection, numbers: std::ops::RangeInclusive<u64>) {
    let products: Vec<_> = numbers.map(|number| Catalogue::new(1).product(number)).collect();
    store::write(conn, &products).await.unwrap();
}

async fn eventually(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("waited in vain: {what}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_copy_has_what_was_there_and_follows_what_changes_also_out_of_order(db: MySqlPool) {
    let mut conn = db.acquire().await.unwrap();
    write(&mut conn, 1..=700).await;
    let facts = Arc::new(FactsCopy::default());
    let (follower, mut caught_up) =
        Follower::new(Database::from(db.clone()), vec![Arc::clone(&facts) as _]);
    let (tasks, draining) = (TaskTracker::new(), CancellationToken::new());
    tasks.spawn(follower.run(draining.clone()));
    caught_up.wait_for(|complete| *complete).await.unwrap();
    assert_eq!(facts.read().all().len(), 700);

    // An entry that becomes visible after a later one.
    let mut late = db.begin().await.unwrap();
    write(&mut late, 701..=701).await;
    write(&mut conn, 702..=703).await;
    let has = |id| facts.read().get(ProductId(id)).is_some();
    eventually("the later ones", || has(702) && has(703)).await;
    assert!(!has(701));
    late.commit().await.unwrap();
    eventually("the one that was late", || has(701)).await;

    assert!(store::delete(&mut conn, ProductId(7)).await.unwrap());
    assert!(!store::delete(&mut conn, ProductId(7)).await.unwrap());
    eventually("the deletion", || !has(7)).await;
    draining.cancel();
    tasks.close();
    tasks.wait().await;
}

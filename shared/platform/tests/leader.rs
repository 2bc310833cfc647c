//! Leader election among replicas that share a database.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::MySqlPool;
use tokio::time::timeout;
use toneup_platform::leader::{Leadership, give_up, take};
use toneup_platform::shutdown::Shutdown;
use uuid::Uuid;

const LEASE: Duration = Duration::from_millis(600);
const SOON: Duration = Duration::from_secs(20);

/// A replica that stands in the role `test`.
fn replica(db: &MySqlPool, fit: &Arc<AtomicBool>) -> (Leadership, Shutdown) {
    let (shutdown, fit) = (Shutdown::default(), Arc::clone(fit));
    let fit = move || fit.load(Ordering::Relaxed);
    (Leadership::spawn(db.clone().into(), "test", LEASE, fit, &shutdown), shutdown)
}

#[sqlx::test(migrations = "../../migrations")]
async fn one_leads_and_another_takes_over_when_it_leaves(db: MySqlPool) {
    let fit = Arc::new(AtomicBool::new(true));
    let mut replicas = [replica(&db, &fit), replica(&db, &fit), replica(&db, &fit)];
    let leaders = |replicas: &[(Leadership, Shutdown)]| {
        replicas.iter().filter(|(leadership, _)| leadership.is_held()).count()
    };
    for left in (1..=replicas.len()).rev() {
        let held =
            replicas[..left].iter_mut().map(|(leadership, _)| Box::pin(leadership.until_held()));
        let ((), leader, _) = timeout(SOON, futures_util::future::select_all(held)).await.unwrap();
        assert_eq!(leaders(&replicas), 1);
        replicas.swap(leader, left - 1);
        assert!(replicas[left - 1].1.drain(SOON).await);
        assert!(!replicas[left - 1].0.is_held(), "who has left does not lead");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_leader_that_is_not_fit_lets_another_lead(db: MySqlPool) {
    let fit = [Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(true))];
    let (mut first, _first) = replica(&db, &fit[0]);
    timeout(SOON, first.until_held()).await.unwrap();
    let (mut second, _second) = replica(&db, &fit[1]);
    fit[0].store(false, Ordering::Relaxed);
    timeout(SOON, second.until_held()).await.unwrap();
    assert!(!first.is_held());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_lease_is_one_candidates_until_it_ends(db: MySqlPool) {
    let (one, other) = (Uuid::new_v4(), Uuid::new_v4());
    let mut conn = db.acquire().await.unwrap();
    let hour = Duration::from_hours(1);
    assert!(take(&mut conn, "test", one, hour).await.unwrap());
    assert!(take(&mut conn, "test", one, hour).await.unwrap(), "renewed");
    assert!(!take(&mut conn, "test", other, hour).await.unwrap());
    give_up(&mut conn, "test", other).await.unwrap();
    assert!(!take(&mut conn, "test", other, hour).await.unwrap(), "not the other's to give");
    give_up(&mut conn, "test", one).await.unwrap();
    assert!(take(&mut conn, "test", other, Duration::ZERO).await.unwrap());
    assert!(take(&mut conn, "test", one, hour).await.unwrap(), "it had ended");
}

//! Users and analyses to test with.

use std::time::Duration;

use sqlx::MySqlPool;
use toneup_shared::analyses::claim::{Claim, ClaimRequest, Claimed, commit_claim};
use toneup_shared::analyses::finish::{Finish, commit_finish};
use toneup_shared::analyses::submit::{Allowance, NewAnalysis, insert};
use toneup_shared::analyses::{AnalysisId, Changed, UserId};
use toneup_shared::trace::TraceParent;
use uuid::Uuid;

pub(crate) const LEASE: Duration = Duration::from_mins(1);
pub(crate) const MAX_ATTEMPTS: u16 = 3;

pub(crate) const GRACE: Duration = Duration::from_secs(15);
/// Enough for every test that is not about it.
pub(crate) const ALLOWANCE: Allowance = Allowance { share: 100_000, ceiling: 100_000 };

pub(crate) async fn user(db: &MySqlPool) -> UserId {
    let user = UserId(Uuid::now_v7());
    sqlx::query("INSERT INTO users (id, kind, created_at) VALUES (?, 'guest', NOW(3))")
        .bind(user)
        .execute(db)
        .await
        .unwrap();
    user
}

/// An analysis to submit.
pub(crate) fn new(user: UserId) -> NewAnalysis {
    NewAnalysis {
        id: AnalysisId::generate(),
        user,
        object_key: "u/x/photo.jpg".to_owned(),
        trace: TraceParent::new(),
        deadline: None,
        idempotency: None,
        answer: None,
    }
}

/// Submits `count` analyses of a user.
pub(crate) async fn submit(db: &MySqlPool, user: UserId, count: usize) -> Vec<AnalysisId> {
    let items: Vec<NewAnalysis> = (0..count).map(|_| new(user)).collect();
    let mut connection = db.acquire().await.unwrap();
    insert(&mut connection, &items, ALLOWANCE, GRACE).await.unwrap();
    items.into_iter().map(|item| item.id).collect()
}

pub(crate) async fn claim(db: &MySqlPool, id: AnalysisId, redelivered: bool) -> Claim {
    let request = ClaimRequest { analysis: id, redelivered };
    commit_claim(&db.clone().into(), &[request], LEASE, MAX_ATTEMPTS).await.unwrap().remove(0)
}

pub(crate) async fn claimed(db: &MySqlPool, id: AnalysisId) -> Claimed {
    match claim(db, id, false).await {
        Claim::Granted(claimed) => *claimed,
        other => panic!("not granted: {other:?}"),
    }
}

/// Ends analyses; what became of each.
pub(crate) async fn finish(db: &MySqlPool, items: &[Finish]) -> Vec<Option<Changed>> {
    commit_finish(&db.clone().into(), items, GRACE).await.unwrap().changes
}

/// Makes it as late as it would be after all waits.
pub(crate) async fn time_passes(db: &MySqlPool) {
    sqlx::query(
        "UPDATE analyses SET publish_due = publish_due - INTERVAL 1 DAY,
                lease_expires_at = lease_expires_at - INTERVAL 1 DAY",
    )
    .execute(db)
    .await
    .unwrap();
}

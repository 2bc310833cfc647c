//! Deliveries are created with their event, sent by one sender at a time, and settled by the holder of the lease.

use std::collections::BTreeSet;
use std::time::Duration;

use sqlx::MySqlPool;
use toneup_jobs::outcome::Outcome;
use toneup_jobs::store::finish::{Finish, Guard, finish};
use toneup_notify::claim::{Delivery, put_back, read_due, take_targets};
use toneup_notify::delivery_log::list;
use toneup_notify::purge::purge;
use toneup_notify::settle::{Attempt, Health, Next, Settlement, commit_settle, settle};
use toneup_notify::targets::{Change, NewTarget, change, insert};
use toneup_notify::{ChannelKind, TargetId};
use toneup_platform::identity::UserId;
use uuid::Uuid;

use crate::support::{self, GRACE, LEASE, claimed, submit, user};

const PATIENCE: Duration = Duration::from_hours(120);

pub(crate) async fn target(db: &MySqlPool, user: UserId, channel: ChannelKind) -> TargetId {
    let id = TargetId(Uuid::now_v7());
    let new = NewTarget {
        id,
        user,
        channel,
        address: format!("https://hooks.example/{}", id.0),
        secrets: None,
        description: None,
        events: None,
    };
    assert!(insert(&mut db.acquire().await.unwrap(), &new).await.unwrap());
    id
}

async fn end(db: &MySqlPool, user: UserId, count: usize) {
    end_as(db, user, count, Outcome::Expired).await;
}

async fn end_as(db: &MySqlPool, user: UserId, count: usize, outcome: Outcome) {
    let ended: Vec<Finish> = submit(db, user, count)
        .await
        .into_iter()
        .map(|analysis| support::end(user, analysis, Guard::Active, outcome.clone()))
        .collect();
    crate::support::finish(db, &ended).await;
}

/// Takes what is due, as a sender does.
async fn take(db: &MySqlPool, channel: ChannelKind) -> (Uuid, Vec<Delivery>) {
    let token = Uuid::new_v4();
    let mut transaction = db.begin().await.unwrap();
    let targets = take_targets(&mut transaction, channel, 10, token, LEASE).await.unwrap();
    let wanted: Vec<(TargetId, u32)> = targets.iter().map(|target| (target.id, 3)).collect();
    let due = read_due(&mut transaction, &wanted).await.unwrap();
    transaction.commit().await.unwrap();
    (token, due)
}

fn settlement(token: Uuid, delivery: &Delivery, next: Next) -> Settlement {
    let delivered = next == Next::Delivered;
    let attempt = Attempt {
        delivery: delivery.id,
        number: delivery.attempt,
        status: Some(if delivered { 200 } else { 500 }),
        error: (!delivered).then(|| "no".repeat(200)),
        duration: Duration::from_millis(7),
        next,
    };
    Settlement {
        target: delivery.target,
        token,
        attempts: vec![attempt],
        health: if delivered { Health::Working } else { Health::Failing },
        rest: None,
    }
}

async fn states(db: &MySqlPool, target: TargetId) -> Vec<String> {
    let log = list(&mut db.acquire().await.unwrap(), target, None, 100).await.unwrap();
    log.into_iter().map(|delivery| delivery.state).collect()
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_ended_is_told_to_the_targets_that_are_enabled(db: MySqlPool) {
    let (alice, bob) = (user(&db).await, user(&db).await);
    let hook = target(&db, alice, ChannelKind::Webhook).await;
    let phone = target(&db, alice, ChannelKind::Fcm).await;
    let disabled = target(&db, alice, ChannelKind::Webhook).await;
    let off = Change { enabled: Some(false), ..Change::default() };
    change(&mut db.acquire().await.unwrap(), disabled, &off).await.unwrap();
    end(&db, alice, 2).await;
    end(&db, bob, 1).await;

    let (_, due) = take(&db, ChannelKind::Webhook).await;
    let told: Vec<_> =
        due.iter().map(|delivery| (delivery.target, delivery.event.as_str())).collect();
    assert_eq!(told, [(hook, "analysis.expired"); 2]);
    assert!(due.iter().all(|delivery| delivery.attempt == 1));
    assert_eq!(take(&db, ChannelKind::Fcm).await.1.len(), 2);
    assert_eq!(states(&db, phone).await, ["pending", "pending"]);
    assert!(states(&db, disabled).await.is_empty());
}

#[sqlx::test(migrations = "../../migrations")]
async fn who_ends_analyses_learns_on_which_channels_something_is_due(db: MySqlPool) {
    use ChannelKind::{Fcm, WebPush, Webhook};
    let users = [user(&db).await, user(&db).await, user(&db).await];
    let [nowhere, everywhere, browser] = users;
    for channel in [Webhook, WebPush, Fcm, Fcm] {
        target(&db, everywhere, channel).await;
    }
    target(&db, browser, WebPush).await;
    let cases = [
        (nowhere, Outcome::Expired, vec![]),
        (everywhere, Outcome::Expired, vec![Webhook, WebPush, Fcm]),
        (everywhere, Outcome::Cancelled, vec![Webhook]),
        (browser, Outcome::Cancelled, vec![]),
        (browser, Outcome::Expired, vec![WebPush]),
    ];
    let mut batch = Vec::new();
    for (user, outcome, _) in &cases {
        let analysis = submit(&db, *user, 1).await[0];
        assert_eq!(claimed(&db, analysis).await.changed.topics, BTreeSet::new());
        let outcome = outcome.clone();
        batch.push(support::end(*user, analysis, Guard::Active, outcome));
    }
    let changes = crate::support::finish(&db, &batch).await;
    let words = |channels: Vec<ChannelKind>| {
        channels.iter().map(|channel| channel.as_str().to_owned()).collect::<BTreeSet<_>>()
    };
    let expected = cases.map(|(.., channels)| words(channels));
    assert_eq!(
        changes.into_iter().map(|change| change.unwrap().topics).collect::<Vec<_>>(),
        expected
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_was_withdrawn_is_told_to_servers_and_to_no_person(db: MySqlPool) {
    let alice = user(&db).await;
    target(&db, alice, ChannelKind::Webhook).await;
    for channel in [ChannelKind::WebPush, ChannelKind::Fcm] {
        target(&db, alice, channel).await;
    }
    end_as(&db, alice, 1, Outcome::Cancelled).await;
    assert_eq!(take(&db, ChannelKind::Webhook).await.1.len(), 1);
    assert!(take(&db, ChannelKind::WebPush).await.1.is_empty());
    assert!(take(&db, ChannelKind::Fcm).await.1.is_empty());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_rolled_back_event_has_no_deliveries(db: MySqlPool) {
    let alice = user(&db).await;
    let hook = target(&db, alice, ChannelKind::Webhook).await;
    let analysis = submit(&db, alice, 1).await[0];
    let ended = support::end(alice, analysis, Guard::Active, Outcome::Cancelled);
    let mut transaction = db.begin().await.unwrap();
    finish(&mut transaction, &support::all_kinds(), &[ended], GRACE).await.unwrap();
    transaction.rollback().await.unwrap();
    assert!(take(&db, ChannelKind::Webhook).await.1.is_empty());
    assert!(states(&db, hook).await.is_empty());
}

#[sqlx::test(migrations = "../../migrations")]
async fn one_sender_at_a_time_has_a_target_and_only_its_word_counts(db: MySqlPool) {
    let alice = user(&db).await;
    let hook = target(&db, alice, ChannelKind::Webhook).await;
    end(&db, alice, 1).await;
    let (lost, due) = take(&db, ChannelKind::Webhook).await;
    // What happens meanwhile does not give it to another.
    end(&db, alice, 1).await;
    assert!(take(&db, ChannelKind::Webhook).await.1.is_empty());
    sqlx::query("UPDATE push_targets SET due_at = NOW(3)").execute(&db).await.unwrap();
    let (token, again) = take(&db, ChannelKind::Webhook).await;
    assert_eq!((again.len(), again[0].id), (2, due[0].id));

    let pool = db.clone().into();
    let late = [settlement(lost, &due[0], Next::Failed)];
    assert_eq!(commit_settle(&pool, &late, PATIENCE).await.unwrap(), [false]);
    assert_eq!(states(&db, hook).await, ["pending", "pending"]);
    let held = [settlement(token, &again[0], Next::Delivered)];
    assert_eq!(commit_settle(&pool, &held, PATIENCE).await.unwrap(), [true]);
    assert_eq!(states(&db, hook).await, ["pending", "delivered"]);
    assert_eq!(take(&db, ChannelKind::Webhook).await.1.len(), 1, "the other is still due");
}

#[sqlx::test(migrations = "../../migrations")]
async fn many_turns_are_settled_with_one_commit_each_on_its_own_terms(db: MySqlPool) {
    let alice = user(&db).await;
    let mut targets = Vec::new();
    for _ in 0..4 {
        targets.push(target(&db, alice, ChannelKind::WebPush).await);
    }
    end(&db, alice, 1).await;
    let (token, due) = take(&db, ChannelKind::WebPush).await;
    let of = |index: usize| due.iter().find(|due| due.target == targets[index]).unwrap();
    let hour = Duration::from_hours(1);
    let gone = Settlement { health: Health::Gone, ..settlement(token, of(2), Next::Failed) };
    let resting =
        Settlement { rest: Some(hour), ..settlement(token, of(3), Next::Retry(Duration::ZERO)) };
    let batch = [
        settlement(token, of(0), Next::Delivered),
        settlement(token, of(1), Next::Retry(hour)),
        gone,
        resting,
    ];
    settle(&mut db.acquire().await.unwrap(), &batch, PATIENCE).await.unwrap();
    let rows: Vec<(TargetId, Option<bool>, bool, bool)> = sqlx::query_as(
        "SELECT id, due_at > NOW(3) + INTERVAL 59 MINUTE, failing_since IS NOT NULL,
                lease_token IS NULL
         FROM push_targets ORDER BY id",
    )
    .fetch_all(&db)
    .await
    .unwrap();
    let expected = [
        (targets[0], None, false, true),
        (targets[1], Some(true), true, true),
        (targets[3], Some(true), true, true),
    ];
    assert_eq!(rows, expected);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_target_that_is_put_back_comes_again_later(db: MySqlPool) {
    let alice = user(&db).await;
    let hook = target(&db, alice, ChannelKind::Webhook).await;
    end(&db, alice, 1).await;
    let mut conn = db.acquire().await.unwrap();
    let token = Uuid::new_v4();
    let targets = take_targets(&mut conn, ChannelKind::Webhook, 1, token, LEASE).await.unwrap();
    assert_eq!(targets.len(), 1);
    put_back(&mut conn, &[hook], GRACE).await.unwrap();
    assert!(take(&db, ChannelKind::Webhook).await.1.is_empty());
    put_back(&mut conn, &[hook], Duration::ZERO).await.unwrap();
    assert_eq!(take(&db, ChannelKind::Webhook).await.1.len(), 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_is_old_is_forgotten(db: MySqlPool) {
    let alice = user(&db).await;
    let hook = target(&db, alice, ChannelKind::Webhook).await;
    end(&db, alice, 3).await;
    let (token, due) = take(&db, ChannelKind::Webhook).await;
    let delivered = settlement(token, &due[0], Next::Delivered);
    commit_settle(&db.clone().into(), &[delivered], PATIENCE).await.unwrap();
    let mut conn = db.acquire().await.unwrap();
    assert_eq!(purge(&mut conn, GRACE, 100).await.unwrap(), 0);
    // A clock that has gone on.
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(purge(&mut conn, Duration::ZERO, 2).await.unwrap(), 2);
    assert_eq!(purge(&mut conn, Duration::ZERO, 2).await.unwrap(), 1);
    assert!(states(&db, hook).await.is_empty());
    let attempts: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM push_attempts").fetch_one(&db).await.unwrap();
    assert_eq!(attempts, 0);
}

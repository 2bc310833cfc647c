//! Query plans: statements that run per job or per request read the rows they need and no others, however full the
//! tables are.
//!
//! The server's own counters of rows read are asked before and after, so that the functions themselves are tested, on
//! whatever plan this server chooses.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sqlx::types::time::OffsetDateTime;
use sqlx::{MySqlConnection, MySqlPool};
use toneup_colour::analysis::{ANALYSIS, find_owned, list_active, list_active_of, list_owned};
use toneup_colour::photo_answers::{PhotoDigest, PhotoKey, Reuse, find_answers, remember};
use toneup_colour::photo_deletion::{PHOTO_DELETION, is_needed};
use toneup_colour::prune::{count_prunable, prune};
use toneup_jobs::job::Status;
use toneup_jobs::outcome::{JobError, Outcome};
use toneup_jobs::store::audit::{count_published, list_oldest};
use toneup_jobs::store::claim::{claim, take_queued};
use toneup_jobs::store::due::{Scope, note_published, note_unpublished, take_due};
use toneup_jobs::store::fairness::{count_active, release_room};
use toneup_jobs::store::finish::{Guard, finish};
use toneup_jobs::store::lease::{Message, find_valid, hand_back, renew, retry_later};
use toneup_jobs::store::load::measure_load;
use toneup_jobs::store::purge::{purge_dead_letters, purge_succeeded};
use toneup_jobs::store::read::{Filter, find_activity, list_queue};
use toneup_jobs::store::search::{Search, list_spans, search};
use toneup_jobs::store::{dead_letters, transitions};
use toneup_notify::claim::{count_due, is_due, read_due, take_targets};
use toneup_notify::deliveries::{NewDelivery, insert};
use toneup_notify::delivery_log::{list as list_deliveries, list_attempts, redeliver};
use toneup_notify::events::{
    find_latest_of, find_latest_of_all, find_log_span, last_event, last_events, list_after,
    list_after_each,
};
use toneup_notify::purge::purge;
use toneup_notify::settle::{Health, Settlement, settle};
use toneup_notify::subscriptions::register;
use toneup_notify::targets::NewTarget;
use toneup_notify::{ChannelKind, PING, TargetId};
use toneup_plans::{assert_reads, rows_read};
use toneup_platform::identity::UserId;
use uuid::Uuid;

use crate::pushes::target;
use crate::support::{LEASE, all_kinds, analysis, claimed, end, submit, user};

const OTHERS: usize = 1000;

#[sqlx::test(migrations = "../../migrations")]
async fn nothing_reads_the_tables_through(db: MySqlPool) {
    let other = user(&db).await;
    submit(&db, other, OTHERS).await;
    sqlx::query("UPDATE jobs SET publish_due = NULL").execute(&db).await.unwrap();
    let me = user(&db).await;
    submit(&db, me, OTHERS).await;
    let long_ago = "UPDATE jobs SET status = 'failed', publish_due = NULL,
                    finished_at = NOW(3) - INTERVAL 1 DAY WHERE user_id = ?";
    sqlx::query(long_ago).bind(me).execute(&db).await.unwrap();
    let ids = submit(&db, me, 4).await;
    sqlx::query(
        "INSERT INTO photo_answers (scope, sha256, job_id)
         SELECT user_id, RPAD(id, 32, 'x'), id FROM jobs",
    )
    .execute(&db)
    .await
    .unwrap();
    sqlx::raw_sql("ANALYZE TABLE photo_answers, jobs, event_sequences, events, job_outcomes")
        .execute(&db)
        .await
        .unwrap();
    let leases = [claimed(&db, ids[0]).await.lease, claimed(&db, ids[1]).await.lease];

    let hook = busy_target(&db, me).await;
    let (kinds, kind) = (all_kinds(), analysis());

    let mut conn = db.acquire().await.unwrap();
    let before = rows_read(&mut conn).await;
    sqlx::query("SELECT MAX(payload) FROM jobs").execute(&mut *conn).await.unwrap();
    let scanned = rows_read(&mut conn).await - before;
    assert!(scanned > 1000, "the measure sees a scan: {scanned}");

    let token = Uuid::new_v4();
    let (queued, redelivered) = (BTreeSet::from([ids[2]]), BTreeMap::from([(ids[2], true)]));
    assert_reads!(conn, 12, is_needed(&mut conn, me, "u/x/another.jpg"));
    assert_reads!(conn, 4, purge_succeeded(&mut conn, PHOTO_DELETION, Duration::ZERO, 10));
    let hour = Duration::from_hours(1);
    // Ten analyses, with all that is kept of them.
    assert_reads!(conn, 10 * 20, prune(&mut conn, hour, 10));
    // Reads the entries of the index that it counts.
    let counted = count_prunable(&mut conn, hour).await.unwrap();
    assert_reads!(conn, i64::try_from(counted).unwrap() + 4, count_prunable(&mut conn, hour));
    assert_reads!(conn, 4, purge_dead_letters(&mut conn, hour, 10));
    assert_reads!(conn, 12, take_queued(&mut conn, &kind, &queued, token, LEASE));
    assert_reads!(conn, 20, claim(&mut conn, &kind, &redelivered, token, LEASE));
    assert_reads!(conn, 24, renew(&mut conn, &leases, LEASE));
    assert_reads!(conn, 8, find_valid(&mut conn, &leases));
    let trouble = JobError::retryable("ANALYZER_FAILED", "the analyzer failed");
    assert_reads!(conn, 48, retry_later(&mut conn, leases[0], Duration::ZERO, &trouble));
    assert_reads!(conn, 24, hand_back(&mut conn, leases[1], Message::Anew));
    assert_reads!(conn, 24, note_published(&mut conn, &[(ids[0], 1), (ids[1], 1)]));
    assert_reads!(conn, 24, note_unpublished(&mut conn, &[(ids[0], 1), (ids[1], 1)]));
    assert_reads!(conn, 40, take_due(&mut conn, &kinds, Scope::All, LEASE));
    let ended = [end(me, ids[3], Guard::Active, Outcome::Cancelled)];
    // Among them the statistics of tables that this session has not used before, a row for each index, and the rows of
    // the statement's own parameter.
    assert_reads!(conn, 54, finish(&mut conn, &kinds, &ended, LEASE));

    assert_reads!(conn, 6, find_owned(&mut conn, me, ids[3]));
    assert_reads!(conn, 20, list_owned(&mut conn, me, Filter::default(), None, 4));
    assert_reads!(conn, 20, list_active(&mut conn, me, 100));
    assert_reads!(conn, 6, list_after(&mut conn, me, 0, 10));
    let (both, nobody) = ([me, UserId(Uuid::now_v7())], UserId(Uuid::now_v7()));
    assert_reads!(conn, 24, list_active_of(&mut conn, both.into_iter(), 100));
    let seen = BTreeMap::from([(me, 0), (nobody, 0)]);
    assert_reads!(conn, 12, list_after_each(&mut conn, &seen, 10));
    assert_reads!(conn, 6, last_event(&mut conn, me));
    assert_reads!(conn, 6, last_events(&mut conn, &both));
    assert_reads!(conn, 16, find_activity(&mut conn, ANALYSIS, &both));
    assert_reads!(conn, 6, find_latest_of(&mut conn, ids[3].0));
    assert_reads!(conn, 12, find_latest_of_all(&mut conn, ids.iter().map(|id| id.0)));
    assert_reads!(conn, 8, find_log_span(&mut conn, me));
    assert_reads!(conn, 30, list_queue(&mut conn, ANALYSIS, 10));
    // This counts the queue's index entries, but not the history's, which is as long: by the clock, not per job.
    let queue = i64::try_from(OTHERS).unwrap() + 64;
    assert_reads!(conn, queue, measure_load(&mut conn, ANALYSIS));
    let now = OffsetDateTime::now_utc();
    assert_reads!(conn, 8, count_published(&mut conn, ANALYSIS, now));
    assert_reads!(conn, 8, list_oldest(&mut conn, ANALYSIS, now, 10));

    let photo = PhotoKey::new(Reuse::User, me, PhotoDigest::of(b"photo")).unwrap();
    assert_reads!(conn, 6, remember(&mut conn, [(photo, ids[3])]));
    assert_reads!(conn, 6, find_answers(&mut conn, &[photo]));
    // Operators' searches, page by page.
    let page = || Search { kind: ANALYSIS.to_owned(), limit: 4, ..Search::default() };
    let failed = Some(Status::Failed);
    assert_reads!(conn, 24, search(&mut conn, &page()));
    assert_reads!(conn, 6, search(&mut conn, &Search { id: Some(ids[0]), ..page() }));
    assert_reads!(conn, 24, search(&mut conn, &Search { user: Some(me), ..page() }));
    assert_reads!(conn, 24, search(&mut conn, &Search { status: failed, ..page() }));
    let code = Some("CANCELLED".to_owned());
    assert_reads!(conn, 24, search(&mut conn, &Search { code, ..page() }));
    let both = Search { user: Some(me), status: failed, ..page() };
    assert_reads!(conn, 40, search(&mut conn, &both));
    assert_reads!(conn, 24, list_spans(&mut conn, ANALYSIS, 500));

    let mine = BTreeSet::from([me]);
    assert_reads!(conn, 40, count_active(&mut conn, ANALYSIS, &mine));
    assert_reads!(conn, 24, release_room(&mut conn, &kind, LEASE));
    assert_reads!(conn, 24, transitions::read(&mut conn, ids[0]));
    assert_reads!(conn, 24, dead_letters::list_of(&mut conn, ids[0]));

    sending_reads_what_is_due(&mut conn, hook).await;
    for user in [me, other] {
        let address = format!("https://hooks.example/{}", hook.0);
        let (id, channel) = (TargetId(Uuid::now_v7()), ChannelKind::Webhook);
        let (secrets, description, events) = (None, None, None);
        let new = NewTarget { id, user, channel, address, secrets, description, events };
        assert_reads!(conn, 24, register(&mut conn, &new, 10));
    }
}

/// A target with a long log and one delivery that is due, beside many other targets.
async fn busy_target(db: &MySqlPool, me: UserId) -> TargetId {
    for _ in 0..OTHERS / 5 {
        target(db, user(db).await, ChannelKind::Webhook).await;
    }
    let hook = target(db, me, ChannelKind::Webhook).await;
    let told: Vec<NewDelivery> = (0..OTHERS).map(|_| NewDelivery::new(hook, PING, None)).collect();
    let mut conn = db.acquire().await.unwrap();
    insert(&mut conn, &told).await.unwrap();
    for statement in [
        "UPDATE push_deliveries SET due_at = NULL, state = 'delivered'",
        "INSERT INTO push_attempts (delivery_id, attempt, duration_ms, created_at)
         SELECT id, 1, 5, NOW(3) FROM push_deliveries",
    ] {
        sqlx::query(statement).execute(&mut *conn).await.unwrap();
    }
    insert(&mut conn, &[NewDelivery::new(hook, PING, None)]).await.unwrap();
    sqlx::raw_sql("ANALYZE TABLE push_targets, push_deliveries, push_attempts")
        .execute(db)
        .await
        .unwrap();
    hook
}

async fn sending_reads_what_is_due(conn: &mut MySqlConnection, hook: TargetId) {
    let (channel, token) = (ChannelKind::Webhook, Uuid::new_v4());
    assert_reads!(*conn, 2, is_due(&mut *conn, channel));
    assert_reads!(*conn, 4, count_due(&mut *conn, channel));
    assert_reads!(*conn, 12, take_targets(&mut *conn, channel, 10, token, LEASE));
    assert_reads!(*conn, 6, read_due(&mut *conn, &[(hook, 8)]));
    let settlement =
        Settlement { target: hook, token, attempts: vec![], health: Health::Working, rest: None };
    assert_reads!(*conn, 12, settle(&mut *conn, &[settlement], LEASE));
    assert_reads!(*conn, 12, list_deliveries(&mut *conn, hook, None, 10));
    let newest = list_deliveries(&mut *conn, hook, None, 2).await.unwrap();
    let ids: Vec<_> = newest.iter().map(|delivery| delivery.id).collect();
    assert_reads!(*conn, 6, list_attempts(&mut *conn, &ids));
    assert_reads!(*conn, 12, redeliver(&mut *conn, hook, ids[0]));
    assert_reads!(*conn, 12, insert(&mut *conn, &[NewDelivery::new(hook, PING, None)]));
    assert_reads!(*conn, 40, purge(&mut *conn, Duration::ZERO, 10));
}

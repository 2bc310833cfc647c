//! Tests that sessions are begun, refreshed, listed and ended by the rows of their owner alone, however many there are.

use std::time::Duration;

use sqlx::{MySqlConnection, MySqlPool};
use toneup_plans::assert_reads;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::opaque::OpaqueToken;
use super::secret::ServerSecret;
use super::sessions::Session;
use super::{refresh_tokens, sessions, store};
use crate::http::identity::{Caller, SessionId};

const LIFE: Duration = Duration::from_mins(10);

/// Sessions of others, each with two tokens and a ticket; half of them were revoked a while ago.
async fn fill(conn: &mut MySqlConnection) {
    for statement in [
        "INSERT INTO sessions
             (id, user_id, device, created_at, last_seen_at, expires_at, revoked_at)
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)
         SELECT UNHEX(MD5(i)), UNHEX(MD5(i DIV 3)), 'a phone', NOW(3), NOW(3),
                NOW(3) + INTERVAL 1 DAY, IF(i % 2 = 0, NOW(3) - INTERVAL 1 HOUR, NULL) FROM n",
        "INSERT INTO refresh_tokens (token_hash, family_id, user_id, created_at, expires_at)
         SELECT UNHEX(SHA2(CONCAT(t.n, HEX(s.id)), 256)), s.id, s.user_id, NOW(3), s.expires_at
         FROM sessions s, (SELECT 1 AS n UNION ALL SELECT 2) t",
        "INSERT INTO stream_tickets (ticket_hash, user_id, session_id, expires_at)
         SELECT UNHEX(SHA2(HEX(id), 256)), user_id, id, expires_at FROM sessions",
    ] {
        sqlx::query(statement).execute(&mut *conn).await.unwrap();
    }
    sqlx::raw_sql("ANALYZE TABLE sessions, refresh_tokens, stream_tickets")
        .execute(conn)
        .await
        .unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_session_reads_nobody_elses_rows(db: MySqlPool) {
    let mut conn = db.acquire().await.unwrap();
    fill(&mut conn).await;
    let caller = Caller { user: UserId(Uuid::now_v7()), session: SessionId(Uuid::now_v7()) };
    let begun = Session { id: caller.session, user: caller.user, device: "a tablet".to_owned() };
    let token = OpaqueToken::generate();
    let next = token.successor(&ServerSecret::of("a secret"));

    assert_reads!(conn, 4, sessions::insert(&mut conn, &begun, LIFE));
    assert_reads!(conn, 4, refresh_tokens::insert(&mut conn, caller, &token, LIFE));
    let found = assert_reads!(conn, 6, refresh_tokens::find(&mut conn, &token, &next));
    assert!(found.is_some_and(|found| !found.used));
    assert!(assert_reads!(conn, 4, sessions::lock(&mut conn, caller.session)));
    assert_reads!(conn, 4, refresh_tokens::mark_used(&mut conn, &token));
    assert_reads!(conn, 4, refresh_tokens::insert(&mut conn, caller, &next, LIFE));
    assert_reads!(conn, 4, sessions::extend(&mut conn, caller.session, LIFE));
    assert_reads!(conn, 6, refresh_tokens::find(&mut conn, &token, &next));
    assert_reads!(conn, 6, refresh_tokens::find_begun(&mut conn, &next));
    let listed = assert_reads!(conn, 6, sessions::list(&mut conn, caller.user));
    assert_eq!(listed.len(), 1);

    assert_reads!(conn, 4, store::insert_stream_ticket(&mut conn, caller, &token, LIFE));
    let owner = assert_reads!(conn, 8, store::use_stream_ticket(&mut conn, &token));
    assert_eq!(owner, Some((caller.user, Some(caller.session))));
    let ended = assert_reads!(conn, 6, sessions::lock_revocable(&mut conn, caller.user, None, 10));
    assert_eq!(ended, [caller.session]);
    let recent = Duration::from_mins(1);
    assert_reads!(conn, 4, sessions::list_revoked(&mut conn, recent, 100));
}

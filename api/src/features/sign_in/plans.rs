//! Tests that signing in reads the rows of whoever signs in alone, however many people there are.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use secrecy::SecretString;
use sqlx::{MySqlConnection, MySqlPool};
use toneup_plans::assert_reads;
use toneup_platform::identity::UserId;
use toneup_platform::vault::Vault;
use uuid::Uuid;

use super::{grants, identities, transfers};

/// People who have an account already, each with two identities and a grant that is to be revoked some day.
async fn fill(conn: &mut MySqlConnection) {
    for statement in [
        "INSERT INTO users (id, kind, created_at)
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)
         SELECT UNHEX(MD5(i)), 'member', NOW(3) FROM n",
        "INSERT INTO identities (provider, subject, id, user_id, created_at)
         SELECT p.name, HEX(u.id), UNHEX(MD5(CONCAT(p.name, HEX(u.id)))), u.id, NOW(3)
         FROM users u, (SELECT 'acme' AS name UNION ALL SELECT 'other') p",
        "INSERT INTO sign_in_grants (identity_id, user_id, provider, token, due_at, created_at)
         SELECT id, user_id, provider, 'sealed', NOW(3) + INTERVAL 1 DAY, NOW(3)
         FROM identities WHERE provider = 'acme'",
        "INSERT INTO guest_transfers (guest_id, user_id, due_at, created_at)
         SELECT UNHEX(MD5(CONCAT('guest', HEX(id)))), id, NOW(3) + INTERVAL 1 DAY, NOW(3) FROM users",
    ] {
        sqlx::query(statement).execute(&mut *conn).await.unwrap();
    }
    sqlx::raw_sql("ANALYZE TABLE users, identities, sign_in_grants, guest_transfers, jobs")
        .execute(conn)
        .await
        .unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn signing_in_reads_nobody_elses_rows(db: MySqlPool) {
    let mut conn = db.acquire().await.unwrap();
    fill(&mut conn).await;
    let vault = Vault::parse(&BASE64_STANDARD.encode([7; 32])).unwrap();
    let grant = SecretString::from("a refresh token");
    let (user, guest) = (UserId(Uuid::now_v7()), UserId(Uuid::now_v7()));
    sqlx::query("INSERT INTO users (id, kind, created_at) VALUES (?, 'member', NOW(3))")
        .bind(user)
        .execute(&mut *conn)
        .await
        .unwrap();

    assert_reads!(conn, 4, identities::insert(&mut conn, user, "acme", "me"));
    let found = assert_reads!(conn, 4, identities::find_user(&mut conn, "acme", "me"));
    assert_eq!(found, Some(user));
    assert_reads!(conn, 4, identities::find_user(&mut conn, "acme", "nobody"));
    assert_reads!(conn, 6, grants::keep(&mut conn, &vault, "acme", "me", &grant));
    let listed = assert_reads!(conn, 8, identities::list_locked(&mut conn, user));
    assert_eq!(listed.len(), 1);
    // Both look into several tables for what the guest has.
    assert_reads!(conn, 80, transfers::begin(&mut conn, guest, user));
    assert!(assert_reads!(conn, 80, transfers::advance(&mut conn)), "one is due");
    assert_reads!(conn, 16, identities::delete(&mut conn, user, listed[0].id));
    let due = assert_reads!(conn, 16, grants::find_due(&mut conn));
    assert_eq!(due.len(), 1);
    assert_reads!(conn, 4, grants::note(&mut conn, due[0].identity, Some(Duration::ZERO)));
    assert_reads!(conn, 4, grants::note(&mut conn, due[0].identity, None));
}

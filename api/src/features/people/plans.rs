//! Tests that queries run per request read only the rows they need, however full the tables are: the server's own
//! counters of rows read are compared before and after.

use sqlx::{MySqlConnection, MySqlPool, QueryBuilder};
use toneup_plans::assert_reads;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::profile::{find, find_by_number};
use super::restriction::RestrictionKind;
use super::summary::{Follows, list_follows, list_restricted, search};

const OTHERS: usize = 1500;

async fn insert(conn: &mut MySqlConnection, into: &str, rows: &[Vec<UserId>]) {
    for rows in rows.chunks(500) {
        let mut query = QueryBuilder::new(format!("INSERT INTO {into} "));
        query.push_values(rows, |mut row, values| {
            for value in values {
                row.push_bind(*value);
            }
            row.push_bind(Uuid::now_v7());
        });
        query.build().execute(&mut *conn).await.unwrap();
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_reads_the_tables_through(db: MySqlPool) {
    let mut conn = db.acquire().await.unwrap();
    let people: Vec<UserId> = (0..=OTHERS).map(|_| UserId(Uuid::now_v7())).collect();
    for some in people.chunks(500) {
        let mut query = QueryBuilder::new("INSERT INTO users (id, kind, created_at) ");
        query.push_values(some, |mut row, user| {
            row.push_bind(*user).push_bind("guest").push("NOW(3)");
        });
        query.build().execute(&mut *conn).await.unwrap();
    }
    let (me, others) = people.split_first().unwrap();
    let theirs: Vec<_> = others.iter().map(|other| vec![*other, *me]).collect();
    let mine: Vec<_> = others.iter().map(|other| vec![*me, *other]).collect();
    for pairs in [&theirs, &mine] {
        insert(&mut conn, "follows (follower_id, followed_id, id)", pairs).await;
    }
    for user in [me, &others[0]] {
        sqlx::query(
            "INSERT INTO restrictions (user_id, subject_id, kind, id)
             SELECT ?, id, 'mute', id FROM users WHERE id <> ?",
        )
        .bind(*user)
        .bind(*user)
        .execute(&mut *conn)
        .await
        .unwrap();
    }
    sqlx::raw_sql("ANALYZE TABLE users, follows, restrictions, personal_colours, pictures")
        .execute(&mut *conn)
        .await
        .unwrap();
    let number = find(&mut conn, *me, others[7]).await.unwrap().unwrap().number;

    let found = assert_reads!(conn, 16, find(&mut conn, *me, others[7]));
    assert!(found.unwrap().relation.is_following);
    assert_reads!(conn, 16, find_by_number(&mut conn, *me, number));
    // Of each person the row, and what may hide or adorn it.
    for which in [Follows::Followers, Follows::Following] {
        let of = (which, *me);
        let page = assert_reads!(conn, 80, list_follows(&mut conn, *me, of, None, 10));
        let before = page.last().map(|last| last.place);
        let page = assert_reads!(conn, 80, list_follows(&mut conn, *me, of, before, 10));
        assert_eq!(page.len(), 10);
    }
    let kind = RestrictionKind::Mute;
    let page = assert_reads!(conn, 80, list_restricted(&mut conn, *me, kind, None, 10));
    assert_eq!(page.len(), 10);
    let page = assert_reads!(conn, 80, search(&mut conn, *me, "user", "", 10));
    let after = &page.last().unwrap().nickname_key;
    let page = assert_reads!(conn, 80, search(&mut conn, *me, "user", after, 10));
    assert_eq!(page.len(), 10);
}

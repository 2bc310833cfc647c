//! Tests that queries run per request read only the rows they need, however full the tables are: the server's own counters
//! of rows read are compared before and after.

use sqlx::{MySqlConnection, MySqlPool};
use toneup_plans::assert_reads;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::model::{Content, RoomId};
use super::store::find::{find_by_number, list_joined, list_members};
use super::store::list::{Place, find_room, list_direct_rooms, list_rooms};
use super::store::log::{list_after, list_before, list_new};
use super::store::notify::{DueNews, find_due, tell_due};
use super::store::place::NewMessage;
use super::store::read::{find_membership, mark_read};
use super::store::send::send;

/// Messages of the long room, and rooms of the user.
const MANY: u32 = 3000;
const ROOMS: u32 = 200;

/// A user with 200 direct rooms, the first of which has 3000 messages.
async fn fill(conn: &mut MySqlConnection) -> (UserId, RoomId) {
    let me = UserId(Uuid::now_v7());
    let rooms: Vec<RoomId> = (0..ROOMS).map(|_| RoomId::generate()).collect();
    for room in &rooms {
        let peer = UserId(Uuid::now_v7());
        for (statement, ids) in [
            ("INSERT INTO users (id, kind, created_at) VALUES (?, 'guest', NOW(3))", vec![peer.0]),
            (
                "INSERT INTO rooms (id, kind, members, last_at) VALUES (?, 'direct', 2, NOW(3))",
                vec![room.0],
            ),
            (
                "INSERT INTO direct_rooms (low_user, high_user, room_id) VALUES (?, ?, ?)",
                vec![me.0, peer.0, room.0],
            ),
            ("INSERT INTO members VALUES (?, ?, ?, 0, 0, 0, FALSE)", vec![me.0, room.0, peer.0]),
            ("INSERT INTO members VALUES (?, ?, ?, 0, 0, 0, FALSE)", vec![peer.0, room.0, me.0]),
        ] {
            let mut query = sqlx::query(statement);
            for id in ids {
                query = query.bind(id);
            }
            query.execute(&mut *conn).await.unwrap();
        }
    }
    sqlx::query("INSERT INTO users (id, kind, created_at) VALUES (?, 'guest', NOW(3))")
        .bind(me)
        .execute(&mut *conn)
        .await
        .unwrap();
    for room in &rooms[..2] {
        sqlx::query(
            "INSERT INTO messages (room_id, seq, id, sender_id, client_key, kind, body, counted, sent_at)
             SELECT ?, n.seq, UNHEX(MD5(RAND())), ?, n.seq, 'text', 'x', n.seq, NOW(3)
             FROM JSON_TABLE(?, '$[*]' COLUMNS (seq BIGINT PATH '$')) AS n",
        )
        .bind(*room)
        .bind(me)
        .bind(serde_json::to_string(&(1..=MANY).collect::<Vec<_>>()).unwrap())
        .execute(&mut *conn)
        .await
        .unwrap();
        sqlx::query("UPDATE rooms SET last_seq = ?, counted = ? WHERE id = ?")
            .bind(MANY)
            .bind(MANY)
            .bind(*room)
            .execute(&mut *conn)
            .await
            .unwrap();
    }
    sqlx::raw_sql(
        "ANALYZE TABLE users, rooms, members, messages, direct_rooms, restrictions, pictures",
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    (me, rooms[0])
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_reads_the_tables_through(db: MySqlPool) {
    let mut conn = db.acquire().await.unwrap();
    let (me, room) = fill(&mut conn).await;
    let number = find_room(&mut conn, me, room).await.unwrap().unwrap().number;

    assert_reads!(conn, 16, find_room(&mut conn, me, room));
    assert_reads!(conn, 6, find_by_number(&mut conn, me, number));
    assert_reads!(conn, 4, find_membership(&mut conn, room, me));
    // The room, the entry, the member, and a notice that there may be.
    assert_reads!(conn, 40, mark_read(&mut conn, room, me, 1500));
    // Of each entry the row, its sender, its subject and its target.
    assert_reads!(conn, 80, list_after(&mut conn, room, me, 1500, 10));
    assert_reads!(conn, 80, list_before(&mut conn, room, me, 1500, 10));
    assert_reads!(conn, 80, list_new(&mut conn, room, 1500, 10));
    assert_reads!(conn, 20, list_members(&mut conn, room, Uuid::nil(), 10));
    assert_reads!(conn, 3 * i64::from(ROOMS), list_joined(&mut conn, me, 1000));
    let item = NewMessage {
        id: Uuid::now_v7(),
        room,
        sender: me,
        client_key: "a".to_owned(),
        digest: [0; 16],
        content: Content { text: Some("x".to_owned()), pictures: vec![] },
    };
    let items = [item];
    assert!(assert_reads!(conn, 120, send(&mut conn, &items))[0].is_ok());
}

#[sqlx::test(migrations = "../migrations")]
async fn the_list_of_rooms_reads_no_message(db: MySqlPool) {
    let mut conn = db.acquire().await.unwrap();
    let (me, _) = fill(&mut conn).await;
    // Each of the user's rooms once to sort them, and of those on the page what is shown.
    let most = 4 * i64::from(ROOMS);
    let page = assert_reads!(conn, most, list_rooms(&mut conn, me, Place::BEGIN, 20));
    let last = page.last().unwrap();
    let after = Place { last_at: last.last_at, room: last.id };
    assert_eq!(assert_reads!(conn, most, list_rooms(&mut conn, me, after, 20)).len(), 20);
    assert_reads!(conn, most, list_direct_rooms(&mut conn, me, 20, 20));
    // Were they read, this would fail.
    sqlx::query("DROP TABLE messages").execute(&mut *conn).await.unwrap();
    assert_eq!(list_rooms(&mut conn, me, Place::BEGIN, 20).await.unwrap().len(), 20);
}

#[sqlx::test(migrations = "../migrations")]
async fn telling_those_who_are_away_reads_what_is_due(db: MySqlPool) {
    let mut conn = db.acquire().await.unwrap();
    fill(&mut conn).await;
    sqlx::query(
        "UPDATE rooms SET preview_seq = last_seq,
             notify_due = NOW(3) - INTERVAL IF(last_seq > 0, 2, 1) SECOND",
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    // Of each room its row and its members, of two rooms the newest messages.
    let due = assert_reads!(conn, 300, find_due(&mut conn, 50));
    let messages: Vec<usize> = due.iter().map(|room| room.messages.len()).collect();
    assert_eq!(messages[..3], [10, 10, 0]);
    assert_eq!(due[0].messages[0].0, u64::from(MANY), "the newest first");
    assert_eq!(due[0].behind.len(), 2);

    let due: Vec<DueNews> = due.into_iter().map(|room| (room, vec![])).collect();
    assert_reads!(conn, 300, tell_due(&mut conn, &due));
    let left = find_due(&mut conn, 1000).await.unwrap();
    assert_eq!(left.len(), usize::try_from(ROOMS).unwrap() - 50);
}

//! Storing messages: a batch of several rooms' in one transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use sqlx::types::time::OffsetDateTime;
use sqlx::{MySqlConnection, QueryBuilder};
use toneup_platform::database::{bind_list, bind_pairs, json_rows, padded};
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::lock::lock_rooms;
use super::place::{
    Decided, Earlier, Key, Known, NewMessage, Outcome, Placed, Returned, Stored, decide,
};
use crate::features::chat::model::{RoomId, Seq};

/// Characters of a room's preview.
const PREVIEW: usize = 100;

/// Stores a batch in the caller's transaction; returns what became of each message, in order. Safe to repeat as a whole.
pub(crate) async fn send(
    conn: &mut MySqlConnection,
    items: &[NewMessage],
) -> Result<Vec<Outcome>, sqlx::Error> {
    let rooms: BTreeSet<RoomId> = items.iter().map(|item| item.room).collect();
    let mut known = Known { heads: lock_rooms(&mut *conn, &rooms).await?, ..Known::default() };
    if known.heads.is_empty() {
        return Ok(decide(items, &mut known, OffsetDateTime::now_utc()).outcomes);
    }
    known.members = find_members(&mut *conn, items).await?;
    known.earlier = find_earlier(&mut *conn, items).await?;
    let direct = known.heads.iter().filter(|(_, head)| head.is_direct).map(|(room, _)| *room);
    known.pairs = find_pairs(&mut *conn, direct.collect()).await?;
    let Decided { outcomes, placed, returned } =
        decide(items, &mut known, milliseconds(OffsetDateTime::now_utc()));
    if !placed.is_empty() {
        insert(&mut *conn, &placed, &outcomes_at(&outcomes)).await?;
        bring_back(&mut *conn, &returned).await?;
        move_rooms(&mut *conn, &placed, &known).await?;
        mark_read(&mut *conn, &placed).await?;
    }
    Ok(outcomes)
}

/// The precision that the database keeps.
pub(super) fn milliseconds(time: OffsetDateTime) -> OffsetDateTime {
    time.replace_millisecond(time.millisecond()).unwrap_or(time)
}

/// Times of the stored messages by id.
fn outcomes_at(outcomes: &[Outcome]) -> HashMap<Uuid, OffsetDateTime> {
    outcomes.iter().flatten().map(|stored| (stored.id, stored.sent_at)).collect()
}

async fn find_members(
    conn: &mut MySqlConnection,
    items: &[NewMessage],
) -> Result<BTreeSet<(RoomId, UserId)>, sqlx::Error> {
    let pairs: BTreeSet<(UserId, RoomId)> =
        items.iter().map(|item| (item.sender, item.room)).collect();
    let mut query = QueryBuilder::new("SELECT room_id, user_id FROM members WHERE ");
    bind_pairs(&mut query, ("user_id", "room_id"), pairs.into_iter());
    let rows: Vec<(RoomId, UserId)> = query.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().collect())
}

async fn find_earlier<'a>(
    conn: &mut MySqlConnection,
    items: &'a [NewMessage],
) -> Result<HashMap<Key<'a>, Earlier>, sqlx::Error> {
    type Row = (RoomId, UserId, String, Uuid, Seq, OffsetDateTime, Vec<u8>);
    let mut query = QueryBuilder::new(
        "SELECT room_id, sender_id, client_key, id, seq, sent_at, digest FROM messages WHERE (",
    );
    let mut any = query.separated(" OR ");
    let key = |item: &'a NewMessage| (item.room, item.sender, item.client_key.as_str());
    for (room, sender, client_key) in padded(items.iter().map(key)) {
        any.push("(room_id = ").push_bind_unseparated(room);
        any.push_unseparated(" AND sender_id = ").push_bind_unseparated(sender);
        any.push_unseparated(" AND client_key = ").push_bind_unseparated(client_key);
        any.push_unseparated(")");
    }
    query.push(")");
    let rows: Vec<Row> = query.build_query_as().fetch_all(conn).await?;
    let mut found = HashMap::new();
    for (room, sender, client_key, id, seq, sent_at, digest) in rows {
        let item = items
            .iter()
            .find(|item| (item.room, item.sender, &item.client_key) == (room, sender, &client_key));
        let digest = digest.try_into().unwrap_or_default();
        if let Some(item) = item {
            found.insert(key(item), Earlier { id, seq, sent_at, digest });
        }
    }
    Ok(found)
}

/// Both users of direct rooms, of those alone that take messages: both are there, and neither blocks the other.
async fn find_pairs(
    conn: &mut MySqlConnection,
    rooms: Vec<RoomId>,
) -> Result<BTreeMap<RoomId, (UserId, UserId)>, sqlx::Error> {
    if rooms.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut query = QueryBuilder::new(
        "SELECT d.room_id, d.low_user, d.high_user FROM direct_rooms d
         JOIN users low ON low.id = d.low_user AND low.deleted_at IS NULL
         JOIN users high ON high.id = d.high_user AND high.deleted_at IS NULL
         WHERE NOT EXISTS (SELECT 1 FROM restrictions r WHERE r.user_id = d.low_user
                               AND r.subject_id = d.high_user AND r.kind = 'block')
           AND NOT EXISTS (SELECT 1 FROM restrictions r WHERE r.user_id = d.high_user
                               AND r.subject_id = d.low_user AND r.kind = 'block')
           AND d.room_id IN ",
    );
    bind_list(&mut query, rooms.into_iter());
    let rows: Vec<(RoomId, UserId, UserId)> = query.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().map(|(room, low, high)| (room, (low, high))).collect())
}

async fn insert(
    conn: &mut MySqlConnection,
    placed: &[Placed<'_>],
    times: &HashMap<Uuid, OffsetDateTime>,
) -> Result<(), sqlx::Error> {
    #[derive(Serialize)]
    struct Row<'a> {
        room: RoomId,
        seq: Seq,
        id: Uuid,
        sender: UserId,
        key: &'a str,
        digest: String,
        kind: &'static str,
        body: Option<&'a str>,
        attachments: Option<String>,
        counted: u64,
        /// Milliseconds of Unix time.
        at: i128,
    }
    let row = placed.iter().map(|Placed { message, seq, counted }| Row {
        room: message.room,
        seq: *seq,
        id: message.id,
        sender: message.sender,
        key: &message.client_key,
        digest: hex::encode(message.digest),
        kind: message.content.kind(),
        body: message.content.text.as_deref(),
        attachments: Some(&message.content.pictures)
            .filter(|pictures| !pictures.is_empty())
            .and_then(|pictures| serde_json::to_string(pictures).ok()),
        counted: *counted,
        at: times.get(&message.id).map_or(0, |at| at.unix_timestamp_nanos() / 1_000_000),
    });
    let rows: Vec<Row<'_>> = row.collect();
    let insert = sqlx::query!(
        "INSERT INTO messages (room_id, seq, id, sender_id, client_key, digest, kind, body,
                               attachments, counted, sent_at)
         SELECT UNHEX(REPLACE(r.room, '-', '')), r.seq, UNHEX(REPLACE(r.id, '-', '')),
                UNHEX(REPLACE(r.sender, '-', '')), r.client_key, UNHEX(r.digest), r.kind, r.body,
                r.attachments, r.counted,
                TIMESTAMP('1970-01-01') + INTERVAL r.at * 1000 MICROSECOND
         FROM JSON_TABLE(?, '$[*]' COLUMNS (
             room CHAR(36) PATH '$.room', seq BIGINT UNSIGNED PATH '$.seq',
             id CHAR(36) PATH '$.id', sender CHAR(36) PATH '$.sender',
             client_key VARCHAR(64) PATH '$.key', digest CHAR(32) PATH '$.digest',
             kind VARCHAR(8) PATH '$.kind',
             body VARCHAR(4000) CHARACTER SET utf8mb4 PATH '$.body',
             attachments VARCHAR(2000) CHARACTER SET utf8mb4 PATH '$.attachments',
             counted BIGINT UNSIGNED PATH '$.counted', at BIGINT PATH '$.at')) AS r",
        json_rows(&rows)?,
    );
    insert.execute(&mut *conn).await?;
    attach(conn, placed).await
}

/// Says which message the pictures belong to.
async fn attach(conn: &mut MySqlConnection, placed: &[Placed<'_>]) -> Result<(), sqlx::Error> {
    for Placed { message, seq, .. } in placed {
        for picture in &message.content.pictures {
            sqlx::query!(
                "INSERT INTO message_pictures (picture_id, room_id, seq) VALUES (?, ?, ?)",
                picture.id,
                message.room,
                seq
            )
            .execute(&mut *conn)
            .await?;
        }
    }
    Ok(())
}

/// Makes users members again; they see what comes now, and nothing of what was before.
async fn bring_back(conn: &mut MySqlConnection, returned: &[Returned]) -> Result<(), sqlx::Error> {
    for Returned { room, user, peer, seq, counted } in returned {
        sqlx::query!(
            "INSERT INTO members (user_id, room_id, peer_id, joined_seq, read_seq, read_counted)
             VALUES (?, ?, ?, ?, ?, ?)",
            user,
            room,
            peer,
            seq,
            seq,
            counted
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// The last message of each room.
fn last_of<'a>(placed: &[Placed<'a>]) -> BTreeMap<RoomId, Placed<'a>> {
    placed.iter().map(|one| (one.message.room, *one)).collect()
}

async fn move_rooms(
    conn: &mut MySqlConnection,
    placed: &[Placed<'_>],
    known: &Known<'_>,
) -> Result<(), sqlx::Error> {
    #[derive(Serialize)]
    struct Row {
        room: RoomId,
        seq: Seq,
        counted: u64,
        members: u32,
        at: i128,
        kind: &'static str,
        preview: Option<String>,
    }
    let row = |(room, last): (RoomId, Placed<'_>)| {
        let head = known.heads.get(&room)?;
        let preview = last.message.content.text.as_deref();
        Some(Row {
            room,
            seq: last.seq,
            counted: last.counted,
            members: head.members,
            at: head.last_at.unix_timestamp_nanos() / 1_000_000,
            kind: last.message.content.kind(),
            preview: preview.map(|text| text.chars().take(PREVIEW).collect()),
        })
    };
    let rows: Vec<Row> = last_of(placed).into_iter().filter_map(row).collect();
    let update = sqlx::query!(
        "UPDATE rooms
         JOIN JSON_TABLE(?, '$[*]' COLUMNS (
             room CHAR(36) PATH '$.room', seq BIGINT UNSIGNED PATH '$.seq',
             counted BIGINT UNSIGNED PATH '$.counted', members INT UNSIGNED PATH '$.members',
             at BIGINT PATH '$.at', kind VARCHAR(8) PATH '$.kind',
             preview VARCHAR(100) CHARACTER SET utf8mb4 PATH '$.preview')) AS r
             ON rooms.id = UNHEX(REPLACE(r.room, '-', ''))
         SET rooms.last_seq = r.seq, rooms.counted = r.counted, rooms.members = r.members,
             rooms.last_at = TIMESTAMP('1970-01-01') + INTERVAL r.at * 1000 MICROSECOND,
             rooms.preview = r.preview, rooms.preview_kind = r.kind, rooms.preview_seq = r.seq,
             rooms.notify_due = COALESCE(rooms.notify_due, NOW(3) + INTERVAL 2 SECOND)",
        json_rows(&rows)?,
    );
    update.execute(conn).await.map(drop)
}

/// Whoever sends has read what came before.
async fn mark_read(conn: &mut MySqlConnection, placed: &[Placed<'_>]) -> Result<(), sqlx::Error> {
    #[derive(Serialize)]
    struct Row {
        room: RoomId,
        user: UserId,
        seq: Seq,
        counted: u64,
    }
    let last: BTreeMap<(RoomId, UserId), (Seq, u64)> = placed
        .iter()
        .map(|one| ((one.message.room, one.message.sender), (one.seq, one.counted)))
        .collect();
    let row = |((room, user), (seq, counted))| Row { room, user, seq, counted };
    let rows: Vec<Row> = last.into_iter().map(row).collect();
    let update = sqlx::query!(
        "UPDATE members m
         JOIN JSON_TABLE(?, '$[*]' COLUMNS (
             room CHAR(36) PATH '$.room', user CHAR(36) PATH '$.user',
             seq BIGINT UNSIGNED PATH '$.seq', counted BIGINT UNSIGNED PATH '$.counted')) AS r
             ON m.user_id = UNHEX(REPLACE(r.user, '-', ''))
                AND m.room_id = UNHEX(REPLACE(r.room, '-', ''))
         SET m.read_seq = r.seq, m.read_counted = r.counted",
        json_rows(&rows)?,
    );
    update.execute(conn).await.map(drop)
}

/// Finds a message by its sender's client key, with the digest of what was sent.
pub(crate) async fn find_sent(
    conn: &mut MySqlConnection,
    room: RoomId,
    sender: UserId,
    client_key: &str,
) -> Result<Option<(Stored, [u8; 16])>, sqlx::Error> {
    let found = sqlx::query!(
        r#"SELECT id AS "id: Uuid", seq, sent_at AS "sent_at: OffsetDateTime",
                  digest AS "digest: Vec<u8>" FROM messages
           WHERE room_id = ? AND sender_id = ? AND client_key = ?"#,
        room,
        sender,
        client_key
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|row| {
        let (id, seq, sent_at) = (row.id, row.seq, row.sent_at);
        let digest = row.digest.and_then(|digest| digest.try_into().ok()).unwrap_or_default();
        (Stored { id, seq, sent_at, repeated: true, returned: None }, digest)
    }))
}

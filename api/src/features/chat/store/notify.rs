//! Telling those who are away of messages: found by the room, some seconds later, so that sending costs nothing for it, and a
//! burst is one notification.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use serde::Serialize;
use sqlx::{MySqlConnection, QueryBuilder};
use toneup_notify::notices::{NewNotice, NoticeKind, Told, tell};
use toneup_platform::database::{bind_list, json_rows, padded};
use toneup_platform::identity::UserId;

use crate::features::chat::model::{RoomId, Seq};

/// Messages of one look that are told one by one; of more, the newest.
const MOST_MESSAGES: u32 = 10;
/// Members of a room up to which each message is told; of larger rooms one message of a look is.
const SMALL_ROOM: usize = 100;

/// A room with messages that may have to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DueRoom {
    pub(crate) room: RoomId,
    /// The entry up to which was told before.
    pub(crate) from: Seq,
    /// The newest message.
    pub(crate) to: Seq,
    /// Messages in between, the newest first: their numbers and senders.
    pub(crate) messages: Vec<(Seq, UserId)>,
    /// Members who want notifications and have not read the newest, with how far they have read.
    pub(crate) behind: Vec<(UserId, Seq)>,
}

impl DueRoom {
    /// The news for those who are away.
    pub(crate) fn news(&self, is_away: impl Fn(UserId) -> bool) -> Vec<NewNotice> {
        let most = if self.behind.len() > SMALL_ROOM { 1 } else { self.messages.len() };
        let mut news = Vec::new();
        for (user, read_seq) in self.behind.iter().filter(|(user, _)| is_away(*user)) {
            let unread =
                self.messages.iter().filter(|(seq, sender)| seq > read_seq && sender != user);
            news.extend(unread.take(most).map(|(_, sender)| NewNotice {
                user: *user,
                kind: NoticeKind::ChatMessage,
                subject: self.room.0,
                actor: *sender,
            }));
        }
        // The oldest first: whoever came last is named.
        news.reverse();
        news
    }
}

/// Finds rooms that are due, at most `limit`.
pub(crate) async fn find_due(
    conn: &mut MySqlConnection,
    limit: u32,
) -> Result<Vec<DueRoom>, sqlx::Error> {
    let rooms = sqlx::query!(
        r#"SELECT id AS "id: RoomId", notified_seq, preview_seq FROM rooms
           WHERE notify_due <= NOW(3) ORDER BY notify_due LIMIT ?"#,
        limit
    )
    .fetch_all(&mut *conn)
    .await?;
    let due = rooms.into_iter().map(|row| DueRoom {
        room: row.id,
        from: row.notified_seq,
        to: row.preview_seq,
        messages: Vec::new(),
        behind: Vec::new(),
    });
    let mut due: Vec<DueRoom> = due.collect();
    if due.is_empty() {
        return Ok(due);
    }
    let mut messages = find_messages(&mut *conn, &due).await?;
    let mut behind = find_behind(&mut *conn, &due).await?;
    for room in &mut due {
        room.messages = messages.remove(&room.room).unwrap_or_default();
        room.behind = behind.remove(&room.room).unwrap_or_default();
    }
    Ok(due)
}

/// The newest messages of each room.
async fn find_messages(
    conn: &mut MySqlConnection,
    due: &[DueRoom],
) -> Result<HashMap<RoomId, Vec<(Seq, UserId)>>, sqlx::Error> {
    let mut query = QueryBuilder::new("");
    let ranges = due.iter().map(|room| (room.room, room.from, room.to));
    for (place, (room, from, to)) in padded(ranges).into_iter().enumerate() {
        if place > 0 {
            query.push(" UNION ALL ");
        }
        // What is only padded contributes nothing.
        let most = if place < due.len() { MOST_MESSAGES } else { 0 };
        query.push("(SELECT room_id, seq, sender_id FROM messages WHERE room_id = ");
        query.push_bind(room).push(" AND seq > ").push_bind(from).push(" AND seq <= ");
        query.push_bind(to).push(
            " AND kind IN ('text', 'image') AND sender_id IS NOT NULL AND deleted_at IS NULL
              ORDER BY seq DESC LIMIT ",
        );
        query.push_bind(most).push(")");
    }
    let rows: Vec<(RoomId, Seq, UserId)> = query.build_query_as().fetch_all(conn).await?;
    let mut messages: HashMap<RoomId, Vec<(Seq, UserId)>> = HashMap::new();
    for (room, seq, sender) in rows {
        messages.entry(room).or_default().push((seq, sender));
    }
    for of_room in messages.values_mut() {
        of_room.sort_unstable_by_key(|(seq, _)| Reverse(*seq));
    }
    Ok(messages)
}

/// The members of each room who want notifications and have not read the newest message, with how far they have read.
async fn find_behind(
    conn: &mut MySqlConnection,
    due: &[DueRoom],
) -> Result<HashMap<RoomId, Vec<(UserId, Seq)>>, sqlx::Error> {
    let mut query = QueryBuilder::new(
        "SELECT room_id, user_id, read_seq FROM members FORCE INDEX (members_reads)
         WHERE NOT muted AND (",
    );
    let mut any = query.separated(" OR ");
    for (room, to) in padded(due.iter().map(|room| (room.room, room.to))) {
        any.push("(room_id = ").push_bind_unseparated(room);
        any.push_unseparated(" AND read_seq < ").push_bind_unseparated(to);
        any.push_unseparated(")");
    }
    query.push(")");
    let rows: Vec<(RoomId, UserId, Seq)> = query.build_query_as().fetch_all(conn).await?;
    let mut behind: HashMap<RoomId, Vec<(UserId, Seq)>> = HashMap::new();
    for (room, user, read_seq) in rows {
        behind.entry(room).or_default().push((user, read_seq));
    }
    Ok(behind)
}

/// A room, and the news for those who are away.
pub(crate) type DueNews = (DueRoom, Vec<NewNotice>);

/// Parts of these rooms that are each told in one transaction: whose news are at most `most`, or one room's.
pub(crate) fn parts(due: &[DueNews], most: usize) -> Vec<&[DueNews]> {
    let (mut parts, mut first, mut news) = (Vec::new(), 0, 0);
    for (place, (_, of_room)) in due.iter().enumerate() {
        if place > first && news + of_room.len() > most {
            parts.push(&due[first..place]);
            (first, news) = (place, 0);
        }
        news += of_room.len();
    }
    parts.extend((first < due.len()).then(|| &due[first..]));
    parts
}

/// Tells in the caller's transaction, but not of rooms in which another replica, which led before, was faster.
pub(crate) async fn tell_due(
    conn: &mut MySqlConnection,
    due: &[DueNews],
) -> Result<Vec<Told>, sqlx::Error> {
    let taken = take(&mut *conn, due).await?;
    let news = due.iter().filter(|(room, _)| taken.contains(&room.room));
    let news: Vec<NewNotice> = news.flat_map(|(_, news)| news).copied().collect();
    if news.is_empty() {
        return Ok(Vec::new());
    }
    tell(conn, &news).await
}

/// Locks the rooms, in order of id, and says that they are told of; returns those of which nobody else has.
async fn take(conn: &mut MySqlConnection, due: &[DueNews]) -> Result<HashSet<RoomId>, sqlx::Error> {
    #[derive(Serialize)]
    struct Row {
        room: RoomId,
        to: Seq,
    }
    let mut query = QueryBuilder::new(
        "SELECT id, notified_seq FROM rooms WHERE notify_due IS NOT NULL AND id IN ",
    );
    bind_list(&mut query, due.iter().map(|(room, _)| room.room));
    query.push(" ORDER BY id FOR UPDATE");
    let locked: Vec<(RoomId, Seq)> = query.build_query_as().fetch_all(&mut *conn).await?;
    let locked: HashSet<(RoomId, Seq)> = locked.into_iter().collect();
    let taken = due.iter().filter(|(room, _)| locked.contains(&(room.room, room.from)));
    let rows: Vec<Row> = taken.map(|(room, _)| Row { room: room.room, to: room.to }).collect();
    if !rows.is_empty() {
        let update = sqlx::query(
            "UPDATE rooms
             JOIN JSON_TABLE(?, '$[*]' COLUMNS (
                 room CHAR(36) PATH '$.room', told BIGINT UNSIGNED PATH '$.to')) AS r
                 ON rooms.id = UNHEX(REPLACE(r.room, '-', ''))
             SET rooms.notified_seq = r.told,
                 rooms.notify_due = IF(rooms.preview_seq > r.told, NOW(3) + INTERVAL 2 SECOND, NULL)",
        );
        update.bind(json_rows(&rows)?).execute(conn).await?;
    }
    Ok(rows.into_iter().map(|row| row.room).collect())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn whoever_is_away_is_told_of_what_they_have_not_read_and_not_of_their_own() {
        let [alice, bob, carol] = [1, 2, 3].map(|n| UserId(Uuid::from_u128(n)));
        let mut due = DueRoom {
            room: RoomId::generate(),
            from: 3,
            to: 6,
            messages: vec![(6, alice), (5, carol), (4, alice)],
            behind: vec![(bob, 4), (carol, 5)],
        };
        let told = |due: &DueRoom, online: &[UserId]| -> Vec<(UserId, UserId)> {
            let news = due.news(|user| !online.contains(&user));
            news.into_iter().map(|one| (one.user, one.actor)).collect()
        };
        assert_eq!(told(&due, &[]), [(carol, alice), (bob, carol), (bob, alice)]);
        assert_eq!(told(&due, &[bob]), [(carol, alice)]);
        due.behind = (0..200).map(|n| (UserId(Uuid::from_u128(10 + n)), 0)).collect();
        assert_eq!(told(&due, &[]).len(), 200, "one each in a large room");
    }

    #[test]
    fn rooms_share_a_transaction_while_their_news_are_few() {
        let user = UserId(Uuid::from_u128(1));
        let room = |news: usize| {
            let due = DueRoom {
                room: RoomId::generate(),
                from: 0,
                to: 1,
                messages: vec![],
                behind: vec![],
            };
            let kind = NoticeKind::ChatMessage;
            let one = NewNotice { user, kind, subject: due.room.0, actor: user };
            (due, vec![one; news])
        };
        let due: Vec<DueNews> = [0, 3, 2, 9, 0, 1].into_iter().map(room).collect();
        let sizes = |most| parts(&due, most).iter().map(|part| part.len()).collect::<Vec<_>>();
        assert_eq!(sizes(5), [3, 1, 2]);
        assert_eq!(sizes(0), [1; 6]);
        assert_eq!(sizes(100), [6]);
        assert!(parts(&[], 5).is_empty());
    }
}

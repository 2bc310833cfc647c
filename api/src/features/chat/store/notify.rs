//! Telling those who are away of messages: found by the room, some seconds later, so that sending costs nothing for it, and a
//! burst is one notification.

use std::collections::BTreeSet;

use sqlx::MySqlConnection;
use toneup_notify::notices::{NewNotice, NoticeKind, Told, tell};
use toneup_platform::identity::UserId;

use super::lock::lock_rooms;
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
    let mut due = Vec::new();
    for row in rooms {
        let (room, from, to) = (row.id, row.notified_seq, row.preview_seq);
        let messages = sqlx::query!(
            r#"SELECT seq, sender_id AS "sender!: UserId" FROM messages
               WHERE room_id = ? AND seq > ? AND seq <= ? AND kind IN ('text', 'image')
                 AND sender_id IS NOT NULL AND deleted_at IS NULL
               ORDER BY seq DESC LIMIT ?"#,
            room,
            from,
            to,
            MOST_MESSAGES
        )
        .fetch_all(&mut *conn)
        .await?;
        let behind = sqlx::query!(
            r#"SELECT user_id AS "user: UserId", read_seq FROM members
               WHERE room_id = ? AND read_seq < ? AND NOT muted"#,
            room,
            to
        )
        .fetch_all(&mut *conn)
        .await?;
        due.push(DueRoom {
            room,
            from,
            to,
            messages: messages.into_iter().map(|row| (row.seq, row.sender)).collect(),
            behind: behind.into_iter().map(|row| (row.user, row.read_seq)).collect(),
        });
    }
    Ok(due)
}

/// Tells in the caller's transaction, unless another replica, which led before, was faster: then there is nothing to tell.
pub(crate) async fn tell_due(
    conn: &mut MySqlConnection,
    due: &DueRoom,
    news: &[NewNotice],
) -> Result<Vec<Told>, sqlx::Error> {
    lock_rooms(&mut *conn, &BTreeSet::from([due.room])).await?;
    let taken = sqlx::query!(
        "UPDATE rooms SET notified_seq = ?,
             notify_due = IF(preview_seq > ?, NOW(3) + INTERVAL 2 SECOND, NULL)
         WHERE id = ? AND notified_seq = ? AND notify_due IS NOT NULL",
        due.to,
        due.to,
        due.room,
        due.from
    );
    if taken.execute(&mut *conn).await?.rows_affected() == 0 || news.is_empty() {
        return Ok(Vec::new());
    }
    tell(conn, news).await
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
}

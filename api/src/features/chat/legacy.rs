//! Conversations as the legacy endpoints show them: direct rooms, by public numbers.

use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};
use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;

use super::hints::Person;
use super::model::{Entry, RoomId, Seq};
use super::refusal::Refusal;
use super::socket_events::legacy_content;
use super::state::ChatState;
use super::store::find::find_by_number;
use super::store::list::{Room, count_direct_rooms, find_room, list_direct_rooms};
use super::store::log::list_before;
use super::store::read::list_reads;
use super::unread::Reads;
use super::view::{EntryView, PeerView, peer_of};
use super::words::NOBODY;
use crate::features::people;
use crate::http::problem::ApiError;

/// Messages of one answer.
const MESSAGES: u32 = 500;
/// Messages of the first answer.
const FIRST: usize = 100;
/// The zone of times that the app reads without one: Korea's.
pub(crate) const KOREA: UtcOffset = match UtcOffset::from_hms(9, 0, 0) {
    Ok(offset) => offset,
    Err(_) => UtcOffset::UTC,
};

/// A direct room in the list.
#[derive(Debug)]
pub(crate) struct LegacyRoom {
    pub(crate) number: u64,
    pub(crate) peer: LegacyPeer,
    /// `None` before the first message.
    pub(crate) last_message: Option<String>,
    pub(crate) last_sent_at: Option<PrimitiveDateTime>,
    pub(crate) unread: u64,
}

/// The other user of a direct room, who may be gone.
#[derive(Debug)]
pub(crate) struct LegacyPeer {
    /// 0 for whoever is gone.
    pub(crate) number: u64,
    pub(crate) nickname: String,
    pub(crate) image_url: String,
}

/// A message.
#[derive(Debug)]
pub(crate) struct LegacyMessage {
    pub(crate) seq: Seq,
    pub(crate) sender: u64,
    pub(crate) content: String,
    pub(crate) sent_at: PrimitiveDateTime,
    /// Nobody has not read it.
    pub(crate) is_read: bool,
    pub(crate) is_mine: bool,
    /// `TEXT` or `IMAGE`.
    pub(crate) kind: &'static str,
}

fn local(time: OffsetDateTime) -> PrimitiveDateTime {
    let time = time.to_offset(KOREA);
    let whole = time.time().replace_nanosecond(0).unwrap_or(time.time());
    PrimitiveDateTime::new(time.date(), whole)
}

impl ChatState {
    /// Opens the direct room with a user of this number; returns the room's.
    pub(crate) async fn open_by_number(&self, user: UserId, peer: u64) -> Result<u64, ApiError> {
        let finding = bounded(async {
            people::find_by_number(&mut *self.pool.acquire().await?, user, peer).await
        });
        let peer = finding.await?.ok_or(Refusal::NotFound)?.id;
        let opened = self.open_direct(user, peer).await?;
        Ok(self.room_of(user, opened.room).await?.number)
    }

    /// Lists direct rooms from an offset on, and counts them all.
    pub(crate) async fn list_by_offset(
        &self,
        user: UserId,
        offset: u64,
        limit: u32,
    ) -> Result<(Vec<LegacyRoom>, u64), ApiError> {
        let reading = bounded(async {
            let mut lent = self.pool.acquire().await?;
            let rooms = list_direct_rooms(&mut lent, user, offset, limit).await?;
            Ok::<_, sqlx::Error>((rooms, count_direct_rooms(&mut lent, user).await?))
        });
        let (rooms, total) = reading.await?;
        Ok((rooms.iter().map(|room| self.legacy_room(room)).collect(), total))
    }

    fn legacy_room(&self, room: &Room) -> LegacyRoom {
        let shown = room.preview_kind.as_deref().filter(|_| room.shows_preview());
        let last_message = shown.map(|kind| match (&room.preview, kind) {
            (Some(text), _) => text.clone(),
            (None, "image") => "사진".to_owned(),
            (None, _) => "삭제된 메시지입니다.".to_owned(),
        });
        LegacyRoom {
            number: room.number,
            peer: self.legacy_peer(room),
            last_sent_at: last_message.is_some().then(|| local(room.last_at)),
            last_message,
            unread: room.unread(),
        }
    }

    fn legacy_peer(&self, room: &Room) -> LegacyPeer {
        let gone = || LegacyPeer {
            number: 0,
            nickname: NOBODY.to_owned(),
            image_url: self.pictures.default(),
        };
        let known = |peer: PeerView| LegacyPeer {
            number: peer.number,
            nickname: peer.nickname,
            image_url: peer.picture.map_or_else(|| self.pictures.default(), |one| one.medium),
        };
        peer_of(room, &self.pictures).map_or_else(gone, known)
    }

    /// Reads the messages of a room after a time, or the newest ones, and marks them read.
    pub(crate) async fn read_by_number(
        &self,
        user: UserId,
        number: u64,
        after: Option<PrimitiveDateTime>,
    ) -> Result<(LegacyPeer, Vec<LegacyMessage>), ApiError> {
        let room = self.find_by_number(user, number).await?;
        let who = Person { id: user, number: self.number_of(user).await? };
        self.read(who, room, Seq::MAX).await?;
        let reading = bounded(async {
            let mut lent = self.pool.acquire().await?;
            let entries = list_before(&mut lent, room, user, Seq::MAX, MESSAGES).await?;
            let reads = list_reads(&mut lent, room).await?;
            let room = find_room(&mut lent, user, room).await?;
            Ok::<_, sqlx::Error>(room.map(|room| (room, entries, reads)))
        });
        let (room, mut entries, reads) = reading.await?.ok_or(Refusal::NotFound)?;
        entries.reverse();
        entries.retain(|entry| entry.is_message() && entry.deleted_at.is_none());
        let times: Vec<PrimitiveDateTime> =
            entries.iter().map(|entry| local(entry.sent_at)).collect();
        let first = first_unknown(&times, after);
        let reads = Reads::new(reads);
        let write = |entry: &Entry| self.legacy_message(entry, user, &reads);
        Ok((self.legacy_peer(&room), entries[first..].iter().map(write).collect()))
    }

    fn legacy_message(&self, entry: &Entry, user: UserId, reads: &Reads) -> LegacyMessage {
        let unread = reads.unread(entry.seq);
        let view = EntryView::new(entry, unread, &self.pictures);
        LegacyMessage {
            seq: entry.seq,
            sender: entry.sender_number.unwrap_or_default(),
            content: legacy_content(&view),
            sent_at: local(entry.sent_at),
            is_read: unread == 0,
            is_mine: entry.sender_id == Some(user),
            kind: if view.pictures.is_empty() { "TEXT" } else { "IMAGE" },
        }
    }

    /// Leaves a room.
    pub(crate) async fn leave_by_number(&self, user: UserId, number: u64) -> Result<(), ApiError> {
        let room = self.find_by_number(user, number).await?;
        self.leave(user, room).await
    }

    async fn find_by_number(&self, user: UserId, number: u64) -> Result<RoomId, ApiError> {
        let finding =
            bounded(async { find_by_number(&mut *self.pool.acquire().await?, user, number).await });
        Ok(finding.await?.ok_or(Refusal::NotFound)?)
    }

    async fn room_of(&self, user: UserId, room: RoomId) -> Result<Room, ApiError> {
        let finding =
            bounded(async { find_room(&mut *self.pool.acquire().await?, user, room).await });
        Ok(finding.await?.ok_or(Refusal::NotFound)?)
    }
}

/// The first message that a client does not know which knows one of the second `after`. Clients say whole seconds: of the
/// messages of that second the first is the one that they know, the others may be new.
fn first_unknown(times: &[PrimitiveDateTime], after: Option<PrimitiveDateTime>) -> usize {
    let Some(after) = after else { return times.len().saturating_sub(FIRST) };
    let first = times.partition_point(|time| *time < after);
    if times.get(first) == Some(&after) { first + 1 } else { first }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn the_message_that_is_known_is_left_out_and_no_other() {
        let second = |s: u8| datetime!(2026-03-01 12:00:00).replace_second(s).unwrap();
        let times = [second(1), second(2), second(2), second(3)];
        assert_eq!(first_unknown(&times, None), 0);
        assert_eq!(first_unknown(&times, Some(second(0))), 0);
        assert_eq!(first_unknown(&times, Some(second(1))), 1);
        assert_eq!(first_unknown(&times, Some(second(2))), 2, "the other of that second is new");
        assert_eq!(first_unknown(&times, Some(second(3))), 4);
        assert_eq!(first_unknown(&vec![second(1); 150], None), 50);
    }

    #[test]
    fn times_are_koreas_in_whole_seconds() {
        let time = datetime!(2026-03-01 15:30:00.75 UTC);
        assert_eq!(local(time), datetime!(2026-03-02 00:30:00));
    }
}

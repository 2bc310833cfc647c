//! The decision on a batch of messages: which are stored, under which numbers, and what the others are answered. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use time::OffsetDateTime;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::lock::Head;
use crate::features::chat::model::{Content, RoomId, Seq};
use crate::features::chat::refusal::Refusal;

/// A message to store.
#[derive(Debug, Clone)]
pub(crate) struct NewMessage {
    pub(crate) id: Uuid,
    pub(crate) room: RoomId,
    pub(crate) sender: UserId,
    /// Makes a repetition the same message, within the room and of this sender.
    pub(crate) client_key: String,
    /// Of the message as it was sent.
    pub(crate) digest: [u8; 16],
    pub(crate) content: Content,
}

/// A message that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) id: Uuid,
    pub(crate) seq: Seq,
    pub(crate) sent_at: OffsetDateTime,
    /// It was stored before, by another request with the same client key.
    pub(crate) repeated: bool,
    /// The other user of a direct room, whom this message brought back.
    pub(crate) returned: Option<UserId>,
}

/// The outcome of one message.
pub(crate) type Outcome = Result<Stored, Refusal>;

/// A message by its client key.
pub(super) type Key<'a> = (RoomId, UserId, &'a str);

/// A message that was stored before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Earlier {
    pub(super) id: Uuid,
    pub(super) seq: Seq,
    pub(super) sent_at: OffsetDateTime,
    pub(super) digest: [u8; 16],
}

/// What is known of a batch's rooms, under their locks.
#[derive(Debug, Default)]
pub(super) struct Known<'a> {
    pub(super) heads: BTreeMap<RoomId, Head>,
    /// Senders who are members.
    pub(super) members: BTreeSet<(RoomId, UserId)>,
    /// Messages with the batch's client keys.
    pub(super) earlier: HashMap<Key<'a>, Earlier>,
    /// Direct rooms: both users. One that takes no messages is not among them.
    pub(super) pairs: BTreeMap<RoomId, (UserId, UserId)>,
}

/// A new row of the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed<'a> {
    pub(super) message: &'a NewMessage,
    pub(super) seq: Seq,
    pub(super) counted: u64,
}

/// A user who is a member of a direct room again, from just before a message on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Returned {
    pub(super) room: RoomId,
    pub(super) user: UserId,
    pub(super) peer: UserId,
    /// Number of the last entry before.
    pub(super) seq: Seq,
    /// Messages before.
    pub(super) counted: u64,
}

/// The decision.
#[derive(Debug, Default)]
pub(super) struct Decided<'a> {
    pub(super) outcomes: Vec<Outcome>,
    pub(super) placed: Vec<Placed<'a>>,
    pub(super) returned: Vec<Returned>,
}

/// Decides in the order of the batch; moves the heads of rooms on.
pub(super) fn decide<'a>(
    items: &'a [NewMessage],
    known: &mut Known<'a>,
    now: OffsetDateTime,
) -> Decided<'a> {
    let mut decided = Decided::default();
    for item in items {
        let outcome = decide_one(item, known, now, &mut decided);
        decided.outcomes.push(outcome);
    }
    decided
}

fn decide_one<'a>(
    item: &'a NewMessage,
    known: &mut Known<'a>,
    now: OffsetDateTime,
    decided: &mut Decided<'a>,
) -> Outcome {
    let NewMessage { room, sender, .. } = *item;
    let head = known.heads.get_mut(&room).ok_or(Refusal::NotFound)?;
    if !known.members.contains(&(room, sender)) {
        return Err(Refusal::NotFound);
    }
    let key = (room, sender, item.client_key.as_str());
    if let Some(earlier) = known.earlier.get(&key) {
        if earlier.digest != item.digest {
            return Err(Refusal::ClientKeyReused);
        }
        let Earlier { id, seq, sent_at, .. } = *earlier;
        return Ok(Stored { id, seq, sent_at, repeated: true, returned: None });
    }
    let pair = known.pairs.get(&room).copied();
    if head.is_direct && pair.is_none() {
        return Err(Refusal::RoomClosed);
    }
    let mut returned = None;
    if let Some((low, high)) = pair.filter(|_| head.members < 2) {
        let user = if sender == low { high } else { low };
        let (seq, counted) = (head.last_seq, head.counted);
        decided.returned.push(Returned { room, user, peer: sender, seq, counted });
        head.members = 2;
        returned = Some(user);
    }
    head.last_seq += 1;
    head.counted += 1;
    // A replica's clock may be behind another's: a room's times follow its numbers.
    head.last_at = head.last_at.max(now);
    let (seq, sent_at) = (head.last_seq, head.last_at);
    decided.placed.push(Placed { message: item, seq, counted: head.counted });
    known.earlier.insert(key, Earlier { id: item.id, seq, sent_at, digest: item.digest });
    Ok(Stored { id: item.id, seq, sent_at, repeated: false, returned })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(room: RoomId, sender: UserId, key: &str, digest: u8) -> NewMessage {
        NewMessage {
            id: Uuid::now_v7(),
            room,
            sender,
            client_key: key.to_owned(),
            digest: [digest; 16],
            content: Content { text: Some("hello".to_owned()), pictures: vec![] },
        }
    }

    fn user() -> UserId {
        UserId(Uuid::now_v7())
    }

    fn known(room: RoomId, is_direct: bool, members: &[UserId]) -> Known<'static> {
        let head = Head {
            is_direct,
            members: u32::try_from(members.len()).unwrap(),
            last_seq: 7,
            counted: 5,
            last_at: OffsetDateTime::UNIX_EPOCH,
            owner: None,
        };
        Known {
            heads: BTreeMap::from([(room, head)]),
            members: members.iter().map(|user| (room, *user)).collect(),
            ..Known::default()
        }
    }

    #[test]
    fn messages_take_the_next_numbers_in_their_order() {
        let (room, alice, bob) = (RoomId::generate(), user(), user());
        let items = [message(room, alice, "a", 1), message(room, bob, "a", 1)];
        let mut known = known(room, false, &[alice, bob]);
        let decided = decide(&items, &mut known, OffsetDateTime::now_utc());
        let seqs: Vec<Seq> = decided.outcomes.iter().map(|stored| stored.unwrap().seq).collect();
        assert_eq!(seqs, [8, 9]);
        assert_eq!(decided.placed.iter().map(|row| row.counted).collect::<Vec<_>>(), [6, 7]);
    }

    #[test]
    fn a_repetition_is_the_same_message_and_another_text_with_its_key_is_refused() {
        let (room, alice) = (RoomId::generate(), user());
        let items = [
            message(room, alice, "a", 1),
            message(room, alice, "a", 1),
            message(room, alice, "a", 2),
        ];
        let mut known = known(room, false, &[alice]);
        let decided = decide(&items, &mut known, OffsetDateTime::now_utc());
        let first = decided.outcomes[0].unwrap();
        assert_eq!(decided.outcomes[1], Ok(Stored { repeated: true, ..first }));
        assert_eq!(decided.outcomes[2], Err(Refusal::ClientKeyReused));
        assert_eq!(decided.placed.len(), 1);
    }

    #[test]
    fn strangers_and_unknown_rooms_are_not_told_apart() {
        let (room, alice) = (RoomId::generate(), user());
        let items = [message(room, user(), "a", 1), message(RoomId::generate(), alice, "a", 1)];
        let decided = decide(&items, &mut known(room, false, &[alice]), OffsetDateTime::now_utc());
        assert_eq!(decided.outcomes, [Err(Refusal::NotFound), Err(Refusal::NotFound)]);
    }

    #[test]
    fn a_message_brings_the_other_user_of_a_direct_room_back_once() {
        let (room, alice, bob) = (RoomId::generate(), user(), user());
        let items = [message(room, alice, "a", 1), message(room, alice, "b", 1)];
        let mut known = known(room, true, &[alice]);
        known.pairs.insert(room, (alice, bob));
        let decided = decide(&items, &mut known, OffsetDateTime::now_utc());
        assert_eq!(
            decided.returned,
            [Returned { room, user: bob, peer: alice, seq: 7, counted: 5 }]
        );
        assert_eq!(decided.outcomes[0].unwrap().returned, Some(bob));
        assert_eq!(decided.outcomes[1].unwrap().returned, None);
        known.pairs.clear();
        let decided = decide(&items[..1], &mut known, OffsetDateTime::now_utc());
        assert!(decided.outcomes[0].is_ok_and(|stored| stored.repeated), "stored before");
        let closed = [message(room, alice, "c", 1)];
        let mut known = self::known(room, true, &[alice]);
        let decided = decide(&closed, &mut known, OffsetDateTime::now_utc());
        assert_eq!(decided.outcomes, [Err(Refusal::RoomClosed)]);
    }
}

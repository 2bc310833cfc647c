//! Folding, as pure rules: what becomes of unread notices when something happens.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::{NewNotice, NoticeId, NoticeKind};

/// Different people that a notice counts exactly. Beyond, whoever comes again is counted again.
pub(super) const EXACT_ACTORS: u32 = 1000;

/// What an unread notice is found by: user, kind and subject.
pub(super) type Key = (UserId, NoticeKind, Uuid);

/// The column `open_key` of an unread notice.
pub(super) fn open_key((user, kind, subject): Key) -> [u8; 32] {
    let digest = Sha256::new().chain_update(user.0).chain_update(subject);
    digest.chain_update(kind.as_str()).finalize().into()
}

/// An unread notice as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) id: NoticeId,
    pub(super) actors: u32,
    /// Those of the people asked about whom it counts already.
    pub(super) known: BTreeSet<UserId>,
}

/// What is to be written of one notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) id: NoticeId,
    pub(super) key: Key,
    /// True if there is no row yet.
    pub(super) is_new: bool,
    /// Who came last.
    pub(super) actor: UserId,
    /// People to remember.
    pub(super) remembered: Vec<UserId>,
    /// How many different people come in addition.
    pub(super) actors_added: u32,
    /// How often it has happened in addition.
    pub(super) times_added: u32,
    /// True if browsers and phones are told.
    pub(super) is_pushed: bool,
}

/// Groups what has happened by notice, in order.
pub(super) fn by_key(news: &[NewNotice]) -> BTreeMap<Key, Vec<UserId>> {
    let mut groups: BTreeMap<Key, Vec<UserId>> = BTreeMap::new();
    for one in news {
        groups.entry((one.user, one.kind, one.subject)).or_default().push(one.actor);
    }
    groups
}

/// Decides what becomes of a notice when `actors` act in this order; `None` if nothing is new in it.
pub(super) fn fold(key: Key, open: Option<&Open>, actors: &[UserId]) -> Option<Change> {
    let before = open.map_or(0, |open| open.actors);
    let known = |actor: &UserId| open.is_some_and(|open| open.known.contains(actor));
    let mut added: Vec<UserId> = Vec::new();
    for actor in actors {
        if !known(actor) && !added.contains(actor) {
            added.push(*actor);
        }
    }
    let news = if key.1.repeats() { actors.len() } else { added.len() };
    let actor = if key.1.repeats() { actors.last() } else { added.last() };
    let after = before.saturating_add(count(added.len()));
    let (&actor, is_new) = (actor?, open.is_none());
    let room = usize::try_from(EXACT_ACTORS.saturating_sub(before)).unwrap_or(usize::MAX);
    Some(Change {
        id: open.map_or_else(|| NoticeId(Uuid::now_v7()), |open| open.id),
        key,
        is_new,
        actor,
        actors_added: after - before,
        times_added: count(news),
        is_pushed: key.1.repeats() || passes_a_milestone(before, after),
        remembered: added.into_iter().take(room).collect(),
    })
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// True if a count that grows passes 1, 5, 10, 50, 100, 500 and so on: a device rings a few times for a thousand likes.
fn passes_a_milestone(before: u32, after: u32) -> bool {
    let milestones =
        (0..9).flat_map(|power| [10_u32.pow(power), 5 * 10_u32.pow(power).min(1 << 29)]);
    milestones.into_iter().any(|milestone| before < milestone && milestone <= after)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn person(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    fn key(kind: NoticeKind) -> Key {
        (person(99), kind, Uuid::from_u128(7))
    }

    #[test]
    fn a_like_that_comes_again_is_no_news() {
        let first = fold(key(NoticeKind::PostLiked), None, &[person(1), person(1)]).unwrap();
        assert!(first.is_new && first.is_pushed);
        assert_eq!((first.actors_added, first.times_added), (1, 1));
        let open = Open { id: first.id, actors: 1, known: [person(1)].into() };
        assert_eq!(fold(key(NoticeKind::PostLiked), Some(&open), &[person(1)]), None);
    }

    #[test]
    fn a_message_of_the_same_person_is_news() {
        let open = Open { id: NoticeId(Uuid::now_v7()), actors: 1, known: [person(1)].into() };
        let change = fold(key(NoticeKind::ChatMessage), Some(&open), &[person(1)]).unwrap();
        assert_eq!((change.actors_added, change.times_added, change.is_pushed), (0, 1, true));
        assert!(change.remembered.is_empty() && !change.is_new);
    }

    #[test]
    fn a_thousand_likes_ring_a_device_seven_times() {
        let rings = (0..1000).filter(|before| passes_a_milestone(*before, before + 1));
        assert_eq!(rings.collect::<Vec<_>>(), [0, 4, 9, 49, 99, 499, 999]);
    }

    #[test]
    fn keys_of_different_notices_differ() {
        let likes = open_key(key(NoticeKind::PostLiked));
        assert_eq!(likes, open_key(key(NoticeKind::PostLiked)));
        assert_ne!(likes, open_key(key(NoticeKind::PostCommented)));
        assert_ne!(likes, open_key((person(98), NoticeKind::PostLiked, Uuid::from_u128(7))));
    }

    proptest! {
        #[test]
        fn however_likes_are_batched_each_person_counts_once(
            batches in prop::collection::vec(prop::collection::vec(1..20_u128, 1..8), 1..20),
        ) {
            let key = key(NoticeKind::PostLiked);
            let mut open: Option<Open> = None;
            for batch in &batches {
                let actors: Vec<UserId> = batch.iter().copied().map(person).collect();
                let Some(change) = fold(key, open.as_ref(), &actors) else { continue };
                let mut known = open.as_ref().map(|open| open.known.clone()).unwrap_or_default();
                known.extend(change.remembered);
                let before = open.map_or(0, |open| open.actors);
                open = Some(Open { id: change.id, actors: before + change.actors_added, known });
            }
            let people: BTreeSet<UserId> = batches.iter().flatten().copied().map(person).collect();
            let counted = open.map_or(0, |open| open.actors);
            prop_assert_eq!(usize::try_from(counted).unwrap(), people.len());
        }
    }
}

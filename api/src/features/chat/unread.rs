//! How many members have not read a message: counted from the members' marks, without a row for each reader.

use std::collections::HashMap;

use toneup_platform::identity::UserId;

use super::model::Seq;

/// The marks of a room's members.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reads {
    marks: HashMap<UserId, Seq>,
    /// The same marks, in ascending order.
    sorted: Vec<Seq>,
}

impl Reads {
    /// Takes the marks as they are in the database.
    pub(crate) fn new(marks: impl IntoIterator<Item = (UserId, Seq)>) -> Self {
        let marks: HashMap<UserId, Seq> = marks.into_iter().collect();
        let mut sorted: Vec<Seq> = marks.values().copied().collect();
        sorted.sort_unstable();
        Self { marks, sorted }
    }

    /// The number of members.
    pub(crate) fn members(&self) -> usize {
        self.marks.len()
    }

    /// How far a member has read; `None` for others.
    pub(crate) fn of(&self, user: UserId) -> Option<Seq> {
        self.marks.get(&user).copied()
    }

    /// The members and their marks.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (UserId, Seq)> {
        self.marks.iter().map(|(user, seq)| (*user, *seq))
    }

    /// Moves a member's mark forward, never back; adds whoever is new. Returns true if it has moved.
    pub(crate) fn mark(&mut self, user: UserId, seq: Seq) -> bool {
        match self.marks.get(&user) {
            Some(old) if *old >= seq => return false,
            Some(old) => {
                let old = *old;
                self.take(old);
            }
            None => {}
        }
        self.marks.insert(user, seq);
        let place = self.sorted.partition_point(|other| *other < seq);
        self.sorted.insert(place, seq);
        true
    }

    /// Forgets whoever has left.
    pub(crate) fn remove(&mut self, user: UserId) {
        if let Some(seq) = self.marks.remove(&user) {
            self.take(seq);
        }
    }

    /// The number of members who have not read the message of this number.
    pub(crate) fn unread(&self, seq: Seq) -> usize {
        self.sorted.partition_point(|mark| *mark < seq)
    }

    fn take(&mut self, seq: Seq) {
        let place = self.sorted.partition_point(|other| *other < seq);
        self.sorted.remove(place);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    proptest! {
        #[test]
        fn the_sorted_marks_say_what_a_count_over_all_members_says(
            steps in prop::collection::vec((0..6_u128, 0..20_u64, prop::bool::weighted(0.8)), 0..60)
        ) {
            let mut reads = Reads::default();
            let mut plain: HashMap<UserId, Seq> = HashMap::new();
            for (user, seq, marks) in steps {
                let user = UserId(Uuid::from_u128(user));
                if marks {
                    let moved = plain.get(&user).is_none_or(|old| *old < seq);
                    prop_assert_eq!(reads.mark(user, seq), moved);
                    let mark = plain.entry(user).or_default();
                    *mark = seq.max(*mark);
                } else {
                    reads.remove(user);
                    plain.remove(&user);
                }
                for seq in 0..22 {
                    let counted = plain.values().filter(|mark| **mark < seq).count();
                    prop_assert_eq!(reads.unread(seq), counted);
                }
                prop_assert_eq!(reads.members(), plain.len());
            }
        }
    }
}

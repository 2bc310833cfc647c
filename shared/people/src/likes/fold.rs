//! Many wishes folded into few changes, as if each had been granted alone, in order.

use std::collections::{BTreeMap, HashMap, HashSet};

use toneup_platform::identity::UserId;

use super::target::Target;

/// What somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// To like it.
    Like,
    /// To like it no longer.
    Unlike,
    /// To like it if that is not so, and no longer if it is.
    Toggle,
}

/// A wish about a target that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// The thing.
    pub target: Target,
    /// Who wants it.
    pub user: UserId,
    /// What they want.
    pub wish: Wish,
}

/// What somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Liked {
    /// The user likes it now.
    pub liked: bool,
    /// Likes of it now.
    pub likes: u32,
}

/// Who likes what.
pub(super) type Like = (Target, UserId);

/// The changes that wishes come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Folded {
    /// What each is told, in order; `None`: the target has no counters.
    pub(super) told: Vec<Option<Liked>>,
    /// Likes to write.
    pub(super) added: Vec<Like>,
    /// Likes to delete.
    pub(super) removed: Vec<Like>,
    /// Counts that differ from before.
    pub(super) counts: BTreeMap<Target, u32>,
}

/// Folds `asks` in their order, given the counts of likes and which of the likes are there.
pub(super) fn fold(asks: &[Ask], counts: &HashMap<Target, u32>, present: &HashSet<Like>) -> Folded {
    let mut now: HashMap<Like, bool> = HashMap::new();
    // In order of their first wish: likes written together keep their order.
    let mut touched = Vec::new();
    let mut likes = counts.clone();
    let mut told = Vec::with_capacity(asks.len());
    for ask in asks {
        let Some(count) = likes.get_mut(&ask.target) else {
            told.push(None);
            continue;
        };
        let like = (ask.target, ask.user);
        let liked = now.entry(like).or_insert_with(|| {
            touched.push(like);
            present.contains(&like)
        });
        let wanted = match ask.wish {
            Wish::Like => true,
            Wish::Unlike => false,
            Wish::Toggle => !*liked,
        };
        match (*liked, wanted) {
            (false, true) => *count += 1,
            (true, false) => *count = count.saturating_sub(1),
            _ => {}
        }
        *liked = wanted;
        told.push(Some(Liked { liked: wanted, likes: *count }));
    }
    let changed = touched.into_iter().filter(|like| now[like] != present.contains(like));
    let (added, removed) = changed.partition(|like| now[like]);
    likes.retain(|target, count| counts[target] != *count);
    Folded { told, added, removed, counts: likes.into_iter().collect() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::likes::target::TargetKind;

    fn target(number: u64) -> Target {
        Target { kind: TargetKind::Post, number }
    }

    fn user(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    /// One wish after the other, each on the sets themselves.
    fn one_by_one(asks: &[Ask], likes: &mut HashSet<Like>, targets: u64) -> Vec<Option<Liked>> {
        let count = |likes: &HashSet<Like>, of: Target| {
            u32::try_from(likes.iter().filter(|(target, _)| *target == of).count()).unwrap()
        };
        let mut told = Vec::new();
        for ask in asks {
            if ask.target.number >= targets {
                told.push(None);
                continue;
            }
            let like = (ask.target, ask.user);
            let liked = match ask.wish {
                Wish::Like => true,
                Wish::Unlike => false,
                Wish::Toggle => !likes.contains(&like),
            };
            if liked {
                likes.insert(like);
            } else {
                likes.remove(&like);
            }
            told.push(Some(Liked { liked, likes: count(likes, ask.target) }));
        }
        told
    }

    proptest! {
        #[test]
        fn a_batch_is_as_if_each_had_been_granted_alone(
            before in prop::collection::hash_set((0..4_u64, 0..6_u128), 0..20),
            asks in prop::collection::vec((0..5_u64, 0..6_u128, 0..3_u8), 0..60),
        ) {
            let before: HashSet<Like> =
                before.into_iter().map(|(t, u)| (target(t), user(u))).collect();
            let wish = |n| [Wish::Like, Wish::Unlike, Wish::Toggle][usize::from(n)];
            let asks: Vec<Ask> = asks
                .into_iter()
                .map(|(t, u, w)| Ask { target: target(t), user: user(u), wish: wish(w) })
                .collect();
            // Target 4 has no counters.
            let mut counts: HashMap<Target, u32> = (0..4).map(|n| (target(n), 0)).collect();
            for (liked, _) in &before {
                *counts.get_mut(liked).unwrap() += 1;
            }
            let folded = fold(&asks, &counts, &before);
            let mut after = before.clone();
            prop_assert_eq!(&folded.told, &one_by_one(&asks, &mut after, 4));
            let mut written = before.clone();
            for like in &folded.removed {
                prop_assert!(written.remove(like));
            }
            for like in &folded.added {
                prop_assert!(written.insert(*like));
            }
            prop_assert_eq!(&written, &after);
            counts.extend(folded.counts.iter());
            for (target, count) in counts {
                let rows = after.iter().filter(|(liked, _)| *liked == target).count();
                prop_assert_eq!(usize::try_from(count).unwrap(), rows);
            }
        }
    }
}
